/** Errors that are part of life: a service that is away, a role that was passed on. No bug, so no stack is logged of them. */
import { ChatError } from '../domain/error.ts';
import { StoreFailure } from './store.ts';

export function isExpected(error: unknown): error is ChatError | StoreFailure {
  return error instanceof ChatError || error instanceof StoreFailure;
}

/** How loudly a failure is told that is tried again: quietly where the state of the node says it already. */
export function severityOf(error: unknown): 'debug' | 'info' | 'warn' | 'error' {
  if (isNoLongerLeading(error)) return 'debug';
  if (error instanceof ChatError && error.reason === 'server-not-ready') return 'info';
  return isExpected(error) ? 'warn' : 'error';
}

/** This node leads no more, and what it wrote as the leader was refused: so it goes at each hand-over. */
export function isNoLongerLeading(error: unknown): boolean {
  return (error instanceof StoreFailure && error.kind === 'fenced') || (error instanceof ChatError && isNoLongerLeading(error.cause));
}
