/** Runs code inside a node process through Node's own inspector: how a test blocks an event loop without a hook in src. */
import WebSocket from 'ws';
import type { NodeProcess } from './process.ts';
import { eventually } from './eventually.ts';

/** For the environment of the node. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

export async function blockEventLoop(node: NodeProcess, ms: number): Promise<void> {
  const url = await eventually(() => /Debugger listening on (ws:\/\/\S+)/.exec(node.log())?.[1] ?? false);
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const expression = `{ const end = performance.now() + ${ms}; while (performance.now() < end); }`;
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
  await new Promise(resolve => socket.once('message', resolve).once('close', resolve).once('error', resolve));
  socket.terminate();
}
