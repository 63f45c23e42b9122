/** Ends of what clients hold: a change, so that every node drops what it has cached and tells those connected. */
import type { Command } from '../commit/command.ts';
import { STEP_BYTES } from './command-bytes.ts';

export function endPages(pages: readonly { readonly pageId: string; readonly visitorId: string }[]): Command<null> {
  return {
    name: 'end pages',
    bytes: STEP_BYTES * pages.length,
    addKeys() {},
    decide: () => ({ changes: pages.map(page => ({ type: 'page-ended', ...page })), answer: null }),
  };
}

/** One login by its token hash, or all of the operator's. */
export function endOperatorSessions(operatorId: number, tokenHash: string | null): Command<null> {
  return {
    name: 'end operator sessions',
    bytes: STEP_BYTES,
    addKeys() {},
    decide: () => ({ changes: [{ type: 'operator-sessions-ended', operatorId, tokenHash }], answer: null }),
  };
}
