/**
 * The composition root: builds one node from its Config. The only page that knows every part, and the only place
 * where the modes differ: a single node is master and slave in one, without a bus.
 */
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { CommitLoop } from '../commit/commit-loop.ts';
import type { LoadedConfig } from '../config/config.ts';
import { CRITICAL_KEYS } from '../config/fingerprint.ts';
import { Lifecycle, type Part } from './lifecycle.ts';
import type { NodeLog } from '../system/log.ts';
import { createMetrics } from '../system/metrics.ts';
import type { Signal } from '../domain/signal.ts';
import { createJobs } from './jobs.ts';
import { createClientSide } from './client-side.ts';
import { Memory } from './memory.ts';
import { nodeStats } from './stats.ts';
import { chatRules } from './rules.ts';
import type { Bus, Clock, EpochReason } from '../ports/index.ts';
import { createChangeLog } from '../postgres/change-log.ts';
import { listEpochs } from '../postgres/cluster-control.ts';
import type { Database } from '../postgres/database.ts';
import type { EmbeddedPostgres } from '../postgres/embedded.ts';
import { openEpoch, readInstallation } from '../postgres/installation.ts';
import { createMessages } from '../postgres/messages.ts';
import { migrate } from '../postgres/migrate.ts';
import { createPages } from '../postgres/pages.ts';
import { createPresence } from '../postgres/presence.ts';
import { createRegistry } from '../postgres/registry.ts';
import { createSearchIndex } from '../postgres/search-index.ts';
import { createSnapshots } from '../postgres/snapshots.ts';
import { createStore } from '../postgres/store.ts';
import { applyReload, clusterIdentity, planReload, type Reload, warnOfDrift } from './reload.ts';
import { Derived } from '../delivery/derived.ts';
import { Hub } from '../delivery/hub.ts';
import { Presence } from '../sessions/operators/presence.ts';
import { SEARCHES_AT_ONCE } from '../sessions/searches.ts';
import { Signals } from '../delivery/signals.ts';
import { nodeStatus } from './status.ts';
import { Feed } from '../sync/feed.ts';
import { Health } from '../sync/health.ts';
import { Heartbeat } from '../sync/heartbeat.ts';
import { Leadership } from '../sync/leadership.ts';
import { NewestKnown } from '../sync/newest-known.ts';
import { Newcomers } from '../sync/newcomers.ts';
import { Replica } from '../sync/replica.ts';
import { WaitingChats } from '../sync/waiting-chats.ts';
import { Traffic } from './serving.ts';
import { createBus } from './choose-bus.ts';
import { Watchdog } from './watchdog.ts';
import type { WsServer } from '../ws/server.ts';

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
  const known = new NewestKnown();
  const installation = await readInstallation(database);
  const memory = new Memory({
    folder: process.env['STATE_DIRECTORY'] ?? config.dataDir,
    node: node.name,
    installation: installation.id,
    known,
    log,
  });
  memory.recall();
  const epochs = metrics.labelled(
    'epochs_opened_total',
    'New epochs that this node has opened because the database was not what it was',
    'reason',
  );
  const sayEpoch = (reason: EpochReason): void => {
    epochs.inc(reason);
    log.warn('epoch-opened', { reason, known: known.commit.revision });
  };
  const beginEpoch = async (): Promise<void> => {
    const reason = await openEpoch(database, known.commit);
    if (reason !== undefined) sayEpoch(reason);
  };
  await beginEpoch();

  const store = createStore(database, () => known.commit);
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
  const searches = database.withPool(SEARCHES_AT_ONCE);
  const pages = createPages(database);
  const searchIndex = createSearchIndex(database);

  const replica = new Replica();
  const feed = new Feed({
    replica,
    known,
    log: createChangeLog(database),
    snapshots: createSnapshots(database),
    clock,
    busDelivers: () => bus.connected,
    logger: log,
    metrics,
  });
  const defaultMaxChats = config.limits.maxChatsPerOperator;
  const waiting = new WaitingChats(replica);
  const newcomers = new Newcomers(replica, metrics);
  const rules = chatRules(config, replica.departments);
  const hub = new Hub({ replica, messages, metrics, ringBytes: config.limits.ringBytes, defaultMaxChats });
  const derived = new Derived({ replica, hub, waiting, rules, clock, nowUs: () => heartbeat.nowUs() });

  // A dump may be loaded under a running node.
  let { origin } = installation;
  const readOrigin = async (): Promise<void> => {
    ({ origin } = await readInstallation(database));
  };
  replica.listen({
    reloaded: () => void readOrigin().catch((error: unknown) => log.warn('origin-not-read', { error })),
  });
  let members = new Set(config.cluster?.nodeNames);
  const bus: Bus = createBus({
    config,
    direct,
    incarnation,
    installation,
    origin: () => origin,
    isMember: name => members.has(name),
    nowUs: () => heartbeat.nowUs(),
    log,
    metrics,
  });

  const loop = new CommitLoop({
    store,
    hot: replica,
    newcomers,
    clock,
    nowUs: () => heartbeat.nowUs(),
    log: log.child({ component: 'commands' }),
    metrics,
    queueLength: config.limits.commitQueueLength,
    onCommit: commit => feed.own(commit),
    publish: envelope => bus.publish(envelope),
    openEpoch: beginEpoch,
    onDatabase: failure => health.report('database', 'paused', failure),
  });

  // ---- who leads, and what the leader does -----------------------------------------------------------------------
  const leadership: Leadership = new Leadership({
    registry,
    clock,
    log,
    metrics,
    leaseSeconds,
    onChange: () => jobs.wake(),
    tell: to => bus.publishSignal({ type: 'lease-handed-over', to }),
  });
  const heartbeat = new Heartbeat({
    registry,
    incarnation,
    feed,
    replica,
    known,
    health,
    leadership,
    clock,
    isBusConnected: () => bus.connected,
    stats: nodeStats(metrics, health),
    onNameLost: () => onFatal(75, `node name '${node.name}' was taken over by another process`),
    onEpoch: sayEpoch,
    onDrainWish: wish => traffic.wish(wish),
  });
  const presenceStore = createPresence(database, incarnation);
  const jobs = createJobs({
    config,
    database,
    replica,
    waiting,
    feed,
    loop,
    rules,
    presence: presenceStore,
    pushTargets: pages,
    searchIndex,
    leaseToken: () => leadership.token,
    nowUs: () => heartbeat.nowUs(),
    clock,
    log,
    metrics,
  });
  const signals = new Signals({ hub, replica, clock });
  const hear = (signal: Signal): void => {
    if (signal.type !== 'lease-handed-over') signals.hear(signal);
    else if (signal.to === node.name) heartbeat.beatNow();
  };

  const presence = new Presence({ store: presenceStore, clock, log, metrics, graceMs: rules.graceUs / 1_000 });
  const { ws, web } = createClientSide({
    config,
    database,
    searches,
    installation,
    bus,
    replica,
    feed,
    hub,
    derived,
    waiting,
    newcomers,
    loop,
    rules,
    messages,
    pages,
    presence,
    health,
    clock,
    log,
    metrics,
    nowUs: () => heartbeat.nowUs(),
    signal: signal => {
      hear(signal);
      bus.publishSignal(signal);
    },
    status: (ws: WsServer) =>
      nodeStatus({
        config,
        fingerprint: () => identity.fingerprint,
        version,
        health,
        leadership,
        replica,
        feed,
        registry,
        epochs: () => listEpochs(database),
        search: () => searchIndex.state(),
        bus,
        ws,
        metrics,
      }),
  });
  const traffic = new Traffic({ health, leadership, ws, web, node, log, announce: () => heartbeat.beatNow() });
  const watchdog = new Watchdog({ health, clock, metrics });
  metrics.gauge('log_lines_dropped', 'Log lines that could not be written', () => log.dropped);

  // ---- in order -----------------------------------------------------------------------------------------------
  const parts: Part[] = [
    { name: 'watchdog', start: () => watchdog.start(), stop: () => watchdog.stop() },
    { name: 'embedded PostgreSQL', stop: () => embedded?.stop() },
    {
      name: 'database',
      async stop() {
        await Promise.all([database.end(), searches.end()]);
      },
    },
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
    { name: 'memory', start: () => memory.start(), stop: () => memory.stop() },
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
    ...jobs.parts,
    { name: 'presence', start: () => presence.start(), stop: () => presence.stop() },
    {
      name: 'hub',
      start: () => derived.start(),
      stop() {
        signals.stop();
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
      await applyReload(next, { log, databases: [database, searches, direct], bus, web, registry, identity: changed });
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
