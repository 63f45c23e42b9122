/** The second loop: actions, strictly one at a time and in order. */
import { FATAL_ON_IOS } from './delta-loop.ts';
import type { JsonObject } from './json.ts';
import type { Page, Session } from './session.ts';
import { FatalError, Line } from './transport.ts';
import type { Call } from './wire.ts';

export type Result =
  | { readonly ok: true; readonly body: JsonObject }
  | { readonly ok: false; readonly error: string; readonly argumentName?: string | undefined };

/** Which errors the app is told of, instead of being thrown out: all, or these. */
export type Handled = 'all' | readonly string[];

export interface Action {
  readonly call: Call;
  readonly handled: Handled;
}

/** What Android handles, by action. What is not here should be answered ok or reinit-required, nothing else. */
export const HANDLED: Readonly<Record<string, Handled>> = {
  'chat.message': 'all',
  'chat.delete_message': 'all',
  'chat.keyboard_response': 'all',
  'chat.react_message': 'all',
  'survey.answer': 'all',
  'survey.cancel': 'all',
  geo_response: 'all',
  'chat.operator_rate_select': ['no-chat', 'operator-not-in-chat', 'operator-already-rated', 'note-is-too-long'],
  'chat.send_chat_history': ['chat-history-sent-too-many-times', 'no-chat'],
  sticker: ['no-chat', 'no-sticker-id'],
  'file-delete': ['file_not_found', 'file-has-been-sent'],
};

const CAPACITY = 128;

interface Queued {
  readonly action: Action;
  readonly resolve: (result: Result) => void;
}

export class ActionQueue {
  readonly #session: Session;
  readonly #line: Line;
  readonly #queue: Queued[] = [];
  #wake: () => void = () => undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#line = new Line(session.wire);
    session.wire.signal.addEventListener('abort', () => this.#wake());
  }

  /** Resolves with `stopped` when the client ends before there is an answer. */
  add(action: Action): Promise<Result> {
    if (this.#queue.length >= CAPACITY) throw new Error(`more than ${CAPACITY} actions wait`);
    if (this.#session.wire.isStopped) return Promise.resolve({ ok: false, error: 'stopped' });
    return new Promise(resolve => {
      this.#queue.push({ action, resolve });
      this.#wake();
    });
  }

  /** A question each time: it may have been stopped during any wait. */
  #isStopped(): boolean {
    return this.#session.wire.isStopped;
  }

  async run(): Promise<void> {
    try {
      while (!this.#isStopped()) {
        // Android reads page and token before it waits for something to do: after a start those that were stored, and after an
        // init that fell into the wait those of before.
        const page = this.#session.isAndroid ? await this.#session.pageAfter(undefined) : undefined;
        if (this.#queue.length === 0 && !this.#isStopped()) await new Promise<void>(resolve => (this.#wake = resolve));
        const [next] = this.#queue;
        if (next !== undefined) await this.#perform(next, page);
      }
    } finally {
      for (const { resolve } of this.#queue) resolve({ ok: false, error: 'stopped' });
      this.#queue.length = 0;
    }
  }

  async #perform(queued: Queued, read: Page | undefined): Promise<void> {
    const { action, resolve } = queued;
    const session = this.#session;
    const page = read ?? (await session.pageAfter(undefined));
    const outcome = await this.#line.request(session.withPage(action.call, page));
    const finish = (result: Result): void => {
      this.#queue.shift();
      resolve(result);
    };
    if (outcome.kind === 'answer') return finish({ ok: true, body: outcome.body });
    if (outcome.kind !== 'error') return finish({ ok: false, error: outcome.kind === 'timeout' ? 'connection-timeout' : outcome.kind });
    const { error, argumentName } = outcome;
    if (this.#needsNewPage(error, action.handled)) {
      await session.pageAfter(page);
      // Android repeats the same request at once, iOS puts it at the end.
      if (!session.isAndroid) this.#queue.push(...this.#queue.splice(0, 1));
      return;
    }
    if (this.#isFatal(error, action)) throw new FatalError(`${error} to ${action.call.parameters['action'] ?? action.call.path}`);
    finish({ ok: false, error, argumentName });
  }

  /** Android marks what has error handling of its own as failed, and goes on. */
  #needsNewPage(error: string, handled: Handled): boolean {
    if (this.#session.isAndroid) return error === 'reinit-required' && handled !== 'all';
    return error === 'reinit-required' || error === 'provided-auth-token-not-found';
  }

  #isFatal(error: string, { handled }: Action): boolean {
    if (!this.#session.isAndroid) return FATAL_ON_IOS.includes(error);
    if (error === 'wrong-argument-value') return false;
    if (error === 'account-blocked') return true;
    return handled !== 'all' && !handled.includes(error);
  }
}
