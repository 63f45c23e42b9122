/**
 * Why there is no connection, as one short sentence for /status and the log: which broker, what is wrong. Pure; never
 * holds a password, because amqplib's errors do not and only they and the address go in.
 */

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly virtualHost: string;
}

export function describeFailure(target: Target, error: unknown): string {
  return `RabbitMQ at ${target.host}:${target.port}: ${describe(target, error)}`;
}

/** The broker has an object of this name with other arguments (406); nobody but an administrator can put that right. */
export function isMismatch(error: unknown): error is Error {
  return codeOf(error) === 406 && /PRECONDITION_FAILED/.test((error as Error).message);
}

/** It answers and says no: the login, the virtual host, a right, an object of another kind. Trying again will not help. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error &&
    (/^Handshake terminated by server: 403|^Expected ConnectionOpenOk|ACCESS.REFUSED/.test(error.message) || isMismatch(error))
  );
}

/** The broker's own words in an error of amqplib: `… 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - …"`. */
export function brokerText(error: Error): string {
  return /with message "(.*)"/s.exec(error.message)?.[1] ?? error.message;
}

const SOCKET_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'host name cannot be resolved now',
  EPROTO: 'it does not speak TLS here (mq_tls, mq_port)',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS here (mq_tls, mq_port)',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS here (mq_tls, mq_port)',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it wants to see a certificate (mq_tls_cert, mq_tls_key)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted (mq_tls_ca)',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of an authority that is not trusted (mq_tls_ca)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that is not trusted (mq_tls_ca)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that is not trusted (mq_tls_ca)',
};

function describe({ username, virtualHost }: Target, error: unknown): string {
  // A host name with several addresses fails with all of their errors.
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(cause instanceof Error)) return 'connection lost';
  const known = SOCKET_ERRORS[String(codeOf(cause))];
  if (known !== undefined) return known;
  if (cause.name === 'AbortError') return 'no answer';
  if (cause.message.startsWith('Handshake terminated by server: 403')) return `login refused for user ${username}`;
  // amqplib does not pass on what the broker says here: it closes instead of opening the virtual host.
  if (cause.message.startsWith('Expected ConnectionOpenOk'))
    return `virtual host ${virtualHost} does not exist or user ${username} may not enter it`;
  return brokerText(cause);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
