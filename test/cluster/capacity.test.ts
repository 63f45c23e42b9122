/**
 * 8 writers on two nodes take, transfer, release and close 10,000 chats and change statuses, while the master assigns: after
 * every single commit no chat has two operators and no operator more chats than he may have (I1, I2), which triggers in
 * the database watch; and in the end no chat was left behind, and none was overtaken for long.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Command } from '../../src/commit/command.ts';
import { closeChatByOperator, closeChatByVisitor, releaseChat } from '../../src/commands/leave-chat.ts';
import { setOperatorStatus } from '../../src/commands/operator-status.ts';
import { sendOperatorMessage } from '../../src/commands/send-operator-message.ts';
import { startChat } from '../../src/commands/start-chat.ts';
import { takeChat } from '../../src/commands/take-chat.ts';
import { transferChat } from '../../src/commands/transfer-chat.ts';
import { type Chat, isWaiting, ownerOf } from '../../src/domain/chat.ts';
import { ChatError } from '../../src/domain/error.ts';
import { BUILT_IN_STATUSES } from '../../src/domain/operator.ts';
import type { Page } from '../../src/domain/visitor.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { withVirtualHost } from '../support/broker.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addDepartments, addOperators, addVisitors, newNonce } from '../support/people.ts';
import { golden } from '../support/replay.ts';

const CHATS = Number(process.env['CHATS'] ?? 10_000);
const OPERATORS = 200;
const WRITERS = 8;
/** What each of them has under way. */
const AT_ONCE = 5;
const MAX_CHATS = 3;
/** Many more than there is room for. */
const MAX_OPEN = 2_000;
const DEPARTMENTS = [null, 'sales', 'support'] as const;
const [ONLINE] = BUILT_IN_STATUSES;
const PATIENCE_MS = 150_000;

/** They note what is wrong and let it be, so that the test sees all of it. Deferred: they look at what a commit leaves. */
const TRIGGERS = `
  create table broken (what text not null);
  create table looked (at text primary key, times bigint not null);
  insert into looked values ('operator', 0), ('chat', 0);
  create index chat_owner on chat (coalesce(operator_id, assigned_operator_id)) where state in ('queue', 'chatting', 'invitation');
  create function watch_operator() returns trigger language plpgsql as $$
  declare v_load integer; v_chats integer;
  begin
    select load into v_load from operator where id = new.id;
    select count(*) into v_chats from chat
    where coalesce(operator_id, assigned_operator_id) = new.id and state in ('queue', 'chatting', 'invitation');
    if v_load <> v_chats or v_load > ${MAX_CHATS} then
      insert into broken values (format('operator %s has load %s and %s chats', new.id, v_load, v_chats));
    end if;
    return null;
  end $$;
  create constraint trigger watch_operator after update on operator deferrable initially deferred for each row execute function watch_operator();
  create function watch_chat() returns trigger language plpgsql as $$
  declare c chat;
  begin
    select * into c from chat where id = new.id;
    if (c.operator_id is not null and c.assigned_operator_id is not null) or (c.state = 'chatting') <> (c.operator_id is not null and c.state not like 'closed%')
       or (c.assigned_operator_id is not null and c.state <> 'queue') then
      insert into broken values (format('chat %s is %s with operator %s, assigned to %s', c.id, c.state, c.operator_id, c.assigned_operator_id));
    end if;
    return null;
  end $$;
  create constraint trigger watch_chat after insert or update on chat deferrable initially deferred for each row execute function watch_chat();`;

