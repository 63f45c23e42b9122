/** What the operating system allows this process. */
import { readFileSync } from 'node:fs';

/** Files, connections of the database and broker, and some room. */
const RESERVED = 100;

/** How many connections of clients the limit of open files leaves room for; undefined where that cannot be known. */
export function connectionsAllowed(): number | undefined {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Math.max(10, Number(soft) - RESERVED);
}
