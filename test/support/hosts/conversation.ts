/**
 * A visitor and an operator who both speak through Nginx, come back after a lost connection as their programs do, and
 * keep what they heard: a full update replaces it, a delta adds to it, and what a delta adds twice is remembered as such.
 */
import assert from 'node:assert/strict';
import { eventually } from '../eventually.ts';
import { Operator } from '../operator.ts';
import { Visitor } from '../visitor.ts';

interface Message {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
}

/** What one of them has heard from the other. */
class Heard {
  readonly twice: string[] = [];
  #messages: Message[] = [];
  readonly #from: string;

  constructor(from: 'visitor' | 'operator') {
    this.#from = from;
  }

  get texts(): string[] {
    return this.#messages.map(({ text }) => text);
  }

  /** A full update holds the last 50 messages of the chat: what stood before them stays. */
  replace(messages: readonly Message[]): void {
    const own = messages.filter(({ kind }) => kind === this.#from);
    const known = this.#messages.findIndex(({ id }) => id === own[0]?.id);
    this.#messages = [...this.#messages.slice(0, Math.max(known, 0)), ...own];
  }

  add(message: Message): void {
    if (message.kind !== this.#from) return;
    if (this.#messages.some(({ id }) => id === message.id)) this.twice.push(message.text);
    else this.#messages.push(message);
  }
}

export class Conversation {
  readonly visitor: Visitor;
  readonly operator: Operator;
  readonly #chatId: number;
  readonly #heard = { byOperator: new Heard('visitor'), byVisitor: new Heard('operator') };
  readonly #said = { byOperator: [] as string[], byVisitor: ['hello'] };
  #page: Visitor['page'];
  #fullUpdates: number;

  private constructor(visitor: Visitor, operator: Operator, chatId: number) {
    this.visitor = visitor;
    this.operator = operator;
    this.#chatId = chatId;
    this.#page = visitor.page;
    this.#fullUpdates = operator.fullUpdates.length;
    visitor.onDelta = delta => {
      this.#seeFullUpdates();
      if (delta.objectType === 'CHAT_MESSAGE' && delta.event === 'add') this.#heard.byVisitor.add(delta.data);
    };
    operator.onDelta = delta => {
      this.#seeFullUpdates();
      if (delta.objectType === 'CHAT_MESSAGE' && delta.event === 'add')
        this.#heard.byOperator.add((delta.data as { message: Message }).message);
    };
  }

  /** Ends when the operator has taken the visitor's chat, which the master assigned to him. */
  static async start(url: string, login: string, password: string): Promise<Conversation> {
    const operator = await Operator.login(url, login, password);
    await operator.setStatus('online');
    const visitor = await Visitor.init(url);
    await visitor.action('chat.start', { 'client-side-id': 'chat', 'force-online': 'true' });
    await visitor.send('hello', 'hello');
    const chatId = await eventually(async () => {
      const chat = (await operator.get('/l/o/delta')).fullUpdate?.chats[0] as { id: number; assignedOperatorId: number | null } | undefined;
      assert.ok(chat !== undefined && chat.assignedOperatorId !== null, 'the chat is assigned');
      return chat.id;
    });
    assert.equal((await operator.action('chat.take', { chatId: String(chatId) })).result, 'ok');
    const conversation = new Conversation(visitor, operator, chatId);
    await conversation.reconnect();
    visitor.startPolling();
    return conversation;
  }

  /** The operator's program drops its connection and goes on where it stopped. */
  async reconnect(): Promise<void> {
    this.operator.close();
    await eventually(() => this.operator.socket === undefined || this.operator.closed !== undefined);
    await this.operator.connect(this.operator.since);
  }

  /** Both speak in turn; each repeats a message under its id until it is acknowledged. */
  async talk(about: string, turns = 5): Promise<void> {
    for (let i = 0; i < turns; i++) {
      const [fromVisitor, fromOperator] = [`${about}, visitor ${i}`, `${about}, operator ${i}`];
      await insist(() => this.visitor.send(fromVisitor, idOf(fromVisitor)));
      this.#said.byVisitor.push(fromVisitor);
      await insist(async () => {
        const parameters = { chatId: String(this.#chatId), message: fromOperator, clientSideId: idOf(fromOperator) };
        assert.equal((await this.operator.action('chat.message', parameters)).result, 'ok');
      });
      this.#said.byOperator.push(fromOperator);
    }
  }

  /** Resolves when one of them has heard all that the other said, once and in order. */
  async hears(who: 'operator' | 'visitor', within = 20_000): Promise<void> {
    await eventually(
      async () => {
        if (who === 'operator' && this.operator.closed !== undefined) await this.reconnect();
        this.#seeFullUpdates();
        const [heard, said] =
          who === 'operator' ? [this.#heard.byOperator, this.#said.byVisitor] : [this.#heard.byVisitor, this.#said.byOperator];
        assert.deepEqual({ texts: heard.texts, twice: heard.twice }, { texts: said, twice: [] });
      },
      { within },
    );
  }

  async stop(): Promise<void> {
    this.operator.close();
    await this.visitor.stop();
  }

  #seeFullUpdates(): void {
    if (this.visitor.page !== this.#page) {
      this.#page = this.visitor.page;
      this.#heard.byVisitor.replace((this.#page.chat?.messages ?? []) as unknown as Message[]);
    }
    const { fullUpdates } = this.operator;
    if (fullUpdates.length === this.#fullUpdates) return;
    this.#fullUpdates = fullUpdates.length;
    const chat = fullUpdates.at(-1)?.chats.find(({ id }) => id === this.#chatId);
    this.#heard.byOperator.replace((chat?.messages ?? []) as Message[]);
  }
}

/** A message's own id, which makes a repeat harmless. */
function idOf(text: string): string {
  return text.replaceAll(/\W+/g, '-');
}

async function insist(attempt: () => Promise<void>): Promise<void> {
  await eventually(attempt, { within: 15_000, every: 100 });
}