describe('10,000 chats in the hands of 200 operators', () => {
  const cleanup = new Cleanup();
  let database: TestDatabase;
  let nodes: [BareNode, BareNode];
  let operators: number[];
  let pages: Page[];

  before(async () => {
    database = cleanup.add(await createTestDatabase(), it => it.drop());
    const vhost = cleanup.add(await withVirtualHost(), it => it.delete());
    const opened = database.open();
    await migrate(opened);
    await opened.end();
    const start = async (name: string, leads: boolean): Promise<BareNode> =>
      cleanup.add(await startBareNode(database, { name, leads, defaultMaxChats: MAX_CHATS, vhost: vhost.name }), it => it.stop());
    nodes = [await start('a', true), await start('b', false)];
    await addDepartments(nodes[0], ['sales', 'support']);
    operators = (
      await Promise.all(
        Array.from({ length: OPERATORS }, (_, i) =>
          addOperators(nodes[i % 2]!, 1, { departmentKeys: [['sales'], ['support'], ['sales', 'support']][i % 3]! }),
        ),
      )
    ).flat();
    await Promise.all(operators.map(id => nodes[0].run(setOperatorStatus({ operatorId: id, status: ONLINE! }))));
    pages = await addVisitors(nodes[0], CHATS);
    await database.query(TRIGGERS);
  });

  after(() => cleanup.run());

  test('the triggers see what is broken', async () => {
    await database.query(
      `update operator set load = load + 1 where id = ${operators[0]}; update operator set load = load - 1 where id = ${operators[0]}`,
    );
    await database.query(`begin; update operator set load = 7 where id = ${operators[0]}; commit`);
    await database.query(`update operator set load = 0 where id = ${operators[0]}`);
    const broken = await database.query<{ what: string }>('select what from broken');
    assert.ok(
      broken.some(({ what }) => what.endsWith('has load 7 and 0 chats')),
      JSON.stringify(broken),
    );
    await database.query('truncate broken');
  });

  test('nobody ever has too many, no chat has two, none is stuck, none starves', async t => {
    const startedMs = performance.now();
    const deadline = startedMs + PATIENCE_MS;
    let opened = 0;
    let refused = 0;
    const tallies = new Map<string, number>();
    const attempt = async (node: BareNode, command: Command<unknown> | undefined): Promise<void> => {
      if (command === undefined) {
        await new Promise(resolve => setImmediate(resolve));
        return;
      }
      try {
        await node.run(command);
        tallies.set(command.name, (tallies.get(command.name) ?? 0) + 1);
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        refused += 1;
      }
    };
    const isDone = (): boolean => opened >= CHATS && nodes.every(node => node.replica.chats.size === 0);
    await golden(nodes[0].database, async () => {
      await Promise.all(
        Array.from({ length: WRITERS }, async (_, writer) => {
          const node = nodes[writer % 2]!;
          while (!isDone() && performance.now() < deadline) {
            const isOpening = writer < 3 && opened < CHATS && node.replica.chats.size < MAX_OPEN;
            await Promise.all(
              Array.from({ length: AT_ONCE }, () =>
                attempt(node, isOpening && opened < CHATS ? open(pages[opened++]!) : work(node, opened >= CHATS)),
              ),
            );
          }
        }),
      );
    });
    const left = nodes[0].replica.chats.size;
    assert.deepEqual(await database.query('select what, count(*)::int from broken group by what limit 20'), []);
    assert.equal(left, 0, `${left} chats are stuck`);
    const [{ count } = { count: 0 }] = await database.query<{ count: number }>(
      "select count(*)::int as count from chat where state like 'closed%'",
    );
    assert.equal(count, CHATS);
    const [starved] = await database.query<{ overtaken: number; waited: number }>(OVERTAKEN);
    t.diagnostic(
      `${[...tallies].map(([name, times]) => `${times} ${name}`).join(', ')}; ${refused} refused; ${await nodes[0].metrics.value('assignments_total')} assigned; ` +
        `${((performance.now() - startedMs) / 1_000).toFixed(1)} s; no chat waited longer than ${starved?.waited.toFixed(1)} s or was overtaken by more than ${starved?.overtaken} others of its department`,
    );
    assert.ok((starved?.overtaken ?? 0) < 1_000, `a chat was overtaken by ${starved?.overtaken}`);
    assert.deepEqual(
      nodes.flatMap(node => node.log.entries.filter(entry => entry.level === 'error')),
      [],
    );
  });

  const open = (page: Page): Command<unknown> =>
    startChat({
      page,
      clientSideId: newNonce(),
      departmentKey: DEPARTMENTS[Math.floor(Math.random() * 3)]!,
      lang: '',
      firstQuestion: undefined,
      nonce: newNonce(),
      defaultMaxChats: MAX_CHATS,
    });

  /** Something that an operator would do now. `closes`: the day is over. */
  function work(node: BareNode, closes: boolean): Command<unknown> | undefined {
    const operatorId = pick(operators);
    const dice = Math.random();
    if (dice < 0.03) return setOperatorStatus({ operatorId, status: closes || Math.random() < 0.8 ? ONLINE! : pick(BUILT_IN_STATUSES) });
    const chat = someChat(node);
    if (chat === undefined) return closes ? setOperatorStatus({ operatorId, status: ONLINE! }) : undefined;
    const chatId = chat.id;
    const owner = ownerOf(chat);
    // The oldest first, as operators see their list.
    if (owner === null)
      return takeChat({ operatorId, chatId: oldestWaiting(node, chat).id, override: false, defaultMaxChats: MAX_CHATS, mode: 'mixed' });
    if (chat.operatorId === null) {
      if (dice < 0.15) return releaseChat({ operatorId: owner, chatId });
      const words = {
        clientSideId: newNonce(),
        kind: 'operator' as const,
        text: 'hello',
        data: null,
        nonce: newNonce(),
        defaultMaxChats: MAX_CHATS,
      };
      return dice < 0.3
        ? sendOperatorMessage({ ...words, operatorId: owner, chatId })
        : takeChat({ operatorId: dice < 0.9 ? owner : operatorId, chatId, override: false, defaultMaxChats: MAX_CHATS, mode: 'mixed' });
    }
    if (dice < 0.1) return closeChatByVisitor(chat.visitorId);
    if (dice < 0.2) return releaseChat({ operatorId: owner, chatId });
    if (dice < 0.4) {
      const to = Math.random() < 0.7 ? { operatorId } : { departmentKey: pick(['sales', 'support']) };
      return transferChat({
        operatorId: owner,
        chatId,
        to,
        note: undefined,
        override: false,
        defaultMaxChats: MAX_CHATS,
        nonce: newNonce(),
      });
    }
    return closeChatByOperator({ operatorId: owner, chatId });
  }
});

/** One of the first few in the map, at random: maps keep the order in which chats came. */
function someChat({ replica }: BareNode): Chat | undefined {
  const skip = Math.floor(Math.random() * Math.min(replica.chats.size, 600));
  let i = 0;
  for (const chat of replica.chats.values()) if (i++ === skip) return chat;
  return undefined;
}

function oldestWaiting({ replica }: BareNode, like: Chat): Chat {
  for (const chat of replica.chats.values()) if (isWaiting(chat) && chat.departmentKey === like.departmentKey) return chat;
  return like;
}

/** Chats of the same department that came later and were placed sooner, and the longest wait. */
const OVERTAKEN = `
  with first as (
    select c.id, c.created_us, o.department_key, min(h.at_us) as placed_us from chat c
    join chat_history o on o.chat_id = c.id and o.move = 'opened'
    join chat_history h on h.chat_id = c.id and h.move in ('assigned', 'taken') group by 1, 2, 3)
  select coalesce(max((select count(*)::int from first b where b.department_key is not distinct from a.department_key
    and b.created_us > a.created_us and b.placed_us < a.placed_us)), 0) as overtaken,
    (max(placed_us - created_us) / 1e6)::float8 as waited
  from first a where a.id % 10 = 0`;

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)]!;
}
