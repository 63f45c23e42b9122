/**
 * Logs as JSON lines on standard output: {time, level, node, mode, event, …fields}. `event` is a stable kebab word. What
 * repeats is said once, and then how often (repeats.ts); what must not be written is taken out (plain.ts).
 */
import winston from 'winston';
import type { Log, LogFields } from '../ports/index.ts';
import { isJournal, withPriority } from './journal.ts';
import { plainFields } from './plain.ts';
import { kindOf, type Repeat, Repeats } from './repeats.ts';

export interface NodeLog extends Log {
  setLevel(level: string): void;
  /** Says what was left out because it repeats; for the end of the process. */
  tellRepeats(): void;
  /** Lines that could not be written (a full disk, a closed pipe). The node goes on without them. */
  readonly dropped: number;
}

/** `sayAgainMs`: how often at most a thing that repeats is said. */
export function createLog(options: {
  readonly level: string;
  readonly node: string;
  readonly mode: string;
  readonly sayAgainMs?: number;
}): NodeLog {
  const { node, mode } = options;
  const toJournal = isJournal(1);
  const logger = winston.createLogger({
    level: options.level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: winston.format.printf(({ level, message, fields }) => {
      const head = { time: new Date().toISOString(), level, node, mode, event: message };
      const line = JSON.stringify({ ...head, ...plainFields(fields as LogFields), ...head }); // a field never replaces the head
      return toJournal ? withPriority(level, line) : line;
    }),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its console as an interface
    transports: [new winston.transports.Console()],
  });
  const repeats = new Repeats(options.sayAgainMs);
  const make = (base: LogFields): Log => {
    const write = (level: string, event: string, fields: LogFields = {}): void =>
      void logger.log(level, event, { fields: { ...base, ...fields } });
    const writeNews = (level: string, event: string, fields: LogFields = {}, kind = kindOf(event, fields)): void => {
      const again = (repeat: Repeat): void => write(level, event, { ...fields, ...repeat });
      if (kind === undefined || repeats.isNews(`${level} ${kind}`, again)) write(level, event, fields);
    };
    return {
      error: (event, fields, kind) => writeNews('error', event, fields, kind),
      warn: (event, fields, kind) => writeNews('warn', event, fields, kind),
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
    tellRepeats: () => repeats.tellAll(),
    get dropped() {
      return dropped;
    },
  };
}
