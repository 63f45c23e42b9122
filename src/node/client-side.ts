/** What clients talk to: the sessions with everything that they are built on, WebSockets, HTTP. */
import { fileURLToPath } from 'node:url';
import type { CommitLoop } from '../commit/commit-loop.ts';
import type { Config } from '../config/config.ts';
import { BUILT_IN_STATUSES } from '../domain/operator.ts';
import type { ChatRules } from '../domain/rules.ts';
import type { ClientSignal } from '../domain/signal.ts';
import type { Microseconds } from '../domain/time.ts';
import { createInspector } from '../files/inspector.ts';
import { createAddressOf } from '../http/client-address.ts';
import { authenticateOperator } from '../http/operator-auth.ts';
import { createSite } from '../http/site.ts';
import { createHttpServer, type HttpServer } from '../http/server.ts';
import type { MetricsRegistry } from '../system/metrics.ts';
import { boundConnections } from './open-files.ts';
import type { Bus, Clock, Log, Messages, Pages } from '../ports/index.ts';
import { createCannedAnswers } from '../postgres/canned-answers.ts';
import { createChatSearch } from '../postgres/chat-search.ts';
import { createClusterControl } from '../postgres/cluster-control.ts';
import type { Database } from '../postgres/database.ts';
import type { Signing } from '../protocol/visitor-ext.ts';
import { createFiles } from '../postgres/files.ts';
import { createBans, createHistories } from '../postgres/histories.ts';
import { createIdentities } from '../postgres/identities.ts';
import { createLoginAttempts } from '../postgres/login-attempts.ts';
import { createLogins } from '../postgres/logins.ts';
import { createMessageSearch } from '../postgres/message-search.ts';
import { AddressPaces } from '../sessions/address-paces.ts';
import { Admission } from '../sessions/admission.ts';
import { ClusterAdmin } from '../sessions/operators/cluster-admin.ts';
import type { Derived } from '../delivery/derived.ts';
import type { Hub } from '../delivery/hub.ts';
import { Identification } from '../sessions/visitors/identification.ts';
import { OperatorLogins } from '../sessions/operators/logins.ts';
import type { Presence } from '../sessions/operators/presence.ts';
import { Searches } from '../sessions/searches.ts';
import type { Services } from '../sessions/services.ts';
import { speakingOf } from '../sessions/visitors/chat-for-message.ts';
import { StatusSetter } from '../sessions/operators/status-setter.ts';
import { Uploads } from '../sessions/uploads.ts';
import { VisitorPages } from '../sessions/visitors/pages.ts';
import { VisitorSecrets } from '../sessions/visitors/secrets.ts';
import type { Feed } from '../sync/feed.ts';
import type { Health } from '../sync/health.ts';
import type { Replica } from '../sync/replica.ts';
import type { Newcomers } from '../sync/newcomers.ts';
import type { WaitingChats } from '../sync/waiting-chats.ts';
import { WsServer } from '../ws/server.ts';

/** What else is in the request with a file. */
const UPLOAD_MARGIN_BYTES = 65_536;

export interface ClientSideOptions {
  readonly config: Config;
  readonly database: Database;
  /** For what looks through texts. */
  readonly searches: Database;
  readonly installation: { readonly secret: string };
  readonly bus: Bus;
  readonly replica: Replica;
  readonly feed: Feed;
  readonly hub: Hub;
  readonly derived: Derived;
  readonly waiting: WaitingChats;
  readonly newcomers: Newcomers;
  readonly loop: CommitLoop;
  readonly rules: ChatRules;
  readonly messages: Messages;
  readonly pages: Pages;
  readonly presence: Presence;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  /** The database's time. */
  readonly nowUs: () => Microseconds;
  readonly signal: (signal: ClientSignal) => void;
  readonly status: (ws: WsServer) => () => Promise<object>;
}

export function createClientSide(options: ClientSideOptions): { readonly ws: WsServer; readonly web: HttpServer } {
  const { config, health, log, metrics } = options;
  const maxConnections = boundConnections(config.limits.maxConnections, log);
  const services = createServices(options, maxConnections);
  const { trustedProxies } = config;
  const site = createSite(config);
  const addressOf = createAddressOf(trustedProxies);
  const maxPerAddress = config.limits.visitorConnectionsPerAddress;
  const ws = new WsServer({
    services,
    metrics,
    addressOf,
    maxPerAddress,
    authenticateOperator: request => authenticateOperator(services.logins, request, { changes: true, site }),
  });
  const web = createHttpServer({
    services,
    health,
    status: options.status(ws),
    metrics,
    restCalls: metrics.counter('rest_calls_total', 'HTTP requests received'),
    maxConnections,
    site,
    trustedProxies,
    basePath: config.basePath,
    addressOf,
    maxPollsPerAddress: maxPerAddress,
    tls: config.node.tls,
    backendKey: config.identification.backendKey?.reveal(),
    webFolder: fileURLToPath(new URL('../web', import.meta.url)),
  });
  return { ws, web };
}

