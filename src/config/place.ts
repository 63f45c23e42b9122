/** This node's place: alone or in a cluster (three flags that belong together), and the certificate it shows. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { checkNode, type Cluster, readClusterFile } from './cluster-file.ts';
import { didYouMean, type Fault, whyUnreadable } from './fault.ts';
import type { FindGiven, FlagName } from './flags.ts';

export interface Place {
  readonly name: string;
  readonly mode: 'master' | 'slave';
  readonly cluster: Cluster;
}

const PLACE_FLAGS = ['node_name', 'cluster_config', 'multinode_mode'] as const satisfies readonly FlagName[];

/** Whether any of the three flags is there: then this is to be a node of a cluster, faults or not. */
export function wantsCluster(given: FindGiven): boolean {
  return PLACE_FLAGS.some(name => given(name) !== undefined);
}

/** The three flags come together or not at all; undefined: none of them, or faults. */
export function readPlace(given: FindGiven, cwd: string, faults: Fault[]): Place | undefined {
  if (!wantsCluster(given)) return undefined;
  const [name, file, mode] = PLACE_FLAGS.map(flag => {
    const found = given(flag);
    if (found === undefined)
      faults.push({ message: `--${flag} is missing: node_name, cluster_config and multinode_mode are given together` });
    return found;
  });
  const isMode = mode?.value === 'master' || mode?.value === 'slave' ? mode.value : undefined;
  if (mode !== undefined && isMode === undefined) {
    faults.push({ message: `${mode.label}: '${mode.value}' must be master or slave${didYouMean(mode.value, ['master', 'slave'])}` });
  }
  const cluster = file === undefined ? undefined : readClusterFile(path.resolve(cwd, file.value), faults);
  if (cluster === undefined || name === undefined || isMode === undefined) return undefined;
  checkNode(cluster, name.value, isMode, faults);
  return { name: name.value, mode: isMode, cluster };
}

export interface Tls {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Both files or neither. They are tried here, so that a wrong one is told with all other faults. */
export function readTls(given: FindGiven, cwd: string, faults: Fault[]): Tls | undefined {
  const cert = given('tls_cert');
  const key = given('tls_key');
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    faults.push({ message: `--${cert === undefined ? 'tls_cert' : 'tls_key'} is missing: certificate and key are given together` });
    return undefined;
  }
  const [certFile, keyFile] = [path.resolve(cwd, cert.value), path.resolve(cwd, key.value)];
  const [certText, keyText] = [readPem(certFile, cert.label, faults), readPem(keyFile, key.label, faults)];
  if (certText === undefined || keyText === undefined) return undefined;
  try {
    createSecureContext({ cert: certText, key: keyText });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    faults.push({ message: `${cert.label} ${certFile} and ${key.label} ${keyFile} are no certificate with its private key: ${why}` });
    return undefined;
  }
  return { certFile, keyFile };
}

function readPem(file: string, label: string, faults: Fault[]): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    faults.push({ message: `${label}: ${file} ${whyUnreadable(error)}` });
    return undefined;
  }
}
