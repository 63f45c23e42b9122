/** What an operator does. Each says by itself what did not work, and resolves to whether it did. */
import { batch } from '@preact/signals';
import { ApiError, post } from '../shared/api.ts';
import { draftKey } from './drafts.ts';
import { visitorWroteLast } from './summary.ts';
import type { Store } from './store.ts';
import { say, sayError } from './toasts.ts';
import type { Chat, Message } from './wire.ts';
import { words } from './words.ts';

export interface TransferTarget {
  readonly operatorId?: number;
  readonly departmentKey?: string;
  readonly note?: string;
  readonly override?: boolean;
}

export async function act(store: Store, action: string, parameters: object): Promise<boolean> {
  try {
    await store.link.request(action, parameters);
    return true;
  } catch (error) {
    sayError(error);
    return false;
  }
}

/** A supervisor without room is asked whether he wants it all the same. */
export async function takeChat(store: Store, chatId: number, override = false): Promise<boolean> {
  try {
    await store.link.request('chat.take', { chatId, ...(override ? { override } : {}) });
    store.open(chatId);
    return true;
  } catch (error) {
    const mayOverride = error instanceof ApiError && error.code === 'capacity-exceeded' && store.isSupervisor.value && !override;
    if (mayOverride) {
      store.open(chatId);
      store.dialog.value = 'over-capacity';
    } else sayError(error);
    return false;
  }
}

/** Who was asked first, else who waits longest. */
export async function takeOldest(store: Store): Promise<void> {
  const { chats, myId } = store.state.value;
  const waiting = [...chats.values()].filter(
    ({ state, assignedOperatorId }) => state === 'queue' && [null, myId].includes(assignedOperatorId),
  );
  const isForMe = (chat: Chat): number => (chat.assignedOperatorId === myId ? 0 : 1);
  const [oldest] = waiting.sort((a, b) => isForMe(a) - isForMe(b) || a.queueTs - b.queueTs);
  if (oldest === undefined) say(words.nobodyWaits);
  else await takeChat(store, oldest.id);
}

/** A chat of the operator's own with a visitor who has none; if he has one, that is opened. */
export async function inviteVisitor(store: Store, visitorId: string): Promise<void> {
  try {
    const { chatId } = await store.link.request<{ readonly chatId: number }>('chat.start', { visitorId });
    store.open(chatId);
  } catch (error) {
    sayError(error);
    const open =
      error instanceof ApiError && error.code === 'chat-open' ? (error.data as { readonly chatId: number } | undefined)?.chatId : undefined;
    if (open !== undefined && store.state.value.chats.has(open)) store.open(open);
  }
}

/** Back to the queue; before it was taken, this declines it. */
export function releaseChat(store: Store, chatId: number): Promise<boolean> {
  return act(store, 'chat.release', { chatId });
}

export function transferChat(store: Store, chatId: number, target: TransferTarget): Promise<boolean> {
  return act(store, 'chat.transfer', { chatId, ...target });
}

/** Asks only when the visitor would be left without an answer. */
export async function closeChat(store: Store, chat: Chat, isConfirmed = false): Promise<void> {
  const isAnswered = !visitorWroteLast(chat.lastMessage) || store.outbox.hasFor(chat.id);
  if (!isConfirmed && !isAnswered) store.dialog.value = 'close';
  else if (await act(store, 'chat.close', { chatId: chat.id })) store.drafts.write(draftKey(chat.id, 'operator'), '');
}

export function mayClose(store: Store, chat: Chat): boolean {
  return store.state.value.chats.has(chat.id) && (store.isMine.value || supervises(store, chat));
}

export function supervises(store: Store, { departmentKey }: Pick<Chat, 'departmentKey'>): boolean {
  const me = store.me.value;
  if (me === undefined) return false;
  if (me.roles.includes('admin')) return true;
  return me.roles.includes('supervisor') && (departmentKey === null || me.departmentKeys.includes(departmentKey));
}

export function editMessage(chatId: number, { id }: Message, message: string): Promise<boolean> {
  return actOnMessage({ action: 'chat.edit_message', chatId, id, message });
}

export function deleteMessage(chatId: number, { id }: Message): Promise<boolean> {
  return actOnMessage({ action: 'chat.delete_message', chatId, id });
}

/** Not as a frame: there `id` is the frame's own. */
async function actOnMessage(parameters: object): Promise<boolean> {
  try {
    await post('/l/o/action', parameters);
    return true;
  } catch (error) {
    sayError(error);
    return false;
  }
}

/** The status belongs to him, not to the tab: every tab hears of it. */
export async function setOwnStatus(status: string): Promise<boolean> {
  try {
    await post('/l/o/set-status', { status });
    return true;
  } catch (error) {
    sayError(error);
    return false;
  }
}

/**
 * Between answers and notes, each with what was begun of it. Who asks for notes in the middle of a reply wants a note; another
 * wording stays what its message is.
 */
export function toggleNotes(store: Store): void {
  if (store.selectedId.value === null || store.composing.value?.kind === 'edit') return;
  const toNote = store.writing.value === 'operator';
  batch(() => {
    store.composing.value = null;
    store.noteMode.value = toNote;
  });
}

/** The next (1) or previous (-1) chat of the list that is shown. */
export function openNeighbour(store: Store, step: 1 | -1): void {
  const { ids } = store.shown.value;
  const at = ids.indexOf(store.selectedId.value ?? 0);
  const next = at === -1 ? (step === 1 ? ids[0] : ids.at(-1)) : ids[at + step];
  if (next !== undefined) store.open(next);
}
