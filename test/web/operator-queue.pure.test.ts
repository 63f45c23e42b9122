/**
 * Pages of the queue that come while the desk lives on: whatever happens between asking and getting one, the desk ends up with
 * what the server has. Chats that have gone do not come back, and what was said of them meanwhile is not lost.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { applyFrame, applyQueue, type DeskState, EMPTY_DESK } from '../../src/web/operator/state.ts';
import type { Chat, Delta, Frame, FullUpdate, Message } from '../../src/web/operator/wire.ts';

const NOW_MS = 1_000;
const CHATS = 8;

function chat(id: number, operatorId: number | null = null): Chat {
  return {
    ...{ id, state: operatorId === null ? 'queue' : 'chatting', visitor: { id: `v${id}`, fields: {}, channel: 'web' }, operatorId },
    ...{ assignedOperatorId: null, assignedTs: null, departmentKey: null, lang: 'en', location: 'default', offline: false },
    ...{ creationTs: id, queueTs: id, modificationTs: id, unreadByOperatorSinceTs: null, unreadByVisitorSinceTs: null },
    ...{ unreadByVisitorMsgCnt: 0, readByVisitor: true, rating: null, category: null, subject: null, page: { url: null, title: null } },
    ...{ messageCount: 0, lastMessage: null },
  };
}

function fullUpdate(chats: readonly Chat[], chatsCursor: string | null): FullUpdate {
  const me = {
    ...{ id: 1, fullname: 'Me', login: 'me', title: '', status: 'online', statusTs: 0, statusReason: 'set', chats: 0, maxChats: 5 },
    ...{ departmentKeys: [], langs: [], roles: ['supervisor'] },
  };
  return {
    ...{ operator: me, operators: [me], departments: [], chats, statuses: [], subjects: [], serverTs: 0 },
    ...{ limits: { maxMessageLength: 100, maxFileSize: 100, maxChats: 5 }, chatsCursor },
  };
}

/** A server with few chats: each step changes one of them, and is told as it would be. */
class Server {
  readonly chats = new Map<number, Chat>();
  #ts = 100;

  constructor() {
    for (let id = 1; id <= CHATS; id++) this.chats.set(id, chat(id));
  }

  get all(): Chat[] {
    return [...this.chats.values()].sort((a, b) => a.id - b.id);
  }

  step(id: number, kind: 'close' | 'open' | 'take' | 'say' | 'fields'): Delta[] {
    const known = this.chats.get(id);
    const ts = ++this.#ts;
    if (kind === 'open' || known === undefined) {
      if (known !== undefined) return [];
      this.chats.set(id, chat(id));
      return [{ objectType: 'CHAT', event: 'add', id, data: this.chats.get(id) }];
    }
    switch (kind) {
      case 'close':
        this.chats.delete(id);
        return [
          { objectType: 'CHAT_STATE', event: 'upd', id, data: { state: 'closed', operatorId: null, assignedOperatorId: null } },
          { objectType: 'CHAT', event: 'del', id, data: null },
        ];
      case 'take': {
        const state = { state: 'chatting', operatorId: ts, assignedOperatorId: null };
        this.chats.set(id, { ...known, ...state });
        return [{ objectType: 'CHAT_STATE', event: 'upd', id, data: state }];
      }
      case 'fields': {
        const visitor = { ...known.visitor, fields: { name: `Name ${ts}` } };
        this.chats.set(id, { ...known, visitor });
        return [{ objectType: 'VISITOR', event: 'upd', id: visitor.id, data: { chatId: id, visitor } }];
      }
      case 'say': {
        const said: Message = {
          ...{ id: `m${ts}`, clientSideId: `c${ts}`, kind: 'visitor', text: `text ${ts}`, name: 'Guest', ts, ts_m: ts * 1e6 },
          ...{ authorId: null, edited: false, deleted: false, data: null, quote: null, reaction: null },
        };
        const lastMessage = { id: said.id, kind: said.kind, name: said.name, text: said.text, ts, ts_m: said.ts_m };
        this.chats.set(id, { ...known, messageCount: known.messageCount + 1, modificationTs: ts, lastMessage });
        return [{ objectType: 'CHAT_MESSAGE', event: 'add', id: said.id, data: { chatId: id, message: said } }];
      }
    }
  }
}

