/**
 * Messages on their way. Those of a chat are sent one after the other; each is sent again under its clientSideId, after
 * a drop or when the server asks to wait, until it is answered: the server knows the id, so nothing is lost or doubled.
 * They survive a reload of the page.
 */
import { signal } from '@preact/signals';
import { ApiError } from '../shared/api.ts';
import type { Message, WordsKind } from './wire.ts';

export interface Outgoing {
  readonly clientSideId: string;
  readonly chatId: number;
  readonly text: string;
  /** What it was written as; it never changes. */
  readonly kind: WordsKind;
  readonly quote: Pick<Message, 'id' | 'text' | 'name'> | null;
  readonly ts: number;
  /** answered: it is stored, and comes (or came) as a delta. */
  readonly status: 'sending' | 'answered' | 'failed';
  /** Why it was refused. */
  readonly error: unknown;
}

export interface Sender {
  whenOpen(): Promise<void>;
  request(action: string, parameters: object): Promise<unknown>;
}

const AGAIN_AFTER_MS = 1_000;
const TRY_AGAIN: readonly string[] = ['no-connection', 'timeout', 'server-not-ready', 'rate-limited'];

export class Outbox {
  readonly items = signal<readonly Outgoing[]>([]);
  readonly #sender: Sender;
  readonly #storageKey: string;
  readonly #busyChats = new Set<number>();
  #isStopped = false;

  constructor(sender: Sender, operatorId: number) {
    this.#sender = sender;
    this.#storageKey = `tandem.outbox.${operatorId}`;
    this.items.value = this.#load();
    for (const { chatId } of this.items.value) void this.#work(chatId);
  }

  send(words: Pick<Outgoing, 'chatId' | 'text' | 'kind' | 'quote'>): void {
    const item: Outgoing = { ...words, clientSideId: newClientId(), ts: Date.now() / 1_000, status: 'sending', error: null };
    this.#set([...this.items.value, item]);
    void this.#work(item.chatId);
  }

  sendAgain(clientSideId: string): void {
    const item = this.items.value.find(one => one.clientSideId === clientSideId);
    if (item === undefined) return;
    this.#change(clientSideId, { status: 'sending', error: null });
    void this.#work(item.chatId);
  }

  remove(clientSideId: string): void {
    this.#set(this.items.value.filter(item => item.clientSideId !== clientSideId));
  }

  /** Is an answer to the visitor on its way, or only just there? */
  hasFor(chatId: number): boolean {
    return this.items.value.some(item => item.chatId === chatId && item.kind === 'operator' && item.status !== 'failed');
  }

  /** The message is in the chat's log. */
  seen(clientSideIds: ReadonlySet<string>): void {
    if (this.items.value.some(item => clientSideIds.has(item.clientSideId)))
      this.#set(this.items.value.filter(item => !clientSideIds.has(item.clientSideId)));
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #work(chatId: number): Promise<void> {
    if (this.#busyChats.has(chatId)) return;
    this.#busyChats.add(chatId);
    try {
      for (let item = this.#next(chatId); item !== undefined; item = this.#next(chatId)) await this.#deliver(item);
    } finally {
      this.#busyChats.delete(chatId);
    }
  }

  async #deliver({ clientSideId, chatId, text, kind, quote }: Outgoing): Promise<void> {
    await this.#sender.whenOpen();
    try {
      const quoted = quote === null ? {} : { quote: quote.id };
      await this.#sender.request('chat.message', { chatId, message: text, clientSideId, kind, ...quoted });
      this.#change(clientSideId, { status: 'answered' });
    } catch (error) {
      if (error instanceof ApiError && TRY_AGAIN.includes(error.code)) await new Promise(resolve => setTimeout(resolve, AGAIN_AFTER_MS));
      else this.#change(clientSideId, { status: 'failed', error });
    }
  }

  #next(chatId: number): Outgoing | undefined {
    return this.#isStopped ? undefined : this.items.value.find(item => item.chatId === chatId && item.status === 'sending');
  }

  #change(clientSideId: string, changes: Partial<Outgoing>): void {
    this.#set(this.items.value.map(item => (item.clientSideId === clientSideId ? { ...item, ...changes } : item)));
  }

  #set(items: readonly Outgoing[]): void {
    this.items.value = items;
    try {
      sessionStorage.setItem(this.#storageKey, JSON.stringify(items.filter(({ status }) => status !== 'answered')));
    } catch {
      // Without a storage they do not survive a reload; they are sent all the same.
    }
  }

  #load(): Outgoing[] {
    try {
      const stored = JSON.parse(sessionStorage.getItem(this.#storageKey) ?? '[]') as Outgoing[];
      // What does not say what it is may have been a note.
      return stored.map(item => (item.kind === 'operator' ? item : { ...item, kind: 'for_operator' }));
    } catch {
      return [];
    }
  }
}

/** crypto.randomUUID is there on secure pages only. */
export function newClientId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}
