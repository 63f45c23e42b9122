/** `db_tls…` and `mq_tls…`: how the nodes speak TLS to PostgreSQL and RabbitMQ. Files stand relative to the folder of main.ini. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { type Fault, whyUnreadable } from './fault.ts';

export interface ServiceTls {
  /** require: encrypted, whoever answers. verify-full: by a certificate of `caFile` (else of a public authority) with the name of the host. */
  readonly mode: 'require' | 'verify-full';
  readonly caFile: string | undefined;
  /** This node's own, where the service wants to see one. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

export interface ServiceTlsValues {
  readonly mode: 'disable' | 'require' | 'verify-full';
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** undefined: in the clear. */
export function readServiceTls(
  name: 'db_tls' | 'mq_tls',
  { mode, ca, cert, key }: ServiceTlsValues,
  folder: string,
  faults: Fault[],
): ServiceTls | undefined {
  const fileOf = (what: string, file: string | undefined): string | undefined => {
    if (file === undefined) return undefined;
    const full = path.resolve(folder, file);
    try {
      accessSync(full, constants.R_OK);
    } catch (error) {
      faults.push({ message: `${name}_${what}: ${file} ${whyUnreadable(error)}` });
    }
    return full;
  };
  const read = { caFile: fileOf('ca', ca), certFile: fileOf('cert', cert), keyFile: fileOf('key', key) };
  if ((cert === undefined) !== (key === undefined)) faults.push({ message: `${name}_cert and ${name}_key belong together: set both` });
  if (mode === 'disable') {
    if (ca !== undefined || cert !== undefined)
      faults.push({ message: `${name} is disable: set it to verify-full, or take the ${name}_… files out` });
    return undefined;
  }
  return { mode, ...read };
}

interface Service {
  readonly hosts: readonly { readonly host: string }[];
  readonly tls: ServiceTls | undefined;
}

/** What crosses a network unprotected, in words; what stays on this host does not. */
export function warningsOfTls({ db, mq }: { readonly db: Service | undefined; readonly mq: Service | undefined }): string[] {
  const warn = (name: string, key: string, service: Service | undefined): string[] => {
    if (service === undefined || service.hosts.every(({ host }) => isHere(host))) return [];
    if (service.tls === undefined)
      return [
        `${key} = disable: the password of ${name} and all chats cross the network in the clear; set it to verify-full (docs/security.md)`,
      ];
    return service.tls.mode === 'verify-full'
      ? []
      : [`${key} = require: whoever stands between this node and ${name} can pass for it; set it to verify-full`];
  };
  return [...warn('PostgreSQL', 'db_tls', db), ...warn('RabbitMQ', 'mq_tls', mq)];
}

function isHere(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
