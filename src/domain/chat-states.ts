/**
 * The state table of a chat: what may happen to it in which state, and in which state that leaves it. Everything that
 * moves a chat asks here; docs/chat-states.md is written from it, and a test is generated from it.
 *
 * Visitors see `hold` as `chatting`: an SDK takes `hold` for closed. States of robots are kept for bots, which nothing
 * makes yet.
 */
import { type Chat, type ChatState, isOpenState } from './chat.ts';
import { ChatError } from './error.ts';

/** From each state in which the move may happen to the state after it. */
type Moves = Readonly<Partial<Record<ChatState, ChatState>>>;

const to = (state: ChatState, ...from: ChatState[]): Moves => Object.fromEntries(from.map(before => [before, state]));

export const MOVES = {
  /** The master asks an operator. */
  assigned: to('queue', 'queue'),
  /** He did not take it in time. */
  passed: to('queue', 'queue'),
  /** He may not take it any more: disabled, on a break, not of its department, out of his hours … */
  withdrawn: to('queue', 'queue'),
  /** He does not want it. */
  declined: to('queue', 'queue'),
  taken: to('chatting', 'queue', 'hold', 'chatting_with_robot'),
  released: to('queue', 'chatting', 'hold'),
  /** To another operator: who had not taken it asks him, who had it hands it over. */
  transferred: { queue: 'queue', chatting: 'chatting', hold: 'chatting' },
  'sent-to-department': to('queue', 'queue', 'chatting', 'hold'),
  /** Its operator is lost. */
  requeued: to('queue', 'queue', 'chatting', 'hold'),
  held: to('hold', 'chatting'),
  /** Somebody says something: back to its operator. */
  resumed: to('chatting', 'hold'),
  /** The visitor answers an invitation. */
  accepted: to('chatting', 'invitation'),
  'closed-by-operator': {
    ...to('closed_by_operator', 'queue', 'chatting', 'hold', 'chatting_with_robot', 'routing'),
    invitation: 'closed',
  },
  'closed-by-visitor': to('closed_by_visitor', 'queue', 'chatting', 'hold', 'invitation', 'chatting_with_robot', 'routing'),
  /** Nothing was said for too long. */
  expired: to('closed', 'queue', 'chatting', 'hold', 'invitation', 'chatting_with_robot', 'routing'),
  /** The visitor writes again: back to the queue, or straight to the operator who had closed it. */
  reopened: to('queue', 'closed', 'closed_by_operator', 'closed_by_visitor'),
  continued: to('chatting', 'closed_by_operator'),
  'robot-took': to('chatting_with_robot', 'queue'),
  'robot-gave-up': to('routing', 'chatting_with_robot'),
  routed: to('queue', 'routing'),
} as const satisfies Readonly<Record<string, Moves>>;

export type Move = keyof typeof MOVES;

/** How a chat begins, as its first history row says. */
export type Beginning = 'opened' | 'invited';

export function stateAfter(state: ChatState, move: Move): ChatState | undefined {
  return (MOVES[move] as Moves)[state];
}

/** Throws `chat-closed` or `wrong-chat-state` where the table has no such move. */
export function moveOf(chat: Chat, move: Move): ChatState {
  const after = stateAfter(chat.state, move);
  if (after !== undefined) return after;
  if (!isOpenState(chat.state)) throw new ChatError('conflict', 'chat-closed', `chat ${chat.id} is closed`);
  throw new ChatError('conflict', 'wrong-chat-state', `chat ${chat.id} is in state ${chat.state}: it cannot be ${move}`);
}

/** What the visitor is told. */
export function visibleState(state: ChatState): Exclude<ChatState, 'hold'> {
  return state === 'hold' ? 'chatting' : state;
}
