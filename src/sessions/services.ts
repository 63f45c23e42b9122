/** What sessions are built on; made once by node/client-side.ts and handed to http/ and ws/. */
import type { OperatorStatus } from '../domain/operator.ts';
import type { ChatRules } from '../domain/rules.ts';
import type { SurveyConfig } from '../domain/survey.ts';
import type { Microseconds } from '../domain/time.ts';
import type { CommitLoop } from '../commit/commit-loop.ts';
import type { ClientSignal } from '../domain/signal.ts';
import type { Bans, CannedAnswers, ChatHistories, ChatSearch, FileStore, Log, Messages, MessageSearch } from '../ports/index.ts';
import type { Feed } from '../sync/feed.ts';
import type { Newcomers } from '../sync/newcomers.ts';
import type { Replica } from '../sync/replica.ts';
import type { WaitingChats } from '../sync/waiting-chats.ts';
import type { AddressPaces } from './address-paces.ts';
import type { Admission } from './admission.ts';
import type { ClusterAdmin } from './operators/cluster-admin.ts';
import type { Derived } from '../delivery/derived.ts';
import type { Hub } from '../delivery/hub.ts';
import type { Identification } from './visitors/identification.ts';
import type { OperatorLogins } from './operators/logins.ts';
import type { Presence } from './operators/presence.ts';
import type { Searches } from './searches.ts';
import type { StatusSetter } from './operators/status-setter.ts';
import type { Uploads } from './uploads.ts';
import type { VisitorPages } from './visitors/pages.ts';
import type { VisitorSecrets } from './visitors/secrets.ts';

export interface Limits {
  readonly maxMessageLength: number;
  /** Of an action: a body or a frame. */
  readonly maxActionBytes: number;
  /** Of a file. */
  readonly maxFileBytes: number;
  /** An upload that is slower for half a minute is cut. */
  readonly uploadMinBytesPerSecond: number;
  /** Extensions. */
  readonly uploadTypes: readonly string[];
  /** Apps ask for a rating when the visitor closes the chat. */
  readonly proposesRating: boolean;
  readonly defaultMaxChats: number;
  readonly pollHoldMs: number;
  readonly wsBufferBytes: number;
}

export interface Services {
  readonly admission: Admission;
  readonly addressPaces: AddressPaces;
  readonly replica: Replica;
  readonly feed: Feed;
  readonly hub: Hub;
  readonly derived: Derived;
  readonly loop: CommitLoop;
  readonly messages: Messages;
  readonly cannedAnswers: CannedAnswers;
  readonly files: FileStore;
  readonly uploads: Uploads;
  readonly pages: VisitorPages;
  readonly identification: Identification;
  readonly secrets: VisitorSecrets;
  /** What becomes of a device that knows its visitor's id alone. */
  readonly bareIds: 'refuse' | 'accept-once';
  readonly logins: OperatorLogins;
  readonly presence: Presence;
  readonly statusSetter: StatusSetter;
  readonly histories: ChatHistories;
  readonly bans: Bans;
  readonly chatSearch: ChatSearch;
  readonly messageSearch: MessageSearch;
  readonly searches: Searches;
  readonly clusterAdmin: ClusterAdmin;
  readonly waiting: WaitingChats;
  readonly newcomers: Newcomers;
  readonly rules: ChatRules;
  readonly statuses: readonly OperatorStatus[];
  readonly limits: Limits;
  /** Shown by apps before the first message; empty: none. */
  readonly helloMessage: string;
  /** What visitors are asked when an operator has closed their chat. */
  readonly survey: SurveyConfig | undefined;
  readonly log: Log;
  /** The database's time, for what is only shown. */
  readonly nowUs: () => Microseconds;
  /** To this node's sessions and to the other nodes. */
  readonly signal: (signal: ClientSignal) => void;
}
