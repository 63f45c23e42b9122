/** Which bus a node speaks: none alone, RabbitMQ where mq_host is set, else PostgreSQL's NOTIFY. */
import type { Config } from '../config/config.ts';
import type { Microseconds } from '../domain/time.ts';
import type { Bus, Log, Metrics } from '../ports/index.ts';
import type { Database } from '../postgres/database.ts';
import type { Installation } from '../postgres/installation.ts';
import { createNotifyBus } from '../postgres/notify-bus.ts';
import { createRabbitBus } from '../rabbitmq/bus.ts';
import { NO_BUS } from '../bus/no-bus.ts';
import { tlsOf } from '../config/tls-options.ts';

export interface TransportOptions {
  readonly config: Config;
  /** The server itself where the node's database is a pooler. */
  readonly direct: Database;
  readonly incarnation: string;
  readonly installation: Installation;
  /** Of the database. */
  readonly origin: () => string;
  readonly isMember: (nodeName: string) => boolean;
  /** The database's time. */
  readonly nowUs: () => Microseconds;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function createBus({ config, direct, incarnation, installation, origin, isMember, nowUs, log, metrics }: TransportOptions): Bus {
  if (config.mode === 'single') return NO_BUS;
  if (config.mq === undefined) return createNotifyBus({ database: direct, incarnation, log: log.child({ component: 'notify' }), metrics });
  return createRabbitBus({
    hosts: config.mq.hosts,
    username: config.mq.username,
    password: config.mq.password.reveal(),
    virtualHost: config.mq.virtualHost,
    tls: tlsOf(config.mq.tls),
    prefix: config.mq.nodeIdPrefix,
    nodeName: config.node.name,
    incarnation,
    installationId: installation.id,
    origin,
    installationSecret: installation.secret,
    isMember,
    nowUs,
    log: log.child({ component: 'rabbitmq' }),
    metrics,
  });
}
