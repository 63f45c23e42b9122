/**
 * main.ini + main.ini.d + cluster.json + environment + flags → one frozen, typed Config. Only node.ts and the command
 * line read it; parts receive plain options. Every fault is collected, and all are told at once.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { checkNode, type Cluster, readClusterFile } from './cluster-file.ts';
import { ConfigError, didYouMean, type Fault } from './fault.ts';
import { type IniValue, readIniFiles } from './ini-files.ts';
import { type Host, type Key, KEYS, type KeyName } from './keys.ts';
import { Secret } from './secret.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface Config {
  readonly mode: 'single' | 'master' | 'slave';
  readonly node: {
    readonly name: string;
    readonly listen: string;
    readonly port: number;
    readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
    readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  };
  readonly cluster: Cluster | undefined;
  /** Only in a cluster: without the flags no broker connection is opened. */
  readonly mq:
    | {
        readonly hosts: readonly HostPort[];
        readonly username: string;
        readonly password: Secret;
        readonly virtualHost: string;
        readonly nodeIdPrefix: string;
      }
    | undefined;
  /** undefined: the embedded PostgreSQL. */
  readonly db:
    | {
        readonly hosts: readonly HostPort[];
        readonly direct: HostPort | undefined;
        readonly name: string;
        readonly username: string;
        readonly password: Secret | undefined;
        readonly pooler: 'none' | 'transaction';
      }
    | undefined;
  /** Absolute. */
  readonly dataDir: string;
  readonly operatorStatuses: readonly { readonly name: string; readonly sort: 'takes' | 'none' | 'offline'; readonly title: string }[];
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly limits: {
    readonly maxChatsPerOperator: number;
    readonly operatorSessionSeconds: number;
    readonly maxMessageLength: number;
    readonly maxRequestBytes: number;
    readonly pollHoldMs: number;
    readonly wsBufferBytes: number;
    readonly ringBytes: number;
    readonly commitQueueLength: number;
  };
}

/** As typed on the command line; each may also come from the environment as CHAT_<NAME>. */
export interface Flags {
  readonly listen?: string | undefined;
  readonly port?: string | undefined;
  readonly log_level?: string | undefined;
  readonly node_name?: string | undefined;
  readonly cluster_config?: string | undefined;
  readonly multinode_mode?: string | undefined;
  readonly tls_cert?: string | undefined;
  readonly tls_key?: string | undefined;
}

export interface ConfigInput {
  /** What --config names; without it ./main.ini if there is one. */
  readonly configFile?: string | undefined;
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface Origin {
  readonly key: string;
  /** Secrets as `***`. */
  readonly value: string;
  readonly origin: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: readonly Origin[];
}

type Parsed = { readonly [K in KeyName]: (typeof KEYS)[K]['type'] extends { readonly _output: infer V } ? V : never };

/** Throws ConfigError with every fault found. */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const faults: Fault[] = [];
  const mainFile = findMainFile(input, faults);
  const ini = mainFile === undefined ? new Map<string, IniValue>() : readIniFiles(mainFile, faults).values;
  for (const [key, { file, line }] of ini) {
    if (!Object.hasOwn(KEYS, key)) faults.push({ file: shown(file, input.cwd), line, message: `unknown key '${key}'${didYouMean(key, Object.keys(KEYS))}` });
  }
  const { values, origins, isSet } = readValues(ini, input, faults);
  const flag = (name: keyof Flags): string | undefined => input.flags[name] ?? input.env[`CHAT_${name.toUpperCase()}`];

  const place = readPlace(flag, input.cwd, faults);
  const tls = readTls(flag('tls_cert'), flag('tls_key'), input.cwd, faults);
  if (place !== undefined) {
    if (!isSet('db_host')) faults.push({ message: 'db_host is missing: in a cluster all nodes share one PostgreSQL, set db_host in main.ini' });
    if (!isSet('mq_host')) faults.push({ message: 'mq_host is missing: in a cluster the nodes sync through RabbitMQ, set mq_host in main.ini' });
  }
  if (faults.length > 0) throw new ConfigError(faults);

  const v = values as Parsed;
  const withPort = (hosts: readonly Host[], port: number): HostPort[] => hosts.map(host => ({ host: host.host, port: host.port ?? port }));
  const config: Config = {
    mode: place?.mode ?? 'single',
    node: { name: place?.name ?? 'single', listen: v.listen, port: v.port, tls, logLevel: v.log_level },
    cluster: place?.cluster,
    mq:
      place === undefined
        ? undefined
        : {
            hosts: withPort(v.mq_host, v.mq_port),
            username: v.mq_username,
            password: new Secret(v.mq_password),
            virtualHost: v.mq_virtual_host,
            nodeIdPrefix: v.mq_node_id_prefix,
          },
    db: isSet('db_host')
      ? {
          hosts: withPort(v.db_host, v.db_port),
          direct: isSet('db_direct_host') ? { host: v.db_direct_host, port: v.db_direct_port } : undefined,
          name: v.db_name,
          username: v.db_username,
          password: isSet('db_password') ? new Secret(v.db_password) : undefined,
          pooler: v.db_pooler,
        }
      : undefined,
    dataDir: path.resolve(mainFile === undefined ? input.cwd : path.dirname(mainFile), v.data_dir),
    operatorStatuses: v.operator_statuses,
    allowedOrigins: v.allowed_origins,
    trustedProxies: v.trusted_proxies,
    limits: {
      maxChatsPerOperator: v.max_chats_per_operator,
      operatorSessionSeconds: v.operator_session_hours * 3_600,
      maxMessageLength: v.max_message_length,
      maxRequestBytes: v.max_request_megabytes * 1_048_576,
      pollHoldMs: v.poll_hold_seconds * 1_000,
      wsBufferBytes: v.ws_buffer_bytes,
      ringBytes: v.ring_megabytes * 1_048_576,
      commitQueueLength: v.commit_queue_length,
    },
  };
  const nodeOrigins: Origin[] =
    place === undefined
      ? []
      : [
          { key: 'node_name', value: place.name, origin: 'flag' },
          { key: 'multinode_mode', value: place.mode, origin: 'flag' },
          { key: 'cluster_config', value: place.file, origin: 'flag' },
        ];
  return { config: deepFreeze(config), origins: [...nodeOrigins, ...origins] };
}

