/** G11: everybody comes back at once without a place to go on from, so each gets a full update, beside a bare ws server. */
import WebSocket from 'ws';
import { Crowd, type CrowdMember, percentile } from '../../support/crowd.ts';
import { eventually } from '../../support/eventually.ts';
import { type PeerProcess, startPeer } from '../peer-process.ts';
import { cpuSeconds } from '../processes.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import { textOf } from '../target.ts';
import { act, inTurns, openPage, type Page, Tandem } from '../targets/tandem.ts';

const VISITORS = 5_000;
/** The first question and the messages behind it. */
const MESSAGES = 4;
/** Come and go before, so that neither server is compiling while it is measured: a node that others flee to is no new one. */
const WARM_UP = 500;
const WITHIN_MS = 60_000;

export const storm: Scenario = {
  name: 'storm',
  about: 'G11: 5,000 visitors reconnect at once and get full updates, beside a bare ws server that sends as many bytes',
  async round(context) {
    const cluster = new Tandem(context.services);
    let bare: PeerProcess | undefined;
    try {
      await cluster.prepare(0, 1);
      await cluster.startNodes(2);
      const [a, b] = cluster.nodes;
      if (a === undefined || b === undefined) throw new Error('two nodes are needed');
      const count = Math.round(VISITORS / context.divisor);
      const numbers = Array.from({ length: count + WARM_UP }, (_, i) => i);
      // On B: A sees these pages for the first time when the storm comes, as when another node has died.
      const pages = await inTurns(numbers, i => openConversation(b.url, i));
      const ws = a.url.replace('http', 'ws');
      const everybody = pages.map(({ pageId, authToken }) => {
        const query = new URLSearchParams({ 'page-id': pageId, 'auth-token': authToken });
        return { url: `${ws}/ws/v/delta?${query.toString()}` };
      });
      await eventually(async () => (await a.metric('replica_chats')) === numbers.length, { within: 20_000 });
      const [members, others] = [everybody.slice(0, count), everybody.slice(count)];
      const frameBytes = await firstFrameBytes(others[0]?.url ?? '');
      bare = await startPeer('bare-ws.mjs', { frameBytes });
      const bareUrl = `ws://127.0.0.1:${bare.port}/`;
      const bareMembers = members.map(() => ({ url: bareUrl }));
      await gust(a.pid, others);
      await gust(
        bare.pid,
        others.map(() => ({ url: bareUrl })),
      );
      // The first time heaps grow on both, and the node looks up pages that it has not seen.
      for (const time of [', first time', '']) {
        await weather(context, `bare-ws${time}`, bare.pid, bareMembers, frameBytes);
        await weather(context, `tandem${time}`, a.pid, members, frameBytes);
      }
    } finally {
      await bare?.stop();
      await cluster.stop();
    }
  },
};

async function openConversation(url: string, i: number): Promise<Page> {
  const page = await openPage(url);
  await act(url, page, { action: 'chat.start', 'client-side-id': `chat-${i}`, 'first-question': textOf(i) });
  for (let k = 1; k < MESSAGES; k++) {
    await act(url, page, { action: 'chat.message', 'client-side-id': `${i}-${k}`, message: textOf(i * MESSAGES + k) });
  }
  return page;
}

async function firstFrameBytes(url: string): Promise<number> {
  const socket = new WebSocket(url);
  try {
    return await new Promise((resolve, reject) => {
      socket.once('message', data => resolve((data as Buffer).length)).once('error', reject);
    });
  } finally {
    socket.terminate();
  }
}

async function weather(context: BenchContext, subject: string, pid: number, members: readonly CrowdMember[], frameBytes: number) {
  const { crowd, ...times } = await gust(pid, members);
  context.record('storm', subject, {
    visitors: members.length,
    frameBytes,
    waitMs: { p50: percentile(crowd.waitsMs, 0.5), p99: percentile(crowd.waitsMs, 0.99) },
    failed: crowd.failed,
    fullUpdates: crowd.fullUpdates,
    toldToComeBack: crowd.refused,
    ...times,
  });
}

/** All connect at once; over when each has his first frame. */
async function gust(pid: number, members: readonly CrowdMember[]) {
  const crowd = new Crowd(members);
  try {
    const [cpuBefore, ownBefore, startedMs] = [cpuSeconds(pid), process.cpuUsage(), performance.now()];
    crowd.connectAll();
    await eventually(() => crowd.waitsMs.length === members.length, { within: WITHIN_MS, every: 5 });
    const own = process.cpuUsage(ownBefore);
    return {
      crowd,
      seconds: Number(((performance.now() - startedMs) / 1_000).toFixed(3)),
      serverCpuSeconds: Number((cpuSeconds(pid) - cpuBefore).toFixed(2)),
      generatorCpuSeconds: Number(((own.user + own.system) / 1e6).toFixed(2)),
    };
  } finally {
    crowd.stop();
    await calm(pid);
  }
}

/** The server is done with those who left: the next storm must not pay for it. */
async function calm(pid: number): Promise<void> {
  let last = Number.NaN;
  await eventually(
    () => {
      const [now, before] = [cpuSeconds(pid), last];
      last = now;
      return now - before <= 0.02;
    },
    { within: 10_000, every: 250 },
  );
}
