/** G15: from the start of the process until /readyz says 200, with 100,000 open chats in the database and with none. */
import { heapAfterGc, INSPECTED } from '../../support/inspector.ts';
import { cpuSeconds, rssMib } from '../processes.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import { seedOpenChats } from '../seed.ts';
import { MASTER, Tandem } from '../targets/tandem.ts';

const CHATS = 100_000;
const OPERATORS = 500;
const STARTS = 3;

export const coldStart: Scenario = {
  name: 'cold-start',
  about: 'G15: starts of a node with 100,000 open chats and 500 operators, and with none',
  async round(context) {
    await starts(context, 'no chats', 0);
    await starts(context, 'open chats', Math.round(CHATS / context.divisor));
  },
};

async function starts(context: BenchContext, subject: string, chats: number): Promise<void> {
  const cluster = new Tandem(context.services, { nodeFlags: [INSPECTED.NODE_OPTIONS] });
  try {
    await cluster.prepare(OPERATORS, Math.ceil(CHATS / OPERATORS));
    if (chats > 0) await seedOpenChats(cluster.database, chats);
    const startNode = await cluster.place([MASTER, 'chat-slave']);
    for (let i = 0; i < STARTS; i++) {
      const startedMs = performance.now();
      const node = await startNode(MASTER);
      const seconds = Number(((performance.now() - startedMs) / 1_000).toFixed(3));
      const [cpu, rss] = [cpuSeconds(node.pid), Math.round(rssMib(node.pid))];
      if ((await node.metric('replica_chats')) !== chats) throw new Error('the node is ready without its chats');
      const { heapUsed } = await heapAfterGc(node);
      context.record('cold-start', subject, {
        chats,
        seconds,
        nodeCpuSeconds: Number(cpu.toFixed(2)),
        rssMib: rss,
        rssAfterGcMib: Math.round(rssMib(node.pid)),
        heapAfterGcMib: Math.round(heapUsed / 2 ** 20),
      });
      await node.stop();
    }
  } finally {
    await cluster.stop();
  }
}
