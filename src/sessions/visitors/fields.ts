/** Fields that an app tells of its visitor: `{name, email, phone, …}`, all texts. Not signed, so they never say who he is. */
import type { Visitor } from '../../domain/visitor.ts';
import { type Parameters, wrong } from '../../protocol/parameters.ts';

const MAX_JSON = 20_000;
const MAX_FIELDS = 50;
const MAX_NAME = 50;
const MAX_VALUE = 1_000;
/** Say who he is: only signed fields may. */
const SIGNED_ONLY = 'id';

/** A JSON object in a parameter; undefined when it is absent. Throws `wrong-argument-value`. */
export function readFields(parameters: Parameters, name: string): Visitor['fields'] | undefined {
  const given = parameters.optionalJson(name, MAX_JSON);
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrong(name, 'a JSON object is expected');
  const fields: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value === null || key === SIGNED_ONLY) continue;
    if (typeof value === 'object') throw wrong(name, `${key} must be a text`);
    const text = String(value as string | number | boolean);
    if (key.length > MAX_NAME || text.length > MAX_VALUE)
      throw wrong(name, `at most ${MAX_NAME} characters of name and ${MAX_VALUE} of text`);
    fields[key] = text;
  }
  if (Object.keys(fields).length > MAX_FIELDS) throw wrong(name, `at most ${MAX_FIELDS} fields`);
  return fields;
}

/** As `readFields`; what is no object of texts is an app's own matter and nobody else's. */
export function readFieldsIfAny(parameters: Parameters, name: string): Visitor['fields'] {
  try {
    return readFields(parameters, name) ?? {};
  } catch {
    return {};
  }
}
