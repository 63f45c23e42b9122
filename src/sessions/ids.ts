/** Ids that nobody can guess: of pages and visits, and the random half of a message's. */
import { randomBytes } from 'node:crypto';

export function newId(): string {
  return randomBytes(16).toString('hex');
}

const NONCE_BYTES = 8;
let nonces = Buffer.alloc(0);

/** For the random half of a message id. Drawn 512 at a time: asking the system for each one cost 20 µs. */
export function newNonce(): string {
  if (nonces.length < NONCE_BYTES) nonces = randomBytes(512 * NONCE_BYTES);
  const nonce = nonces.toString('hex', 0, NONCE_BYTES);
  nonces = nonces.subarray(NONCE_BYTES);
  return nonce;
}
