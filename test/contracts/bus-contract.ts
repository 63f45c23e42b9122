/**
 * What every transport of the Bus must do, whatever carries it. A transport's test calls `busContract` with a way to
 * open it; no test hears of another. Hints may come without their changes (then the log is read), so only their
 * revisions are compared, and the changes where they are there.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Signal } from '../../src/domain/signal.ts';
import type { Bus, BusHandlers, IncomingEnvelope } from '../../src/ports/index.ts';
import { eventually } from '../support/eventually.ts';

export interface BusTransport {
  /** A bus of one more node of the same cluster, not started. Not to be stopped by the transport. */
  makeBus(nodeName: string): Bus;
  /** Cuts all nodes off for a moment; they come back by themselves. */
  cut(): Promise<void>;
  /** Sends every node what it cannot read. */
  sendPoison(): Promise<void>;
  close(): Promise<void>;
}

/** A bus and what it has heard, in order. */
export interface Listener {
  readonly bus: Bus;
  readonly envelopes: IncomingEnvelope[];
  readonly signals: Signal[];
  /** `interrupted` and `resumed` as they came. */
  readonly news: string[];
}

export async function listen(bus: Bus, override: Partial<BusHandlers> = {}): Promise<Listener> {
  const listener: Listener = { bus, envelopes: [], signals: [], news: [] };
  await bus.start({
    envelope: envelope => void listener.envelopes.push(envelope),
    signal: signal => void listener.signals.push(signal),
    interrupted: () => void listener.news.push('interrupted'),
    resumed: () => void listener.news.push('resumed'),
    ...override,
  });
  return listener;
}

export const BATCH = '6f1c0b0f-0000-4000-8000-000000000001';

export function publish(bus: Bus, revision: number, padding = ''): void {
  bus.publish({
    first: revision,
    last: revision,
    batchId: BATCH,
    changesJson: Buffer.from(JSON.stringify([{ type: 'chat-read-by-visitor', chatId: 1, padding }])),
  });
}

export const revisionsOf = (listener: Listener): number[] => listener.envelopes.map(envelope => envelope.first);

/** Publishes until the others hear it: while a transport comes back, what is published may be lost. */
export async function proveConnected(from: Listener, ...to: readonly Listener[]): Promise<void> {
  const start = 5_000_000 + Math.floor(Math.random() * 1e9);
  let revision = start;
  await eventually(
    () => {
      publish(from.bus, revision++);
      return to.every(listener => revisionsOf(listener).some(heard => heard >= start && heard < revision));
    },
    { within: 15_000 },
  );
}

