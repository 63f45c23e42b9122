/** The state table: made of the table itself, of what the mobile SDKs' documentation allows, and of the page that describes it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { moveChat } from '../../src/commands/move-chat.ts';
import { CLOSED_STATES, type ChatState, isOpen, OPEN_STATES } from '../../src/domain/chat.ts';
import { type Move, MOVES, stateAfter, visibleState } from '../../src/domain/chat-states.ts';
import { ChatError } from '../../src/domain/error.ts';
import { aChat } from '../support/rows.ts';

const STATES: readonly ChatState[] = [...OPEN_STATES, ...CLOSED_STATES];
const ALL_MOVES = Object.keys(MOVES) as Move[];

/** As the SDKs' documentation has them, by what apps see; NONE stands for any closed state. */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  NONE: ['queue', 'invitation'],
  queue: ['chatting', 'chatting_with_robot', 'NONE', 'closed_by_operator', 'closed_by_visitor'],
  chatting: ['closed_by_operator', 'closed_by_visitor', 'NONE'],
  chatting_with_robot: ['chatting', 'routing', 'closed_by_visitor', 'NONE', 'closed_by_operator'],
  closed_by_operator: ['chatting', 'queue', 'NONE'],
  closed_by_visitor: ['queue', 'NONE'],
  invitation: ['chatting', 'NONE', 'closed_by_visitor'],
  routing: ['queue', 'closed_by_operator', 'closed_by_visitor', 'NONE'],
};

describe('the state table', () => {
  for (const state of STATES) {
    for (const move of ALL_MOVES) {
      const after = stateAfter(state, move);
      test(`${move} in ${state}: ${after ?? 'refused'}`, () => {
        const chat = aChat({ state, operatorId: state === 'queue' ? null : 1 });
        const run = () => moveChat(chat, move, { atUs: 1, by: null });
        if (after !== undefined) {
          assert.equal(run().state, after);
          return;
        }
        assert.throws(run, (error: unknown) => {
          assert.ok(error instanceof ChatError, String(error));
          assert.deepEqual([error.code, error.reason], ['conflict', isOpen(chat) ? 'wrong-chat-state' : 'chat-closed']);
          return true;
        });
      });
    }
  }

  test('visitors see only moves that the SDKs know, and going back to the queue', () => {
    for (const move of ALL_MOVES) {
      for (const state of STATES) {
        const after = stateAfter(state, move);
        if (after === undefined) continue;
        const [from, to] = [visibleState(state), visibleState(after)];
        if (from === to || (from === 'chatting' && to === 'queue')) continue;
        const known = [...(DOCUMENTED[from] ?? []), ...(from.startsWith('closed') ? (DOCUMENTED['NONE'] ?? []) : [])];
        assert.ok(known.includes(to) || (known.includes('NONE') && to === 'closed'), `${move}: ${from} to ${to}`);
      }
    }
  });

  test('a chat that is open can always be ended, by its visitor and by time; one that is closed never is again', () => {
    for (const state of OPEN_STATES) {
      assert.ok(stateAfter(state, 'closed-by-visitor')?.startsWith('closed'), state);
      assert.equal(stateAfter(state, 'expired'), 'closed', state);
    }
    for (const state of CLOSED_STATES)
      for (const move of ['closed-by-visitor', 'expired', 'taken'] as const) assert.equal(stateAfter(state, move), undefined);
  });

  test('docs/chat-states.md has every move, from where to where', () => {
    const [, page = ''] = readFileSync(new URL('../../docs/chat-states.md', import.meta.url), 'utf8').split('## Moves');
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \|/gm)].map(([, move = '', from = '', to = '']) => ({
      move,
      from: [...from.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name),
      to: [...to.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name),
    }));
    for (const move of ALL_MOVES) {
      const said = rows.filter(row => row.move === move);
      const told = said.flatMap(row => row.from.map(from => `${from} ${row.to[0]}`)).sort();
      assert.deepEqual(
        told,
        Object.entries(MOVES[move])
          .map(([from, to]) => `${from} ${to}`)
          .sort(),
        move,
      );
    }
    assert.deepEqual(
      rows.filter(({ move }) => !ALL_MOVES.includes(move as Move) && move !== 'opened' && move !== 'invited'),
      [],
    );
  });
});
