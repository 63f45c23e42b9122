/**
 * Logs as JSON lines on standard output: {time, level, node, mode, event, …fields}. `event` is a stable kebab word.
 * Message texts, passwords and tokens never get in: redaction is here and nowhere else.
 */
import winston from 'winston';
import type { Log, LogFields } from './ports.ts';

/** By the name of a field, at any depth; not `context`, which is no text. */
const SENSITIVE = /password|token|secret|authorization|cookie|draft|(?<!con)text/i;

/** Below this an object is cut: a log line is no dump, and an object may hold itself. */
const MAX_DEPTH = 5;

export interface NodeLog extends Log {
  setLevel(level: string): void;
  /** Lines that could not be written (a full disk, a closed pipe). The node goes on without them. */
  readonly dropped: number;
}

export function createLog(options: { readonly level: string; readonly node: string; readonly mode: string }): NodeLog {
  const { node, mode } = options;
  const logger = winston.createLogger({
    level: options.level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: winston.format.printf(({ level, message, fields }) => {
      const head = { time: new Date().toISOString(), level, node, mode, event: message };
      return JSON.stringify({ ...head, ...redact(fields as LogFields, 0), ...head }); // a field never replaces the head
    }),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its console as an interface
    transports: [new winston.transports.Console()],
  });
  const make = (base: LogFields): Log => {
    const write = (level: string, event: string, fields: LogFields = {}): void =>
      void logger.log(level, event, { fields: { ...base, ...fields } });
    return {
      error: (event, fields) => write('error', event, fields),
      warn: (event, fields) => write('warn', event, fields),
      info: (event, fields) => write('info', event, fields),
      debug: (event, fields) => write('debug', event, fields),
      child: fields => make({ ...base, ...fields }),
    };
  };
  let dropped = 0;
  process.stdout.on('error', () => {
    dropped += 1;
  });
  return {
    ...make({}),
    setLevel(level) {
      logger.level = level;
    },
    get dropped() {
      return dropped;
    },
  };
}

function redact(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, SENSITIVE.test(key) ? '***' : plain(value, depth)]));
}

/** What JSON can hold: it never throws, so a log line can never be the reason of a failure. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return '…';
  if (value instanceof Error) return describeError(value, depth);
  if ('toJSON' in value) return value; // a Date, a Secret
  if (Array.isArray(value)) return value.map(entry => plain(entry, depth + 1));
  if (value instanceof Map || value instanceof Set) return [...value].map(entry => plain(entry, depth + 1));
  return redact(value, depth + 1);
}

function describeError(error: Error, depth: number): object {
  return {
    name: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) }),
    ...(error instanceof AggregateError ? { errors: plain(error.errors, depth + 1) } : {}),
  };
}
