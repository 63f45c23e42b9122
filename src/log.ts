/**
 * Logs as JSON lines on standard output: {time, level, node, mode, event, …}. `event` is a stable kebab word. Message
 * texts, passwords and tokens never get in: redaction is here and nowhere else.
 */
import winston from 'winston';
import type { Log, LogFields } from './ports.ts';

const SENSITIVE = /password|token|secret|authorization|cookie|^text$|draft/i;

export function createLog(options: { readonly level: string; readonly node: string; readonly mode: string }): Log {
  const logger = winston.createLogger({
    level: options.level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: winston.format.printf(({ level, message, fields }) =>
      JSON.stringify({ time: new Date().toISOString(), level, node: options.node, mode: options.mode, ...redact(fields as LogFields), event: message }),
    ),
    transports: [new winston.transports.Console({ forceConsole: false })],
  });
  const make = (base: LogFields): Log => {
    const write = (level: string, event: string, fields: LogFields = {}): void => void logger.log(level, event, { fields: { ...base, ...fields } });
    return {
      error: (event, fields) => write('error', event, fields),
      warn: (event, fields) => write('warn', event, fields),
      info: (event, fields) => write('info', event, fields),
      debug: (event, fields) => write('debug', event, fields),
      child: fields => make({ ...base, ...fields }),
    };
  };
  return make({});
}

function redact(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, SENSITIVE.test(key) ? '***' : plain(value)]));
}

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const code = 'code' in value ? value.code : undefined;
  return {
    name: value.name,
    message: value.message,
    ...(code === undefined ? {} : { code }),
    stack: value.stack,
    ...(value.cause === undefined ? {} : { cause: plain(value.cause) }),
  };
}
