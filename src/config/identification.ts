/**
 * Who may say who a visitor is, from main.ini: which versions of signed fields are accepted, with which keys, and what is risky
 * about that. Called by config.ts; pushes faults, never throws.
 */
import type { Fault } from './fault.ts';
import type { KeyName } from './keys.ts';
import { Secret } from './secret.ts';
import type { Values } from './values.ts';

export interface Identification {
  /** Of signed fields, which are accepted. */
  readonly fieldsVersions: readonly (1 | 2 | 3)[];
  /** Of version 3. */
  readonly fieldsKeys: readonly { readonly id: string; readonly secret: Secret }[];
  /** Of versions 1 and 2. */
  readonly fieldsKey: Secret | undefined;
  readonly fieldsHash: 'hmac-sha256' | 'sha256' | 'sha512';
  readonly backendKey: Secret | undefined;
  readonly bareIds: 'refuse' | 'accept-once';
}

/**
 * Keys and versions must fit each other: a key that signs nothing is a mistake, and so is a version that nothing signs. `values`
 * without those that have a fault of their own; `isSet` tells of all.
 */
export function checkIdentification(values: Partial<Values>, isSet: (key: KeyName) => boolean, faults: Fault[]): void {
  const { visitor_fields_versions: versions, visitor_fields_keys: keys = [], visitor_fields_key: key } = values;
  if (versions === undefined) return;
  const isPublished = versions.some(version => version !== 3);
  if (isSet('visitor_fields_key') && !isPublished)
    faults.push({
      message:
        'visitor_fields_key signs versions 1 and 2, and visitor_fields_versions names neither: add them there if your site or app still ' +
        'signs so (visitor_fields_versions = 2, 3), or take visitor_fields_key away and sign version 3 with visitor_fields_keys',
    });
  if (!isSet('visitor_fields_key') && isPublished)
    faults.push({ message: 'visitor_fields_key is missing: it signs versions 1 and 2, which visitor_fields_versions names' });
  if (isSet('visitor_fields_keys') && !versions.includes(3))
    faults.push({ message: 'visitor_fields_keys signs version 3, and visitor_fields_versions does not name it: add 3 there' });
  // A visitor chooses what version 2 joins to one text, by his display name. With one key for both his text can be the JSON of
  // version 3, and its signature is right.
  for (const { id, secret } of keys)
    if (secret === key)
      faults.push({
        message: `visitor_fields_keys: the secret of ${id} must be another one than visitor_fields_key: what version 2 signs could be read as version 3`,
      });
}

export function readIdentification(values: Values): Identification {
  return {
    fieldsVersions: values.visitor_fields_versions,
    fieldsKeys: (values.visitor_fields_keys ?? []).map(({ id, secret }) => ({ id, secret: new Secret(secret) })),
    fieldsKey: values.visitor_fields_key === undefined ? undefined : new Secret(values.visitor_fields_key),
    fieldsHash: values.visitor_fields_hash,
    backendKey: values.backend_key === undefined ? undefined : new Secret(values.backend_key),
    bareIds: values.visitor_bare_ids,
  };
}

/** What is allowed and risky, one sentence each. */
export function warningsOf({ fieldsVersions, bareIds }: Identification): string[] {
  const risks = {
    1: 'visitor_fields_versions: version 1 joins values without names, so that who has one signature can make another visitor of it; it is MD5, and never expires',
    2: 'visitor_fields_versions: version 2 joins values without names and its expiry behind them, so that who has one signature can make another visitor of it, for ever',
  };
  const bare =
    'visitor_bare_ids: with accept-once, who knows the id of a visitor of an earlier version and comes before the visitor does is that visitor; ' +
    'set it back to refuse when your visitors have come back';
  return [
    ...([1, 2] as const).filter(version => fieldsVersions.includes(version)).map(version => risks[version]),
    ...(bareIds === 'accept-once' ? [bare] : []),
  ];
}
