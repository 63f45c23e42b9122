/**
 * main.ini + main.ini.d + cluster.json + environment + flags → one frozen, typed Config. Only node/ and the command
 * line read it; parts receive plain options. Every fault is collected, and all are told at once.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Cluster } from './cluster-file.ts';
import { ConfigError, type Fault, sentence } from './fault.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type Environment, type FindGiven, type Flags, givenBy } from './flags.ts';
import { checkIdentification, type Identification, readIdentification, warningsOf } from './identification.ts';
import { type IniFiles, readIniFiles } from './ini-files.ts';
import { KEYS } from './keys.ts';
import { warningsOfServiceLinks } from './kubernetes.ts';
import { type Place, readPlace, readTls, type Tls, wantsCluster } from './place.ts';
import { type PushCredentials, readPushCredentials } from './push-credentials.ts';
import { Secret } from './secret.ts';
import { readServiceTls, type ServiceTls, warningsOfTls } from './service-tls.ts';
import { readSurvey, type SurveyFile } from './survey-file.ts';
import type { HeadStart, Host, OperatorStatus, Subject } from './value-types.ts';
import { readValues, type Source, type Values } from './values.ts';

export type { Flags } from './flags.ts';

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
    readonly tls: Tls | undefined;
    readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  };
  readonly cluster: Cluster | undefined;
  /** A hash for each setting that the nodes of a cluster should agree on. */
  readonly fingerprint: Readonly<Record<string, string>>;
  /** Only in a cluster, if mq_host is set: else the nodes sync through PostgreSQL. */
  readonly mq:
    | {
        readonly hosts: readonly HostPort[];
        readonly username: string;
        readonly password: Secret;
        readonly virtualHost: string;
        readonly nodeIdPrefix: string;
        readonly tls: ServiceTls | undefined;
      }
    | undefined;
  /** undefined: the embedded PostgreSQL. */
  readonly db:
    | {
        readonly hosts: readonly HostPort[];
        /** The servers themselves behind a pooler; empty: `hosts` are. */
        readonly direct: readonly HostPort[];
        readonly name: string;
        readonly username: string;
        readonly password: Secret | undefined;
        readonly pooler: 'none' | 'transaction';
        readonly tls: ServiceTls | undefined;
      }
    | undefined;
  /** Absolute. */
  readonly dataDir: string;
  readonly operatorStatuses: readonly OperatorStatus[];
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Under which path of another site the chat stands: '' or one such as /chat. */
  readonly basePath: string;
  /** Who may say who a visitor is. */
  readonly identification: Identification;
  /** Of the service account that may push; undefined: nothing is pushed. */
  readonly push:
    | {
        readonly credentials: PushCredentials;
        readonly url: string;
        readonly afterMs: number;
      }
    | undefined;
  readonly survey: SurveyFile | undefined;
  readonly helloMessage: string | undefined;
  /** What becomes of chats by themselves. Seconds; 0: never. */
  readonly chats: {
    readonly graceSeconds: number;
    readonly lostOperatorPolicy: 'requeue' | 'hold' | 'transfer';
    readonly assignmentMode: 'automatic' | 'manual' | 'mixed';
    readonly assignmentTimeoutSeconds: number;
    readonly tieBreak: 'random' | 'idle';
    readonly lastOperatorFirst: boolean;
    readonly headStarts: readonly HeadStart[];
    readonly offlineAfterSeconds: number;
    readonly reopenSeconds: number;
    readonly idleSeconds: Readonly<Record<'queue' | 'chatting' | 'hold' | 'invitation' | 'offline', number>>;
    /** Empty: any. */
    readonly subjects: readonly Subject[];
  };
  readonly retention: {
    readonly logHours: number;
    readonly assignmentDays: number;
    /** 0: for ever. */
    readonly messageDays: number;
  };
  readonly limits: {
    readonly maxChatsPerOperator: number;
    readonly operatorSessionSeconds: number;
    readonly maxMessageLength: number;
    readonly maxRequestBytes: number;
    readonly pollHoldMs: number;
    readonly wsBufferBytes: number;
    readonly ringBytes: number;
    readonly commitQueueLength: number;
    readonly maxConnections: number;
    readonly wsHandshakesPerSecond: number;
    readonly visitorActionsPerSecond: number;
    readonly visitorReadsPerSecond: number;
    readonly visitorConnectionsPerAddress: number;
    /** New ones, of one address. */
    readonly visitorInitsPerSecond: number;
    readonly visitorChatsPerMinute: number;
    readonly uploadMinBytesPerSecond: number;
    /** Is each upload of a visitor a message, or are they sent together by the app? */
    readonly uploadMessages: 'each' | 'together';
    /** Extensions in lower case. */
    readonly uploadTypes: readonly string[];
    readonly proposesRating: boolean;
  };
}