const steps = fc.array(
  fc.tuple(
    fc.integer({ min: 1, max: CHATS }),
    fc.constantFrom('close' as const, 'open' as const, 'take' as const, 'say' as const, 'fields' as const),
  ),
  { maxLength: 12 },
);

describe('a page of the queue', () => {
  test('leaves the desk as the server is, however much happens before it is made, on its way and behind it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: CHATS }),
        ...([steps, steps, steps, steps] as const),
        fc.integer({ min: 1, max: CHATS }),
        (known, before, unseen, onTheWay, later, size) => {
          const server = new Server();
          let revision = 1;
          let state: DeskState = applyFrame(
            EMPTY_DESK,
            { revision: '1', fullUpdate: fullUpdate(server.all.slice(0, known), String(known)) },
            NOW_MS,
          );
          const hear = (frame: Frame): void => void (state = applyFrame(state, frame, NOW_MS));
          const happen = (list: typeof before): Frame[] =>
            list.map(([id, kind]) => ({ revision: String(++revision), deltaList: server.step(id, kind) }));

          for (const frame of happen(before)) hear(frame);
          // Asked for now. The node that makes it may be ahead of what this desk has heard, and the desk ahead when it comes.
          const early = happen(unseen);
          const behind = server.all.filter(({ id }) => id > known);
          const rest = behind.slice(size);
          const page = { chats: behind.slice(0, size), cursor: rest.length === 0 ? null : String(behind[size - 1]?.id) };
          const late = happen(onTheWay);
          // Of what the node knew some is heard only behind the page.
          const heard = early.length % 2 === 0 ? [...early, ...late] : [];
          for (const frame of heard) hear(frame);
          state = applyQueue(state, page, heard, NOW_MS);
          for (const frame of heard.length === 0 ? [...early, ...late] : []) hear(frame);
          for (const frame of happen(later)) hear(frame);

          const wanted = server.all.filter(({ id }) => page.cursor === null || id <= Number(page.cursor) || state.chats.has(id));
          const byId = (chats: Iterable<Chat>): Chat[] => [...chats].sort((a, b) => a.id - b.id);
          const told = ({ queueTs: _, creationTs: __, assignedTs: ___, ...one }: Chat): object => one;
          assert.deepEqual(byId(state.chats.values()).map(told), wanted.map(told));
          assert.equal(state.queueCursor, page.cursor);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('does not bring back a chat whose CHAT del came while it was on its way', () => {
    const before = applyFrame(EMPTY_DESK, { revision: '1', fullUpdate: fullUpdate([chat(1)], '1') }, NOW_MS);
    const gone: Frame = { revision: '2', deltaList: [{ objectType: 'CHAT', event: 'del', id: 2, data: null }] };
    const after = applyQueue(applyFrame(before, gone, NOW_MS), { chats: [chat(2), chat(3)], cursor: null }, [gone], NOW_MS);
    assert.deepEqual([...after.chats.keys()], [1, 3]);
    assert.equal(after.queueCursor, null);
  });

  test('is not what a chat is that is known already: that one has been kept up to date', () => {
    const before = applyFrame(EMPTY_DESK, { revision: '1', fullUpdate: fullUpdate([chat(1)], '1') }, NOW_MS);
    const add: Frame = { revision: '2', deltaList: [{ objectType: 'CHAT', event: 'add', id: 2, data: chat(2, 7) }] };
    const after = applyQueue(applyFrame(before, add, NOW_MS), { chats: [chat(2)], cursor: null }, [], NOW_MS);
    assert.equal(after.chats.get(2)?.operatorId, 7);
  });
});
