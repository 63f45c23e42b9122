/**
 * A cluster on two hosts, made by the scripts as docs/two-hosts.md says: host A with PostgreSQL, RabbitMQ, Nginx and the
 * master, host B with the slave; TLS between Nginx and both nodes.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import type pg from 'pg';
import { Cleanup } from '../cleanup.ts';
import { type Host, makeRoot, mustRun, startHost } from './host.ts';
import { type Network, startNetwork } from './network.ts';
import { PASSWORDS, startNginx, startPostgres, startRabbit } from './services.ts';
import { startUnit, type UnitNode } from './unit.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const INSTALL = path.join(ROOT, 'scripts/install.sh');

export interface Status {
  readonly version: string;
  readonly node: string;
  readonly state: string;
  readonly role: string;
  readonly transport: string;
  readonly enableTls: boolean;
  readonly main: { readonly pid: number; readonly connections: { readonly current: number } };
}

/** A node and the host it is on. */
export interface Place {
  readonly host: Host;
  readonly address: string;
  readonly node: 'chat-master' | 'chat-slave';
  unit: UnitNode;
  /** /status, over TLS with the certificate checked. */
  status(): Promise<Status>;
  /** The state of /readyz, which asks nobody else. */
  state(): Promise<string>;
  /** Fingerprint of the certificate that it shows. */
  certificate(): Promise<string>;
}

export interface TwoHosts {
  readonly a: Place;
  readonly b: Place;
  readonly network: Network;
  /** Of Nginx. */
  readonly url: string;
  readonly database: pg.Client;
  /** A new certificate for the second host's node, put in place by install.sh. */
  renewCertificate(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTwoHosts(): Promise<TwoHosts> {
  const cleanup = new Cleanup();
  try {
    const base = cleanup.add(mkdtempSync(path.join(tmpdir(), 'tandem hosts ')), folder => rmSync(folder, { recursive: true, force: true }));
    const hosts: Host[] = [];
    for (const name of ['host-a', 'host-b']) {
      const root = path.join(base, name);
      makeRoot(root);
      hosts.push(cleanup.add(await startHost(name, root), host => host.stop()));
    }
    const [hostA, hostB] = hosts as [Host, Host];
    const network = cleanup.add(await startNetwork(hostA, hostB), it => it.stop());
    const [addressA, addressB] = network.addresses;

    const certs = path.join(base, 'certs');
    const makeCerts = (...args: string[]): Promise<string> => mustRun(path.join(ROOT, 'scripts/make-certs.sh'), '--out', certs, ...args);
    await makeCerts(`chat-master,${addressA}`, `chat-slave,${addressB}`);
    const files = path.join(base, 'files');
    writeFiles(files, addressA);
    await mustRun(INSTALL, ...installArguments(hostA, 'chat-master', 'master', addressA, certs, files));
    writeFileSync(path.join(hostA.root, 'etc/chat-server/ca.pem'), readFileSync(path.join(certs, 'ca.pem')));
    const installSlave = (): Promise<string> => mustRun(INSTALL, ...installArguments(hostB, 'chat-slave', 'slave', addressB, certs, files));
    const [, database] = await Promise.all([startRabbit(hostA, addressA), startPostgres(hostA, addressA, network.range), installSlave()]);
    cleanup.add(database, client => client.end());

    const ca = readFileSync(path.join(certs, 'ca.pem'), 'utf8');
    const start = async (host: Host, address: string, node: Place['node']): Promise<Place> => ({
      host,
      address,
      node,
      unit: await startUnit(host, node),
      status: async () => (await get(address, '/status', ca)) as Status,
      state: async () => ((await get(address, '/readyz', ca)) as Status).state,
      certificate: () => readCertificate(address, ca),
    });
    const a = await start(hostA, addressA, 'chat-master');
    const b = await start(hostB, addressB, 'chat-slave');
    await startNginx(hostA, network.addresses);
    return {
      a,
      b,
      network,
      database,
      url: `http://${addressA}`,
      async renewCertificate() {
        await makeCerts('--force', `chat-slave,${addressB}`);
        await installSlave();
      },
      stop: () => cleanup.run(),
    };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

/** All files below a folder of a host, by name. */
export function filesIn(host: Host, folder: string): Map<string, Buffer> {
  const top = path.join(host.root, folder);
  const names = readdirSync(top, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.join(entry.parentPath, entry.name));
  return new Map(names.sort().map(name => [path.relative(top, name), readFileSync(name)]));
}

/** The folder for --config-from: the repository's files with the addresses and passwords filled in. */
function writeFiles(folder: string, services: string): void {
  const keys: Record<string, string> = {
    mq_host: services,
    mq_username: 'chat',
    mq_password: PASSWORDS.rabbit,
    mq_virtual_host: 'chat',
    db_host: services,
    db_password: PASSWORDS.postgres,
    trusted_proxies: `loopback, ${services}`,
  };
  let text = readFileSync(path.join(ROOT, 'main.ini'), 'utf8');
  for (const [key, value] of Object.entries(keys)) text = text.replace(new RegExp(`^;${key} =.*$`, 'm'), `${key} = ${value}`);
  mkdirSync(path.join(folder, 'main.ini.d'), { recursive: true });
  writeFileSync(path.join(folder, 'main.ini'), text);
  for (const name of ['cluster.json', 'main.ini.d/webim_mq.ini'])
    writeFileSync(path.join(folder, name), readFileSync(path.join(ROOT, name)));
}

function installArguments(host: Host, node: string, mode: string, listen: string, certs: string, files: string): string[] {
  return [
    ...['install', '--root', host.root, '--node', node, '--mode', mode, '--listen', listen, '--config-from', files],
    ...['--tls-cert', path.join(certs, `${node}.pem`), '--tls-key', path.join(certs, `${node}.key`)],
  ];
}

function get(host: string, url: string, ca: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = https.get({ host, port: 8260, path: url, ca, agent: false, timeout: 1_000 }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(JSON.parse(text))).on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no ${url} from ${host} within a second`))).on('error', reject);
  });
}

function readCertificate(host: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host, port: 8260, ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
