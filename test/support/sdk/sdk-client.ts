/**
 * An app with the published SDK in it, from the protocol's description alone: as strict as iOS where iOS is strict, dead
 * where Android dies. It tells why it failed in `crash` and `fatal`, and then asks nothing any more.
 */
import type { Result } from './action-queue.ts';
import { found, online } from './answers.ts';
import type { Outgoing, Shown } from './conversation.ts';
import type { Message } from './decode.ts';
import { newId, type Parameters, SdkSender } from './sdk-sender.ts';

export class SdkClient extends SdkSender {
  #typingEnd: NodeJS.Timeout | undefined;
  #typedAt = -Infinity;

  override stop(): Promise<void> {
    clearTimeout(this.#typingEnd);
    return super.stop();
  }

  /** Like send, but an unknown error ends an Android session. */
  reply(text: string, messageId: string): string {
    const clientSideId = newId();
    const quote = JSON.stringify({ ref: { msgId: messageId, msgChannelSideId: null, chatId: null } });
    this.deliver({ clientSideId, kind: 'visitor', text, sendStatus: 'SENDING' }, [], { quote });
    return clientSideId;
  }

  edit(clientSideId: string, text: string): Promise<Result> {
    if (this.#shown(clientSideId)?.canBeEdited !== true) return refused('not editable');
    return this.action('chat.message', { message: text, 'client-side-id': clientSideId });
  }

  deleteMessage(clientSideId: string): Promise<Result> {
    if (this.#shown(clientSideId)?.canBeEdited !== true) return refused('not editable');
    return this.action('chat.delete_message', { 'client-side-id': clientSideId });
  }

  react(messageClientSideId: string, reaction: 'like' | 'dislike'): Promise<Result> {
    const message = this.#shown(messageClientSideId);
    const isAllowed = typeof message?.reaction === 'string' ? message.canVisitorChangeReaction : message?.canVisitorReact;
    if (isAllowed !== true) return refused('no reaction is allowed');
    return this.action('chat.react_message', { 'client-side-id': messageClientSideId, reaction });
  }

  rate(operatorId: number, stars: 1 | 2 | 3 | 4 | 5, note?: string): Promise<Result> {
    const noted: Parameters = note === undefined ? {} : { visitor_note: note };
    return this.action('chat.operator_rate_select', { operator_id: String(operatorId), rate: String(stars - 3), ...noted });
  }

  /** Gone in iOS 4. */
  close(): Promise<Result> {
    return this.session.isAndroid ? this.action('chat.close') : refused('iOS closes no chats');
  }

  read(): Promise<Result> {
    const last = this.messages.findLast(message => message.sendStatus === 'SENT')?.id;
    return this.action('chat.read_by_visitor', this.session.isAndroid || last === undefined ? {} : { message_id: last });
  }

  /** Told once a second at most; that he has stopped, 5 s after the last draft. */
  typing(draft: string): void {
    clearTimeout(this.#typingEnd);
    const { wire } = this.session;
    this.#typingEnd = setTimeout(() => this.#tellTyping(undefined), wire.scaled(5));
    if (performance.now() - this.#typedAt < wire.scaled(1)) return;
    this.#typedAt = performance.now();
    this.#tellTyping(draft);
  }

  sticker(id: number): string {
    const clientSideId = newId();
    const outgoing: Outgoing = { clientSideId, kind: 'sticker_visitor', text: '', sendStatus: 'SENDING' };
    void this.show(outgoing, this.action('sticker', { 'sticker-id': String(id), 'client-side-id': clientSideId }));
    return clientSideId;
  }

  keyboardResponse(messageId: string, buttonId: string): Promise<Result> {
    return this.action('chat.keyboard_response', { 'request-message-id': messageId, 'button-id': buttonId });
  }

  async search(query: string): Promise<readonly Message[]> {
    const answer = await this.get('/l/v/m/search-messages', { query });
    return answer.ok ? (this.decoded(found, answer.body)?.data.items ?? []) : [];
  }

  async askOnlineStatus(): Promise<string | undefined> {
    const { isAndroid, location } = this.session;
    const answer = await this.get(isAndroid ? '/l/v/get-online-status' : '/l/v/m/get-online-status', { location });
    return answer.ok ? this.decoded(online, answer.body)?.onlineStatus : undefined;
  }

  /** After an ok the local history is emptied too. */
  async clearHistory(): Promise<Result> {
    const result = await this.action('chat.clear_history');
    if (result.ok) this.conversation.clearHistory();
    return result;
  }

  setPushToken(token: string): Promise<Result> {
    this.session.pushToken = token;
    return this.action('set_push_token', { 'push-token': token });
  }

  #tellTyping(draft: string | undefined): void {
    void this.action('chat.visitor_typing', {
      typing: this.flag(draft !== undefined),
      ...(draft === undefined ? {} : { 'message-draft': draft }),
      'del-message-draft': this.flag(draft === undefined),
    });
  }

  #shown(clientSideId: string): Shown | undefined {
    return this.messages.find(message => message.clientSideId === clientSideId);
  }
}

const refused = (error: string): Promise<Result> => Promise.resolve({ ok: false, error });
