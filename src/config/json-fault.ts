/**
 * Where a text stops being JSON, and what was expected there. JSON.parse itself will not do: its sentence changes with
 * the version of Node, often has no position, and quotes the file with its line ends.
 */
export interface JsonFault {
  readonly line: number;
  readonly message: string;
}

const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y;

/** Call it with what JSON.parse has refused; undefined when it finds nothing wrong. */
export function findJsonFault(content: string): JsonFault | undefined {
  const text = content.trimEnd();
  let at = 0;

  const eat = (wanted: string | RegExp): boolean => {
    while (/\s/.test(text.charAt(at))) at += 1;
    let length = 0;
    if (typeof wanted === 'string') length = text.startsWith(wanted, at) ? wanted.length : 0;
    else {
      wanted.lastIndex = at;
      length = wanted.exec(text)?.[0].length ?? 0;
    }
    at += length;
    return length > 0;
  };
  // Each of these returns what was expected at `at`, or undefined when all is well up to there.
  const value = (): string | undefined => {
    if (eat('{')) return members('}', member);
    if (eat('[')) return members(']', value);
    return eat(STRING) || eat(SCALAR) ? undefined : 'a value';
  };
  const member = (): string | undefined => {
    if (!eat(STRING)) return 'a name in double quotes';
    return eat(':') ? value() : "':'";
  };
  const members = (end: string, one: () => string | undefined): string | undefined => {
    if (eat(end)) return undefined;
    for (;;) {
      const expected = one();
      if (expected !== undefined) return expected;
      if (eat(end)) return undefined;
      if (!eat(',')) return `',' or '${end}'`;
    }
  };

  const expected = value() ?? (at < text.length ? 'the end of the file' : undefined);
  if (expected === undefined) return undefined;
  eat(/$/y); // past white space
  const found = /^\S{1,30}/.exec(text.slice(at))?.[0];
  return {
    line: text.slice(0, at).split('\n').length,
    message: `expected ${expected}, found ${found === undefined ? 'the end of the file' : `'${found}'`}`,
  };
}
