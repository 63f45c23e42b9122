import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Change } from '../../src/domain/change.ts';
import type { Chat } from '../../src/domain/chat.ts';
import type { Department } from '../../src/domain/department.ts';
import { type Message, messageId, messageTime } from '../../src/domain/message.ts';
import type { Operator } from '../../src/domain/operator.ts';
import { apply } from '../../src/domain/state.ts';
import type { Visitor } from '../../src/domain/visitor.ts';
import { aChat, aMessage, anOperator } from '../support/rows.ts';

function stateWith(chat: Chat | undefined, operators: Operator[] = []) {
  return {
    chats: new Map<number, Chat>(chat === undefined ? [] : [[chat.id, chat]]),
    operators: new Map(operators.map(operator => [operator.id, operator])),
    departments: new Map<string, Department>(),
    visitors: new Map<string, Visitor>([['a'.repeat(32), { id: 'a'.repeat(32), fields: {}, lastTsUs: 0, clearedUs: 0 }]]),
    messages: new Map<string, Message>(),
  };
}

describe('apply', () => {
  test('keeps the load of operators true through a whole chat', () => {
    const state = stateWith(aChat(), [anOperator({ id: 1 }), anOperator({ id: 2 })]);
    const loads = (): number[] => [state.operators.get(1)!.load, state.operators.get(2)!.load];
    const steps: [Change, number[]][] = [
      [{ type: 'chat-assigned', chatId: 1, operatorId: 1, atUs: 1 }, [1, 0]],
      [{ type: 'chat-taken', chatId: 1, operatorId: 1, atUs: 2 }, [1, 0]],
      [{ type: 'chat-released', chatId: 1, atUs: 3 }, [0, 0]],
      [{ type: 'chat-assigned', chatId: 1, operatorId: 1, atUs: 4 }, [1, 0]],
      [{ type: 'chat-taken', chatId: 1, operatorId: 2, atUs: 5 }, [0, 1]],
      [{ type: 'chat-closed', chatId: 1, state: 'closed_by_visitor', atUs: 6 }, [0, 0]],
    ];
    for (const [change, expected] of steps) {
      apply(state, change);
      assert.deepEqual(loads(), expected, change.type);
    }
    assert.equal(state.chats.get(1)!.operatorId, 2, 'who had it stays known');
  });

  test('a released chat keeps its place in the queue', () => {
    const state = stateWith(aChat({ state: 'chatting', operatorId: 1, queuedUs: 5 }), [anOperator({ load: 1 })]);
    apply(state, { type: 'chat-released', chatId: 1, atUs: 9 });
    const { state: name, operatorId, queuedUs } = state.chats.get(1)!;
    assert.deepEqual({ name, operatorId, queuedUs }, { name: 'queue', operatorId: null, queuedUs: 5 });
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
    apply(state, { type: 'chat-closed', chatId: 7, state: 'closed', atUs: 1 });
    assert.equal(state.chats.size, 0);
  });

  test('a message id carries its time', () => {
    assert.equal(messageTime(messageId(1_795_240_522_123_456, '0123456789abcdef')), 1_795_240_522_123_456);
    assert.equal(messageTime('no message id'), undefined);
  });
});
