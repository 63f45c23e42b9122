/**
 * The composition root: builds one node from its Config. The only page that knows every part, and the only place
 * where the modes differ: a single node is master and slave in one, without a bus.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { CommitLoop } from './commands/commit-loop.ts';
import type { LoadedConfig } from './config/config.ts';
import { CRITICAL_KEYS } from './config/fingerprint.ts';
import { BUILT_IN_STATUSES } from './domain/operator.ts';
import { authenticateOperator } from './http/operator-auth.ts';
import { createHttpServer } from './http/server.ts';
import { AutoAssignment } from './jobs/auto-assignment.ts';
import { PushNotifications } from './jobs/push-notifications.ts';
import { Lifecycle, type Part } from './lifecycle.ts';
import type { NodeLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { boundConnections } from './open-files.ts';
import type { Signal } from './domain/signal.ts';
import type { Bus, Clock } from './ports.ts';
import { createChangeLog } from './postgres/change-log.ts';
import type { Database } from './postgres/database.ts';
import type { EmbeddedPostgres } from './postgres/embedded.ts';
import { openEpoch, readInstallation } from './postgres/installation.ts';
import { createInspector } from './files/inspector.ts';
import { createFiles } from './postgres/files.ts';
import { createIdentities } from './postgres/identities.ts';
import { createLogins } from './postgres/logins.ts';
import { createMessages } from './postgres/messages.ts';
import { migrate } from './postgres/migrate.ts';
import { createPages } from './postgres/pages.ts';
import { createRegistry } from './postgres/registry.ts';
import { createSnapshots } from './postgres/snapshots.ts';
import { createStore } from './postgres/store.ts';
import { createFcm } from './push/fcm.ts';
import { applyReload, clusterIdentity, planReload, type Reload, warnOfDrift } from './reload.ts';
import { Admission } from './sessions/admission.ts';
import { Derived } from './sessions/derived.ts';
import { Hub } from './sessions/hub.ts';
import { Identification } from './sessions/identification.ts';
import { OperatorLogins } from './sessions/operator-logins.ts';
import type { Services } from './sessions/services.ts';
import { tellSignal } from './sessions/signals.ts';
import { Uploads } from './sessions/uploads.ts';
import { VisitorPages } from './sessions/visitor-pages.ts';
import { nodeStatus } from './status.ts';
import { Feed } from './sync/feed.ts';
import { Health } from './sync/health.ts';
import { Heartbeat } from './sync/heartbeat.ts';
import { Leadership } from './sync/leadership.ts';
import { Replica } from './sync/replica.ts';
import { Traffic } from './traffic.ts';
import { createBus } from './transport.ts';
import { Watchdog } from './watchdog.ts';
import { WsServer } from './ws/server.ts';

/** What else is in the request with a file. */
const UPLOAD_MARGIN_BYTES = 65_536;

export interface RunningNode {
  readonly url: string;
  /** Applies what a running node can change; tells what it did and what needs a restart. */
  reload(loaded: LoadedConfig): Promise<Reload>;
  /** Drains and stops; resolves when nothing is left. */
  stop(): Promise<void>;
}

export interface NodeOptions {
  readonly loaded: LoadedConfig;
  readonly version: string;
  readonly log: NodeLog;
  readonly database: Database;
  /** For migrations and LISTEN: the server itself where `database` is a pooler. */
  readonly direct: Database;
  readonly embedded: EmbeddedPostgres | undefined;
  /** This node can not go on (its name was taken over). The caller stops it and exits with this code. */
  readonly onFatal: (exitCode: number, sentence: string) => void;
}

