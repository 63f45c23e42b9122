/** The write and read path of a node without clients: store, commit loop, bus, feed, replica, heartbeat, assignment. */
import { randomUUID } from 'node:crypto';
import type { Command } from '../../src/commit/command.ts';
import { CommitLoop } from '../../src/commit/commit-loop.ts';
import { AutoAssignment } from '../../src/jobs/auto-assignment.ts';
import { createMetrics, type MetricsRegistry } from '../../src/system/metrics.ts';
import type { Bus } from '../../src/ports/index.ts';
import { createChangeLog } from '../../src/postgres/change-log.ts';
import type { Database } from '../../src/postgres/database.ts';
import { openEpoch, readInstallation } from '../../src/postgres/installation.ts';
import { createRegistry } from '../../src/postgres/registry.ts';
import { createSnapshots } from '../../src/postgres/snapshots.ts';
import { createStore } from '../../src/postgres/store.ts';
import { createRabbitBus } from '../../src/rabbitmq/bus.ts';
import { Feed } from '../../src/sync/feed.ts';
import { Health } from '../../src/sync/health.ts';
import { Heartbeat } from '../../src/sync/heartbeat.ts';
import { NO_BUS } from '../../src/bus/no-bus.ts';
import { Leadership } from '../../src/sync/leadership.ts';
import { NewestKnown } from '../../src/sync/newest-known.ts';
import { Newcomers } from '../../src/sync/newcomers.ts';
import { Replica } from '../../src/sync/replica.ts';
import { WaitingChats } from '../../src/sync/waiting-chats.ts';
import type { AssignmentRules } from '../../src/domain/eligibility.ts';
import { mqServer } from './broker.ts';
import type { TestDatabase } from './database.ts';
import { anIdentity, NO_STATS, someRules } from './rows.ts';
import { clock, keptLog, type KeptLog } from './silent.ts';

export interface BareNode {
  readonly replica: Replica;
  readonly newcomers: Newcomers;
  readonly feed: Feed;
  readonly loop: CommitLoop;
  readonly database: Database;
  readonly metrics: MetricsRegistry;
  readonly log: KeptLog;
  /** While it leads. */
  readonly leaseToken: () => number | undefined;
  readonly nowUs: () => number;
  run<A>(command: Command<A>): Promise<A>;
  stop(): Promise<void>;
}

export interface BareNodeOptions {
  readonly name?: string;
  readonly leads?: boolean;
  readonly defaultMaxChats?: number;
  readonly rules?: AssignmentRules;
  /** Without it the node has no bus. */
  readonly vhost?: string;
  readonly wrapBus?: (bus: Bus) => Bus;
}

/** On a migrated database. */
export async function startBareNode(test: TestDatabase, options: BareNodeOptions = {}): Promise<BareNode> {
  const { name = 'bare', leads = false, defaultMaxChats = 5, vhost, wrapBus = (bus: Bus): Bus => bus } = options;
  const database = test.open();
  const metrics = createMetrics();
  const log = keptLog();
  const health = new Health(log);
  const incarnation = randomUUID();
  const replica = new Replica();
  const known = new NewestKnown();
  const feed = new Feed({
    replica,
    known,
    log: createChangeLog(database),
    snapshots: createSnapshots(database),
    clock,
    logger: log,
    metrics,
  });
  const { id: installationId, secret: installationSecret, origin } = await readInstallation(database);
  const bus =
    vhost === undefined
      ? NO_BUS
      : wrapBus(
          createRabbitBus({
            hosts: [mqServer()],
            username: 'guest',
            password: 'guest',
            virtualHost: vhost,
            prefix: 'bare',
            nodeName: name,
            incarnation,
            installationId,
            installationSecret,
            origin: () => origin,
            isMember: () => true,
            nowUs: () => Date.now() * 1_000,
            log,
            metrics,
          }),
        );
  const store = createStore(database, () => known.commit);
  const newcomers = new Newcomers(replica, metrics);
  const loop = new CommitLoop({
    store,
    hot: replica,
    newcomers,
    clock,
    nowUs: () => heartbeat.nowUs(),
    log,
    metrics,
    queueLength: 10_000,
    onCommit: commit => feed.own(commit),
    publish: envelope => bus.publish(envelope),
    openEpoch: () => openEpoch(database, known.commit),
    onDatabase: failure => health.report('database', 'paused', failure),
  });
  const registry = createRegistry(
    database,
    anIdentity({ name, incarnation, mode: leads ? 'master' : 'slave', configuredMaster: leads ? name : '' }),
  );
  const leadership: Leadership = new Leadership({
    registry,
    clock,
    log,
    metrics,
    leaseSeconds: 4,
    onChange: () => assignment.wake(),
    tell: () => undefined,
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
    stats: () => Promise.resolve(NO_STATS),
    onNameLost: () => undefined,
    onEpoch: () => undefined,
    onDrainWish: () => undefined,
  });
  const waiting = new WaitingChats(replica);
  const rules = { ...(options.rules ?? someRules()), defaultMaxChats, departments: replica.departments };
  const assignment = new AutoAssignment({
    replica,
    waiting,
    feed,
    loop,
    rules,
    leaseToken: () => leadership.token,
    nowUs: () => heartbeat.nowUs(),
    clock,
    log,
    metrics,
  });
  if (leads) leadership.stand();
  await registry.register();
  await feed.start();
  await bus.start({
    envelope: envelope => feed.envelope(envelope),
    signal: () => undefined,
    interrupted: () => undefined,
    resumed: () => undefined,
  });
  await heartbeat.start();
  if (leads) assignment.start();
  return {
    replica,
    newcomers,
    feed,
    loop,
    database,
    metrics,
    log,
    leaseToken: () => leadership.token,
    nowUs: () => heartbeat.nowUs(),
    run: async command => (await loop.execute(command)).answer,
    async stop() {
      await assignment.stop();
      await leadership.resign();
      leadership.stop();
      await loop.stop();
      await heartbeat.stop();
      await bus.stop();
      feed.stop();
      await registry.unregister();
      await registry.close();
      await store.close();
      await database.end();
    },
  };
}
