/** Typing ends by itself when nothing more is heard, whoever typed and whatever became of them. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import type { ClientSignal } from '../../src/domain/signal.ts';
import type { RenderedDelta } from '../../src/protocol/delta.ts';
import { Signals } from '../../src/delivery/signals.ts';
import { aChat } from '../support/rows.ts';

describe('typing', () => {
  let nowMs = 0;
  let signals: Signals;
  let told: { readonly topics: readonly string[]; readonly data: unknown }[];
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    nowMs = 0;
    told = [];
    const tell = (topics: readonly string[], deltas: readonly RenderedDelta[]): void => {
      for (const delta of deltas) told.push({ topics, data: (JSON.parse(delta.json) as { data: unknown }).data });
    };
    signals = new Signals({
      hub: { tell, answerOthers: () => undefined },
      replica: { chats: new Map([[1, aChat({ id: 1, operatorId: 7 })]]), operators: new Map() },
      clock: { nowMs: () => nowMs },
    });
  });
  afterEach(() => {
    signals.stop();
    mock.timers.reset();
  });

  const pass = (ms: number): void => {
    nowMs += ms;
    mock.timers.tick(ms);
  };
  const isTyping = (): boolean => {
    const last = told.at(-1)?.data;
    return typeof last === 'object' && last !== null ? (last as { typing: boolean }).typing : last === true;
  };

  for (const signal of [
    { type: 'visitor-typing', chatId: 1, typing: true, draft: 'half a wor' },
    { type: 'operator-typing', chatId: 1, operatorId: 7, typing: true },
  ] satisfies ClientSignal[]) {
    test(`${signal.type}: ends after ten seconds of silence, told once`, () => {
      signals.hear(signal);
      assert.equal(isTyping(), true);
      pass(9_000);
      assert.equal(isTyping(), true);
      pass(1_500);
      assert.equal(isTyping(), false);
      const { length } = told;
      pass(60_000);
      assert.equal(told.length, length);
    });

    test(`${signal.type}: goes on while it is told again, and ends when it is told to`, () => {
      for (let i = 0; i < 30; i++) {
        signals.hear(signal);
        pass(1_000);
        assert.equal(isTyping(), true);
      }
      signals.hear({ ...signal, typing: false });
      const { length } = told;
      pass(60_000);
      assert.equal(told.length, length, 'and is not ended a second time');
    });
  }

  test('two who type end each in their time', () => {
    signals.hear({ type: 'visitor-typing', chatId: 1, typing: true, draft: null });
    pass(5_000);
    signals.hear({ type: 'operator-typing', chatId: 1, operatorId: 7, typing: true });
    pass(5_500);
    assert.equal(told.filter(({ data }) => JSON.stringify(data).includes('false')).length, 1);
    pass(5_000);
    assert.ok(told.filter(({ data }) => JSON.stringify(data).includes('false')).length >= 2);
  });

  test('of more than are kept the oldest ends at once', () => {
    for (let operatorId = 1; operatorId <= 20_050; operatorId++)
      signals.hear({ type: 'operator-typing', chatId: 1, operatorId, typing: true });
    const ended = told.filter(({ data }) => (data as { typing?: boolean }).typing === false);
    assert.equal(ended.length, 50);
    assert.equal((ended[0]?.data as { operatorId: number }).operatorId, 1);
  });
});