export interface ConfigInput {
  /** What --config names; without it ./main.ini if there is one. */
  readonly configFile?: string | undefined;
  readonly flags: Flags;
  readonly env: Environment;
  readonly cwd: string;
}

export interface Origin {
  readonly key: string;
  /** Secrets as `***`. */
  readonly value: string;
  /** default, flag, environment, or file:line. */
  readonly origin: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: readonly Origin[];
  /** main.ini, those of main.ini.d and cluster.json, as far as there are any; absolute. */
  readonly files: readonly string[];
  /** What is allowed and risky, one sentence each; told by `check-config` and at start. */
  readonly warnings: readonly string[];
}

/** Throws ConfigError with every fault found. */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const { cwd } = input;
  const faults: Fault[] = [];
  const given = givenBy(input.flags, input.env);
  const mainFile = findMainFile(input, faults);
  const ini: IniFiles = mainFile === undefined ? { values: new Map(), files: [], warnings: [] } : readIniFiles(mainFile, faults);
  const { values, sources } = readValues(ini.values, given, faults);
  const place = readPlace(given, cwd, faults);
  const tls = readTls(given, cwd, faults);
  const folder = mainFile === undefined ? cwd : path.dirname(mainFile);
  const survey = readSurvey(values.survey_file, folder, faults);
  const credentials = readPushCredentials(values.push_fcm_credentials, folder, faults);
  const dbTls = readServiceTls(
    'db_tls',
    { mode: values.db_tls, ca: values.db_tls_ca, cert: values.db_tls_cert, key: values.db_tls_key },
    folder,
    faults,
  );
  const mqTls = readServiceTls(
    'mq_tls',
    { mode: values.mq_tls, ca: values.mq_tls_ca, cert: values.mq_tls_cert, key: values.mq_tls_key },
    folder,
    faults,
  );
  const isMissing = (key: string): boolean => sources.some(source => source.key === key && source.value === '');
  checkIdentification(values, key => !isMissing(key), faults);
  if (wantsCluster(given)) {
    if (isMissing('db_host'))
      faults.push({ message: 'db_host is missing: in a cluster all nodes share one PostgreSQL, set db_host in main.ini' });
    if (isMissing('mq_host') && values.db_pooler === 'transaction' && isMissing('db_direct_host'))
      faults.push({
        message: 'db_direct_host is missing: without mq_host the nodes sync by LISTEN, which a pooler in transaction mode cannot do',
      });
  }
  const inPlace = (fault: Fault): Fault => ({ ...fault, file: fault.file === undefined ? undefined : shown(fault.file, cwd) });
  if (faults.length > 0) throw new ConfigError(faults.map(inPlace));

  const clusterFile = given('cluster_config')?.value;
  const fingerprint = fingerprintOf(sources, place?.cluster);
  const config = deepFreeze(assemble(values, { place, tls, dbTls, mqTls, folder, credentials, survey, fingerprint }));
  return {
    config,
    warnings: [
      ...ini.warnings.map(warning => sentence(inPlace(warning))),
      ...warningsOfServiceLinks(input.env, name => Object.hasOwn(KEYS, name)),
      ...warningsOf(config.identification),
      ...warningsOfTls(config),
    ],
    origins: [...givenOrigins(given), ...sources.map(source => ({ ...source, origin: describeOrigin(source, cwd) }))],
    files: clusterFile === undefined ? ini.files : [...ini.files, path.resolve(cwd, clusterFile)],
  };
}

