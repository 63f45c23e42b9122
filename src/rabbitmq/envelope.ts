/**
 * What travels between nodes. One envelope per commit, on `<prefix>.changes`:
 *
 *   {"v":1,"installation":"<uuid>","node":"chat-slave","incarnation":"<uuid>",
 *    "first":1000000000017,"last":1000000000018,"batch":"<uuid>","changes":[{"type":"message-added",…},…]}
 *
 * signed in the header `signature` (rabbitmq/signature.ts). `changes` is left out above 1 MiB: receivers read them from the log. One signal, on `<prefix>.signals`:
 *
 *   {"v":1,"installation":"<uuid>","node":"chat-slave","incarnation":"<uuid>","signal":{"type":"visitor-typing",…}}
 */
import type { Change } from '../domain/change.ts';
import { isSignal, type Signal } from '../domain/signal.ts';
import type { IncomingEnvelope, OutgoingEnvelope } from '../ports.ts';

const VERSION = 1;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of the changes as UTF-8: more than a batch of messages ever has, so that receivers read the log only after a flood. */
const MAX_CHANGES_BYTES = 1_048_576;

export interface Sender {
  readonly installation: string;
  readonly node: string;
  readonly incarnation: string;
}

export type Received =
  | { readonly kind: 'envelope'; readonly node: string; readonly envelope: IncomingEnvelope }
  | { readonly kind: 'signal'; readonly node: string; readonly signal: Signal }
  | { readonly kind: 'own' }
  | { readonly kind: 'foreign'; readonly installation: string; readonly node: string }
  | { readonly kind: 'poison'; readonly reason: string };

/** The changes are JSON already: they are not serialised again. */
export function encodeEnvelope(sender: Sender, { first, last, batchId, changesJson }: OutgoingEnvelope): Buffer {
  const start = `${head(sender)},"first":${first},"last":${last},"batch":"${batchId}"`;
  if (changesJson.length > MAX_CHANGES_BYTES) return Buffer.from(`${start}}`);
  return Buffer.concat([Buffer.from(`${start},"changes":`), changesJson, Buffer.from('}')]);
}

export function encodeSignal(sender: Sender, signal: Signal): Buffer {
  return Buffer.from(`${head(sender)},"signal":${JSON.stringify(signal)}}`);
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
  const { installation, node, incarnation, first, last, batch, changes, signal } = message;
  if (typeof installation !== 'string' || typeof node !== 'string' || typeof incarnation !== 'string')
    return { kind: 'poison', reason: 'no sender' };
  if (incarnation === self.incarnation) return { kind: 'own' };
  if (installation !== self.installation) return { kind: 'foreign', installation, node };
  if (signal !== undefined) {
    return isSignal(signal) ? { kind: 'signal', node, signal } : { kind: 'poison', reason: 'not a signal' };
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

function head({ installation, node, incarnation }: Sender): string {
  return `{"v":${VERSION},"installation":${JSON.stringify(installation)},"node":${JSON.stringify(node)},"incarnation":${JSON.stringify(incarnation)}`;
}

function isRevision(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
