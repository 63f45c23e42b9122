import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Change } from '../../src/domain/change.ts';
import type { HistoryRow } from '../../src/domain/chat-history.ts';
import type { Chat } from '../../src/domain/chat.ts';
import type { Department } from '../../src/domain/department.ts';
import { type Message, messageId, messageTime } from '../../src/domain/message.ts';
import type { Operator } from '../../src/domain/operator.ts';
import { apply } from '../../src/domain/state.ts';
import type { Visitor } from '../../src/domain/visitor.ts';
import { aChat, aMessage, aMove, anOperator } from '../support/rows.ts';

function stateWith(chat: Chat | undefined, operators: Operator[] = []) {
  const steps: HistoryRow[] = [];
  return {
    chats: new Map<number, Chat>(chat === undefined ? [] : [[chat.id, chat]]),
    operators: new Map(operators.map(operator => [operator.id, operator])),
    departments: new Map<string, Department>(),
    visitors: new Map<string, Visitor>([
      ['a'.repeat(32), { id: 'a'.repeat(32), fields: {}, verified: [], lastTsUs: 0, clearedUs: 0, lastOperatorId: null, ban: null }],
    ]),
    messages: new Map<string, Message>(),
    history: { add: (row: HistoryRow) => void steps.push(row) },
    statusTimes: { add: () => undefined },
    steps,
  };
}

describe('apply', () => {
  test('keeps the load of operators true through a whole chat', () => {
    const state = stateWith(aChat(), [anOperator({ id: 1 }), anOperator({ id: 2 })]);
    const loads = (): number[] => [state.operators.get(1)!.load, state.operators.get(2)!.load];
    const steps: [Change, number[]][] = [
      [aMove({ assignedOperatorId: 1 }), [1, 0]],
      [aMove({ move: 'taken', state: 'chatting', operatorId: 1 }), [1, 0]],
      [aMove({ move: 'held', state: 'hold', operatorId: 1 }), [0, 0]],
      [aMove({ move: 'resumed', state: 'chatting', operatorId: 1 }), [1, 0]],
      [aMove({ move: 'transferred', state: 'chatting', operatorId: 2 }), [0, 1]],
      [aMove({ move: 'released', declinedBy: 2 }), [0, 0]],
      [aMove({ assignedOperatorId: 1 }), [1, 0]],
      [aMove({ move: 'taken', state: 'chatting', operatorId: 2 }), [0, 1]],
      [aMove({ move: 'closed-by-visitor', state: 'closed_by_visitor', operatorId: 2 }), [0, 0]],
    ];
    for (const [change, expected] of steps) {
      apply(state, change);
      assert.deepEqual(loads(), expected, change.type);
    }
    assert.equal(state.chats.get(1)!.operatorId, 2, 'who had it stays known');
    assert.deepEqual(
      state.steps.map(step => step.move),
      steps.map(([change]) => (change as { move: string }).move),
      'each is a row of its history',
    );
    assert.deepEqual(
      state.steps.map(({ step }) => step),
      steps.map((_, i) => i + 1),
    );
    assert.equal(state.visitors.get('a'.repeat(32))!.lastOperatorId, 2);
  });

  test('a released chat keeps its place in the queue', () => {
    const state = stateWith(aChat({ state: 'chatting', operatorId: 1, queuedUs: 5 }), [anOperator({ load: 1 })]);
    apply(state, aMove({ move: 'released', declinedBy: 1, atUs: 9 }));
    const { state: name, operatorId, queuedUs, declined } = state.chats.get(1)!;
    assert.deepEqual({ name, operatorId, queuedUs }, { name: 'queue', operatorId: null, queuedUs: 5 });
    assert.deepEqual(declined, [{ operatorId: 1, atUs: 9 }]);
  });

  test('counts unread messages for whom they are, and hides notes among operators from the count', () => {
    const state = stateWith(aChat());
    apply(state, { type: 'message-added', message: aMessage({ tsUs: 10 }) });
    apply(state, { type: 'message-added', message: aMessage({ tsUs: 11, kind: 'operator', id: messageId(11, 'f'.repeat(16)) }) });
    apply(state, { type: 'message-added', message: aMessage({ tsUs: 12, kind: 'for_operator', id: messageId(12, 'f'.repeat(16)) }) });
    const chat = state.chats.get(1)!;
    assert.deepEqual(
      [chat.messageCount, chat.unreadByOperatorSinceUs, chat.unreadByVisitorSinceUs, chat.unreadByVisitorMsgCnt, chat.readByVisitor],
      [3, 10, 11, 1, false],
    );
  });

  test('the header keeps the beginning of a long text and never half a character', () => {
    const state = stateWith(aChat());
    apply(state, { type: 'message-added', message: aMessage({ text: `x${'💬'.repeat(150)}` }) });
    const text = state.chats.get(1)!.lastMessage!.text;
    assert.equal(text.length, 199);
    assert.doesNotMatch(text, /\p{Cs}/u);
  });

  test('passes over changes of chats that it does not hold', () => {
    const state = stateWith(undefined);
    apply(state, aMove({ chatId: 7, move: 'expired', state: 'closed' }));
    assert.equal(state.chats.size, 0);
  });

  test('a message id carries its time', () => {
    assert.equal(messageTime(messageId(1_795_240_522_123_456, '0123456789abcdef')), 1_795_240_522_123_456);
    assert.equal(messageTime('no message id'), undefined);
  });
});
