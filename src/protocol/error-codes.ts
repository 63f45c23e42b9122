/** How a ChatError looks to clients: one row for each code. A test walks the union so that none is forgotten. */
import type { ChatError } from '../domain/error.ts';
import { type ErrorCode } from '../domain/error.ts';

/** HTTP status for operators and everybody but visitors. */
export const OPERATOR_STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  unsupported: 415,
  'rate-limited': 429,
  unavailable: 503,
  'reinit-required': 409,
};

/**
 * HTTP status for visitors. SDKs read an error from the body of a 200 and end their session on most other statuses;
 * "try later" is 502, which both survive. 429 and 503 never.
 */
export const VISITOR_STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid: 200,
  unauthenticated: 200,
  forbidden: 200,
  'not-found': 200,
  conflict: 200,
  'too-large': 413,
  unsupported: 415,
  'rate-limited': 502,
  unavailable: 502,
  'reinit-required': 200,
};

export interface ErrorBody {
  readonly error: string;
  readonly argumentName?: string;
  readonly desc?: string;
  readonly data?: unknown;
  readonly errorId?: string;
}

/** Visitors' SDKs know some errors under other names. */
const VISITOR_NAMES: Readonly<Partial<Record<string, string>>> = {
  'message-empty': 'message_empty',
  'wrong-message-kind': 'wrong_message_kind',
  'unknown-action': 'unknown-method',
  'message-not-owned': 'message_not_owned',
  'not-allowed': 'not_allowed',
  'visitor-banned': 'visitor_banned',
  'message-not-found': 'message_not_found',
  'too-large': 'max_file_size_exceeded',
  'not-allowed-file-type': 'not_allowed_file_type',
  'not-matching-magic-numbers': 'not_matching_magic_numbers',
  'malicious-file-detected': 'malicious_file_detected',
  'file-size-too-small': 'file_size_too_small',
  'file-not-found': 'file_not_found',
  'rate-limited': 'server-not-ready',
  'unsupported-encoding': 'unsupported_encoding',
};

export function operatorErrorBody(error: ChatError): ErrorBody {
  const { argumentName, data } = error.details;
  return {
    error: error.reason,
    ...(argumentName === undefined ? {} : { argumentName }),
    desc: error.message,
    ...(data === undefined ? {} : { data }),
  };
}

/** Where the SDKs differ. */
const IOS_NAMES: typeof VISITOR_NAMES = { 'file-not-found': 'file-not-found' };

export function visitorErrorBody(error: ChatError, platform = ''): ErrorBody {
  const { argumentName } = error.details;
  const own = platform === 'ios' ? IOS_NAMES[error.reason] : undefined;
  return { error: own ?? VISITOR_NAMES[error.reason] ?? error.reason, ...(argumentName === undefined ? {} : { argumentName }) };
}

/** What clients are shown of a bug: an id to find it by in the log. */
export function internalErrorBody(errorId: string): ErrorBody {
  return { error: 'internal-error', errorId };
}
