/**
 * The composition root: builds one node from its Config. The only page that knows every part, and the only place
 * where the modes differ: a single node is master and slave in one, without a bus.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { CommitLoop } from './commands/commit-loop.ts';
import type { Config } from './config/config.ts';
import { BUILT_IN_STATUSES } from './domain/operator.ts';
import { authenticateOperator } from './http/operator-auth.ts';
import { createHttpServer } from './http/server.ts';
import { AutoAssignment } from './jobs/auto-assignment.ts';
import { Lifecycle, type Part } from './lifecycle.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { Bus, Clock, Log } from './ports.ts';
import { createChangeLog } from './postgres/change-log.ts';
import type { Database } from './postgres/database.ts';
import type { EmbeddedPostgres } from './postgres/embedded.ts';
import { openEpoch, readInstallation } from './postgres/installation.ts';
import { createLogins } from './postgres/logins.ts';
import { createMessages } from './postgres/messages.ts';
import { migrate } from './postgres/migrate.ts';
import { createPages } from './postgres/pages.ts';
import { createRegistry } from './postgres/registry.ts';
import { createSnapshots } from './postgres/snapshots.ts';
import { createStore } from './postgres/store.ts';
import { createRabbitBus } from './rabbitmq/bus.ts';
import { Derived } from './sessions/derived.ts';
import { Hub } from './sessions/hub.ts';
import { OperatorLogins } from './sessions/operator-logins.ts';
import type { Services } from './sessions/services.ts';
import { tellSignal } from './sessions/signals.ts';
import { VisitorPages } from './sessions/visitor-pages.ts';
import { nodeStatus } from './status.ts';
import { Feed } from './sync/feed.ts';
import { Health } from './sync/health.ts';
import { Heartbeat } from './sync/heartbeat.ts';
import { NO_BUS } from './sync/no-bus.ts';
import { Replica } from './sync/replica.ts';
import { WsServer } from './ws/server.ts';

export interface RunningNode {
  readonly log: Log;
  readonly url: string;
  /** Drains and stops; resolves when nothing is left. */
  stop(): Promise<void>;
}

export interface NodeOptions {
  readonly config: Config;
  readonly version: string;
  readonly database: Database;
  /** For migrations: the server itself where `database` is a pooler. */
  readonly direct: Database;
  readonly embedded: EmbeddedPostgres | undefined;
  /** This node can not go on (its name was taken over). The caller stops it and exits with this code. */
  readonly onFatal: (exitCode: number, sentence: string) => void;
}

/** Starts a node. Rejects when it cannot start; nothing is left running then. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { config, version, database, direct, embedded, onFatal } = options;
  const { mode, node } = config;
  const incarnation = randomUUID();
  const clock: Clock = { nowMs: () => performance.now() };
  const log = createLog({ level: node.logLevel, node: node.name, mode });
  const metrics = createMetrics();
  const health = new Health(log);

  const migrated = await migrate(direct);
  if (migrated.length > 0) log.info('schema-migrated', { migrations: migrated });
  await openEpoch(database);
  const installation = await readInstallation(database);

  const store = createStore(database);
  const registry = createRegistry(database, {
    name: node.name,
    incarnation,
    mode,
    port: node.port,
    version,
    leaseSeconds: config.cluster?.leaseSeconds ?? 4,
  });
  const messages = createMessages(database);

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

  const bus: Bus =
    config.mq === undefined
      ? NO_BUS
      : createRabbitBus({
          hosts: config.mq.hosts,
          username: config.mq.username,
          password: config.mq.password.reveal(),
          virtualHost: config.mq.virtualHost,
          prefix: config.mq.nodeIdPrefix,
          nodeName: node.name,
          incarnation,
          installationId: installation.id,
          log: log.child({ component: 'rabbitmq' }),
          metrics,
        });

  const loop = new CommitLoop({
    store,
    hot: replica,
    clock,
    log: log.child({ component: 'commands' }),
    metrics,
    queueLength: config.limits.commitQueueLength,
    onCommit: commit => feed.own(commit),
    publish: envelope => bus.publish(envelope),
    openEpoch: () => openEpoch(database),
    onDatabase: failure => health.report('database', 'paused', failure),
  });

  // ---- what the master does -----------------------------------------------------------------------------------
  const leads = mode !== 'slave';
  const heartbeat = new Heartbeat({
    registry,
    incarnation,
    feed,
    replica,
    health,
    clock,
    log,
    wantsLease: leads,
    isBusConnected: () => bus.connected,
    onNameLost: () => onFatal(75, `node name '${node.name}' was taken over by another process`),
    onLease: isLeader => {
      if (isLeader) assignment?.wake();
    },
  });
  const assignment = leads
    ? new AutoAssignment({
        replica,
        feed,
        loop,
        defaultMaxChats,
        leaseToken: () => heartbeat.leaseToken,
        log: log.child({ component: 'auto-assignment' }),
        metrics,
      })
    : undefined;

  // ---- what clients talk to -----------------------------------------------------------------------------------
  const services: Services = {
    replica,
    feed,
    hub,
    derived,
    loop,
    messages,
    pages: new VisitorPages({ pages: createPages(database), secret: installation.secret, replica, clock, metrics }),
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
      maxRequestBytes: config.limits.maxRequestBytes,
      defaultMaxChats,
      pollHoldMs: config.limits.pollHoldMs,
      wsBufferBytes: config.limits.wsBufferBytes,
    },
    log,
    nowUs: () => heartbeat.nowUs(),
    signal: signal => {
      tellSignal(hub, replica, signal);
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
  const status = nodeStatus({ config, version, health, heartbeat, replica, feed, registry, bus, ws, metrics });
  const web = createHttpServer({
    services,
    health,
    status,
    metrics,
    restCalls,
    allowedOrigins: config.allowedOrigins,
    trustedProxies: config.trustedProxies,
    tls: node.tls,
    demoPage: readFileSync(new URL('./web/index.html', import.meta.url), 'utf8'),
  });

  // ---- in order -----------------------------------------------------------------------------------------------
  let url = '';
  const parts: Part[] = [
    { name: 'embedded PostgreSQL', stop: () => embedded?.stop() },
    { name: 'database', stop: () => database.end() },
    {
      name: 'registry',
      async start() {
        await registry.register();
        embedded?.adopt(); // also one that a killed node left running
      },
      async stop() {
        await registry.unregister();
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
          signal: signal => tellSignal(hub, replica, signal),
          interrupted: changed,
          resumed: changed,
        });
        report();
      },
      stop: () => bus.stop(),
    },
    { name: 'heartbeat', start: () => heartbeat.start(), stop: () => heartbeat.stop() },
    { name: 'auto-assignment', start: () => assignment?.start(), drain: () => assignment?.stop() },
    {
      name: 'hub',
      stop() {
        hub.stop();
        derived.stop();
      },
    },
    {
      name: 'web',
      async start() {
        const port = await web.listen(node.listen, node.port);
        ws.start(web.server);
        url = `${node.tls === undefined ? 'http' : 'https'}://${node.listen.includes(':') ? `[${node.listen}]` : node.listen}:${port}/`;
      },
      async drain() {
        health.draining();
        ws.drain();
        await web.drain();
      },
      async stop() {
        ws.stop();
        await web.stop();
      },
    },
  ];
  const lifecycle = new Lifecycle(parts, log);
  await lifecycle.start();
  health.serving();
  log.info('ready', { url, version, transport: bus.transport, pid: process.pid });
  return {
    log,
    url,
    async stop() {
      log.info('draining');
      await lifecycle.stop();
      log.info('stopped');
    },
  };
}
