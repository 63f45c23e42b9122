/** Passwords as scrypt hashes, `scrypt$N$r$p$salt$hash`; the parameters travel with the hash, so they can be raised. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** ~50 ms and 16 MiB a check: strong, and still 20 logins a second per core. */
const COST = { N: 16_384, r: 8, p: 1 };
const LENGTH = 32;

export const MIN_PASSWORD_LENGTH = 8;
/** Nobody's words are longer, and a hash of any length costs. */
export const MAX_PASSWORD_LENGTH = 1_000;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Takes its time also for an operator who does not exist (`stored` undefined), so that logins cannot be probed. */
export async function checkPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [kind, n, r, p, salt, hash] = (stored ?? '').split('$');
  if (kind !== 'scrypt' || salt === undefined || hash === undefined) {
    await derive(password, randomBytes(16), COST);
    return false;
  }
  const expected = Buffer.from(hash, 'base64url');
  const actual = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(n), r: Number(r), p: Number(p) });
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, LENGTH, cost, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
