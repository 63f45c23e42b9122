/** WebSocket close codes, for operators and visitors. `comeBack`: should the client connect again? */
export interface CloseCode {
  readonly code: number;
  readonly reason: string;
  readonly comeBack: 'with since' | 'after retryAfterMs' | 'no' | 'after init';
}

export const CLOSE = {
  goingAway: { code: 1001, reason: 'going away', comeBack: 'with since' },
  badFrame: { code: 1003, reason: 'not a frame of this protocol', comeBack: 'with since' },
  frameTooLarge: { code: 1009, reason: 'frame too large', comeBack: 'with since' },
  unauthorized: { code: 4401, reason: 'not authenticated', comeBack: 'no' },
  operatorDisabled: { code: 4403, reason: 'operator disabled', comeBack: 'no' },
  tooSlow: { code: 4408, reason: 'too slow', comeBack: 'with since' },
  reinit: { code: 4410, reason: 'reinit-required', comeBack: 'after init' },
  tooMany: { code: 4429, reason: 'too many connections', comeBack: 'after retryAfterMs' },
  draining: { code: 4503, reason: 'node draining', comeBack: 'after retryAfterMs' },
} as const satisfies Readonly<Record<string, CloseCode>>;

/** For 4429 and 4503 the reason tells when to come back: the server spreads the return, not the client. */
export function retryReason(retryAfterMs: number): string {
  return JSON.stringify({ retryAfterMs });
}
