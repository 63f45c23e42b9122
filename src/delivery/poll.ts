/**
 * One long poll: answers at once when something was missed or a full update is due, else when the next thing is
 * heard or after the holding time. Between two polls the ring remembers for the client.
 */
import type { Revision } from '../domain/change.ts';
import type { Topic } from '../domain/audience.ts';
import type { ChatError } from '../domain/error.ts';
import { deltaFrame, type RenderedDelta } from '../protocol/delta.ts';
import type { Hub } from './hub.ts';
import type { Subscriber } from './subscribers.ts';
import { awaitRenderings, type Rendering } from './renderings.ts';
import type { Resync, StreamView } from './stream.ts';

export interface PollOptions {
  readonly hub: Hub;
  readonly view: StreamView;
  readonly since: Revision | undefined;
  readonly resync: Resync | undefined;
  readonly holdMs: number;
  /** Called while the poll is held, with how to end it early (the client has gone, this node drains); returns the undo. May throw. */
  readonly whileHeld: (giveUp: () => void) => () => void;
  /** What a client whose page or login has ended is told. */
  readonly ended: (tokenHash: string | null | undefined) => ChatError | undefined;
}

/** The body of the answer. Throws what `ended` says when the session behind it ends; it hears of that from when it is called. */
export async function poll(options: PollOptions): Promise<string> {
  const { hub, view } = options;
  const listener = new PollListener(options);
  try {
    let { since, resync } = options;
    for (;;) {
      const missed = since === undefined || resync !== undefined ? undefined : hub.missed(view.topics, since);
      if (since === undefined || missed === undefined) {
        const update = await view.fullUpdate(resync ?? (since === undefined ? undefined : 'too-old'));
        listener.refuseEnded();
        return update.frame;
      }
      const derived = view.derivedSince(since);
      const { revision } = hub;
      const told = await awaitRenderings(missed);
      listener.refuseEnded();
      if (told.length > 0 || derived.length > 0) return deltaFrame(revision, [...derived, ...told]);
      // Nothing was missed and nothing could come between, because nothing was awaited from elsewhere: hold.
      if (hub.revision === revision) return await listener.hold(since);
      [since, resync] = [revision, undefined];
    }
  } finally {
    listener.stop();
  }
}

/** Listens for its end from the beginning, and to all else while it is held. */
class PollListener implements Subscriber {
  readonly #options: PollOptions;
  topics: readonly Topic[];
  lastHeard: Revision = 0;
  #heard: Rendering[] = [];
  #error: ChatError | undefined;
  /** While it is held: with what it is over. */
  #over: ((answer: Promise<string>) => void) | undefined;
  #since: Revision = 0;

  constructor(options: PollOptions) {
    this.#options = options;
    this.topics = options.view.topics;
    options.hub.subscribe(this);
  }

  refuseEnded(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /** Throws what `whileHeld` throws. */
  hold(since: Revision): Promise<string> {
    const { hub, view, holdMs, whileHeld } = this.#options;
    const { topics } = view; // they may have changed
    this.stop();
    this.topics = topics;
    this.#since = since;
    const giveUp = (): void => this.answer();
    const release = whileHeld(giveUp); // first: it may throw
    const timer = setTimeout(giveUp, holdMs);
    return new Promise(resolve => {
      this.#over = answer => {
        clearTimeout(timer);
        release();
        resolve(answer);
      };
      hub.subscribe(this);
    });
  }

  stop(): void {
    this.#options.hub.unsubscribe(this);
  }

  get isListening(): boolean {
    return this.#over !== undefined;
  }

  hear(rendering: Rendering): void {
    this.#heard.push(rendering);
  }

  flush(revision: Revision): void {
    // A change may have nothing to say to this client (a message among operators): go on holding.
    if (this.#heard.every(rendering => !(rendering instanceof Promise) && rendering.length === 0)) this.#heard = [];
    else this.#answer(revision, this.#heard);
  }

  tell(deltas: readonly RenderedDelta[]): void {
    this.#answer(this.#options.hub.revision, [...this.#heard, deltas]);
  }

  /** Not as of the new revision: the next poll must find its `since` outside the ring. */
  restart(): void {
    this.#answer(this.#since, []);
  }

  answer(): void {
    this.#answer(this.#options.hub.revision, this.#heard);
  }

  end(tokenHash?: string | null): void {
    this.#error ??= this.#options.ended(tokenHash);
    if (this.#error !== undefined && this.isListening) this.#finish(Promise.reject(this.#error));
  }

  #answer(revision: Revision, renderings: readonly Rendering[]): void {
    if (this.isListening) this.#finish(awaitRenderings(renderings).then(deltas => deltaFrame(revision, deltas)));
  }

  #finish(answer: Promise<string>): void {
    const over = this.#over;
    this.#over = undefined;
    this.stop();
    over?.(answer);
  }
}
