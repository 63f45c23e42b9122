/**
 * The one error that crosses layers. Domain and commands throw nothing else on purpose; anything that is not a
 * ChatError is a bug and is shown to clients as `internal-error` with an id. Adapters translate it at the edge
 * (protocol/error-codes.ts).
 */

export type ErrorCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'too-large'
  | 'unsupported'
  | 'rate-limited'
  | 'unavailable'
  | 'reinit-required';

/** The word a client reads in `error`: finer than the code, stable, documented in docs/protocol. */
export type ErrorReason =
  | 'argument-missing'
  | 'wrong-argument-value'
  | 'unknown-action'
  | 'unknown-status'
  | 'message-empty'
  | 'wrong-message-kind'
  | 'max-message-length-exceeded'
  | 'unauthorized'
  | 'wrong-credentials'
  | 'operator-disabled'
  | 'visitor-banned'
  | 'wrong-origin'
  | 'not-allowed'
  | 'not-your-chat'
  | 'message-not-owned'
  | 'wrong-department'
  | 'chat-not-found'
  | 'operator-not-found'
  | 'visitor-not-found'
  | 'department-not-found'
  | 'not-found'
  | 'node-not-found'
  | 'node-not-ready'
  | 'not-a-cluster'
  | 'chat-already-taken'
  | 'chat-closed'
  | 'wrong-chat-state'
  | 'no-chat'
  | 'chat-open'
  | 'message-not-found'
  | 'cannot-create-response'
  | 'button-id-not-set'
  | 'request-message-id-not-set'
  | 'operator-not-in-chat'
  | 'note-is-too-long'
  | 'no-sticker-id'
  | 'no-current-survey'
  | 'incorrect-survey-id'
  | 'question-not-found'
  | 'incorrect-stars-value'
  | 'incorrect-radio-value'
  | 'max-comment-length-exceeded'
  | 'invalid-coordinates-received'
  | 'rate-disabled'
  | 'not-allowed-file-type'
  | 'not-matching-magic-numbers'
  | 'malicious-file-detected'
  | 'file-size-too-small'
  | 'file-not-found'
  | 'file-has-been-sent'
  | 'wrong-provided-visitor-hash-value'
  | 'wrong-provided-visitor-expires-value'
  | 'provided-visitor-expired'
  | 'provided-auth-token-not-found'
  | 'chat-not-waiting'
  | 'capacity-exceeded'
  | 'operator-not-available'
  | 'already-exists'
  | 'too-many'
  | 'too-large'
  | 'unsupported-encoding'
  | 'rate-limited'
  | 'too-many-attempts'
  | 'server-not-ready'
  | 'reinit-required';

export interface ErrorDetails {
  /** The parameter that is wrong, for `wrong-argument-value` and `argument-missing`. */
  readonly argumentName?: string;
  /** What the client may show or use, e.g. who took the chat. */
  readonly data?: unknown;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly code: ErrorCode;
  readonly reason: ErrorReason;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, reason: ErrorReason, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}
