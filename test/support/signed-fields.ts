/** Visitor fields as a customer's backend signs them: version 3 (docs/visitor-fields.md), and 2 as the SDKs' documentation has it. */
import { createHmac } from 'node:crypto';

export const FIELDS_KEY_ID = 'tests-1';
export const FIELDS_SECRET = 'the secret of the tests of version 3';
export const PUBLISHED_KEY = 'a key of the tests, 32 characters';

/** Lines of main.ini with which version 3 is accepted. */
export const FIELDS_INI = `visitor_fields_keys = ${FIELDS_KEY_ID}:${FIELDS_SECRET}`;
/** And with which version 2 is accepted too. */
export const PUBLISHED_INI = `${FIELDS_INI}\nvisitor_fields_versions = 1, 2, 3\nvisitor_fields_key = ${PUBLISHED_KEY}`;

export type Fields = Readonly<Record<string, string>>;

export function inAnHour(): number {
  return Math.floor(Date.now() / 1_000) + 3_600;
}

export function signFields(
  fields: Fields,
  { expires, key = FIELDS_KEY_ID, secret = FIELDS_SECRET }: { expires?: unknown; key?: string; secret?: string } = {},
) {
  return signText(JSON.stringify({ fields, expires: expires ?? inAnHour() }), {
    key,
    secret,
    ...(fields['id'] === undefined ? {} : { id: fields['id'] }),
  });
}

export function signText(
  signed: string,
  { key = FIELDS_KEY_ID, secret = FIELDS_SECRET, id }: { key?: string; secret?: string; id?: string } = {},
) {
  return { v: 3, key, signed, hash: createHmac('sha256', secret).update(signed).digest('hex'), ...(id === undefined ? {} : { id }) };
}

export function signPublished(fields: Fields, { expires, key = PUBLISHED_KEY }: { expires?: number | string; key?: string } = {}) {
  const text = Object.keys(fields)
    .sort()
    .map(name => fields[name])
    .join('');
  const hash = createHmac('sha256', key)
    .update(text + (expires === undefined ? '' : String(expires)))
    .digest('hex');
  return { fields, ...(expires === undefined ? {} : { expires }), hash };
}
