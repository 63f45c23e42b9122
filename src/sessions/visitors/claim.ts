/**
 * Who an anonymous client says that it is, by the `visitor` object of its last full update, and whether it proves it. Called by an
 * init; what is not proven is nobody, and becomes a new visitor.
 */
import { type Parameters, wrong } from '../../protocol/parameters.ts';
import { isRecord } from '../../protocol/json.ts';
import type { Services } from '../services.ts';

const OUR_ID = /^[0-9a-f]{32}$/;
const MAX_OBJECT = 10_000;

export interface Claim {
  readonly visitorId: string;
  /** Without rows: he has never acted, or it is so long ago that he is forgotten. */
  readonly hasRow: boolean;
}

/** undefined: nobody. Throws ChatError. */
export async function provenClaim(services: Services, parameters: Parameters, address: string): Promise<Claim | undefined> {
  const { pages, secrets, bareIds } = services;
  const given = parameters.optionalJson('visitor', MAX_OBJECT);
  if (given === undefined) return undefined;
  if (!isRecord(given)) throw wrong('visitor', 'a JSON object is expected');
  const { id, secret } = given;
  if (typeof id !== 'string' || !OUR_ID.test(id)) return undefined;
  if (secret === undefined) {
    if (bareIds !== 'accept-once') return undefined;
    services.addressPaces.newVisitor(address); // it costs a write to find out
    return (await pages.resumeBare(id)) ? { visitorId: id, hasRow: true } : undefined;
  }
  const generation = typeof secret === 'string' ? secrets.generationOf(id, secret) : undefined;
  if (generation === undefined) return undefined;
  const known = await pages.findKnown(id);
  if (known === undefined) return generation === 0 ? { visitorId: id, hasRow: false } : undefined;
  // Who was signed in is not found again by the word of a device alone.
  return known.secretGeneration === generation && !known.isIdentified ? { visitorId: id, hasRow: true } : undefined;
}
