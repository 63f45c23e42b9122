/** Who is there: features 14 and 15, faults 33, 35 and 36. Operators speak to the slave, visitors to both nodes. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { SLAVE } from '../support/cluster.ts';
import { type Colleague, Desk, type Guest, inTurns, run } from '../support/desk.ts';
import { eventually } from '../support/eventually.ts';
import { assertInvariants } from '../support/invariants.ts';

const GRACE_MS = 1_000;
/** A node that is silent for so long is dead. */
const DEAD_MS = 5_000;
/** A machine that is busy with something else. */
const SLACK_MS = 5_000;

const online = (...staff: Colleague[]): Promise<unknown> => Promise.all(staff.map(one => one.setStatus('online')));

describe('presence:', () => {
  let desk: Desk;
  let anna: Colleague;
  let ben: Colleague;
  let cleo: Colleague;
  let chief: Colleague;
  let stranger: Colleague;

  before(async () => {
    desk = await Desk.open({
      ini: [
        'max_chats_per_operator = 2',
        'operator_grace_seconds = 1',
        'poll_hold_seconds = 2',
        'queue_offline_seconds = 0',
        'operator_statuses = lunch:none:At lunch, field:takes:In the field, home:offline:Gone home',
      ].join('\n'),
      departments: ['sales', 'support', 'race'],
      duties: [
        { login: 'anna', departments: 'sales' },
        { login: 'ben', departments: 'sales' },
        { login: 'cleo', departments: 'race', max_chats: 100 },
        { login: 'dora', departments: 'race', max_chats: 100 },
        { login: 'chief', departments: 'sales', roles: 'operator,supervisor', max_chats: 0 },
        { login: 'stranger', departments: 'support', roles: 'operator,supervisor', max_chats: 0 },
      ],
    });
    [anna, ben, cleo, chief, stranger] = ['anna', 'ben', 'cleo', 'chief', 'stranger'].map(login => desk.staff(login)) as [
      Colleague,
      Colleague,
      Colleague,
      Colleague,
      Colleague,
    ];
  });

  const cleanup = new Cleanup();
  afterEach(async () => {
    await cleanup.run();
    await desk.reconnect();
    await desk.clear();
  });

  after(async () => {
    await assertInvariants(desk.cluster.database);
    await desk.stop();
  });

  const seen = (one: Colleague, by = desk.admin): [string | undefined, string | undefined] => {
    const { status, statusReason } = by.colleagues.get(one.id) ?? {};
    return [status, statusReason];
  };
  const becomes = (one: Colleague, status: string, reason: string, { by = desk.admin, within = 5_000 } = {}): Promise<unknown> =>
    eventually(() => assert.deepEqual(seen(one, by), [status, reason], `${one.login} as ${by.login} sees him`), { within });

  /** Cuts his connection and waits until he is lost. */
  const lose = async (one: Colleague, graceMs = GRACE_MS): Promise<void> => {
    await eventually(() => assert.notEqual(seen(one)[0], 'offline', `${one.login} is there`));
    one.operator.close();
    await becomes(one, 'offline', 'connection-lost', { within: graceMs + 2 * SLACK_MS });
  };

  /** So much time passes that whoever was lost with him would be offline by now. */
  const passGrace = async (one: Colleague, graceMs = GRACE_MS): Promise<void> => {
    await online(one);
    await lose(one, graceMs);
    await one.operator.connect();
  };

  /** Since when he is offline, by the database's clock. */
  const lostAtMs = async (one: Colleague): Promise<number> => {
    const [row] = await desk.query<{ ms: number }>('select (status_us / 1000)::float8 as ms from operator where id = $1', [one.id]);
    return row!.ms;
  };
  const nowMs = async (): Promise<number> => {
    const [row] = await desk.query<{ ms: number }>('select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms');
    return row!.ms;
  };

  /** A chat that this one has taken. */
  const taken = async (one: Colleague, visit: Parameters<Desk['visit']>[0] = { department: 'sales' }): Promise<Guest> => {
    const guest = await desk.visit(visit);
    await one.do('chat.take', { chatId: guest.chatId });
    return guest;
  };

  test('f14 an administrator names further statuses: who takes chats, who keeps his, who is gone', async () => {
    const { statuses } = anna.operator.fullUpdates.at(-1) as unknown as { readonly statuses: { readonly name: string }[] };
    assert.deepEqual(statuses.slice(-3), [
      { name: 'lunch', sort: 'none', title: 'At lunch' },
      { name: 'field', sort: 'takes', title: 'In the field' },
      { name: 'home', sort: 'offline', title: 'Gone home' },
    ]);
    await anna.setStatus('field');
    await becomes(anna, 'field', 'set');
    const guest = await desk.visit({ department: 'sales' });
    await desk.assigned(guest.chatId, [anna]);
    await anna.do('chat.take', { chatId: guest.chatId });
    await anna.setStatus('lunch');
    const second = await desk.visit({ department: 'sales' });
    await eventually(async () => {
      const { waiting } = await anna.why(second.chatId);
      assert.equal(waiting?.operators.find(one => one.operatorId === anna.id)?.obstacle, 'takes-none');
    });
    assert.equal((await desk.chat(guest.chatId)).operator_id, anna.id, 'her chat is hers');
    const unknown = await anna.operator.post('/l/o/set-status', { status: 'asleep' });
    assert.deepEqual([unknown.status, unknown.error, unknown.argumentName], [400, 'unknown-status', 'status']);
    await anna.setStatus('home');
    await becomes(anna, 'home', 'set');
    await eventually(async () => assert.deepEqual((await desk.chat(guest.chatId)).state, 'queue', 'her chats follow the policy'));
  });

  test('f14 a supervisor of his department, and an administrator, set the status of an operator; nobody else', async () => {
    await anna.setStatus('online');
    await becomes(anna, 'online', 'set');
    const wish = (status: string) => ({ operatorId: anna.id, status });
    assert.equal(await ben.refusal('operator.set_status', wish('break')), '403 not-allowed');
    assert.equal(await stranger.refusal('operator.set_status', wish('break')), '403 not-allowed');
    assert.equal(await chief.refusal('operator.set_status', wish('asleep')), '400 unknown-status');
    await chief.do('operator.set_status', wish('break'));
    await Promise.all([anna, ben, desk.admin].map(by => becomes(anna, 'break', 'supervisor', { by })));
    await desk.admin.do('operator.set_status', wish('lunch'));
    await becomes(anna, 'lunch', 'supervisor', { by: anna });
    assert.equal(await desk.admin.refusal('operator.set_status', { operatorId: 999_999, status: 'break' }), '404 operator-not-found');
  });

  test('f14 the seconds in each status are kept, and together they are the time that has passed', async t => {
    const { cluster } = desk;
    const told: { readonly wished: string; readonly status: string; readonly statusTs: number }[] = [];
    for (const wished of ['online', 'lunch', 'online', 'break', 'invisible', 'field', 'offline']) {
      const { data } = await ben.operator.post('/l/o/set-status', { status: wished });
      told.push({ wished, ...(data as unknown as { readonly status: string; readonly statusTs: number }) });
    }
    const iso = (seconds: number): string => new Date(seconds * 1_000).toISOString();
    const [from, to] = [told[0]!.statusTs, told.at(-1)!.statusTs];
    const times = async (...flags: string[]) =>
      JSON.parse(await run(cluster, 'operator', 'times', '--login', 'ben', '--json', ...flags)) as { status: string; seconds: number }[];
    const spent = new Map((await times('--from', iso(from), '--to', iso(to))).map(({ status, seconds }) => [status, seconds]));
    const expected = new Map<string, number>();
    for (const [i, { wished, status, statusTs }] of told.slice(0, -1).entries()) {
      assert.equal(status, wished, 'what was answered');
      expected.set(status, (expected.get(status) ?? 0) + told[i + 1]!.statusTs - statusTs);
    }
    t.diagnostic(`spent ${JSON.stringify(Object.fromEntries(spent))}`);
    const story = JSON.stringify({ told, stored: await desk.query('select * from operator_status_time where operator_id = $1', [ben.id]) });
    for (const [status, seconds] of expected)
      assert.ok(Math.abs((spent.get(status) ?? 0) - seconds) < 0.25, `${status}: ${spent.get(status)} s instead of ${seconds} s: ${story}`);
    const sum = (list: Iterable<number>): number => [...list].reduce((total, seconds) => total + seconds, 0);
    assert.ok(Math.abs(sum(spent.values()) - (to - from)) < 0.1, `${sum(spent.values())} s instead of ${to - from} s`);

    // Without bounds: all his life, the status of this moment included.
    const [{ age }] = (await desk.query<{ age: number }>(
      `select (extract(epoch from clock_timestamp()) - min(from_us) / 1000000.0)::float8 as age from operator_status_time where operator_id = $1`,
      [ben.id],
    )) as [{ age: number }];
    const startedMs = performance.now();
    const all = sum((await times()).map(({ seconds }) => seconds));
    const passed = age + (performance.now() - startedMs) / 1_000;
    assert.ok(all >= age - 1 && all <= passed + 1, `the sum is ${all} s of ${age} to ${passed} s`);
  });

  test('f15 whoever is invisible or on a break keeps his chats, but for those that he was only asked to take, and gets no new ones', async () => {
    await anna.setStatus('online');
    const own = await taken(anna);
    const asked = await desk.visit({ department: 'sales' });
    await desk.assigned(asked.chatId, [anna]);
    for (const status of ['invisible', 'break']) {
      await anna.setStatus(status);
      await becomes(anna, status, 'set');
      assert.equal((await desk.chat(own.chatId)).operator_id, anna.id);
      await eventually(async () => assert.equal((await desk.moves(asked.chatId)).at(-1), 'withdrawn'));
      await anna.do('chat.message', { chatId: own.chatId, message: `still here, ${status}`, clientSideId: desk.newClientId() });
    }
    await desk.admin.do('chat.close', { chatId: own.chatId });
    await desk.admin.do('chat.close', { chatId: asked.chatId });
    const waiting = await desk.visit({ department: 'sales' });
    assert.equal((await anna.why(waiting.chatId)).waiting?.why, 'nobody-online');
    const busy = await desk.guest();
    await eventually(async () => {
      const { departments } = await busy.fullUpdate();
      assert.equal(departments.find(one => one.key === 'sales')?.online, 'offline', 'visitors are not told that somebody is there');
    });
    await anna.setStatus('online');
    await desk.assigned(waiting.chatId, [anna]);
  });

  test('f15 a lost connection: the grace, then offline, and the chats back in the queue at their places', async t => {
    await anna.setStatus('online');
    const own = await taken(anna);
    own.visitor.startPolling();
    const asked = await desk.visit({ department: 'sales' });
    await desk.assigned(asked.chatId, [anna]);
    const behind = await desk.visit({ department: 'sales' });
    await eventually(() => assert.equal(own.chat?.state, 'chatting'));
    const places = await Promise.all([own, asked, behind].map(async ({ chatId }) => (await desk.chat(chatId)).queued_us));
    const cutAtMs = await nowMs();
    await lose(anna);
    const after = (await lostAtMs(anna)) - cutAtMs;
    t.diagnostic(`offline ${Math.round(after)} ms after the connection was cut, with a grace of ${GRACE_MS} ms`);
    assert.ok(after >= GRACE_MS && after < GRACE_MS + SLACK_MS, `offline after ${after} ms`);

    await eventually(async () => {
      const waiting = await Promise.all([own, asked, behind].map(async ({ chatId }) => (await desk.admin.why(chatId)).waiting?.position));
      assert.deepEqual(waiting, [1, 2, 3]);
    });
    assert.deepEqual(await Promise.all([own, asked, behind].map(async ({ chatId }) => (await desk.chat(chatId)).queued_us)), places);
    assert.deepEqual((await desk.moves(own.chatId)).slice(-2), ['taken', 'requeued']);
    assert.deepEqual((await desk.moves(asked.chatId)).slice(-2), ['assigned', 'requeued']);
    await eventually(() => assert.deepEqual([own.chat?.state, own.chat?.operator], ['queue', null], 'as its visitor sees it'));
    await eventually(() => assert.equal(desk.admin.colleagues.get(anna.id)?.chats, 0));

    await online(ben);
    await Promise.all([own, asked].map(({ chatId }) => desk.assigned(chatId, [ben])));
    assert.equal((await desk.chat(behind.chatId)).assigned_operator_id, null);

    // Back again she is told that she is offline, and says herself that she is not.
    await anna.operator.connect(anna.operator.since);
    await becomes(anna, 'offline', 'connection-lost', { by: anna });
    await anna.setStatus('online');
    await desk.assigned(behind.chatId, [anna]);
  });

  test('f15 whoever was lost and is back is given the chat that he had, when nobody else has taken it', async () => {
    await anna.setStatus('online');
    const own = await taken(anna);
    await lose(anna);
    await eventually(async () => assert.equal((await desk.chat(own.chatId)).state, 'queue'));
    await anna.operator.connect(anna.operator.since);
    await anna.setStatus('online');
    await desk.assigned(own.chatId, [anna]);
  });

  test('f15 who is back within the grace has lost nothing', async () => {
    await online(anna, ben);
    const own = await taken(anna);
    anna.operator.close();
    const benIsLost = lose(ben);
    await anna.operator.connect(anna.operator.since);
    await benIsLost;
    assert.deepEqual(seen(anna), ['online', 'set']);
    const { state, operator_id } = await desk.chat(own.chatId);
    assert.deepEqual({ state, operator_id }, { state: 'chatting', operator_id: anna.id });
    assert.deepEqual((await desk.moves(own.chatId)).at(-1), 'taken');
  });

  test('f33 an operator with three tabs and a phone on two nodes is there as long as one of them is, and all of them show the same', async t => {
    const { master, slave } = desk.cluster;
    await online(anna);
    const tabs = [anna, await anna.again(slave.url), await anna.again(master.url)];
    const phone = cleanup.add(new Phone(anna, master.url), it => it.stop());
    cleanup.add(tabs, list => list.slice(1).forEach(tab => tab.operator.close()));

    const guest = await desk.visit({ department: 'sales' });
    await desk.assigned(guest.chatId, [anna]);
    const times: number[] = [];
    const shown = async (state: string | undefined): Promise<void> => {
      const startedMs = performance.now();
      await Promise.all(
        [...tabs.map(tab => () => tab.chats.get(guest.chatId)?.state), () => phone.stateOf(guest.chatId)].map(async stateOf => {
          await eventually(() => assert.equal(stateOf(), state), { every: 1 });
          times.push(performance.now() - startedMs);
        }),
      );
    };
    await shown('queue');
    times.length = 0;
    await tabs[1]!.operator.request('chat.take', { chatId: guest.chatId });
    await shown('chatting');
    t.diagnostic(`taken in one, seen in all of them (the phone polls) after ${times.map(ms => Math.round(ms)).join(', ')} ms`);
    assert.ok(Math.max(...times) < 2_000, `it took ${Math.max(...times)} ms`);

    // One after the other ends.
    for (const [i, tab] of tabs.entries()) {
      tab.operator.close();
      await passGrace(ben);
      assert.deepEqual(seen(anna), ['online', 'set'], `without ${i + 1} of her tabs`);
    }
    assert.equal((await desk.chat(guest.chatId)).operator_id, anna.id);
    times.length = 0;
    tabs.length = 0;
    const closedMs = performance.now();
    await anna.do('chat.close', { chatId: guest.chatId });
    await eventually(() => assert.equal(phone.stateOf(guest.chatId), undefined));
    t.diagnostic(`closed, and gone from the phone after ${Math.round(performance.now() - closedMs)} ms`);
    await phone.stop();
    await becomes(anna, 'offline', 'connection-lost', { within: GRACE_MS + SLACK_MS });
  });

  test('f35 who toggles 50 times a second makes a few changes, the last wish wins, and no chat is lost by it', async t => {
    await anna.setStatus('break');
    const guest = await desk.visit({ department: 'sales' });
    const [{ revision }] = (await desk.query<{ revision: string }>('select max(last_revision) as revision from change_log')) as [
      { revision: string },
    ];
    const answers: Promise<{ result?: string; error?: string; status: number }>[] = [];
    const startedMs = performance.now();
    for (let i = 0; i < 100; i++) {
      await eventually(() => performance.now() - startedMs >= i * 20, { every: 1 }); // 50 per second
      answers.push(anna.operator.post('/l/o/set-status', { status: i % 2 === 0 ? 'online' : 'break' }));
    }
    const done = await Promise.all(answers);
    const ok = done.filter(answer => answer.result === 'ok').length;
    const limited = done.filter(answer => answer.status === 429 && answer.error === 'rate-limited').length;
    assert.equal(ok + limited, 100, JSON.stringify(done.find(answer => answer.result !== 'ok' && answer.status !== 429)));
    await becomes(anna, 'break', 'set');
    const changes = await statusChanges(desk, anna, revision);
    t.diagnostic(`100 wishes in ${Math.round(performance.now() - startedMs)} ms: ${ok} ok, ${limited} rate-limited, ${changes} changes`);
    assert.ok(changes >= 1 && changes <= 20, `${changes} changes`);
    const moves = await desk.moves(guest.chatId);
    // What she is asked while she is online for a moment is taken back when she is not.
    assert.ok(moves.length <= changes + 2, `the chat has moved: ${moves.join()}`);
    assert.ok(
      moves.every(move => ['opened', 'assigned', 'withdrawn'].includes(move)),
      moves.join(),
    );
  });

  test('f35 of wishes in two tabs on two nodes the last one wins too', async () => {
    await anna.setStatus('invisible');
    await becomes(anna, 'invisible', 'set');
    const elsewhere = anna.operator.at(desk.cluster.master.url);
    await eventually(async () => {
      const { data } = await elsewhere.get('/l/o/me');
      assert.equal((data as unknown as { status: string }).status, 'invisible');
    });
    // In the first one two clicks, of which the second waits for the end of the first one's 250 ms; then one in the other.
    await anna.setStatus('break');
    const clickedMs = performance.now();
    const early = anna.operator.post('/l/o/set-status', { status: 'lunch' });
    await eventually(() => performance.now() - clickedMs >= 200, { every: 5 }); // it has come there, on a busy machine too
    const late = await elsewhere.post('/l/o/set-status', { status: 'online' });
    assert.deepEqual([late.result, (await early).result], ['ok', 'ok']);
    const [row] = await desk.query<{ status: string }>('select status from operator where id = $1', [anna.id]);
    assert.equal(row?.status, 'online', 'what was wished last');
  });

  test('f36 an operator who goes offline in the instant of an assignment: every chat ends with somebody who is there, in its place', async t => {
    const ROUNDS = 40;
    const dora = desk.staff('dora');
    const set = (one: Colleague, status: string): Promise<unknown> => desk.admin.do('operator.set_status', { operatorId: one.id, status });
    const guests: Guest[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const guest = await desk.guest({}, round % 2 === 0 ? desk.cluster.master.url : desk.cluster.slave.url);
      guests.push(guest);
      await set(cleo, 'online');
      const both = [() => guest.start({ department: 'race', text: `round ${round}` }), () => set(cleo, 'offline')];
      const [first, second] = round % 4 < 2 ? both : both.reverse();
      const begun = first!();
      for (let turn = 0; turn < round / 4; turn++) await new Promise(resolve => setImmediate(resolve)); // a little later each time
      await Promise.all([begun, second!()]);
    }
    await becomes(cleo, 'offline', 'supervisor');
    const placed = new Map(await inTurns(guests, 4, async ({ chatId }) => [chatId, (await desk.chat(chatId)).queued_us] as const));
    await online(dora);
    await Promise.all(guests.map(({ chatId }) => desk.assigned(chatId, [dora], GRACE_MS + 2 * SLACK_MS)));
    let asked = 0;
    for (const { chatId } of guests) {
      const steps = await desk.steps(chatId);
      const story = steps.map(({ move, assigned_operator_id: id }) => (id === null ? move : `${move} ${id}`)).join(', ');
      // She came back in the next rounds, so a chat may have been hers again and again.
      assert.match(story, new RegExp(`^opened(, assigned ${cleo.id}, (withdrawn|requeued))*, assigned ${dora.id}$`));
      if (steps.length > 2) asked += 1;
      assert.equal((await desk.chat(chatId)).queued_us, placed.get(chatId), 'its place');
      assert.equal(steps[0]!.at_us, placed.get(chatId), 'the one that it had from the beginning');
    }
    const order = guests.map(({ chatId }) => chatId).sort((a, b) => placed.get(a)! - placed.get(b)!);
    assert.equal(order.length, ROUNDS);
    const refused = await desk.cluster.master.metric('assignments_refused_total');
    t.diagnostic(
      `${asked} of ${ROUNDS} were assigned before she was gone, and came back; ${refused} assignments came too late and were refused`,
    );
  });

  test('f25 kill -9 of the slave: its operators are offline after 5 seconds and the grace, those of the other node are not', async t => {
    const { cluster } = desk;
    await online(anna, ben);
    const atMaster = await desk.admin.again(cluster.master.url);
    const benAtMaster = await ben.again(cluster.master.url);
    cleanup.add([atMaster, benAtMaster], list => list.forEach(one => one.operator.close()));
    const guest = await taken(anna, { department: 'sales', node: cluster.master.url });
    const place = (await desk.chat(guest.chatId)).queued_us;
    const killedAtMs = await nowMs();
    await cluster.slave.kill();
    await becomes(anna, 'offline', 'connection-lost', { by: atMaster, within: DEAD_MS + GRACE_MS + 2 * SLACK_MS });
    const after = (await lostAtMs(anna)) - killedAtMs;
    t.diagnostic(`offline ${Math.round(after)} ms after the kill, with a grace of ${GRACE_MS} ms`);
    assert.ok(after >= GRACE_MS, `offline after ${after} ms, before the grace was over`);
    assert.ok(after <= DEAD_MS + GRACE_MS + SLACK_MS, `offline after ${after} ms`);
    assert.deepEqual(seen(ben, atMaster), ['online', 'set']);
    await desk.assigned(guest.chatId, [ben]);
    assert.equal((await desk.chat(guest.chatId)).queued_us, place);

    await cluster.start(SLAVE);
    await desk.reconnect();
    await anna.setStatus('online');
    const next = await desk.visit({ department: 'sales' });
    await desk.assigned(next.chatId, [anna, ben]);
  });

  test('a node that stood still for longer than its operators’ grace: they are offline, know it, and go on when they say so', async t => {
    const { cluster } = desk;
    await online(anna);
    const own = await taken(anna, { department: 'sales', node: cluster.master.url });
    const atMaster = cleanup.add(await desk.admin.again(cluster.master.url), it => it.operator.close());
    const ms = await standStill(desk, () => assert.deepEqual(seen(anna, atMaster), ['offline', 'connection-lost']), 8_000);
    t.diagnostic(`stood still for ${Math.round(ms)} ms; her WebSocket was ${await comeBack(anna)}`);
    await becomes(anna, 'offline', 'connection-lost', { by: anna, within: 2 * SLACK_MS });
    const { state, operator_id } = await desk.chat(own.chatId);
    assert.deepEqual({ state, operator_id }, { state: 'queue', operator_id: null });
    await anna.setStatus('online');
    const next = await desk.visit({ department: 'sales', node: cluster.master.url });
    await desk.assigned(next.chatId, [anna]);
    await passGrace(ben);
    assert.deepEqual(seen(anna), ['online', 'set'], 'and she stays so');
  });

  describe('with lost_operator_policy = hold and more grace', () => {
    const LONGER_MS = 4_000;
    before(() => desk.restart('lost_operator_policy = hold\noperator_grace_seconds = 4'));

    test('a node that stood still for less than 5 seconds and the grace has lost nobody', async t => {
      await online(anna);
      const own = await taken(anna, { department: 'sales', node: desk.cluster.master.url });
      const [isGone, isBack] = [false, true].map(wanted => async () => {
        const rows = await desk.query('select from operator_presence where operator_id = $1 and gone_at is null', [anna.id]);
        assert.equal(rows.length > 0, wanted, 'is she connected, as the database knows?');
      }) as [() => Promise<void>, () => Promise<void>];
      const ms = await standStill(desk, isGone);
      t.diagnostic(`stood still for ${Math.round(ms)} ms, until it counted as dead; her WebSocket was ${await comeBack(anna)}`);
      await eventually(isBack);
      await becomes(anna, 'online', 'set');
      assert.deepEqual((await desk.moves(own.chatId)).at(-1), 'taken');
    });

    test('f15 the chats of who is lost are held for him: his again when he is there and the visitor writes, else they wait', async () => {
      await anna.setStatus('online');
      const back = await taken(anna);
      const late = await taken(anna);
      const visitors = [back, late];
      for (const { visitor } of visitors) visitor.startPolling();
      await eventually(() => visitors.forEach(one => assert.equal(one.chat?.state, 'chatting')));
      await lose(anna, LONGER_MS);
      await eventually(async () => {
        for (const { chatId } of visitors) {
          const { state, operator_id } = await desk.chat(chatId);
          assert.deepEqual({ state, operator_id }, { state: 'hold', operator_id: anna.id });
        }
      });
      await eventually(() => assert.equal(desk.admin.chats.get(back.chatId)?.state, 'hold', 'as administrators see it'));
      await eventually(() => assert.equal(desk.admin.colleagues.get(anna.id)?.chats, 0, 'they use no capacity'));
      // Visitors are not told of it: apps would take the chat for closed.
      for (const one of visitors) {
        assert.deepEqual([one.chat?.state, one.chat?.operator?.id], ['chatting', anna.id]);
        assert.equal((await one.fullUpdate()).chat?.state, 'chatting');
      }
      // She is gone: the one who writes waits for somebody else, at his place.
      const place = (await desk.chat(late.chatId)).queued_us;
      await late.say('anybody there?');
      await eventually(() => assert.deepEqual([late.chat?.state, late.chat?.operator], ['queue', null]));
      assert.equal((await desk.chat(late.chatId)).queued_us, place);
      await online(ben);
      await desk.assigned(late.chatId, [ben]);
      // She is back: her chat is still held, and hers when its visitor writes.
      await anna.operator.connect();
      await anna.setStatus('online');
      assert.equal((await desk.chat(back.chatId)).state, 'hold');
      assert.equal(anna.chats.get(back.chatId)?.state, 'hold', 'she sees it');
      await back.say('are you back?');
      await eventually(async () => {
        const { state, operator_id } = await desk.chat(back.chatId);
        assert.deepEqual({ state, operator_id }, { state: 'chatting', operator_id: anna.id });
      });
      await eventually(() => assert.ok(anna.chats.get(back.chatId)?.messages?.some(({ text }) => text === 'are you back?')));
      assert.deepEqual(await desk.moves(back.chatId).then(moves => moves.slice(-2)), ['held', 'resumed']);
      assert.deepEqual(await desk.moves(late.chatId).then(moves => moves.slice(-3)), ['held', 'requeued', 'assigned']);
      assert.deepEqual(
        back.statesTold.filter(state => state === 'hold'),
        [],
      );
    });

    test('f15 a held chat whose operator is back but full goes to the queue; his own word or take resumes it, a supervisor may close it', async () => {
      await anna.setStatus('online');
      const full = await taken(anna);
      const word = await taken(anna);
      await lose(anna, LONGER_MS);
      await eventually(async () => assert.equal((await desk.chat(word.chatId)).state, 'hold'));
      await anna.operator.connect();
      await anna.setStatus('online');
      await anna.do('chat.message', { chatId: word.chatId, message: 'back again', clientSideId: desk.newClientId() });
      assert.equal((await desk.chat(word.chatId)).state, 'chatting');
      const second = await desk.visit({ department: 'sales' });
      await desk.assigned(second.chatId, [anna]);
      assert.equal(await anna.refusal('chat.take', { chatId: full.chatId }), '409 capacity-exceeded');
      const message = { chatId: full.chatId, message: 'no room for this', clientSideId: desk.newClientId() };
      assert.equal(await anna.refusal('chat.message', message), '409 capacity-exceeded');
      assert.equal(await ben.refusal('chat.take', { chatId: full.chatId }), '409 chat-already-taken');
      await full.say('hello?');
      assert.equal((await desk.chat(full.chatId)).state, 'queue');
      await online(ben);
      await desk.assigned(full.chatId, [ben]);

      await lose(anna, LONGER_MS);
      await eventually(async () => assert.equal((await desk.chat(word.chatId)).state, 'hold'));
      await chief.do('chat.close', { chatId: word.chatId });
      assert.equal((await desk.chat(word.chatId)).state, 'closed_by_operator');
      assert.deepEqual((await desk.steps(word.chatId)).at(-1)?.by, chief.id);
    });
  });

  describe('with lost_operator_policy = transfer', () => {
    before(() => desk.restart('lost_operator_policy = transfer\noperator_grace_seconds = 1'));

    test('f15 the chats of who is lost are colleagues’ at once, as far as they have room, and the rest waits at its place', async () => {
      await anna.setStatus('online');
      const first = await taken(anna);
      const second = await taken(anna);
      await online(ben);
      await taken(ben);
      for (const { visitor } of [first, second]) visitor.startPolling();
      await eventually(() => [first, second].forEach(one => assert.equal(one.chat?.operator?.id, anna.id)));
      const place = (await desk.chat(second.chatId)).queued_us;
      const toldBefore = first.statesTold.length;
      await lose(anna);
      await eventually(() => {
        assert.deepEqual([first.chat?.state, first.chat?.operator?.id], ['chatting', ben.id], 'as its visitor sees it');
        assert.deepEqual([second.chat?.state, second.chat?.operator], ['queue', null]);
      });
      assert.deepEqual(first.statesTold.slice(toldBefore), [], 'it was hers, it is his, and never in the queue');
      assert.equal((await desk.steps(first.chatId)).at(-1)?.move, 'transferred');
      assert.equal((await desk.steps(second.chatId)).at(-1)?.move, 'requeued');
      assert.equal((await desk.chat(second.chatId)).queued_us, place);
      await eventually(() => assert.equal(ben.chats.get(first.chatId)?.messages?.length, 1, 'he sees what was said'));
      await eventually(() => assert.equal(desk.admin.colleagues.get(ben.id)?.chats, 2));
    });

    test('an operator who is disabled leaves at once, and his chats go where those of a lost one go', async () => {
      const dora = desk.staff('dora');
      await online(cleo);
      const own = await taken(cleo, { department: 'race' });
      await online(dora);
      await run(desk.cluster, 'operator', 'disable', '--login', 'cleo');
      await eventually(() => assert.equal(cleo.operator.closed?.code, 4403));
      await eventually(async () => {
        const { state, operator_id } = await desk.chat(own.chatId);
        assert.deepEqual({ state, operator_id }, { state: 'chatting', operator_id: dora.id });
      });
      assert.equal(await cleo.refusal('chat.take', { chatId: own.chatId }), '401 unauthorized');
    });
  });
});

