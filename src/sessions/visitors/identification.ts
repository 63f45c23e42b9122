/**
 * Who a visitor is, when the customer's site has signed it (`visitor-ext`) or its backend has vouched for a token
 * (`provided_auth_token`). The same id of the customer's is the same visitor on every device.
 */
import { createHash } from 'node:crypto';
import { ChatError } from '../../domain/error.ts';
import { toSeconds } from '../../domain/time.ts';
import type { Identities } from '../../ports/index.ts';
import { isRecord } from '../../protocol/json.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import { readSignedFields, type SignedFields } from '../../protocol/signed-fields.ts';
import { type Signing, verifyVisitorExt } from '../../protocol/visitor-ext.ts';

const MAX_EXT = 20_000;
const MAX_TOKEN = 1_000;

export interface Identified {
  readonly visitorId: string;
  readonly fields: SignedFields;
}

export class Identification {
  readonly #identities: Identities;
  readonly #signing: Signing;
  readonly #nowUs: () => number;

  constructor(options: { readonly identities: Identities; readonly signing: Signing; readonly nowUs: () => number }) {
    this.#identities = options.identities;
    this.#signing = options.signing;
    this.#nowUs = options.nowUs;
  }

  /** Of an init; undefined for an anonymous visitor. `newVisitorId`: for one who is seen for the first time. Throws ChatError. */
  async identify(parameters: Parameters, newVisitorId: string): Promise<Identified | undefined> {
    const fields = await this.#fieldsOf(parameters);
    return fields === undefined ? undefined : { fields, visitorId: await this.#identities.visitorOf(fields.id, newVisitorId) };
  }

  /** The customer's backend says whose token this is. */
  async provide(parameters: Parameters): Promise<void> {
    const token = parameters.text('provided_auth_token', { max: MAX_TOKEN });
    const given = parameters.optionalJson('fields', MAX_EXT);
    await this.#identities.saveToken(hashOf(token), readSignedFields(isRecord(given) ? given : {}, 'fields'));
  }

  async #fieldsOf(parameters: Parameters): Promise<SignedFields | undefined> {
    const ext = parameters.optionalJson('visitor-ext', MAX_EXT);
    if (ext !== undefined) return verifyVisitorExt(ext, this.#signing, toSeconds(this.#nowUs()));
    const token = parameters.optionalText('provided_auth_token', { max: MAX_TOKEN });
    if (token === undefined || token === '') return undefined;
    const fields = await this.#identities.findToken(hashOf(token));
    if (fields === undefined) throw new ChatError('forbidden', 'provided-auth-token-not-found', 'nobody has vouched for this token yet');
    return readSignedFields(fields, 'provided_auth_token');
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
