/**
 * One long poll: answers at once when something was missed or a full update is due, else when the next thing is
 * heard or after the holding time. Between two polls the ring remembers for the client.
 */
import type { Revision } from '../domain/change.ts';
import type { ChatError } from '../domain/error.ts';
import { deltaFrame } from '../protocol/delta.ts';
import type { Hub, Subscriber } from './hub.ts';
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

/** The body of the answer. Throws what `ended` says when the session behind it ends while it is held. */
export async function poll(options: PollOptions): Promise<string> {
  const { hub, view, since, resync } = options;
  const missed = since === undefined || resync !== undefined ? undefined : hub.missed(view.topics, since);
  if (since === undefined || missed === undefined) {
    const update = await view.fullUpdate(resync ?? (since === undefined ? undefined : 'too-old'));
    return update.frame;
  }
  const derived = view.derivedSince(since);
  const revision = hub.revision;
  const told = await awaitRenderings(missed);
  if (told.length > 0 || derived.length > 0) return deltaFrame(revision, [...derived, ...told]);
  // Nothing was missed and nothing could come between, because nothing was awaited from elsewhere: hold.
  if (hub.revision !== revision) return poll({ ...options, since: revision });
  return hold(options);
}

function hold({ hub, view, since = 0, holdMs, whileHeld, ended }: PollOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard: Rendering[] = [];
    const finish = (settle: () => void): void => {
      hub.unsubscribe(subscriber);
      clearTimeout(timer);
      release();
      settle();
    };
    const answer = (revision: Revision, renderings: readonly Rendering[]): void =>
      finish(() => {
        awaitRenderings(renderings).then(deltas => resolve(deltaFrame(revision, deltas)), reject);
      });
    const giveUp = (): void => answer(hub.revision, heard);
    const subscriber: Subscriber = {
      topics: view.topics,
      lastHeard: 0,
      hear: rendering => heard.push(rendering),
      flush(revision) {
        // A change may have nothing to say to this client (a message among operators): go on holding.
        if (heard.every(rendering => !(rendering instanceof Promise) && rendering.length === 0)) heard = [];
        else answer(revision, heard);
      },
      tell: deltas => answer(hub.revision, [...heard, deltas]),
      // Not as of the new revision: the next poll must find its `since` outside the ring.
      restart: () => answer(since, []),
      end(tokenHash) {
        const error = ended(tokenHash);
        if (error !== undefined) finish(() => reject(error));
      },
    };
    const release = whileHeld(giveUp); // first: it may throw
    const timer = setTimeout(giveUp, holdMs);
    hub.subscribe(subscriber);
  });
}
