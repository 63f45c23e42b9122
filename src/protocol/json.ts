/** JSON from clients: parsed only when it is not nested deeper than anything that a client has to say. */

const MAX_DEPTH = 20;

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

export class JsonTooDeep extends Error {
  override readonly name = 'JsonTooDeep';
}

/** Throws SyntaxError or JsonTooDeep. */
export function parseJson(text: string): unknown {
  if (isDeep(text)) throw new JsonTooDeep(`nested deeper than ${MAX_DEPTH}`);
  return JSON.parse(text);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Looked at before parsing, so that depth costs no memory. Brackets inside strings do not count. */
function isDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === BACKSLASH) i += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
  }
  return false;
}