/** For `check-config`: `key = value   (origin)`, aligned. */
export function describeConfig({ origins }: LoadedConfig): string {
  const lines = origins.map(({ key, value, origin }) => ({ left: `${key} = ${value}`, origin }));
  const width = Math.min(60, Math.max(...lines.map(line => line.left.length)));
  return lines.map(({ left, origin }) => `${left.padEnd(width)}   (${origin})`).join('\n');
}

function findMainFile({ configFile, cwd }: ConfigInput, faults: Fault[]): string | undefined {
  if (configFile === undefined) {
    const usual = path.join(cwd, 'main.ini');
    return existsSync(usual) ? usual : undefined;
  }
  const file = path.resolve(cwd, configFile);
  if (existsSync(file)) return file;
  faults.push({ message: `--config names ${configFile}, which does not exist` });
  return undefined;
}

/** Flag over environment over file over default. */
function readValues(ini: ReadonlyMap<string, IniValue>, { flags, env, cwd }: ConfigInput, faults: Fault[]) {
  const values: Record<string, unknown> = {};
  const origins: Origin[] = [];
  const set = new Set<string>();
  for (const [name, key] of Object.entries<Key>(KEYS)) {
    const fromFlag = name === 'listen' || name === 'port' || name === 'log_level' ? flags[name] : undefined;
    const fromEnv = env[`CHAT_${name.toUpperCase()}`];
    const fromIni = ini.get(name);
    const value = fromFlag ?? fromEnv ?? fromIni?.value ?? key.default;
    const place = fromFlag === undefined && fromEnv === undefined ? fromIni : undefined;
    const origin =
      fromFlag !== undefined ? 'flag' : fromEnv !== undefined ? 'environment' : fromIni === undefined ? 'default' : `${shown(fromIni.file, cwd)}:${fromIni.line}`;
    if (value !== '') set.add(name);
    origins.push({ key: name, value: key.secret === true && value !== '' ? '***' : value, origin });
    if (value === '' && key.default === '') {
      values[name] = key.type.safeParse('').data;
      continue;
    }
    const parsed = key.type.safeParse(value);
    if (parsed.success) {
      values[name] = parsed.data;
      continue;
    }
    const given = key.secret === true ? 'its value' : `'${value}'`;
    const where = origin === 'environment' ? ` (CHAT_${name.toUpperCase()})` : origin === 'flag' ? ` (--${name})` : '';
    for (const issue of parsed.error.issues) {
      const allowed = issue.code === 'invalid_value' ? `must be one of ${issue.values.join(', ')}` : issue.message;
      faults.push({ file: place === undefined ? undefined : shown(place.file, cwd), line: place?.line, message: `${name}${where}: ${given} ${allowed}` });
    }
  }
  return { values, origins, isSet: (name: KeyName) => set.has(name) };
}

interface Place {
  readonly name: string;
  readonly mode: 'master' | 'slave';
  readonly cluster: Cluster;
  readonly file: string;
}

/** The three flags come together or not at all; none of them = a single node. */
function readPlace(flag: (name: keyof Flags) => string | undefined, cwd: string, faults: Fault[]): Place | undefined {
  const given = { node_name: flag('node_name'), cluster_config: flag('cluster_config'), multinode_mode: flag('multinode_mode') };
  const { node_name: name, cluster_config: file, multinode_mode: mode } = given;
  const missing = Object.entries(given).filter(([, value]) => value === undefined);
  if (missing.length === 3) return undefined;
  for (const [key] of missing) faults.push({ message: `--${key} is missing: node_name, cluster_config and multinode_mode are given together` });
  const isMode = mode === 'master' || mode === 'slave';
  if (mode !== undefined && !isMode) faults.push({ message: `--multinode_mode '${mode}' must be master or slave${didYouMean(mode, ['master', 'slave'])}` });
  const cluster = file === undefined ? undefined : readClusterFile(path.resolve(cwd, file), faults);
  if (cluster !== undefined && name !== undefined && isMode) checkNode(cluster, name, mode, faults);
  return name !== undefined && file !== undefined && isMode && cluster !== undefined ? { name, mode, cluster, file } : undefined;
}

function readTls(cert: string | undefined, key: string | undefined, cwd: string, faults: Fault[]): Config['node']['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    faults.push({ message: `--${cert === undefined ? 'tls_cert' : 'tls_key'} is missing: certificate and key are given together` });
    return undefined;
  }
  const files = { certFile: path.resolve(cwd, cert), keyFile: path.resolve(cwd, key) };
  for (const [name, file] of [
    ['tls_cert', files.certFile],
    ['tls_key', files.keyFile],
  ] as const) {
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      faults.push({ message: `--${name} ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    }
  }
  return files;
}

function shown(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative.startsWith('..') ? file : relative;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Secret)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
