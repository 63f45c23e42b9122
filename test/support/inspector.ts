/** Asks a node process through Node's own inspector: how a test blocks an event loop, or measures memory, without a hook in src. */
import WebSocket from 'ws';
import { eventually } from './eventually.ts';

/** For the environment of the node. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** A process started with --inspect whose stderr is kept. */
export interface Inspected {
  log(): string;
}

export interface Heap {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

export async function blockEventLoop(node: Inspected, ms: number): Promise<void> {
  const expression = `{ const end = performance.now() + ${ms}; while (performance.now() < end); }`;
  await ask(node, 'Runtime.evaluate', { expression });
}

/** In bytes, after a full garbage collection. */
export async function heapAfterGc(node: Inspected): Promise<Heap> {
  await ask(node, 'HeapProfiler.collectGarbage');
  const { result } = await ask(node, 'Runtime.evaluate', { expression: 'process.memoryUsage()', returnByValue: true });
  if (result === undefined) throw new Error('the inspector went away');
  return result.result.value;
}

interface Answer {
  readonly result?: { readonly result: { readonly value: Heap } };
}

/** An empty answer when the process ended meanwhile. */
async function ask(node: Inspected, method: string, params: object = {}): Promise<Answer> {
  const url = await eventually(() => /Debugger listening on (ws:\/\/\S+)/.exec(node.log())?.[1] ?? false);
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.send(JSON.stringify({ id: 1, method, params }));
  const answer = await new Promise<string>(resolve => {
    const gone = (): void => resolve('{}');
    socket
      .once('message', data => resolve((data as Buffer).toString()))
      .once('close', gone)
      .once('error', gone);
  });
  socket.terminate();
  return JSON.parse(answer) as Answer;
}
