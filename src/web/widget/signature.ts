/** HMAC-SHA256, for links to files. */

/**
 * As hex. `subtle` is the browser's own, which it offers under https and on localhost only; without it the few lines below do
 * (FIPS 180-4, RFC 2104).
 */
export async function sign(key: string, text: string, subtle: typeof crypto.subtle | undefined): Promise<string> {
  const encoder = new TextEncoder();
  const [keyBytes, bytes] = [encoder.encode(key), encoder.encode(text)];
  if (subtle === undefined) return toHex(hmac(keyBytes, bytes));
  const imported = await subtle.importKey('raw', keyBytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return toHex(new Uint8Array(await subtle.sign('HMAC', imported, bytes)));
}

const BLOCK_BYTES = 64;

function hmac(key: Uint8Array, text: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const inner = sha256(
    concat(
      block.map(byte => byte ^ 0x36),
      text,
    ),
  );
  return sha256(
    concat(
      block.map(byte => byte ^ 0x5c),
      inner,
    ),
  );
}

function sha256(message: Uint8Array): Uint8Array {
  const { state, constants } = fractionsOfPrimes();
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) * BLOCK_BYTES);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length * 8);
  const words = new Uint32Array(64);
  const at = (index: number): number => words[index] ?? 0;
  const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));
  for (let start = 0; start < padded.length; start += BLOCK_BYTES) {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(start + i * 4);
    for (let i = 16; i < 64; i++) {
      const [a, b] = [at(i - 15), at(i - 2)];
      words[i] = at(i - 16) + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + at(i - 7) + (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10));
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
    for (let i = 0; i < 64; i++) {
      const sum1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + (constants[i] ?? 0) + at(i);
      const sum2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + sum1) | 0, c, b, a, (sum1 + sum2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] ?? 0) + word));
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(i * 4, word));
  return new Uint8Array(digest.buffer);
}

/** The first 32 bits of the fractions of square roots (8 primes) and cube roots (64 primes). */
function fractionsOfPrimes(): { state: Uint32Array; constants: Uint32Array } {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every(prime => n % prime !== 0)) primes.push(n);
  const fraction = (root: number): number => (root % 1) * 2 ** 32;
  return {
    state: Uint32Array.from(primes.slice(0, 8), p => fraction(Math.sqrt(p))),
    constants: Uint32Array.from(primes, p => fraction(Math.cbrt(p))),
  };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
