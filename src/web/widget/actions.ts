/** What the visitor can do. */
import { batch } from '@preact/signals';
import type { Field } from './options.ts';
import { applyOlderMessages, nextQuestion } from './state.ts';
import { sign } from './signature.ts';
import type { Edit, Store } from './store.ts';
import type { FileDescription, Message, Reaction } from './wire.ts';

/** Links to files are the same for so long, which keeps the browser's cache warm; then there are others. */
export const LINK_ROUND_MS = 900_000;
/** And good for so long behind that: the server takes none that lives for more than an hour. */
const LINK_SECONDS = 1_800;

export function openPanel(store: Store): void {
  store.attention.unlock();
  store.isOpen.value = true;
}

export function closePanel(store: Store): void {
  store.isOpen.value = false;
}

export function changeDraft(store: Store, text: string): void {
  store.draft.value = text;
  if (store.purpose.value.is !== 'edit') store.typing.typed(text.trim());
}

/** Sends what is in the input, or changes the message that is edited. */
export function sendDraft(store: Store): void {
  const text = store.draft.value.trim();
  const purpose = store.purpose.value;
  if (text === '') return;
  store.attention.unlock();
  batch(() => {
    store.draft.value = purpose.is === 'edit' ? purpose.draft : '';
    store.purpose.value = { is: 'new' };
  });
  if (purpose.is === 'edit') {
    if (text !== purpose.message.text) void changeText(store, purpose, text);
    return;
  }
  const quoted = purpose.is === 'reply' ? purpose.message : undefined;
  store.outbox.add(...stepsBefore(store), {
    id: newId(),
    action: 'chat.message',
    parameters: {
      message: text,
      lang: store.options.language,
      ...(quoted === undefined ? {} : { quote: JSON.stringify({ ref: { msgId: quoted.id } }) }),
    },
    text,
    ...(quoted === undefined ? {} : { quote: { id: quoted.id, kind: quoted.kind, text: quoted.text, name: quoted.name } }),
  });
  store.typing.ended();
}

export function attach(store: Store, files: readonly File[]): void {
  const before = stepsBefore(store);
  if (before.length > 0) store.outbox.add(...before);
  store.uploads.add(files);
}

/** Nobody is there: his words wait for an operator, with where to answer. */
export function leaveMessage(store: Store, fields: Readonly<Record<string, string>>, text: string): void {
  batch(() => {
    store.isLeavingMessage.value = false;
    store.purpose.value = { is: 'new' };
    store.draft.value = '';
  });
  store.outbox.add({
    id: newId(),
    action: 'chat.offline_message',
    parameters: { text, lang: store.options.language, 'visitor-fields': JSON.stringify(fields) },
    text,
  });
}

export function answerPrechat(store: Store, fields: Readonly<Partial<Record<Field, string>>>, department: string | undefined): void {
  store.prechat.value = { fields, ...(department === undefined ? {} : { department }), isTold: false };
}

export function startReply(store: Store, message: Message): void {
  batch(() => {
    endPurpose(store);
    store.purpose.value = { is: 'reply', message };
  });
}

export function startEdit(store: Store, message: Message): void {
  batch(() => {
    store.purpose.value = { is: 'edit', message, draft: store.newText.value };
    store.draft.value = message.text;
  });
}

export function endPurpose(store: Store): void {
  batch(() => {
    store.draft.value = store.newText.value;
    store.purpose.value = { is: 'new' };
  });
}

export function removeMessage(store: Store, message: Message): Promise<boolean> {
  return store.request('chat.delete_message', { 'client-side-id': message.clientSideId });
}

export function react(store: Store, message: Message, reaction: Reaction): Promise<boolean> {
  return store.request('chat.react_message', { 'client-side-id': message.id, reaction });
}

export function pressButton(store: Store, message: Message, buttonId: string): Promise<boolean> {
  return store.request('chat.keyboard_response', { 'request-message-id': message.id, 'button-id': buttonId });
}

export function sendContacts(store: Store, fields: Readonly<Record<string, string>>): Promise<boolean> {
  return store.request('chat.cont_resp', { 'visitor-fields': JSON.stringify(fields) });
}

