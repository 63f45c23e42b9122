/** Certificates by the project's own scripts/make-certs.sh, in a folder that whoever runs the services can read. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const SCRIPT = path.resolve(import.meta.dirname, '../../scripts/make-certs.sh');

export interface Certificates {
  readonly ca: string;
  cert(name: string): string;
  key(name: string): string;
  remove(): void;
}

/** `names`: as the script takes them, NAME[,ADDRESS…]. `owner`: of the private keys. */
export function makeCertificates(names: readonly string[], owner?: { readonly uid: number; readonly gid: number }): Certificates {
  const folder = mkdtempSync(path.join(tmpdir(), 'tandem-certs-'));
  execFileSync('sh', [SCRIPT, '--out', folder, ...names], { stdio: ['ignore', 'ignore', 'pipe'] });
  chmodSync(folder, 0o755);
  for (const file of readdirSync(folder)) {
    chmodSync(path.join(folder, file), file.endsWith('.key') ? 0o600 : 0o644);
    if (owner !== undefined) chownSync(path.join(folder, file), owner.uid, owner.gid);
  }
  return {
    ca: path.join(folder, 'ca.pem'),
    cert: name => path.join(folder, `${name}.pem`),
    key: name => path.join(folder, `${name}.key`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
