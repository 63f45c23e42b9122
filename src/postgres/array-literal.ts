/**
 * PostgreSQL array literals, of one property of many rows or of a list. node-pg builds these element by element through a chain of
 * calls and replaces, ~0.4 µs each; a message has 15 elements and its chat 19.
 */

/** null and undefined are NULL. `isJson`: whatever the value is, it becomes JSON text. */
export function arrayLiteral<R>(rows: readonly R[], property: keyof R, isJson: boolean): string {
  let literal = '{';
  for (const row of rows) {
    if (literal.length > 1) literal += ',';
    const value = row[property];
    if (value === null || value === undefined) literal += 'NULL';
    else if (isJson) literal += quoted(JSON.stringify(value));
    else literal += typeof value === 'string' ? quoted(value) : String(value);
  }
  return `${literal}}`;
}

/** null and undefined are NULL. */
export function listLiteral(values: Iterable<string | number | boolean | null | undefined>): string {
  const elements: string[] = [];
  for (const value of values) elements.push(typeof value === 'string' ? quoted(value) : String(value ?? 'NULL'));
  return `{${elements.join(',')}}`;
}

function quoted(text: string): string {
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
}
