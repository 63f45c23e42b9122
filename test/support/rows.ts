/** Rows with sane values, for tests of pure code. */
import { randomUUID } from 'node:crypto';
import type { Chat } from '../../src/domain/chat.ts';
import { type Message, messageId } from '../../src/domain/message.ts';
import type { Operator } from '../../src/domain/operator.ts';
import type { NodeIdentity } from '../../src/postgres/registry.ts';

export function aChat(overrides: Partial<Chat> = {}): Chat {
  return {
    id: 1,
    clientSideId: 'chat-1',
    visitorId: 'a'.repeat(32),
    visitorFields: {},
    channel: 'web',
    visitSessionId: 's'.repeat(32),
    state: 'queue',
    operatorId: null,
    assignedOperatorId: null,
    assignedUs: null,
    departmentKey: null,
    lang: '',
    location: 'mobile',
    offline: false,
    createdUs: 1_700_000_000_000_000,
    queuedUs: 1_700_000_000_000_000,
    modifiedUs: 1_700_000_000_000_000,
    unreadByOperatorSinceUs: null,
    readByOperatorUs: 0,
    unreadByVisitorSinceUs: null,
    unreadByVisitorMsgCnt: 0,
    readByVisitor: true,
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
    maxChats: null,
    departmentKeys: [],
    langs: [],
    roles: ['operator'],
    disabled: false,
    version: 0,
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