/** For `check-config`: `key = value   (origin)`, aligned, and the warnings behind that. */
export function describeConfig({ origins, warnings }: LoadedConfig): string {
  const lines = origins.map(({ key, value, origin }) => ({ left: `${key} = ${value}`.trimEnd(), origin }));
  const width = Math.min(60, Math.max(...lines.map(line => line.left.length)));
  return [
    ...lines.map(({ left, origin }) => `${left.padEnd(width)}   (${origin})`),
    ...warnings.map(warning => `warning: ${warning}`),
  ].join('\n');
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

interface Surroundings {
  readonly place: Place | undefined;
  readonly tls: Tls | undefined;
  readonly dbTls: ServiceTls | undefined;
  readonly mqTls: ServiceTls | undefined;
  readonly folder: string;
  readonly credentials: PushCredentials | undefined;
  readonly survey: SurveyFile | undefined;
  readonly fingerprint: Config['fingerprint'];
}

function assemble(v: Values, { place, tls, dbTls, mqTls, folder, credentials, survey, fingerprint }: Surroundings): Config {
  const withPort = (hosts: readonly Host[], port: number): HostPort[] => hosts.map(host => ({ host: host.host, port: host.port ?? port }));
  return {
    mode: place?.mode ?? 'single',
    node: { name: place?.name ?? 'single', listen: v.listen, port: v.port, tls, logLevel: v.log_level },
    cluster: place?.cluster,
    fingerprint,
    mq:
      place === undefined || v.mq_host === undefined
        ? undefined
        : {
            hosts: withPort(v.mq_host, v.mq_port),
            username: v.mq_username,
            password: new Secret(v.mq_password),
            virtualHost: v.mq_virtual_host,
            nodeIdPrefix: v.mq_node_id_prefix,
            tls: mqTls,
          },
    db:
      v.db_host === undefined
        ? undefined
        : {
            hosts: withPort(v.db_host, v.db_port),
            direct: withPort(v.db_direct_host ?? [], v.db_direct_port),
            name: v.db_name,
            username: v.db_username,
            password: v.db_password === undefined ? undefined : new Secret(v.db_password),
            pooler: v.db_pooler,
            tls: dbTls,
          },
    dataDir: path.resolve(folder, v.data_dir),
    operatorStatuses: v.operator_statuses ?? [],
    allowedOrigins: v.allowed_origins ?? [],
    trustedProxies: v.trusted_proxies,
    basePath: v.base_path ?? '',
    identification: readIdentification(v),
    push:
      credentials === undefined
        ? undefined
        : { credentials, url: v.push_fcm_url.replace(/\/+$/, ''), afterMs: v.push_after_seconds * 1_000 },
    survey,
    helloMessage: v.hello_message,
    chats: {
      graceSeconds: v.operator_grace_seconds,
      lostOperatorPolicy: v.lost_operator_policy,
      assignmentMode: v.assignment_mode,
      assignmentTimeoutSeconds: v.assignment_timeout_seconds,
      tieBreak: v.assignment_tie_break,
      lastOperatorFirst: v.last_operator_first,
      headStarts: v.priority_pages ?? [],
      offlineAfterSeconds: v.queue_offline_seconds,
      reopenSeconds: v.reopen_minutes * 60,
      idleSeconds: {
        queue: v.idle_queue_seconds,
        chatting: v.idle_chatting_seconds,
        hold: v.idle_hold_seconds,
        invitation: v.idle_invitation_seconds,
        offline: v.idle_offline_seconds,
      },
      subjects: v.chat_subjects ?? [],
    },
    retention: {
      logHours: v.log_retention_hours,
      assignmentDays: v.assignment_retention_days,
      messageDays: v.message_retention_days,
    },
    limits: {
      maxChatsPerOperator: v.max_chats_per_operator,
      operatorSessionSeconds: v.operator_session_hours * 3_600,
      maxMessageLength: v.max_message_length,
      maxRequestBytes: v.max_request_megabytes * 1_048_576,
      pollHoldMs: v.poll_hold_seconds * 1_000,
      wsBufferBytes: v.ws_buffer_bytes,
      ringBytes: v.ring_megabytes * 1_048_576,
      commitQueueLength: v.commit_queue_length,
      maxConnections: v.max_connections,
      wsHandshakesPerSecond: v.ws_handshakes_per_second,
      visitorActionsPerSecond: v.visitor_actions_per_second,
      visitorReadsPerSecond: v.visitor_reads_per_second,
      visitorConnectionsPerAddress: v.visitor_connections_per_address,
      visitorInitsPerSecond: v.visitor_inits_per_second,
      visitorChatsPerMinute: v.visitor_chats_per_minute,
      uploadMinBytesPerSecond: v.upload_min_rate,
      uploadMessages: v.upload_messages,
      uploadTypes: v.upload_types,
      proposesRating: v.propose_rating_before_close,
    },
  };
}

/** What has no key in main.ini, because it differs from node to node. */
function givenOrigins(given: FindGiven): Origin[] {
  return ['node_name', 'multinode_mode', 'cluster_config', 'tls_cert', 'tls_key'].flatMap(key => {
    const found = given(key);
    return found === undefined ? [] : [{ key, value: found.value, origin: found.origin }];
  });
}

function describeOrigin({ origin }: Source, cwd: string): string {
  return typeof origin === 'string' ? origin : `${shown(origin.file, cwd)}:${origin.line}`;
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