function createServices(options: ClientSideOptions, maxConnections: number): Services {
  const { config, database, installation, bus, replica, feed, loop, clock, metrics, nowUs } = options;
  const { limits } = config;
  const files = createFiles(database);
  const services: Services = {
    ...options,
    admission: new Admission({
      clock,
      metrics,
      maxConnections,
      handshakesPerSecond: limits.wsHandshakesPerSecond,
      visitorActionsPerSecond: limits.visitorActionsPerSecond,
      visitorReadsPerSecond: limits.visitorReadsPerSecond,
    }),
    addressPaces: new AddressPaces({
      clock,
      metrics,
      initsPerSecond: limits.visitorInitsPerSecond,
      chatsPerMinute: limits.visitorChatsPerMinute,
    }),
    cannedAnswers: createCannedAnswers(database),
    files,
    uploads: new Uploads({
      files,
      inspector: createInspector(limits.uploadTypes, metrics),
      loop,
      secret: installation.secret,
      defaultMaxChats: limits.maxChatsPerOperator,
      speaking: page => speakingOf(services, page, { lang: '' }),
      messages: limits.uploadMessages,
    }),
    pages: new VisitorPages({ pages: options.pages, secret: installation.secret, nowUs, replica, clock, metrics }),
    identification: new Identification({
      identities: createIdentities(database),
      signing: signingOf(config),
      nowUs,
    }),
    secrets: new VisitorSecrets(installation.secret),
    bareIds: config.identification.bareIds,
    logins: new OperatorLogins({
      store: createLogins(database),
      attempts: createLoginAttempts(database),
      secret: installation.secret,
      log: options.log,
      replica,
      clock,
      metrics,
      ttlSeconds: limits.operatorSessionSeconds,
      catchUp: () => feed.catchUp(),
    }),
    statusSetter: new StatusSetter(loop, nowUs),
    histories: createHistories(database),
    bans: createBans(database),
    chatSearch: createChatSearch(database, options.searches),
    messageSearch: createMessageSearch(options.searches),
    searches: new Searches(metrics),
    clusterAdmin: new ClusterAdmin({
      control: createClusterControl(database),
      log: options.log,
      isCluster: config.mode !== 'single',
      broker: () => ({
        transport: bus.transport,
        connected: bus.connected,
        host: config.mq === undefined ? null : placesOf(config.mq.hosts),
      }),
      databaseHost: config.db === undefined ? 'embedded' : placesOf(config.db.hosts),
      clock,
    }),
    statuses: [...BUILT_IN_STATUSES, ...config.operatorStatuses],
    limits: {
      maxMessageLength: limits.maxMessageLength,
      maxActionBytes: Math.min(limits.maxRequestBytes, 65_536 + 12 * (limits.maxMessageLength + 100_000)),
      maxFileBytes: limits.maxRequestBytes - UPLOAD_MARGIN_BYTES,
      uploadMinBytesPerSecond: limits.uploadMinBytesPerSecond,
      uploadTypes: limits.uploadTypes,
      proposesRating: limits.proposesRating,
      defaultMaxChats: limits.maxChatsPerOperator,
      pollHoldMs: limits.pollHoldMs,
      wsBufferBytes: limits.wsBufferBytes,
    },
    helloMessage: config.helloMessage ?? '',
    survey: config.survey,
  };
  return services;
}

function signingOf({ identification }: Config): Signing {
  const { fieldsVersions, fieldsKeys, fieldsKey, fieldsHash } = identification;
  return {
    versions: fieldsVersions,
    keys: new Map(fieldsKeys.map(({ id, secret }) => [id, secret.reveal()])),
    published: fieldsKey === undefined ? undefined : { key: fieldsKey.reveal(), hash: fieldsHash },
  };
}

function placesOf(hosts: readonly { readonly host: string; readonly port: number }[]): string {
  return hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
}
