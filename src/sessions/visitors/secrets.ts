/**
 * What proves who an anonymous visitor is: the `secret` in the `visitor` object that his device keeps and gives back with every
 * init. His id proves nothing: operators see it. A secret is derived from the installation's, his id and the generation in his
 * row (0 without one), so that nothing is stored and any node can say it again in a full update. It is in nothing else that
 * leaves this server.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The generation, and 128 bits of the signature. */
const FORM = /^(\d{1,9})-([0-9a-f]{32})$/;

export class VisitorSecrets {
  readonly #installationSecret: string;

  constructor(installationSecret: string) {
    this.#installationSecret = installationSecret;
  }

  secretOf(visitorId: string, generation: number): string {
    return `${generation}-${this.#sign(visitorId, generation)}`;
  }

  /** Of which generation this is his secret; undefined: of none. Whether it is still the present one his row says. */
  generationOf(visitorId: string, secret: string): number | undefined {
    const [, generation, signature] = FORM.exec(secret) ?? [];
    if (generation === undefined || signature === undefined) return undefined;
    const right = this.#sign(visitorId, Number(generation));
    return timingSafeEqual(Buffer.from(signature), Buffer.from(right)) ? Number(generation) : undefined;
  }

  /** Page ids, which are signed with the same key, hold no blank (rowless-page.ts). */
  #sign(visitorId: string, generation: number): string {
    return createHmac('sha256', this.#installationSecret).update(`visitor ${visitorId} ${generation}`).digest('hex').slice(0, 32);
  }
}