export function busContract(name: string, open: () => Promise<BusTransport>): void {
  describe(`${name} keeps the contract of the bus:`, () => {
    let transport: BusTransport;
    let listeners: Listener[];
    const join = async (nodeName: string, override: Partial<BusHandlers> = {}): Promise<Listener> => {
      const listener = await listen(transport.makeBus(nodeName), override);
      listeners.push(listener);
      return listener;
    };

    beforeEach(async () => {
      listeners = [];
      transport = await open();
    });

    afterEach(async () => {
      await Promise.all(listeners.map(({ bus }) => bus.stop()));
      await transport.close();
    });

    test('an envelope reaches every other node once and not its sender', async () => {
      const [a, b, c] = [await join('a'), await join('b'), await join('c')];
      publish(a.bus, 1);
      publish(b.bus, 2);
      await eventually(() => revisionsOf(c).length === 2 && revisionsOf(a).length === 1 && revisionsOf(b).length === 1);
      assert.deepEqual([revisionsOf(a), revisionsOf(b), revisionsOf(c).sort()], [[2], [1], [1, 2]]);
    });

    test('the envelopes of one publisher arrive in their order and with their revisions', async () => {
      const [a, b] = [await join('a'), await join('b')];
      for (let first = 1; first < 1_000; first += 2) {
        a.bus.publish({ first, last: first + 1, batchId: BATCH, changesJson: Buffer.from('[{"type":"x","n":1},{"type":"unknown-kind"}]') });
      }
      await eventually(() => b.envelopes.length === 500);
      assert.deepEqual(
        b.envelopes.map(({ first, last }) => [first, last]),
        Array.from({ length: 500 }, (_, i) => [2 * i + 1, 2 * i + 2]),
      );
      for (const { changes, bytes } of b.envelopes) {
        assert.ok(changes === undefined || JSON.stringify(changes) === '[{"type":"x","n":1},{"type":"unknown-kind"}]');
        assert.ok(bytes > 0);
      }
    });

    test('a very large envelope arrives without its changes', async () => {
      const [a, b] = [await join('a'), await join('b')];
      publish(a.bus, 1, 'ж'.repeat(600_000));
      publish(a.bus, 2);
      await eventually(() => b.envelopes.length === 2);
      assert.deepEqual([b.envelopes[0]!.first, b.envelopes[0]!.changes], [1, undefined]);
      assert.equal(b.envelopes[1]!.first, 2);
    });

    test('a signal reaches every other node as it was', async () => {
      const [a, b, c] = [await join('a'), await join('b'), await join('c')];
      const signals: Signal[] = [
        { type: 'visitor-typing', chatId: 7, typing: true, draft: 'Grüße "und" \u2028' },
        { type: 'operator-typing', chatId: 7, operatorId: 3, typing: false },
      ];
      for (const signal of signals) a.bus.publishSignal(signal);
      await eventually(() => b.signals.length === 2 && c.signals.length === 2);
      assert.deepEqual([b.signals, c.signals, a.signals], [signals, signals, []]);
    });

    test('what cannot be read is dropped and the next envelope arrives', async () => {
      const [a, b] = [await join('a'), await join('b')];
      await transport.sendPoison();
      publish(a.bus, 1);
      await eventually(() => b.envelopes.length === 1);
      assert.deepEqual([revisionsOf(b), b.news], [[1], []]);
    });

    test('a handler that throws loses only what it was called with', async () => {
      const a = await join('a');
      const heard: number[] = [];
      await join('b', {
        envelope({ first }) {
          heard.push(first);
          if (first === 1) throw new Error('a handler that fails');
        },
      });
      publish(a.bus, 1);
      publish(a.bus, 2);
      await eventually(() => heard.length === 2);
      assert.deepEqual(heard, [1, 2]);
    });

    test('a node that is connected from the start is neither interrupted nor resumed', async () => {
      const [a, b] = [await join('a'), await join('b')];
      await proveConnected(a, b);
      assert.deepEqual([a.bus.connected, a.bus.reason, a.news, b.news], [true, undefined, [], []]);
    });

    test('a cut is told with a reason, then the return, and envelopes flow again in both directions', async () => {
      const [a, b] = [await join('a'), await join('b')];
      await transport.cut();
      await eventually(() => [a, b].every(({ news, bus }) => news.at(-1) === 'resumed' && bus.connected), { within: 15_000 });
      assert.deepEqual([a.news[0], b.news[0], a.bus.reason], ['interrupted', 'interrupted', undefined]);
      await proveConnected(a, b);
      await proveConnected(b, a);
    });

    test('publishing before the start and after the stop is no error and is not made up for', async () => {
      const b = await join('b');
      const bus = transport.makeBus('a');
      publish(bus, 1);
      bus.publishSignal({ type: 'operator-typing', chatId: 1, operatorId: 1, typing: true });
      assert.equal(bus.connected, false);
      const a = await listen(bus);
      await proveConnected(a, b);
      await bus.stop();
      publish(bus, 2);
      bus.publishSignal({ type: 'operator-typing', chatId: 1, operatorId: 1, typing: true });
      await proveConnected(await join('c'), b);
      assert.deepEqual([revisionsOf(b).filter(revision => revision < 3), b.signals], [[], []]);
    });

    test('what was published before the stop arrives, nothing is heard afterwards, and a second stop does nothing', async () => {
      const [a, b] = [await join('a'), await join('b')];
      for (let revision = 1; revision <= 200; revision++) publish(a.bus, revision);
      const startedMs = performance.now();
      await Promise.all([a.bus.stop(), a.bus.stop()]);
      await a.bus.stop();
      assert.ok(performance.now() - startedMs < 3_000, 'stop took too long');
      await eventually(() => b.envelopes.length === 200);
      assert.equal(a.bus.connected, false);
      publish(b.bus, 201);
      await proveConnected(b, await join('c'));
      assert.deepEqual([a.envelopes, a.news], [[], []]);
    });

    test('a stopped bus leaves no socket and no timer', async () => {
      const before = await settledResources();
      const bus = transport.makeBus('a');
      await listen(bus);
      assert.notDeepEqual(resources(), before, 'the check sees nothing');
      await bus.stop();
      await eventually(() => assert.deepEqual(resources(), before));
    });
  });
}

/** When what earlier tests have closed is gone. */
async function settledResources(): Promise<Record<string, number>> {
  let last = JSON.stringify(resources());
  let same = 0;
  await eventually(
    () => {
      const now = JSON.stringify(resources());
      same = now === last ? same + 1 : 0;
      last = now;
      return same >= 5;
    },
    { every: 50 },
  );
  return resources();
}

function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) if (/^(TCP|TLS|Timeout)/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