/** `stars`: 1 … 5. */
export async function rate(store: Store, stars: number, note: string): Promise<void> {
  const parameters = { rate: String(stars - 3), ...(note === '' ? {} : { visitor_note: note }) };
  if (await store.request('chat.operator_rate_select', parameters)) store.rating.value = 'done';
}

export function endChat(store: Store): Promise<boolean> {
  store.typing.ended();
  return store.request('chat.close', {});
}

export async function answerSurvey(store: Store, answer: string): Promise<void> {
  const { survey } = store.conversation.value;
  if (survey === null) return;
  const { form_id, question_id } = survey.current_question;
  const parameters = { 'survey-id': survey.id, 'form-id': String(form_id), 'question-id': String(question_id), answer };
  if (!(await store.request('survey.answer', parameters))) return;
  const next = nextQuestion(survey);
  const now = store.conversation.value;
  if (now.survey !== survey) return; // its end was told meanwhile
  store.conversation.value = { ...now, survey: next === undefined ? null : { ...survey, current_question: next } };
  if (next === undefined) store.say(store.words.thanks);
}

export async function cancelSurvey(store: Store): Promise<void> {
  const { survey } = store.conversation.value;
  if (survey !== null) await store.request('survey.cancel', { 'survey-id': survey.id });
}

export async function loadOlderMessages(store: Store): Promise<void> {
  const { page } = store.link;
  const [oldest] = store.conversation.value.messages;
  if (page === undefined || oldest === undefined || store.conversation.value.history !== 'has-more') return;
  const found = await store.calls.olderMessages(page, oldest.ts_m).catch(() => undefined);
  if (found !== undefined) store.conversation.value = applyOlderMessages(store.conversation.value, found);
}

/** A link that only this visitor's page can make; `isThumbnail`: at most 400 × 400. */
export async function linkTo(store: Store, { guid, filename }: FileDescription, isThumbnail: boolean): Promise<string | undefined> {
  const { page } = store.link;
  if (page === undefined) return undefined;
  const expires = String((Math.ceil(store.calls.nowMs / LINK_ROUND_MS) * LINK_ROUND_MS) / 1_000 + LINK_SECONDS);
  const query = new URLSearchParams({
    'page-id': page.pageId,
    expires,
    hash: await sign(page.authToken, guid + expires, crypto.subtle),
    ...(isThumbnail ? { thumb: '1' } : {}),
  });
  return `${store.options.server}/l/v/m/download/${guid}/${encodeURIComponent(filename)}?${query.toString()}`;
}

/** His own words and files, while the chat is open. */
export function canRemove(store: Store, message: Message): boolean {
  return isInOpenChat(store, message) && message.canBeEdited;
}

export function canEdit(store: Store, message: Message): boolean {
  return isInOpenChat(store, message) && message.kind === 'visitor';
}

export function isInOpenChat(store: Store, { chatId }: Message): boolean {
  return store.hasOpenChat.value && String(store.conversation.value.chat?.id) === chatId;
}

/** What was refused is in the input again, unless he has gone on to something else. */
async function changeText(store: Store, edit: Edit, text: string): Promise<void> {
  if (await store.request('chat.message', { message: text, 'client-side-id': edit.message.clientSideId })) return;
  if (store.purpose.value.is !== 'new' || store.draft.value !== edit.draft) return;
  batch(() => {
    store.purpose.value = edit;
    store.draft.value = text;
  });
}

/** What he was asked before his first message is told before it. */
function stepsBefore(store: Store) {
  const { prechat } = store;
  if (store.hasOpenChat.value || prechat.value === undefined || prechat.value.isTold) return [];
  const { fields, department } = prechat.value;
  prechat.value = { ...prechat.value, isTold: true };
  const json = JSON.stringify(fields);
  if (department === undefined) {
    return [{ id: newId(), action: 'chat.set_prechat_fields', parameters: { 'prechat-key-independent-fields': json } }];
  }
  const parameters = { 'department-key': department, custom_fields: json, lang: store.options.language };
  return [{ id: newId(), action: 'chat.start', parameters }];
}

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}
