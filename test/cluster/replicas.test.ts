/**
 * Two nodes on a bus that loses, doubles and reorders: whatever 8 writers do, revisions have no hole, both replicas
 * equal a fresh snapshot by `apply` alone, no chat has two operators, no operator more chats than he may have.
 *
 * COMMANDS sets how many; the test of the test (mutations.test.ts) uses fewer.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { answerKeyboard } from '../../src/commands/answer-keyboard.ts';
import { changeByOperator, deleteByVisitor, reactByVisitor } from '../../src/commands/change-message.ts';
import { changeVisitorFields, clearHistory } from '../../src/commands/change-visitor.ts';
import { rateOperator } from '../../src/commands/rate-operator.ts';
import { closeChatByOperator, closeChatByVisitor, releaseChat } from '../../src/commands/leave-chat.ts';
import { readByOperator, readByVisitor } from '../../src/commands/read-chat.ts';
import { sendOperatorMessage } from '../../src/commands/send-operator-message.ts';
import { sendVisitorMessage } from '../../src/commands/send-visitor-message.ts';
import { startChat } from '../../src/commands/start-chat.ts';
import { banVisitor } from '../../src/commands/ban-visitor.ts';
import { meetDeadline } from '../../src/commands/chat-deadlines.ts';
import { setChatSubject } from '../../src/commands/describe-chat.ts';
import { inviteVisitor } from '../../src/commands/invite-visitor.ts';
import { loseOperator } from '../../src/commands/lose-operator.ts';
import { transferChat, type TransferChat } from '../../src/commands/transfer-chat.ts';
import { takeChat } from '../../src/commands/take-chat.ts';
import { setOperatorStatus } from '../../src/commands/operator-status.ts';
import type { Command } from '../../src/commit/command.ts';
import { bearerOf } from '../../src/domain/chat.ts';
import { ChatError } from '../../src/domain/error.ts';
import { BUILT_IN_STATUSES } from '../../src/domain/operator.ts';
import type { Page } from '../../src/domain/visitor.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createSnapshots } from '../../src/postgres/snapshots.ts';
import type { Bus } from '../../src/ports/index.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { type VirtualHost, withVirtualHost } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { FaultyBus } from '../support/faulty-bus.ts';
import { assertChatsFollowFromTheLog } from '../support/oracle.ts';
import { addDepartments, addOperators, addVisitors, newId, newNonce, said, speaking } from '../support/people.ts';
import { assertSame, golden } from '../support/replay.ts';
import { someChatRules, someRules } from '../support/rows.ts';

const COMMANDS = Number(process.env['COMMANDS'] ?? 10_000);
const WRITERS = 8;
const MAX_CHATS = 3;

describe('two nodes on a bus that cannot be trusted', () => {
  const cleanup = new Cleanup();
  const buses: FaultyBus[] = [];
  let database: TestDatabase;
  let vhost: VirtualHost;
  let nodes: [BareNode, BareNode];
  let visitors: Page[];
  let operators: number[];

  before(async () => {
    database = cleanup.add(await createTestDatabase(), it => it.drop());
    vhost = cleanup.add(await withVirtualHost(), it => it.delete());
    const opened = database.open();
    await migrate(opened);
    await opened.end();
    const wrapBus = (bus: Bus): Bus => {
      const faulty = new FaultyBus(bus, { drop: 0.05, double: 0.05, maxDelayMs: 30 });
      buses.push(faulty);
      return faulty;
    };
    const start = async (name: string, leads: boolean): Promise<BareNode> =>
      cleanup.add(await startBareNode(database, { name, leads, defaultMaxChats: MAX_CHATS, vhost: vhost.name, wrapBus }), it => it.stop());
    nodes = [await start('a', true), await start('b', false)];
    await addDepartments(nodes[0], ['sales', 'support']);
    operators = [
      ...(await addOperators(nodes[0], 3, { departmentKeys: ['sales'] })),
      ...(await addOperators(nodes[1], 3, { departmentKeys: ['sales', 'support'] })),
    ];
    visitors = await addVisitors(nodes[0], 40);
  });

  after(() => cleanup.run());

  test(`${COMMANDS} random commands of ${WRITERS} writers leave both replicas equal to the database`, async t => {
    const broken: string[] = [];
    const [a, b] = nodes;
    for (const node of nodes) watchInvariants(node, broken);
    a.replica.listen({
      applied: ({ chatAfter }) => {
        if (chatAfter !== undefined) lastChats.set(chatAfter.visitorId, { chatId: chatAfter.id, operatorId: chatAfter.operatorId });
      },
      committed: () => undefined,
      reloaded: () => undefined,
    });
    let refused = 0;
    await golden(a.database, async () => {
      await Promise.all(
        Array.from({ length: WRITERS }, async (_, writer) => {
          const node = nodes[writer % 2]!;
          for (let i = writer; i < COMMANDS; i += WRITERS) {
            try {
              await node.run(randomCommand(node));
            } catch (error) {
              if (!(error instanceof ChatError)) throw error;
              refused += 1;
            }
          }
        }),
      );
      const [{ newest } = { newest: 0 }] = await database.query<{ newest: string }>('select newest_revision() as newest');
      await eventually(() => nodes.every(node => node.replica.revision >= Number(newest)), { within: 10_000 });
    });
    const fresh = await createSnapshots(a.database).load();
    assertSame(a.replica, fresh);
    assertSame(b.replica, fresh);
    await assertChatsFollowFromTheLog(database);
    assert.deepEqual(broken, []);

    const holes = await database.query(
      'select 1 from (select first_revision, lag(last_revision) over (order by last_revision) as before from change_log) l where first_revision <> before + 1',
    );
    assert.equal(holes.length, 0, 'the log has no hole');
    const order = await database.query(
      'select 1 from (select ts_us, lag(ts_us) over (partition by chat_id order by id) as before from message) m where ts_us <= before',
    );
    assert.equal(order.length, 0, 'message ids and times agree');
    for (const node of nodes) assert.equal(await node.metrics.value('replica_reloads_total'), 1, 'no snapshot was read after the start');
    assert.deepEqual(
      nodes.flatMap(node => node.log.entries.filter(entry => entry.level === 'error')),
      [],
    );

    const [changes] = await database.query<{ count: string; commits: string }>(
      'select sum(last_revision - first_revision + 1) as count, count(*) as commits from change_log',
    );
    assert.ok(buses.some(bus => bus.dropped > 0) && buses.some(bus => bus.doubled > 0));
    t.diagnostic(
      `${changes!.count} changes in ${changes!.commits} commits, ${refused} commands refused; ` +
        `${buses.map(bus => bus.dropped).join('+')} envelopes dropped, ${buses.map(bus => bus.doubled).join('+')} doubled; ` +
        `holes repaired ${(await Promise.all(nodes.map(node => node.metrics.value('feed_holes_repaired_total')))).join('+')}`,
    );
  });

  /** His last chat, as far as the log tells: closed chats are in no replica. */
  const lastChats = new Map<string, { chatId: number; operatorId: number | null }>();
  const reopeningOf = (visitorId: string) => {
    const last = lastChats.get(visitorId);
    return last === undefined ? undefined : { ...last, withinUs: 60_000_000, offline: false, defaultMaxChats: MAX_CHATS };
  };

  /** What time alone does, for whoever leads. */
  function leadersCommand(node: BareNode, operatorId: number, chatId: number): Command<unknown> | undefined {
    const leaseToken = node.leaseToken();
    if (leaseToken === undefined) return undefined;
    if (Math.random() < 0.5) {
      const policy = pick(['requeue', 'hold', 'transfer'] as const);
      const colleagues = new Map([...node.replica.chats.keys()].map(id => [id, pick(operators)]));
      const rules = someRules({ defaultMaxChats: MAX_CHATS, departments: node.replica.departments });
      return loseOperator({ operatorId, graceUs: 0, policy, colleagues, rules, leaseToken });
    }
    const rules = someChatRules().deadlines;
    const idleUs = { queue: 1, chatting: 1, hold: 1, invitation: 1, offline: 1 };
    const due = pick(['pass', 'offline', 'expire'] as const);
    return meetDeadline({
      chatId,
      due,
      rules: { assignmentTimeoutUs: 1, offlineAfterUs: 1, idleUs: due === 'expire' ? idleUs : rules.idleUs },
      emptySinceUs: 0,
      leaseToken,
    });
  }

  function randomCommand(node: BareNode): Command<unknown> {
    const page = pick(visitors);
    const operatorId = pick(operators);
    const chats = [...node.replica.chats.values()];
    const own = chats.filter(chat => bearerOf(chat) === operatorId);
    const chatId = (Math.random() < 0.8 && own.length > 0 ? pick(own) : chats.length > 0 ? pick(chats) : undefined)?.id ?? 1;
    const text = Math.random() < 0.02 ? 'Ж💬'.repeat(200) : `text ${Math.random()}`;
    const chat = node.replica.chats.get(chatId);
    const messageId = chat?.lastMessage?.id ?? newId();
    const visitorId = chat?.visitorId ?? page.visitorId;
    const words = said(text, Math.random() < 0.1 ? 'again' : newNonce(), Math.random() < 0.1 ? messageId : undefined);
    const dice = Math.random();
    if (dice < 0.25)
      return sendVisitorMessage(words, { ...speaking(page), defaultMaxChats: MAX_CHATS, reopening: reopeningOf(page.visitorId) });
    if (dice < 0.45) {
      const kind = pick(['operator', 'operator', 'operator', 'for_operator', 'keyboard'] as const);
      const data = kind === 'keyboard' ? { state: 'pending', buttons: [[{ id: 'yes', text: 'Yes' }]] } : null;
      return sendOperatorMessage({ ...words, operatorId, chatId, kind, data, defaultMaxChats: MAX_CHATS });
    }
    if (dice < 0.47) return changeByOperator({ operatorId, chatId, visitorId, messageId }, text);
    if (dice < 0.49) return changeByOperator({ operatorId, chatId, visitorId, messageId }, undefined);
    if (dice < 0.5) return deleteByVisitor(page.visitorId, 'again');
    if (dice < 0.52) return reactByVisitor(visitorId, messageId, pick(['like', 'dislike']));
    if (dice < 0.53)
      return answerKeyboard({ page: { ...page, visitorId }, messageId, buttonId: 'yes', defaultMaxChats: MAX_CHATS, nonce: newNonce() });
    if (dice < 0.54) return rateOperator({ visitorId, chatId, operatorId: undefined, rating: { rating: pick([-2, 0, 2]), note: null } });
    if (dice < 0.545) return changeVisitorFields(page.visitorId, { told: { name: text.slice(0, 20), email: text.slice(0, 5) } });
    if (dice < 0.5475) return changeVisitorFields(page.visitorId, { signed: { id: page.visitorId, email: text.slice(0, 3) } });
    if (dice < 0.55) return clearHistory(page.visitorId);
    if (dice < 0.62)
      return startChat({
        page,
        clientSideId: newNonce(),
        departmentKey: pick([null, 'sales', 'support']),
        lang: '',
        firstQuestion: pick([undefined, 'why?']),
        nonce: newNonce(),
        defaultMaxChats: MAX_CHATS,
      });
    if (dice < 0.71) return takeChat({ operatorId, chatId, override: false, defaultMaxChats: MAX_CHATS, mode: 'mixed' });
    if (dice < 0.74)
      return transferChat({
        operatorId,
        chatId,
        to: pick<TransferChat['to']>([{ operatorId: pick(operators) }, { departmentKey: pick(['sales', 'support']) }]),
        note: pick([undefined, 'look']),
        override: false,
        defaultMaxChats: MAX_CHATS,
        nonce: newNonce(),
      });
    if (dice < 0.75) return setChatSubject({ operatorId, chatId, category: 'c', subject: pick(['a', 'b']) });
    if (dice < 0.755)
      return inviteVisitor({ operatorId, page, message: pick([undefined, text]), lang: '', defaultMaxChats: MAX_CHATS, nonce: newNonce() });
    if (dice < 0.76) return banVisitor({ operatorId, visitorId, ban: pick([null, { untilUs: null, reason: 'why' }]) });
    if (dice < 0.77) return leadersCommand(node, operatorId, chatId) ?? readByVisitor(page.visitorId);
    if (dice < 0.79) return releaseChat({ operatorId, chatId });
    if (dice < 0.82) return closeChatByOperator({ operatorId, chatId });
    if (dice < 0.85) return closeChatByVisitor(page.visitorId);
    if (dice < 0.9) return readByOperator({ operatorId, chatId });
    if (dice < 0.96) return readByVisitor(page.visitorId);
    return setOperatorStatus({ operatorId, status: Math.random() < 0.7 ? BUILT_IN_STATUSES[0]! : pick(BUILT_IN_STATUSES) });
  }
});

/** After every commit: loads are what the chats say (I2), within capacity; revisions go up by one (I4). */
function watchInvariants({ replica }: BareNode, broken: string[]): void {
  let last = replica.revision;
  replica.listen({
    applied({ revision }) {
      if (revision !== last + 1) broken.push(`revision ${revision} was applied after ${last}`);
      last = revision;
    },
    committed() {
      const loads = new Map<number, number>();
      for (const chat of replica.chats.values()) {
        const bearer = bearerOf(chat);
        if (bearer !== null) loads.set(bearer, (loads.get(bearer) ?? 0) + 1);
      }
      for (const operator of replica.operators.values()) {
        if (operator.load !== (loads.get(operator.id) ?? 0))
          broken.push(`operator ${operator.id} has load ${operator.load} and ${loads.get(operator.id) ?? 0} chats`);
        if (operator.load > MAX_CHATS) broken.push(`operator ${operator.id} has ${operator.load} chats`);
      }
    },
    reloaded(revision) {
      last = revision;
    },
  });
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)]!;
}
