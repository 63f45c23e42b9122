/** What an administrator has decided about chats, as the pure code needs it. */
import type { DeadlineRules } from './chat-deadlines.ts';
import type { AssignmentRules } from './eligibility.ts';
import type { Microseconds } from './time.ts';

/** requeue: back to the queue · hold: his until somebody writes · transfer: to a colleague at once, else requeue */
export type LostOperatorPolicy = 'requeue' | 'hold' | 'transfer';

/** Of the site's pages: chats begun there go before others. */
export interface HeadStart {
  /** `*` stands for anything; without a host it is compared with the path. */
  readonly pattern: string;
  readonly seconds: number;
}

export interface Subject {
  readonly category: string | null;
  readonly subject: string;
}

export interface ChatRules {
  readonly assignment: AssignmentRules;
  readonly deadlines: DeadlineRules;
  /** How long an operator without a connection keeps status and chats. */
  readonly graceUs: Microseconds;
  readonly lostOperatorPolicy: LostOperatorPolicy;
  /** A visitor who writes so soon after his chat was closed goes on with it. */
  readonly reopenUs: Microseconds;
  readonly headStarts: readonly HeadStart[];
  /** What chats may be about; empty: anything. */
  readonly subjects: readonly Subject[];
}

/** The longest head start of the patterns that match. `url`: empty when it is not known. */
export function headStartOf(url: string, headStarts: readonly HeadStart[]): number {
  if (url === '' || headStarts.length === 0 || !URL.canParse(url)) return 0;
  const { origin, pathname, search } = new URL(url);
  let longest = 0;
  for (const { pattern, seconds } of headStarts) {
    const subject = pattern.startsWith('/') ? pathname + search : origin + pathname + search;
    if (seconds > longest && matches(subject, pattern)) longest = seconds;
  }
  return longest;
}

/** The pieces between the stars follow each other: no regular expression, so none that takes for ever. */
function matches(text: string, pattern: string): boolean {
  const pieces = pattern.split('*');
  const [first = ''] = pieces;
  const last = pieces.at(-1) ?? '';
  if (pieces.length === 1) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}
