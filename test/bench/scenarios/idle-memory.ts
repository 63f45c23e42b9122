/** G10: what an idle visitor costs in memory, beside a bare ws server; and what an open chat costs on a node that only hears of it. */
import { setTimeout as wait } from 'node:timers/promises';
import WebSocket from 'ws';
import { eventually } from '../../support/eventually.ts';
import { INSPECTED, type Inspected } from '../../support/inspector.ts';
import type { NodeProcess } from '../../support/process.ts';
import { memoryPer, settledMemory } from '../memory.ts';
import { startPeer } from '../peer-process.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import { textOf } from '../target.ts';
import { act, inTurns, openPage, Tandem } from '../targets/tandem.ts';

/** The shipped max_connections is 10,000, of which WebSockets may use 0.9. */
const CONNECTIONS = 9_000;
/** Opened and closed before: what a server compiles and loads for its first clients is no cost of a connection. */
const WARM_UP = 100;
const CHATS = 5_000;
const HELLO_BYTES = 40;
/** A node lets in 3,000 visitors a second. */
const [AT_ONCE, PACE_MS] = [100, 50];

export const idleMemory: Scenario = {
  name: 'idle-memory',
  about: 'G10: memory of 9,000 idle visitor connections on one node, beside a bare ws server; memory of 5,000 open chats',
  async round(context) {
    await bare(context);
    await tandem(context);
    await openChats(context);
  },
};

async function bare(context: BenchContext): Promise<void> {
  const server = await startPeer('bare-ws.mjs', { frameBytes: HELLO_BYTES }, ['--inspect=127.0.0.1:0']);
  const count = Math.round(CONNECTIONS / context.divisor);
  try {
    const urls = Array.from({ length: count }, () => `ws://127.0.0.1:${server.port}/`);
    context.record('idle-memory', 'bare-ws', await connectionMemory(server, urls));
  } finally {
    await server.stop();
  }
}

/** Pages are opened on the other node, so that HTTP leaves nothing behind on the one that is measured. */
async function tandem(context: BenchContext): Promise<void> {
  await onTwoNodes(context, async (a, b) => {
    const numbers = Array.from({ length: Math.round(CONNECTIONS / context.divisor) }, (_, i) => i);
    const pages = await inTurns(numbers, () => openPage(b.url));
    const urls = pages.map(({ pageId, authToken, revision }) => {
      const query = new URLSearchParams({ 'page-id': pageId, 'auth-token': authToken, since: revision });
      return `${a.url.replace('http', 'ws')}/ws/v/delta?${query.toString()}`;
    });
    context.record('idle-memory', 'tandem', await connectionMemory(a, urls));
  });
}

/** Chats wait in the queue; the node hears of them by the broker. The recent changes that it keeps for clients are part of it. */
async function openChats(context: BenchContext): Promise<void> {
  await onTwoNodes(context, async (a, b) => {
    const open = (from: number, count: number): Promise<unknown> =>
      inTurns(
        Array.from({ length: count }, (_, i) => from + i),
        async i => act(b.url, await openPage(b.url), { action: 'chat.start', 'client-side-id': `chat-${i}`, 'first-question': textOf(i) }),
      );
    const hasHeard = (count: number): Promise<true> =>
      eventually(async () => (await a.metric('replica_chats')) === count, { within: 20_000 });
    const count = Math.round(CHATS / context.divisor);
    await open(0, WARM_UP);
    await hasHeard(WARM_UP);
    const [before, ringBefore] = [await settledMemory(a), await a.metric('hub_ring_bytes')];
    await open(WARM_UP, count);
    await hasHeard(WARM_UP + count);
    const ringKib = Number((((await a.metric('hub_ring_bytes')) - ringBefore) / 1_024 / count).toFixed(2));
    context.record('idle-memory', 'tandem open chat', { chats: count, ...memoryPer(count, before, await settledMemory(a)), ringKib });
  });
}

async function onTwoNodes(context: BenchContext, measure: (a: NodeProcess, b: NodeProcess) => Promise<void>): Promise<void> {
  const cluster = new Tandem(context.services, { nodeFlags: [INSPECTED.NODE_OPTIONS] });
  try {
    await cluster.prepare(0, 1);
    await cluster.startNodes(2);
    const [a, b] = cluster.nodes;
    if (a === undefined || b === undefined) throw new Error('two nodes are needed');
    await measure(a, b);
  } finally {
    await cluster.stop();
  }
}

async function connectionMemory(server: Inspected & { readonly pid: number }, urls: readonly string[]): Promise<object> {
  const sockets: WebSocket[] = [];
  try {
    const warm = await openPaced(urls.slice(0, WARM_UP), sockets);
    const closed = warm.map(socket => new Promise(resolve => socket.once('close', resolve)));
    for (const socket of warm) socket.close();
    await Promise.all(closed);
    const before = await settledMemory(server);
    await openPaced(urls, sockets);
    return { connections: urls.length, ...memoryPer(urls.length, before, await settledMemory(server)) };
  } finally {
    for (const socket of sockets) socket.terminate();
  }
}

/** Each is open when its first frame has come. */
async function openPaced(urls: readonly string[], sockets: WebSocket[]): Promise<WebSocket[]> {
  const opened: WebSocket[] = [];
  for (let i = 0; i < urls.length; i += AT_ONCE) {
    const pace = wait(PACE_MS);
    opened.push(...(await Promise.all(urls.slice(i, i + AT_ONCE).map(url => openSocket(url, sockets)))));
    await pace;
  }
  return opened;
}

function openSocket(url: string, sockets: WebSocket[]): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket
      .once('message', () => resolve(socket))
      .once('error', reject)
      .once('close', code => reject(new Error(`closed with ${code} before the first frame`)));
  });
}
