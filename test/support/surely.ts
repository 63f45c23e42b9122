/**
 * Clients that go on whatever happens, as SDKs and consoles do: the same client id until it is answered, a lost
 * WebSocket opened again with its `since`. What they hear is kept by message id, so that a loss, a double and a wrong
 * order show.
 */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { PASSWORD } from './cluster.ts';
import { eventually } from './eventually.ts';
import { Operator } from './operator.ts';
import type { Visitor } from './visitor.ts';

/** Resolves when the message is acknowledged. How often it had to be sent. */
export async function sendSurely(visitor: Visitor, text: string, clientSideId: string, within = 40_000): Promise<number> {
  const deadline = performance.now() + within;
  for (let tries = 1; ; tries++) {
    try {
      const answer = await visitor.action('chat.message', { message: text, 'client-side-id': clientSideId });
      if (answer.result === 'ok') return tries;
      assert.equal(answer.error, 'server-not-ready', `chat.message answered ${JSON.stringify(answer)}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
    if (performance.now() > deadline) throw new Error(`'${text}' was not acknowledged within ${within} ms`);
    await wait(100 + Math.random() * 200);
  }
}

interface Told {
  readonly chatId: number;
  readonly message: { readonly id: string; readonly text: string; readonly kind: string };
}

/** An operator whose WebSocket is opened again whenever it is lost. */
export class SteadyOperator {
  readonly operator: Operator;
  /** Visitors' messages by id, in the order in which they were first heard. */
  readonly heard = new Map<string, string>();
  doubled = 0;
  reconnects = 0;
  #fullUpdates = 0;
  #stopped = false;
  #keeping: Promise<void> = Promise.resolve();

  private constructor(operator: Operator) {
    this.operator = operator;
    operator.onDelta = delta => {
      this.#hearFullUpdates(); // those that came before it
      if (delta.objectType === 'CHAT_MESSAGE' && delta.event === 'add') this.#hear(delta.data, true);
      if (delta.objectType === 'CHAT' && delta.event === 'add') this.#hearChat(delta.data);
    };
  }

  /** Logs in, goes online and connects. */
  static async start(url: string, login: string, { online = true } = {}): Promise<SteadyOperator> {
    const operator = await eventually(() => Operator.login(url, login, PASSWORD), { within: 10_000 });
    const steady = new SteadyOperator(operator);
    if (online) await eventually(() => operator.setStatus('online').then(() => true), { within: 10_000 });
    await operator.connect();
    steady.#keeping = steady.#keep();
    return steady;
  }

  get texts(): string[] {
    this.#hearFullUpdates();
    return [...this.heard.values()];
  }

  hasHeard(text: string): boolean {
    return this.texts.includes(text);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.operator.close();
    await this.#keeping;
  }

  async #keep(): Promise<void> {
    while (!this.#isStopped()) {
      await eventually(() => this.operator.closed !== undefined || this.#stopped, { within: 3_600_000 });
      if (this.#isStopped()) return;
      this.reconnects += 1;
      await wait(this.#comeBackInMs());
      if (this.#isStopped()) return;
      await this.operator.connect(this.operator.since).catch(() => undefined);
      this.#hearFullUpdates();
    }
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  #comeBackInMs(): number {
    const { code, reason } = this.operator.closed ?? { code: 0, reason: '' };
    if (code === 4503 || code === 4429) return (JSON.parse(reason) as { retryAfterMs: number }).retryAfterMs;
    return 100 + Math.random() * 200;
  }

  #hearFullUpdates(): void {
    for (const update of this.operator.fullUpdates.slice(this.#fullUpdates)) for (const chat of update.chats) this.#hearChat(chat as never);
    this.#fullUpdates = this.operator.fullUpdates.length;
  }

  #hearChat(chat: { readonly id: number; readonly messages?: Told['message'][] }): void {
    for (const message of chat.messages ?? []) this.#hear({ chatId: chat.id, message }, false);
  }

  #hear({ message }: Told, mustBeNew: boolean): void {
    if (message.kind !== 'visitor') return;
    if (this.heard.has(message.id)) {
      if (mustBeNew) this.doubled += 1;
    } else this.heard.set(message.id, message.text);
  }
}

/** Nothing lost, doubled or out of order: what was heard is what was said. */
export async function assertHeard(steady: SteadyOperator, said: readonly string[], within = 20_000): Promise<void> {
  const own = new Set(said);
  const heard = (): string[] => steady.texts.filter(text => own.has(text));
  await eventually(() => heard().length >= said.length, { within, every: 50 }).catch(() => undefined);
  assert.deepEqual(heard(), [...said]);
  assert.equal(steady.doubled, 0, 'a message was told twice');
}
