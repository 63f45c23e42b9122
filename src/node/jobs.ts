/** What exists once in a cluster: the jobs of the node that leads. Each is woken when this node begins to. */
import type { CommitLoop } from '../commit/commit-loop.ts';
import type { Config } from '../config/config.ts';
import type { ChatRules } from '../domain/rules.ts';
import type { Microseconds } from '../domain/time.ts';
import { AutoAssignment } from '../jobs/auto-assignment.ts';
import { ChatDeadlines } from '../jobs/chat-deadlines.ts';
import { LostOperators } from '../jobs/lost-operators.ts';
import { PushNotifications } from '../jobs/push-notifications.ts';
import { Retention } from '../jobs/retention.ts';
import { SearchIndex } from '../jobs/search-index.ts';
import type { Part } from './lifecycle.ts';
import type {
  Clock,
  Log,
  LostOperators as LostOperatorsStore,
  Metrics,
  PushTargets,
  SearchIndex as SearchIndexStore,
} from '../ports/index.ts';
import type { Database } from '../postgres/database.ts';
import { createRetention } from '../postgres/retention.ts';
import { createFcm } from '../push/fcm.ts';
import type { Feed } from '../sync/feed.ts';
import type { Replica } from '../sync/replica.ts';
import type { WaitingChats } from '../sync/waiting-chats.ts';

export interface JobsOptions {
  readonly config: Config;
  readonly database: Database;
  readonly replica: Replica;
  readonly waiting: WaitingChats;
  readonly feed: Feed;
  readonly loop: CommitLoop;
  readonly rules: ChatRules;
  readonly presence: LostOperatorsStore;
  readonly pushTargets: PushTargets;
  readonly searchIndex: SearchIndexStore;
  readonly leaseToken: () => number | undefined;
  readonly nowUs: () => Microseconds;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface Jobs {
  /** This node leads now. */
  wake(): void;
  /** To be started in this order. */
  readonly parts: readonly Part[];
}

export function createJobs(options: JobsOptions): Jobs {
  const { config, database, replica, rules, leaseToken, metrics, pushTargets } = options;
  const logOf = (component: string): Log => options.log.child({ component });
  const assignment = new AutoAssignment({ ...options, rules: rules.assignment, log: logOf('auto-assignment') });
  const deadlines = new ChatDeadlines({
    ...options,
    rules: rules.deadlines,
    assignmentRules: rules.assignment,
    log: logOf('chat-deadlines'),
  });
  const lost = new LostOperators({ ...options, store: options.presence, log: logOf('lost-operators') });
  const retention = new Retention({ ...options, store: createRetention(database, config.retention), log: logOf('retention') });
  const searchIndex = new SearchIndex({ ...options, store: options.searchIndex, log: logOf('search-index') });
  const push =
    config.push === undefined
      ? undefined
      : new PushNotifications({
          replica,
          targets: pushTargets,
          gateway: createFcm({ ...config.push.credentials, privateKey: config.push.credentials.privateKey.reveal(), url: config.push.url }),
          leads: () => leaseToken() !== undefined,
          afterMs: config.push.afterMs,
          log: logOf('push'),
          metrics,
        });
  const jobs = {
    'auto-assignment': assignment,
    'chat deadlines': deadlines,
    'lost operators': lost,
    retention,
    'search index': searchIndex,
  };
  return {
    wake() {
      for (const job of Object.values(jobs)) job.wake();
    },
    parts: [
      ...Object.entries(jobs).map(([name, job]): Part => ({ name, start: () => job.start(), stop: () => job.stop() })),
      { name: 'push notifications', stop: () => push?.stop() },
    ],
  };
}
