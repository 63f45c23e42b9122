/**
 * One client's frames in order, over a connection that can push (a WebSocket). Full update and subscription are one
 * step: the stream joins the hub in the tick in which the last frame it sent was still current, with everything after
 * it taken from the ring. It listens for its end from when it is made, before anything is awaited.
 *
 * What waits for a look-up (the messages of a chat that became his) holds back what comes behind it, bounded.
 */
import { PAGE_BYTES } from '../domain/answer-bytes.ts';
import type { Topic } from '../domain/audience.ts';
import type { Revision } from '../domain/change.ts';
import { deltaFrame, type RenderedDelta } from '../protocol/delta.ts';
import type { Hub } from './hub.ts';
import type { Subscriber } from './subscribers.ts';
import { awaitRenderings, type Rendering } from './renderings.ts';
import { bytesOf } from './ring.ts';

/** Deltas held back by a look-up at most; behind that the client is told to come again. */
const MAX_HELD = 10_000;
const MAX_HELD_BYTES = PAGE_BYTES;

export type Resync = 'too-old' | 'ahead';

export interface StreamView {
  readonly topics: readonly Topic[];
  /** The frame of a full update and the revision it is true for. */
  fullUpdate(resync: Resync | undefined): Promise<{ readonly revision: Revision; readonly frame: string }>;
  /** Values without a revision that a client coming back needs; empty for none. */
  derivedSince(since: Revision): readonly RenderedDelta[];
}

export interface StreamClient {
  /** More waits for it than it reads: what may be left out is left out. */
  readonly isSlow: boolean;
  send(frame: string): void;
  /** Nothing more can be told in order: close so that the client comes back with its `since`. `error`: what went wrong here. */
  fail(reason: 'too-slow' | { readonly error: unknown }): void;
  end(tokenHash: string | null | undefined): void;
}

export class Stream implements Subscriber {
  readonly #hub: Hub;
  readonly #view: StreamView;
  readonly #client: StreamClient;
  #heard: Rendering[] = [];
  #heldBytes = 0;
  #open = false;
  #isClosed = false;
  /** All frames before what is heard now have been sent: it hears more than its end. */
  isListening = false;
  #sending: Promise<void> | undefined;
  /** The revision behind which derived values were left out: they are told when the client is quick again. */
  #derivedMissedSince: Revision | undefined;
  /** Counts full updates, so that an outdated one in the making is not sent. */
  #generation = 0;
  lastHeard: Revision = 0;
  /** Those of the last subscription: an operator's change with his departments and roles. */
  topics: readonly Topic[] = [];

  constructor(hub: Hub, view: StreamView, client: StreamClient) {
    this.#hub = hub;
    this.#view = view;
    this.#client = client;
    this.#listen();
  }

  /** `since` undefined: full update. `resync`: why a `since` cannot be gone on with, known before asking the ring. */
  async open(since: Revision | undefined, resync?: Resync): Promise<void> {
    if (this.#isClosed) return;
    this.#open = true;
    await this.#connect(since, resync);
  }

  close(): void {
    this.#open = false;
    this.#isClosed = true;
    this.isListening = false;
    this.#hub.unsubscribe(this);
  }

  hear(rendering: Rendering): void {
    this.#heard.push(rendering);
    if (this.#sending !== undefined) this.#heldBytes += bytesOf(rendering);
  }

  flush(revision: Revision): void {
    if (!this.isListening) return;
    if (this.#sending !== undefined) {
      if (this.#heard.length > MAX_HELD || this.#heldBytes > MAX_HELD_BYTES) this.#client.fail('too-slow');
      return; // sent together when the look-up is done
    }
    const heard = this.#heard;
    this.#heard = [];
    if (heard.some(rendering => rendering instanceof Promise)) {
      this.#heldBytes = 0;
      this.#sending = this.#sendLater(heard, revision, this.#generation);
    } else {
      this.#send((heard as RenderedDelta[][]).flat(), revision);
    }
  }

  restart(): void {
    if (this.#open) void this.#connect(undefined, 'too-old');
  }

  end(tokenHash?: string | null): void {
    this.#client.end(tokenHash);
  }

  /** Signals and derived values; left out while something is held back or the client is slow. */
  tell(deltas: readonly RenderedDelta[]): void {
    if (!this.isListening) return;
    if (this.#sending !== undefined || this.#client.isSlow) {
      this.#derivedMissedSince ??= this.#hub.revision - 1;
      return;
    }
    this.#client.send(deltaFrame(undefined, [...this.#takeMissedDerived(), ...deltas]));
  }

  /** Every ping carries where the client stands, so that an idle client's `since` does not grow old. */
  idle(): void {
    if (!this.isListening || this.#sending !== undefined || this.#heard.length > 0 || this.#client.isSlow) return;
    const missed = this.#takeMissedDerived();
    if (missed.length > 0) this.#client.send(deltaFrame(undefined, missed));
    this.#client.send(deltaFrame(this.#hub.revision, []));
  }

  #takeMissedDerived(): readonly RenderedDelta[] {
    const since = this.#derivedMissedSince;
    this.#derivedMissedSince = undefined;
    return since === undefined ? [] : this.#view.derivedSince(since);
  }

  async #connect(since: Revision | undefined, resync: Resync | undefined): Promise<void> {
    const generation = ++this.#generation;
    this.#heard = [];
    this.#sending = undefined;
    this.isListening = false;
    try {
      this.#listen();
      let from = resync === undefined ? since : undefined;
      let missed = from === undefined ? undefined : this.#hub.missed(this.topics, from);
      const derived = from !== undefined && missed !== undefined ? this.#view.derivedSince(from) : [];
      while (missed === undefined) {
        const update = await this.#view.fullUpdate(resync ?? (since === undefined ? undefined : 'too-old'));
        if (!this.#open || generation !== this.#generation) return;
        this.#client.send(update.frame);
        from = update.revision;
        this.#listen();
        missed = this.#hub.missed(this.topics, from);
      }
      this.isListening = true;
      if (derived.length > 0) this.tell(derived);
      for (const rendering of missed) this.hear(rendering);
      // A client that resumes is told where it stands even if it has missed nothing.
      if (missed.length > 0) this.flush(this.#hub.revision);
      else if (since !== undefined) this.idle();
    } catch (error) {
      this.#client.fail({ error });
    }
  }

  /** To the topics of now. */
  #listen(): void {
    const { topics } = this.#view;
    this.#hub.unsubscribe(this);
    this.topics = topics;
    this.#hub.subscribe(this);
  }

  /** A full update that was begun meanwhile holds all of it: what is older must not come behind it. */
  async #sendLater(heard: readonly Rendering[], revision: Revision, generation: number): Promise<void> {
    try {
      const deltas = await awaitRenderings(heard);
      if (generation !== this.#generation) return;
      this.#sending = undefined;
      this.#send(deltas, revision);
      if (this.#heard.length > 0) this.flush(this.#hub.revision);
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#sending = undefined;
      this.#client.fail({ error });
    }
  }

  #send(deltas: readonly RenderedDelta[], revision: Revision): void {
    if (this.#open && deltas.length > 0) this.#client.send(deltaFrame(revision, deltas));
  }
}
