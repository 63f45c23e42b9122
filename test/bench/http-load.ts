/**
 * Visitors who speak as the mobile SDKs do: one connection posts actions, another one holds a long poll all the time.
 * Closed loop: a visitor's next message goes out when the last one was answered and has come back by his poll.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Histogram, type Percentiles } from './histogram.ts';
import { LeanHttp } from './lean-http.ts';
import { ProcessWatch, type Watched } from './processes.ts';
import { textOf } from './target.ts';
import { cpuUsPer, usageBetween } from './usage.ts';

export interface HttpTarget {
  readonly name: string;
  readonly actionPath: string;
  readonly deltaPath: string;
  /** Returns what each visitor says about himself with every request, URL-encoded, and where his polls begin. */
  start(visitors: number): Promise<{ port: number; pages: readonly { readonly credentials: string; readonly since: string }[] }>;
  processes(): readonly Watched[];
  persisted(): Promise<number>;
  stop(): Promise<void>;
}

export interface HttpFigures {
  /** Messages a second that were answered and came back. */
  readonly throughput: number;
  readonly answer: Percentiles;
  readonly back: Percentiles;
  readonly sent: number;
  readonly lost: number;
  readonly persisted: number;
  readonly cores: Readonly<Record<string, number>>;
  readonly cpuUsPerMessage: number;
}

const WARM_UP_MS = 2_000;
/** What is under way at the end may take so long. */
const DRAIN_MS = 10_000;

export async function runHttpLoad(target: HttpTarget, visitors: number, seconds: number): Promise<HttpFigures> {
  const { port, pages } = await target.start(visitors);
  const persistedBefore = await target.persisted();
  const fromMs = performance.now() + WARM_UP_MS;
  const toMs = fromMs + seconds * 1_000;
  const [answer, back] = [new Histogram(), new Histogram()];
  const isMeasured = (ms: number): boolean => ms >= fromMs && ms < toMs;
  let [sent, came, inWindow, over] = [0, 0, 0, false];
  const connections: LeanHttp[] = [];

  const talk = async ({ credentials, since: first }: { credentials: string; since: string }): Promise<void> => {
    const [actions, polls] = [new LeanHttp(port), new LeanHttp(port)];
    connections.push(actions, polls);
    let [since, awaited, arrived] = [first, '', (): void => undefined];
    const polling = (async () => {
      while (!over) {
        const frame = await polls.get(`${target.deltaPath}?${credentials}&since=${since}`);
        since = /^\{"revision":"?(\d+)/.exec(frame)?.[1] ?? since;
        if (frame.includes(awaited)) arrived();
      }
    })();
    const speaking = (async () => {
      while (performance.now() < toMs) {
        const id = sent++;
        const sentMs = performance.now();
        awaited = `"clientSideId":"${id}"`;
        const isBack = new Promise<void>(resolve => (arrived = resolve)).then(() => {
          came += 1;
          const now = performance.now();
          if (isMeasured(now)) inWindow += 1;
          if (isMeasured(sentMs)) back.add(now - sentMs);
        });
        const form = `${credentials}&action=chat.message&client-side-id=${id}&message=${encodeURIComponent(textOf(id))}`;
        const told = await actions.post(target.actionPath, form);
        if (told !== '{"result":"ok"}') throw new Error(`${target.name} answered ${told}`);
        if (isMeasured(sentMs)) answer.add(performance.now() - sentMs);
        await isBack;
      }
    })();
    // A poll is always held; only one that fails ends the visitor's talk.
    await Promise.race([speaking, polling]);
    polling.catch(() => undefined);
  };

  const talks = Promise.all(pages.map(talk));
  talks.catch(() => undefined);
  await wait(WARM_UP_MS / 2);
  const usage = await Promise.race([usageBetween(new ProcessWatch(target.processes()), fromMs, toMs), talks.then(() => never())]);
  const drained = new AbortController();
  await Promise.race([talks, wait(DRAIN_MS, undefined, { signal: drained.signal }).catch(() => undefined)]);
  drained.abort();
  over = true;
  for (const connection of connections) connection.destroy();
  const throughput = Math.round(inWindow / seconds);
  return {
    throughput,
    answer: answer.percentiles(),
    back: back.percentiles(),
    sent,
    lost: sent - came,
    persisted: (await target.persisted()) - persistedBefore,
    cores: usage.cores,
    cpuUsPerMessage: cpuUsPer(throughput, usage),
  };
}

/** So that a failure of the talks is heard at once, but not their end. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
