/**
 * What travels between nodes. One envelope per commit, on `<prefix>.changes`:
 *
 *   {"v":1,"installation":"<uuid>","origin":"7713…/16384","node":"chat-slave","incarnation":"<uuid>",
 *    "first":1000000000017,"last":1000000000018,"batch":"<uuid>","changes":[{"type":"message-added",…},…]}
 *
 * signed in the header `signature` (signature.ts). `changes` is left out above 1 MiB: receivers read them from the log. One signal, on `<prefix>.signals`:
 *
 *   {"v":1,"installation":"<uuid>","origin":"7713…/16384","node":"chat-slave","incarnation":"<uuid>","at":1793456789000000,"number":17,"signal":{"type":"visitor-typing",…}}
 *
 * `at` is the database's time in microseconds, `number` counts the signals of a run of a node: a signal that comes late or again is dropped.
 */
import type { Change } from '../domain/change.ts';
import { isSignal, type Signal } from '../domain/signal.ts';
import type { Microseconds } from '../domain/time.ts';
import type { IncomingEnvelope, OutgoingEnvelope } from '../ports/index.ts';

const VERSION = 1;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of the changes as UTF-8: more than a batch of messages ever has, so that receivers read the log only after a flood. */
const MAX_CHANGES_BYTES = 1_048_576;
/** No node sends more: larger ones are not even looked at. */
export const MAX_MESSAGE_BYTES = MAX_CHANGES_BYTES + 65_536;

export interface Sender {
  readonly installation: string;
  /** Of its database: a copy of the installation, made of a dump, has the same secret and another origin. */
  readonly origin: string;
  readonly node: string;
  readonly incarnation: string;
}

/** When it was sent, by the database's clock, and as which one of its sender. */
export interface SentSignal {
  readonly incarnation: string;
  readonly atUs: Microseconds;
  readonly number: number;
}

export type Received =
  | { readonly kind: 'envelope'; readonly node: string; readonly envelope: IncomingEnvelope }
  | { readonly kind: 'signal'; readonly node: string; readonly signal: Signal; readonly sent: SentSignal }
  | { readonly kind: 'own' }
  | { readonly kind: 'foreign'; readonly installation: string; readonly node: string }
  | { readonly kind: 'poison'; readonly reason: string };

/** The changes are JSON already: they are not serialised again. */
export function encodeEnvelope(sender: Sender, { first, last, batchId, changesJson }: OutgoingEnvelope): Buffer {
  const start = `${head(sender)},"first":${first},"last":${last},"batch":"${batchId}"`;
  if (changesJson.length > MAX_CHANGES_BYTES) return Buffer.from(`${start}}`);
  return Buffer.concat([Buffer.from(`${start},"changes":`), changesJson, Buffer.from('}')]);
}

export function encodeSignal(sender: Sender, signal: Signal, atUs: Microseconds, number: number): Buffer {
  return Buffer.from(`${head(sender)},"at":${atUs},"number":${number},"signal":${JSON.stringify(signal)}}`);
}

/** Whose installation a message is from, as its first bytes say; for what is not to be parsed. */
export function installationOf(content: Buffer): string | undefined {
  return /^\{"v":\d+,"installation":"([^"\\]{1,100})"/.exec(content.toString('latin1', 0, 200))?.[1];
}

/** Never throws: what cannot be read is poison. Kinds of change are not checked, a newer node may send unknown ones. */
export function decode(content: Buffer, self: Sender): Received {
  let message: unknown;
  try {
    message = JSON.parse(content.toString('utf8'));
  } catch {
    return { kind: 'poison', reason: 'no JSON' };
  }
  if (!isRecord(message) || message['v'] !== VERSION) return { kind: 'poison', reason: 'not an envelope of version 1' };
  const { installation, origin, node, incarnation, first, last, batch, changes, signal, at, number } = message;
  if (typeof installation !== 'string' || typeof node !== 'string' || typeof incarnation !== 'string')
    return { kind: 'poison', reason: 'no sender' };
  if (incarnation === self.incarnation) return { kind: 'own' };
  // A node of an earlier version does not tell its origin.
  if (installation !== self.installation || (origin !== undefined && origin !== self.origin))
    return { kind: 'foreign', installation, node };
  if (signal !== undefined) {
    if (!isSignal(signal)) return { kind: 'poison', reason: 'not a signal' };
    // A node of an earlier version does not say when: what it tells in passing is done without.
    if (!isRevision(at) || !isRevision(number)) return { kind: 'poison', reason: 'a signal without its time' };
    return { kind: 'signal', node, signal, sent: { incarnation, atUs: at, number } };
  }
  if (!isRevision(first) || !isRevision(last) || first > last) return { kind: 'poison', reason: 'no revisions' };
  const range = { first, last, batchId: typeof batch === 'string' && UUID.test(batch) ? batch : undefined };
  if (changes === undefined) return { kind: 'envelope', node, envelope: { ...range, changes: undefined, bytes: content.length } };
  if (
    !Array.isArray(changes) ||
    changes.length !== last - first + 1 ||
    !changes.every(change => isRecord(change) && typeof change['type'] === 'string')
  ) {
    return { kind: 'poison', reason: 'changes do not fit the revisions' };
  }
  return { kind: 'envelope', node, envelope: { ...range, changes: changes as Change[], bytes: content.length } };
}

function head({ installation, origin, node, incarnation }: Sender): string {
  return `{"v":${VERSION},"installation":${JSON.stringify(installation)},"origin":${JSON.stringify(origin)},"node":${JSON.stringify(node)},"incarnation":${JSON.stringify(incarnation)}`;
}

/** Also of a time, and of a count from 1. */
function isRevision(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
