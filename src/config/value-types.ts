/** What the value of a key may be: from the text in main.ini to a typed value, or a sentence that says what is allowed. */
import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';

export interface Host {
  readonly host: string;
  readonly port: number | undefined;
}

export interface OperatorStatus {
  readonly name: string;
  readonly sort: 'takes' | 'none' | 'offline';
  readonly title: string;
}

export const text = z.string().min(1, 'must not be empty');

/** So long that it cannot be guessed by trying: a third party sees what is signed with it. */
const SECRET_LENGTH = 32;

/** A key that something is signed with, or that opens something. */
export const longSecret = z.string().min(SECRET_LENGTH, `must have at least ${SECRET_LENGTH} characters`);

export interface NamedSecret {
  readonly id: string;
  readonly secret: string;
}

/** <id>:<secret>. Entries are named by their place or id, never quoted: they are secrets. */
export const namedSecrets = z.string().transform((value, context) => {
  const found = new Map<string, NamedSecret>();
  const entries = value.split(',').map(part => part.trim());
  for (const [i, entry] of entries.entries()) {
    const [, id, secret = ''] = /^([\w.-]{1,50}):(.*)$/s.exec(entry) ?? [];
    if (id === undefined) context.addIssue(`must be <id>:<secret>, several separated by commas; entry ${i + 1} is not`);
    else if (secret.length < SECRET_LENGTH)
      context.addIssue(`must have secrets of at least ${SECRET_LENGTH} characters; that of ${id} is shorter`);
    else if (found.has(id)) context.addIssue(`must have different ids; ${id} stands there twice`);
    else found.set(id, { id, secret });
  }
  return [...found.values()];
});

export function oneOf<const T extends readonly string[]>(...words: T) {
  return z.enum(words, `must be one of ${words.join(', ')}`);
}

export function integer(min: number, max: number, unit?: string) {
  const message = `must be an integer from ${min} to ${max}${unit === undefined ? '' : ` ${unit}`}`;
  return z
    .string()
    .regex(/^-?\d{1,15}$/, { message, abort: true })
    .transform(Number)
    .refine(value => value >= min && value <= max, message);
}

/** One or several, separated by commas, each with or without a port; a folder (/run/postgresql) stands for its socket. */
export function hosts(allowed: { readonly sockets: boolean }) {
  const name = allowed.sockets ? String.raw`[\w.-]+|/[\w./-]+` : String.raw`[\w.-]+`;
  const pattern = new RegExp(String.raw`^(?:\[([0-9a-f:.]+(?:%\w+)?)\]|(${name}))(?::(\d{1,5}))?$`, 'i');
  return list((entry): Host => {
    if (isIPv6(entry)) {
      // ::1:5432 is an address, and most likely meant as another one with a port.
      const [, before = '', last = ''] = /^(.*):(\d{4,5})$/.exec(entry) ?? [];
      if (isIPv6(before)) throw new Refusal(`'${entry}' may be meant in two ways: write [${before}]:${last} or [${entry}]`);
      return { host: entry, port: undefined };
    }
    const found = pattern.exec(entry);
    const host = found?.[1] ?? found?.[2];
    const port = found?.[3] === undefined ? undefined : Number(found[3]);
    // What stands before an @ may be a password.
    if (host === undefined || port === 0 || (port ?? 0) > 65_535)
      throw new Refusal(`'${entry.replace(/^.*@/, '***@')}' must be host or host:port`);
    return { host, port };
  }).refine(value => value.length > 0, 'must name at least one host');
}

/** Where a node listens: an address or a name, no port and no socket. */
export const listenAddress = z.string().transform((value, context) => {
  const address = withoutBrackets(value);
  if (isIP(address) === 0 && !/^(?!-)[\w.-]+$/.test(address))
    context.addIssue(
      /^\*$|[/]/.test(address)
        ? 'must be an address of this host; 0.0.0.0 or :: stands for all of them'
        : "must be an address or name without a port, which stands in 'port'",
    );
  return address;
});

/** As in a URL: [::1], also before the length of a range. */
function withoutBrackets(text: string): string {
  const [, address = '', rest = ''] = /^\[([^\]]*)\](.*)$/.exec(text) ?? [];
  return isIPv6(address) && (rest === '' || rest.startsWith('/')) ? address + rest : text;
}

/** Origins as browsers send them: scheme and host, no path. */
export const origins = list(entry => {
  const url = URL.canParse(entry) ? new URL(entry) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || (url.pathname + url.search + url.hash).length > 1 || url.username !== '') {
    throw new Refusal(`'${entry}' must be an origin such as https://desk.example.org`);
  }
  return url.origin;
});