/** Starts a node. Rejects when it cannot start; nothing is left running then. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { loaded, version, log, database, direct, embedded, onFatal } = options;
  const { config } = loaded;
  const { mode, node } = config;
  let lastRead = loaded;
  let identity = clusterIdentity(loaded, loaded);
  const incarnation = randomUUID();
  const clock: Clock = { nowMs: () => performance.now() };
  const metrics = createMetrics();
  const health = new Health(log);

  const migrated = await migrate(direct);
  if (migrated.length > 0) log.info('schema-migrated', { migrations: migrated });
  await openEpoch(database);
  const installation = await readInstallation(database);

  const store = createStore(database);
  const leaseSeconds = config.cluster?.leaseSeconds ?? 4;
  const registry = createRegistry(database, {
    name: node.name,
    incarnation,
    mode,
    port: node.port,
    version,
    leaseSeconds,
    criticalKeys: CRITICAL_KEYS,
    ...identity,
  });
  const messages = createMessages(database);
  const pages = createPages(database);

  const replica = new Replica();
  const feed = new Feed({
    replica,
    log: createChangeLog(database),
    snapshots: createSnapshots(database),
    clock,
    busDelivers: () => bus.connected,
    logger: log,
    metrics,
  });
  const defaultMaxChats = config.limits.maxChatsPerOperator;
  const hub = new Hub({ replica, messages, metrics, ringBytes: config.limits.ringBytes, defaultMaxChats });
  const derived = new Derived(replica, hub, defaultMaxChats);

  let members = new Set(config.cluster?.nodeNames);
  const bus: Bus = createBus({ config, direct, incarnation, installation, isMember: name => members.has(name), log, metrics });

  const loop = new CommitLoop({
    store,
    hot: replica,
    clock,
    nowUs: () => heartbeat.nowUs(),
    log: log.child({ component: 'commands' }),
    metrics,
    queueLength: config.limits.commitQueueLength,
    onCommit: commit => feed.own(commit),
    publish: envelope => bus.publish(envelope),
    openEpoch: () => openEpoch(database),
    onDatabase: failure => health.report('database', 'paused', failure),
  });

  // ---- who leads, and what the leader does -----------------------------------------------------------------------
  const leadership: Leadership = new Leadership({
    registry,
    clock,
    log,
    metrics,
    leaseSeconds,
    onChange: () => assignment.wake(),
    tell: to => bus.publishSignal({ type: 'lease-handed-over', to }),
  });
  const heartbeat = new Heartbeat({
    registry,
    incarnation,
    feed,
    replica,
    health,
    leadership,
    clock,
    isBusConnected: () => bus.connected,
    onNameLost: () => onFatal(75, `node name '${node.name}' was taken over by another process`),
    onDrainWish: wish => traffic.wish(wish),
  });
  const assignment = new AutoAssignment({
    replica,
    feed,
    loop,
    defaultMaxChats,
    leaseToken: () => leadership.token,
    log: log.child({ component: 'auto-assignment' }),
    metrics,
  });
  const push =
    config.push === undefined
      ? undefined
      : new PushNotifications({
          replica,
          targets: pages,
          gateway: createFcm({ ...config.push.credentials, privateKey: config.push.credentials.privateKey.reveal(), url: config.push.url }),
          leads: () => leadership.token !== undefined,
          afterMs: config.push.afterMs,
          log: log.child({ component: 'push' }),
          metrics,
        });
  const hear = (signal: Signal): void => {
    if (signal.type !== 'lease-handed-over') tellSignal(hub, replica, signal);
    else if (signal.to === node.name) heartbeat.beatNow();
  };

  // ---- what clients talk to -----------------------------------------------------------------------------------
  const maxConnections = boundConnections(config.limits.maxConnections, log);
  const files = createFiles(database);
  const { fieldsKey, fieldsHash, backendKey } = config.identification;
  const services: Services = {
    admission: new Admission({
      clock,
      metrics,
      maxConnections,
      handshakesPerSecond: config.limits.wsHandshakesPerSecond,
      visitorActionsPerSecond: config.limits.visitorActionsPerSecond,
    }),
    replica,
    feed,
    hub,
    derived,
    loop,
    messages,
    files,
    uploads: new Uploads({
      files,
      inspector: createInspector(config.limits.uploadTypes),
      loop,
      secret: installation.secret,
      messages: config.limits.uploadMessages,
    }),
    pages: new VisitorPages({ pages, secret: installation.secret, replica, clock, metrics }),
    identification: new Identification({
      identities: createIdentities(database),
      signing: fieldsKey === undefined ? undefined : { key: fieldsKey.reveal(), hash: fieldsHash },
      nowUs: () => heartbeat.nowUs(),
    }),
    logins: new OperatorLogins({
      store: createLogins(database),
      replica,
      clock,
      metrics,
      ttlSeconds: config.limits.operatorSessionSeconds,
      catchUp: () => feed.catchUp(),
    }),
    statuses: [...BUILT_IN_STATUSES, ...config.operatorStatuses],
    limits: {
      maxMessageLength: config.limits.maxMessageLength,
      maxActionBytes: Math.min(config.limits.maxRequestBytes, 65_536 + 12 * (config.limits.maxMessageLength + 100_000)),
      maxFileBytes: config.limits.maxRequestBytes - UPLOAD_MARGIN_BYTES,
      uploadMinBytesPerSecond: config.limits.uploadMinBytesPerSecond,
      uploadTypes: config.limits.uploadTypes,
      defaultMaxChats,
      pollHoldMs: config.limits.pollHoldMs,
      wsBufferBytes: config.limits.wsBufferBytes,
    },
    helloMessage: config.helloMessage ?? '',
    survey: config.survey,
    log,
    nowUs: () => heartbeat.nowUs(),
    signal: signal => {
      hear(signal);
      bus.publishSignal(signal);
    },
  };
  const ws = new WsServer({
    services,
    metrics,
    authenticateOperator: request =>
      authenticateOperator(services.logins, request, { changes: true, allowedOrigins: config.allowedOrigins }),
  });
  const restCalls = metrics.counter('rest_calls_total', 'HTTP requests received');
  const status = nodeStatus({
    config,
    fingerprint: () => identity.fingerprint,
    version,
    health,
    leadership,
    replica,
    feed,
    registry,
    bus,
    ws,
    metrics,
  });
  const web = createHttpServer({
    services,
    health,
    status,
    metrics,
    restCalls,
    maxConnections,
    allowedOrigins: config.allowedOrigins,
    trustedProxies: config.trustedProxies,
    tls: node.tls,
    backendKey: backendKey?.reveal(),
    demoPage: readFileSync(new URL('./web/index.html', import.meta.url), 'utf8'),
  });

  const traffic = new Traffic({ health, leadership, ws, web, node, log, announce: () => heartbeat.beatNow() });
  const watchdog = new Watchdog({ health, clock, metrics });
  metrics.gauge('log_lines_dropped', 'Log lines that could not be written', () => log.dropped);

  // ---- in order -----------------------------------------------------------------------------------------------
  const parts: Part[] = [
    { name: 'watchdog', start: () => watchdog.start(), stop: () => watchdog.stop() },
    { name: 'embedded PostgreSQL', stop: () => embedded?.stop() },
    { name: 'database', stop: () => database.end() },
    {
      name: 'registry',
      async start() {
        await registry.register();
        await warnOfDrift(config, registry, log);
        embedded?.adopt(); // also one that a killed node left running
      },
      async stop() {
        // Without the database the name is free a few seconds later.
        await registry.unregister().catch((error: unknown) => log.warn('not-unregistered', { error }));
        await registry.close();
      },
    },
    { name: 'replica', start: () => feed.start(), stop: () => feed.stop() },
    { name: 'commit loop', drain: () => loop.stop(), stop: () => store.close() },
    {
      name: 'bus',
      async start() {
        const report = (): void => health.report('bus', 'degraded', bus.connected ? undefined : (bus.reason ?? 'interrupted'));
        const changed = (): void => {
          report();
          feed.newestIs(replica.revision);
        };
        await bus.start({
          envelope: envelope => feed.envelope(envelope),
          signal: hear,
          interrupted: changed,
          resumed: changed,
        });
        report();
      },
      stop: () => bus.stop(),
    },
    { name: 'heartbeat', start: () => heartbeat.start(), stop: () => heartbeat.stop() },
    { name: 'auto-assignment', start: () => assignment.start(), stop: () => assignment.stop() },
    { name: 'push notifications', stop: () => push?.stop() },
    {
      name: 'hub',
      stop() {
        hub.stop();
        derived.stop();
      },
    },
    {
      name: 'web',
      start: () => ws.start(web.server),
      async stop() {
        ws.stop();
        await web.stop();
      },
    },
    // Last to start and first to go: only a node that can be reached leads, and who goes lets go of the lease first.
    { name: 'traffic', start: () => traffic.open(), drain: () => traffic.drain(), stop: () => leadership.stop() },
  ];
  const lifecycle = new Lifecycle(parts, log);
  await lifecycle.start();
  log.info('ready', { url: traffic.url, version, transport: bus.transport, pid: process.pid });
  return {
    url: traffic.url,
    async reload(next) {
      const plan = planReload(loaded, lastRead, next);
      const changed = clusterIdentity(loaded, next);
      await applyReload(next, { log, databases: [database, direct], bus, web, registry, identity: changed });
      identity = changed;
      lastRead = next;
      members = new Set(next.config.cluster?.nodeNames);
      return plan;
    },
    async stop() {
      log.info('draining');
      await lifecycle.stop();
      log.info('stopped');
    },
  };
}
