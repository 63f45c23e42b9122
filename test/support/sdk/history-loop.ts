/** The third loop: what was added or changed in the history since a revision. */
import { newerHistory, newestHistory, olderHistory } from './answers.ts';
import type { Message } from './decode.ts';
import type { Session } from './session.ts';
import { FatalError, Line } from './transport.ts';
import { FATAL_ON_IOS } from './delta-loop.ts';

const PERIOD = 60;
/** No readable answer: iOS logs it and goes on. */
const NOTHING = { result: 'ok' };

export class HistoryLoop {
  /** As the server wrote it; compared for equality only. */
  revision: string | undefined;
  readonly #session: Session;
  readonly #line: Line;
  readonly #take: (messages: readonly Message[]) => void;
  #told: string | undefined;
  #isToldByDeltas = false;
  #wake: () => void = () => undefined;

  constructor(session: Session, revision: string | undefined, take: (messages: readonly Message[]) => void) {
    this.#session = session;
    this.revision = revision;
    this.#line = new Line(session.wire);
    this.#take = take;
    session.wire.signal.addEventListener('abort', () => this.#wake());
  }

  /** Android asks twice at once in the beginning. */
  async run(): Promise<void> {
    const { wire, isAndroid } = this.#session;
    await Promise.all([this.#ask(this.#line), ...(isAndroid ? [this.#ask(new Line(wire))] : [])]);
    while (!wire.isStopped) {
      if (this.#told === undefined) await this.#sleep();
      const isDue = this.#told !== this.revision;
      this.#told = undefined;
      if (isDue) await this.#ask(this.#line);
    }
  }

  /** `revision` of the full update, or of a delta. */
  hear(revision: string | number): void {
    this.#isToldByDeltas = true;
    this.#told = String(revision);
    this.#wake();
  }

  /** What is older than a time in microseconds; whether there is more. For the action queue's side of the app. */
  async before(tsUs: number): Promise<{ readonly messages: readonly Message[]; readonly hasMore: boolean }> {
    const body = await this.#request(new Line(this.#session.wire), { 'before-ts': String(tsUs) });
    const { data } = olderHistory(body, 'history');
    const late = data?.messages.find(message => message.ts_m >= tsUs);
    if (late !== undefined) throw new Error(`history: ${late.ts_m} is not older than ${tsUs}`);
    this.#take(data?.messages ?? []);
    return { messages: data?.messages ?? [], hasMore: data?.hasMore ?? false };
  }

  async #ask(line: Line): Promise<void> {
    for (;;) {
      const since = this.revision;
      const body = await this.#request(line, since === undefined ? {} : { since });
      const { data } = (since === undefined ? newestHistory : newerHistory)(body, 'history');
      if (data === undefined) return;
      this.revision = data.revision;
      this.#take(data.messages);
      if (since === undefined || !data.hasMore) return;
      if (since === data.revision) throw new Error(`history since ${since} without end: more, but no other revision`);
    }
  }

  async #request(line: Line, parameters: Readonly<Record<string, string>>) {
    const session = this.#session;
    for (let page = await session.pageAfter(undefined); ; page = await session.pageAfter(page)) {
      const outcome = await line.request(session.withPage({ method: 'GET', path: '/l/v/m/history', parameters }, page));
      if (outcome.kind === 'answer') return outcome.body;
      if (outcome.kind !== 'error') return NOTHING;
      if (outcome.error === 'reinit-required') continue;
      if (session.isAndroid || FATAL_ON_IOS.includes(outcome.error)) throw new FatalError(`history: ${outcome.error}`);
      return NOTHING;
    }
  }

  async #sleep(): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = this.#isToldByDeltas ? undefined : setTimeout(resolve, this.#session.wire.scaled(PERIOD));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
