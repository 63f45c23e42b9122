/** Rows with sane values, for tests of pure code. */
import { randomUUID } from 'node:crypto';
import type { AssignmentRecord } from '../../src/domain/assignment-record.ts';
import type { ChatMoved } from '../../src/domain/change.ts';
import type { Chat } from '../../src/domain/chat.ts';
import type { AssignmentRules } from '../../src/domain/eligibility.ts';
import type { ChatRules } from '../../src/domain/rules.ts';
import { type Message, messageId } from '../../src/domain/message.ts';
import type { Operator } from '../../src/domain/operator.ts';
import type { NodeStats } from '../../src/ports/index.ts';
import type { NodeIdentity } from '../../src/postgres/registry.ts';

export function aChat(overrides: Partial<Chat> = {}): Chat {
  return {
    id: 1,
    clientSideId: 'chat-1',
    visitorId: 'a'.repeat(32),
    visitorFields: {},
    visitorVerified: [],
    channel: 'web',
    visitSessionId: 's'.repeat(32),
    state: 'queue',
    operatorId: null,
    assignedOperatorId: null,
    assignedUs: null,
    declined: [],
    lastOperatorId: null,
    departmentKey: null,
    lang: '',
    location: 'mobile',
    offline: false,
    createdUs: 1_700_000_000_000_000,
    queuedUs: overrides.createdUs ?? 1_700_000_000_000_000,
    headStartSeconds: 0,
    modifiedUs: 1_700_000_000_000_000,
    unreadByOperatorSinceUs: null,
    readByOperatorUs: 0,
    unreadByVisitorSinceUs: null,
    unreadByVisitorMsgCnt: 0,
    readByVisitor: true,
    category: null,
    subject: null,
    ratings: {},
    survey: null,
    pageUrl: '',
    pageTitle: '',
    messageCount: 0,
    lastMessage: null,
    lastTsUs: 0,
    version: 0,
    ...overrides,
  };
}

export function anOperator(overrides: Partial<Operator> = {}): Operator {
  return {
    id: 1,
    login: 'op1',
    fullname: 'Operator One',
    avatar: null,
    title: '',
    status: 'online',
    statusSort: 'takes',
    statusUs: 1,
    statusReason: 'set',
    load: 0,
    loadUs: 1,
    maxChats: null,
    departmentKeys: [],
    priorities: {},
    langs: [],
    schedule: null,
    roles: ['operator'],
    disabled: false,
    version: 0,
    ...overrides,
  };
}

export function aMove(overrides: Partial<ChatMoved>): ChatMoved {
  return {
    type: 'chat-moved',
    chatId: 1,
    move: 'assigned',
    state: 'queue',
    operatorId: null,
    assignedOperatorId: null,
    departmentKey: null,
    by: null,
    atUs: 1,
    ...overrides,
  };
}

/** As main.ini has them when it says nothing, but for what a test cannot wait for. */
export function someRules(overrides: Partial<AssignmentRules> = {}): AssignmentRules {
  return {
    defaultMaxChats: 5,
    defaultMode: 'mixed',
    tieBreak: 'random',
    lastOperatorFirst: true,
    askAgainUs: 60_000_000,
    departments: new Map(),
    ...overrides,
  };
}

export function someChatRules(overrides: Partial<ChatRules> = {}): ChatRules {
  return {
    assignment: someRules(),
    deadlines: {
      assignmentTimeoutUs: 60_000_000,
      offlineAfterUs: 0,
      idleUs: { queue: 0, chatting: 0, hold: 0, invitation: 0, offline: 0 },
    },
    graceUs: 30_000_000,
    lostOperatorPolicy: 'requeue',
    reopenUs: 0,
    headStarts: [],
    subjects: [],
    ...overrides,
  };
}

export function aMessage(overrides: Partial<Message> = {}): Message {
  const tsUs = overrides.tsUs ?? 1_700_000_000_000_001;
  return {
    id: messageId(tsUs, '0123456789abcdef'),
    chatId: 1,
    visitorId: 'a'.repeat(32),
    visitSessionId: 's'.repeat(32),
    sender: `v:${'a'.repeat(32)}`,
    clientSideId: 'm-1',
    kind: 'visitor',
    authorId: null,
    name: 'Visitor',
    avatar: null,
    text: 'hello',
    data: null,
    tsUs,
    changedUs: tsUs,
    edited: false,
    deleted: false,
    quote: null,
    reaction: null,
    ...overrides,
  };
}

export function anIdentity(overrides: Partial<NodeIdentity> = {}): NodeIdentity {
  return {
    name: 'node',
    incarnation: randomUUID(),
    mode: 'slave',
    port: 1,
    version: 'test',
    fingerprint: {},
    criticalKeys: [],
    leaseSeconds: 4,
    failover: 'automatic',
    configuredMaster: 'chat-master',
    ...overrides,
  };
}

export const NO_STATS: NodeStats = {
  connections: 0,
  wsConnections: 0,
  messagesTotal: 0,
  restCallsTotal: 0,
  cpuPercent: 0,
  memoryBytes: 0,
  reason: '',
};

export const ANY_RECORD: AssignmentRecord = {
  why: 'only-one',
  tieBreak: 'random',
  placeUs: 1,
  waitedMs: 0,
  candidates: [],
  candidateCount: 0,
  removed: {},
};
