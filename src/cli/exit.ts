/** Exit codes (docs/protocol/cli.md) and the one sentence that a person at the terminal gets instead of a stack trace. */
import { ConfigError } from '../config/fault.ts';
import { ChatError } from '../domain/error.ts';
import { NodeNameHeld } from '../ports/index.ts';
import { ConfigDrift } from '../postgres/registry.ts';
import { troubleOf } from '../postgres/failures.ts';
import { UnfitDatabase } from '../postgres/fitness.ts';
import { SchemaTooNew } from '../postgres/migrate.ts';

export const EXIT = { ok: 0, usage: 64, serviceMissing: 69, bug: 70, tryAgain: 75, configuration: 78 } as const;

/** Wrong use of a command that the argument parser cannot see. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something outside is missing or in the way: a port, a database. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
}

/** What only a person can put right: the unit is not started again. */
const ADMINISTRATORS = [ConfigError, ConfigDrift, SchemaTooNew, UnfitDatabase];

export function exitCodeOf(error: unknown): number {
  if (ADMINISTRATORS.some(kind => error instanceof kind) || troubleOf(error)?.isRefusal === true) return EXIT.configuration;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof NodeNameHeld) return EXIT.tryAgain;
  if (error instanceof ServiceError) return EXIT.serviceMissing;
  if (error instanceof ChatError)
    return error.code === 'unavailable' || error.reason === 'node-not-ready' ? EXIT.serviceMissing : EXIT.usage;
  return EXIT.bug;
}

export function sentenceOf(error: unknown): string {
  if (exitCodeOf(error) !== EXIT.bug && error instanceof Error) return (troubleOf(error) ?? error).message;
  return `this is a bug, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
