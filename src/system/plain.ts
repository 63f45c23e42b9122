/**
 * What JSON can hold of a log line's fields. Message texts, passwords and tokens never get in: redaction is here and nowhere
 * else. Called by log.ts for each line; it never throws, so a log line can never be the reason of a failure.
 */
import { isExpected, type LogFields } from '../ports/index.ts';

/** By the name of a field, at any depth; not `context`, which is no text. */
const SENSITIVE = /password|token|secret|authorization|cookie|draft|(?<!con)text/i;

/** Below this an object is cut: a log line is no dump, and an object may hold itself. */
const MAX_DEPTH = 5;

export function plainFields(fields: LogFields): Record<string, unknown> {
  return redact(fields, 0);
}

function redact(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, SENSITIVE.test(key) ? '***' : plain(value, depth)]));
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return '…';
  if (value instanceof Error) return isExpected(value) ? describeExpected(value) : describeError(value, depth);
  if ('toJSON' in value) return value; // a Date, a Secret
  if (Array.isArray(value)) return value.map(entry => plain(entry, depth + 1));
  if (value instanceof Map || value instanceof Set) return [...value].map(entry => plain(entry, depth + 1));
  return redact(value, depth + 1);
}

function describeError(error: Error, depth: number): object {
  return {
    ...wordsOf(error),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) }),
    ...(error instanceof AggregateError ? { errors: plain(error.errors, depth + 1) } : {}),
  };
}

/** Where in our code it was noticed helps nobody: a sentence, and that of its cause if it says something else. */
function describeExpected(error: Error): object {
  const { cause } = error;
  return {
    ...wordsOf(error),
    ...('reason' in error ? { reason: error.reason } : {}),
    ...('kind' in error ? { kind: error.kind } : {}),
    ...(cause instanceof Error && !error.message.includes(cause.message) ? { cause: wordsOf(cause) } : {}),
  };
}

function wordsOf(error: Error): object {
  return { name: error.name, message: error.message, ...('code' in error ? { code: error.code } : {}) };
}