/** As express understands them. */
export const proxies = list(entry => {
  const [address = '', bits, ...rest] = withoutBrackets(entry).split('/');
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) > 0 && Number(bits) <= (isIP(address) === 4 ? 32 : 128));
  if (['loopback', 'linklocal', 'uniquelocal'].includes(entry) || (isIP(address) !== 0 && isRange && rest.length === 0))
    return withoutBrackets(entry);
  throw new Refusal(`'${entry}' must be an address, a range such as 10.0.0.0/8, or loopback, linklocal, uniquelocal`);
});

const BUILT_IN = ['online', 'invisible', 'break', 'offline'];

/** name:sort:title; the title is the name when it is left out. */
/** '' or as in addresses: begins with a slash, does not end with one. */
export const basePath = z
  .string()
  .transform(value => value.replace(/\/+$/, ''))
  .pipe(
    z
      .string()
      .regex(/^(?=.{0,100}$)(?:\/[\w~-][\w.~-]*)*$/, 'must be a path such as /chat, of letters, digits, -, _, . and ~, at most 100'),
  );

export const statuses = list((entry): OperatorStatus => {
  const [, name = '', sort = '', title = ''] =
    /^([^:]*):([^:]*)(?::(.*))?$/.exec(entry)?.map(part => (part as string | undefined)?.trim()) ?? [];
  if (!/^[\w-]{1,50}$/.test(name) || (sort !== 'takes' && sort !== 'none' && sort !== 'offline')) {
    throw new Refusal(`'${entry}' must be name:sort:title, where sort is takes, none or offline`);
  }
  if (BUILT_IN.includes(name)) throw new Refusal(`'${name}' is built in and cannot be defined again`);
  return { name, sort, title: title === '' ? name : title };
}).superRefine((value, context) => {
  const names = value.map(status => status.name);
  for (const twice of new Set(names.filter((name, i) => names.indexOf(name) !== i))) context.addIssue(`'${twice}' is defined twice`);
});

/** Of src/files/types.ts, which knows their contents; a test holds the two together. */
export const KNOWN_EXTENSIONS =
  'jpg jpeg jfif png gif webp heic heif pdf doc xls ppt docx xlsx pptx odt ods rtf txt csv log zip mp3 m4a ogg oga opus wav amr mp4 mov webm'.split(
    ' ',
  );

export const extensions = list(entry => {
  const extension = entry.toLowerCase().replace(/^\./, '');
  if (KNOWN_EXTENSIONS.includes(extension)) return extension;
  throw new Refusal(`'${entry}' must be one of ${KNOWN_EXTENSIONS.join(', ')}`);
});

/** Of the signature of visitor fields, docs/visitor-fields.md. */
export const fieldsVersions = list((entry): 1 | 2 | 3 => {
  const version = [1, 2, 3].find(known => String(known) === entry);
  if (version === undefined) throw new Refusal(`'${entry}' must be 1, 2 or 3`);
  return version as 1 | 2 | 3;
}).refine(value => value.length > 0, 'must name at least one version');

export const yesNo = z.enum(['yes', 'no'], 'must be yes or no').transform(value => value === 'yes');

export interface HeadStart {
  /** `*` stands for anything; without a host it is compared with the path. */
  readonly pattern: string;
  readonly seconds: number;
}

/** <pattern> <seconds>. */
export const headStarts = list((entry): HeadStart => {
  const [, pattern = '', seconds = ''] = /^(\S+)\s+(\d{1,6})$/.exec(entry) ?? [];
  if (!/^(https?:\/\/|\/)/.test(pattern))
    throw new Refusal(`'${entry}' must be an address or path, a blank, and seconds, such as /checkout* 600`);
  return { pattern, seconds: Number(seconds) };
});

export interface Subject {
  readonly category: string | null;
  readonly subject: string;
}

/** <category>: <subject>, or <subject>. */
export const subjects = list((entry): Subject => {
  const [, category = '', subject = ''] = /^(?:([^:]*):)?(.*)$/.exec(entry) ?? [];
  if (subject.trim() === '' || entry.length > 200)
    throw new Refusal(`'${entry}' must be a subject, or category: subject, at most 200 characters`);
  return { category: category.trim() === '' ? null : category.trim(), subject: subject.trim() };
});

class Refusal extends Error {}

/** Entries separated by commas; a fault of an entry quotes that entry. */
function list<T>(readEntry: (entry: string) => T) {
  return z.string().transform((value, context) => {
    const entries: T[] = [];
    for (const entry of value.split(',').map(part => part.trim())) {
      if (entry === '') continue;
      try {
        entries.push(readEntry(entry));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        context.addIssue(error.message);
      }
    }
    return entries;
  });
}
