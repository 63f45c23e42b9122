/**
 * TLS to the services that nodes use (PostgreSQL, RabbitMQ), made of what main.ini says. Files are read for each connection, so that a
 * renewed certificate counts from the next one on.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { ServiceTls } from './service-tls.ts';

/** How to connect to a host of this name, as it stands in main.ini; undefined: in the clear. */
export function tlsOf(tls: ServiceTls | undefined): ((host: string) => ConnectionOptions) | undefined {
  if (tls === undefined) return undefined;
  const { mode, caFile, certFile, keyFile } = tls;
  return host => ({
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: mode === 'verify-full',
    minVersion: 'TLSv1.2',
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
  });
}
