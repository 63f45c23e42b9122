/** Errors that are part of life: a service that is away, a role that was passed on. No bug, so no stack is logged of them. */
import { ChatError } from '../domain/error.ts';
import { StoreFailure } from './store.ts';

export function isExpected(error: unknown): error is ChatError | StoreFailure {
  return error instanceof ChatError || error instanceof StoreFailure;
}

/** This node leads no more, and what it wrote as the leader was refused: so it goes at each hand-over. */
export function isNoLongerLeading(error: unknown): boolean {
  return (error instanceof StoreFailure && error.kind === 'fenced') || (error instanceof ChatError && isNoLongerLeading(error.cause));
}