/** A client that polls. */
class Phone {
  readonly #operator: Colleague['operator'];
  readonly #states = new Map<number, string>();
  #stopped = false;
  readonly #polling: Promise<void>;

  constructor({ operator }: Colleague, url: string) {
    this.#operator = operator.at(url);
    this.#polling = this.#poll();
  }

  stateOf(chatId: number): string | undefined {
    return this.#states.get(chatId);
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#polling;
  }

  async #poll(): Promise<void> {
    let since = '';
    while (!this.#isStopped()) {
      const frame = await this.#operator.get(`/l/o/delta?since=${since}`);
      if (frame.revision !== undefined) since = frame.revision;
      if (frame.fullUpdate !== undefined) for (const { id, state } of frame.fullUpdate.chats) this.#states.set(id, state);
      for (const { objectType, event, id, data } of frame.deltaList ?? []) {
        if (objectType === 'CHAT' && event === 'del') this.#states.delete(Number(id));
        else if (objectType === 'CHAT' || objectType === 'CHAT_STATE') this.#states.set(Number(id), (data as { state: string }).state);
      }
    }
  }

  #isStopped(): boolean {
    return this.#stopped;
  }
}

/** The slave is stopped until this is so, and for as long as that at least, and goes on. Returns for how long it was stopped. */
async function standStill(desk: Desk, until: () => unknown, atLeastMs = 0): Promise<number> {
  const { slave } = desk.cluster;
  const stoppedMs = performance.now();
  process.kill(slave.pid, 'SIGSTOP');
  try {
    await eventually(until, { within: 20_000 });
    await eventually(() => performance.now() - stoppedMs >= atLeastMs, { within: 2 * atLeastMs });
  } finally {
    process.kill(slave.pid, 'SIGCONT');
  }
  const ms = performance.now() - stoppedMs;
  await eventually(async () => (await fetch(`${slave.url}/readyz`)).ok, { within: 15_000 });
  return ms;
}

/** As consoles do, if the connection was lost. */
async function comeBack({ operator }: Colleague): Promise<string> {
  const { closed } = operator;
  if (closed === undefined) return 'kept';
  await operator.connect(operator.since);
  return `closed with ${closed.code}`;
}

async function statusChanges(desk: Desk, { id }: Colleague, since: string): Promise<number> {
  const log = await desk.query<{ changes: string }>('select changes from change_log where last_revision > $1', [since]);
  const changes = log.flatMap(row => JSON.parse(row.changes) as { readonly type: string; readonly operatorId?: number }[]);
  return changes.filter(({ type, operatorId }) => type === 'operator-status-set' && operatorId === id).length;
}
