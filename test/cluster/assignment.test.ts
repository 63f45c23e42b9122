/** Who is given which chat: features 16 to 18, 21 and 24, faults 37 and 38. Operators speak to the slave, visitors to both nodes. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test, type TestContext } from 'node:test';
import { percentile } from '../support/crowd.ts';
import { type Colleague, Desk, type Guest, inTurns, run } from '../support/desk.ts';
import { eventually } from '../support/eventually.ts';
import { assertInvariants } from '../support/invariants.ts';

const online = (...staff: Colleague[]): Promise<unknown> => Promise.all(staff.map(one => one.setStatus('online')));

/** Weekly hours on a day that is neither today nor next to it, wherever the test runs. */
function closedNow(): string {
  const day = ((new Date().getUTCDay() + 2) % 7) + 1;
  return JSON.stringify({ zone: 'UTC', hours: [{ days: [day], from: '10:00', to: '11:00' }] });
}

describe('assignment:', () => {
  let desk: Desk;
  let anna: Colleague;
  let ben: Colleague;
  let cleo: Colleague;
  let dora: Colleague;
  let chief: Colleague;

  before(async () => {
    desk = await Desk.open({
      ini: 'max_chats_per_operator = 2\nqueue_offline_seconds = 0\npriority_pages = /checkout* 600',
      departments: ['sales', 'support', 'billing', 'vip', 'line', 'empty'],
      duties: [
        { login: 'anna', departments: 'sales,vip,line', langs: 'en' },
        { login: 'ben', departments: 'sales,support,vip:5', langs: 'ru' },
        { login: 'cleo', departments: 'support,billing', langs: 'en,ru' },
        { login: 'dora', departments: 'billing,vip' },
        { login: 'chief', departments: 'sales,vip', roles: 'operator,supervisor', max_chats: 0 },
      ],
    });
    [anna, ben, cleo, dora, chief] = ['anna', 'ben', 'cleo', 'dora', 'chief'].map(login => desk.staff(login)) as [
      Colleague,
      Colleague,
      Colleague,
      Colleague,
      Colleague,
    ];
  });

  afterEach(() => desk.clear());

  after(async () => {
    await assertInvariants(desk.cluster.database);
    await desk.stop();
  });

  const visits = async (count: number, visit: Parameters<Desk['visit']>[0]): Promise<Guest[]> => {
    const guests: Guest[] = [];
    for (let i = 0; i < count; i++) guests.push(await desk.visit(visit));
    return guests;
  };

  /** Whatever could be assigned by now has been: a chat that came later was. */
  async function barrier(): Promise<void> {
    const { chatId } = await desk.visit({ department: 'billing' });
    await online(dora);
    await desk.assigned(chatId, [dora]);
  }

  test('f16 five chats and two operators of two who come: two, two, and the newest waits', async () => {
    const guests = await visits(5, { department: 'sales' });
    await online(anna, ben);
    await Promise.all(guests.slice(0, 4).map(({ chatId }) => desk.assigned(chatId, [anna, ben])));
    const { waiting } = await desk.admin.why(guests[4]!.chatId);
    assert.deepEqual([waiting?.why, waiting?.position], ['all-full', 1]);
    const stored = await Promise.all(guests.map(({ chatId }) => desk.chat(chatId)));
    const of = (one: Colleague): number => stored.filter(row => row.assigned_operator_id === one.id).length;
    assert.deepEqual([of(anna), of(ben), stored[4]!.assigned_operator_id], [2, 2, null]);
    // Who has room again is given it at once.
    const freed = stored[2]!.assigned_operator_id === anna.id ? anna : ben;
    await freed.do('chat.close', { chatId: guests[2]!.chatId });
    await desk.assigned(guests[4]!.chatId, [freed]);
  });

  test('f16 chats that come one by one go to whoever has fewest', async () => {
    await online(anna, ben);
    const loads = new Map([
      [anna.id, 0],
      [ben.id, 0],
    ]);
    for (let i = 0; i < 4; i++) {
      const { chatId } = await desk.visit({ department: 'sales' });
      const id = await desk.assigned(chatId, [anna, ben]);
      loads.set(id, loads.get(id)! + 1);
      const [a, b] = [...loads.values()] as [number, number];
      assert.ok(Math.abs(a - b) <= 1, `after ${i + 1} chats the loads are ${a} and ${b}`);
      await eventually(() => {
        const seen = [anna.id, ben.id].map(one => desk.admin.colleagues.get(one)?.chats);
        assert.deepEqual(seen, [a, b], 'everybody sees the loads');
      });
    }
  });

  test('f16 among equals it is drawn by lot', async () => {
    await online(anna, ben);
    const given: number[] = [];
    for (let i = 0; i < 16; i++) {
      const { chatId } = await desk.visit({ department: 'sales' });
      given.push(await desk.assigned(chatId, [anna, ben]));
      if (i === 0) assert.equal((await desk.admin.why(chatId)).history.at(-1)?.record?.why, 'tie-random');
      await desk.admin.do('chat.close', { chatId });
    }
    assert.deepEqual(new Set(given), new Set([anna.id, ben.id]), `one of them was given all: ${given.join()}`); // once in 30,000 runs by chance
  });

  test('f16 departments and languages wait on their own: whom nobody can answer holds nobody up', async () => {
    const abandoned = await visits(3, { department: 'empty' });
    await online(anna, ben);
    const english = await visits(4, { department: 'sales', lang: 'en' });
    const russian = await desk.visit({ department: 'sales', lang: 'ru' });
    await Promise.all(english.slice(0, 2).map(({ chatId }) => desk.assigned(chatId, [anna])));
    await desk.assigned(russian.chatId, [ben]);
    // Nobody here names German: those chats go to all, and past the English ones that wait for Anna.
    const german = await desk.visit({ department: 'sales', lang: 'de' });
    await desk.assigned(german.chatId, [ben]);
    const { waiting } = await anna.why(english[2]!.chatId);
    assert.equal(waiting?.why, 'all-full');
    assert.equal(waiting.operators.find(one => one.operatorId === ben.id)?.obstacle, 'other-language');
    assert.equal((await desk.admin.why(abandoned[0]!.chatId)).waiting?.why, 'no-operator');
    await anna.do('chat.close', { chatId: english[0]!.chatId });
    await desk.assigned(english[2]!.chatId, [anna]);
    assert.equal((await desk.chat(english[3]!.chatId)).assigned_operator_id, null);
  });

  test('f16 offline chats are a queue of their own, and wait for their turn among the others', async () => {
    const leave = async (text: string): Promise<Guest> => {
      const guest = await desk.guest();
      const answer = await guest.visitor.action('chat.offline_message', { text, 'client-side-id': desk.newClientId() });
      assert.equal(answer.result, 'ok', `chat.offline_message answered ${JSON.stringify(answer)}`);
      await guest.findChat();
      return guest;
    };
    const first = await leave('call me back');
    const second = await desk.guest();
    await second.say('is anybody there?');
    const third = await leave('me too');
    await online(dora);
    await Promise.all([first, second].map(({ chatId }) => desk.assigned(chatId, [dora])));
    await eventually(() => {
      const offline = [first, second, third].map(({ chatId }) => dora.chats.get(chatId)?.offline);
      assert.deepEqual(offline, [true, false, true]);
    });
    assert.equal((await desk.chat(third.chatId)).assigned_operator_id, null);
    await dora.do('chat.close', { chatId: second.chatId });
    await desk.assigned(third.chatId, [dora]);
  });

  test('f18 an assigned chat is in the queue for everybody, its visitor too, until it is taken', async () => {
    await online(anna);
    const guest = await desk.visit({ department: 'sales' });
    guest.visitor.startPolling();
    await desk.assigned(guest.chatId, [anna]);
    await eventually(() => {
      for (const one of [anna, ben, chief, desk.admin]) {
        const { state, assignedOperatorId, operatorId } = one.chats.get(guest.chatId) ?? {};
        assert.deepEqual([state, assignedOperatorId, operatorId], ['queue', anna.id, null], `as ${one.login} sees it`);
      }
    });
    assert.equal(cleo.chats.has(guest.chatId), false, 'who works elsewhere does not see it');
    await eventually(() => assert.equal(anna.chats.get(guest.chatId)?.messages?.length, 1, 'who is asked sees what was said'));
    await eventually(() => assert.deepEqual([guest.chat?.state, guest.chat?.operator], ['queue', null]));
    await anna.do('chat.take', { chatId: guest.chatId });
    await eventually(() => assert.deepEqual([guest.chat?.state, guest.chat?.operator?.id], ['chatting', anna.id]));
    assert.equal(guest.statesTold.filter(state => state === 'chatting').length, 1, `told ${guest.statesTold.join()}`);
    await eventually(() => {
      assert.deepEqual(
        [anna, chief, desk.admin].map(one => one.chats.get(guest.chatId)?.state),
        ['chatting', 'chatting', 'chatting'],
      );
      assert.equal(ben.chats.has(guest.chatId), false, 'a chat that is taken is gone from the queue of the others');
    });
    assert.deepEqual(await desk.moves(guest.chatId), ['opened', 'assigned', 'taken']);
  });

  test('f18 the first message of who was asked takes the chat', async () => {
    await online(anna);
    const guest = await desk.visit({ department: 'sales' });
    guest.visitor.startPolling();
    await desk.assigned(guest.chatId, [anna]);
    await anna.do('chat.message', { chatId: guest.chatId, message: 'good day', clientSideId: desk.newClientId() });
    await eventually(() => assert.deepEqual([guest.chat?.state, guest.texts.at(-1)], ['chatting', 'good day']));
    assert.deepEqual(await desk.moves(guest.chatId), ['opened', 'assigned', 'taken']);
  });

  test('f21 of each assignment is kept who could have been given it, who not and why', async () => {
    await online(anna);
    const [first] = await visits(2, { department: 'sales' });
    await desk.assigned(first!.chatId, [anna]);
    await anna.do('chat.take', { chatId: first!.chatId });
    await eventually(async () => assert.equal((await desk.admin.why(first!.chatId)).history.length, 3));
    await online(ben);
    const third = await desk.visit({ department: 'sales' });
    await desk.assigned(third.chatId, [ben]);
    const { history, waiting } = await desk.admin.why(third.chatId);
    assert.equal(waiting, null, 'it does not wait any more');
    assert.deepEqual(
      history.map(({ move, state, assignedOperatorId }) => [move, state, assignedOperatorId]),
      [
        ['opened', 'queue', null],
        ['assigned', 'queue', ben.id],
      ],
    );
    const { record } = history[1]!;
    assert.deepEqual(
      record?.candidates.map(({ id, load, max, priority }) => ({ id, load, max, priority })),
      [{ id: ben.id, load: 0, max: 2, priority: 0 }],
    );
    assert.deepEqual([record.why, record.candidateCount], ['only-one', 1]);
    const removed = Object.fromEntries(
      Object.entries(record.removed).map(([obstacle, { count, ids }]) => [obstacle, { count, ids: [...ids].sort((a, b) => a - b) }]),
    );
    assert.deepEqual(removed, {
      full: { count: 1, ids: [anna.id] },
      offline: { count: 1, ids: [chief.id] },
      'other-department': { count: 3, ids: [cleo.id, dora.id, desk.admin.id].sort((a, b) => a - b) },
    });
    const taken = (await desk.admin.why(first!.chatId)).history;
    assert.deepEqual(
      taken.map(({ move, by, operatorId }) => [move, by, operatorId]),
      [
        ['opened', null, null],
        ['assigned', null, null],
        ['taken', anna.id, anna.id],
      ],
    );
  });

  test('f21 of a chat that waits everybody concerned is told why, in which place, and what stands in the way of each operator', async () => {
    const guests = await visits(2, { department: 'sales' });
    const chatId = guests[1]!.chatId;
    const nobody = (await anna.why(chatId)).waiting;
    assert.deepEqual([nobody?.why, nobody?.position], ['nobody-online', 2]);
    assert.deepEqual(
      new Map(nobody?.operators.map(one => [one.operatorId, one.obstacle])),
      new Map([anna, ben, chief].map(one => [one.id, 'offline'])),
    );
    await anna.setStatus('break');
    await eventually(async () => {
      const { waiting } = await anna.why(chatId);
      const obstacle = waiting?.operators.find(one => one.operatorId === anna.id)?.obstacle;
      assert.deepEqual([waiting?.why, obstacle], ['nobody-online', 'takes-none']);
    });
    await visits(2, { department: 'sales' });
    await online(anna, ben);
    const fifth = await desk.visit({ department: 'sales' });
    await eventually(async () => {
      const { waiting } = await anna.why(fifth.chatId);
      assert.deepEqual([waiting?.why, waiting?.position, waiting?.removed['full']], ['all-full', 1, 2]);
      for (const one of [anna, ben]) {
        const { load, maxChats, obstacle } = waiting?.operators.find(({ operatorId }) => operatorId === one.id) ?? {};
        assert.deepEqual([load, maxChats, obstacle], [2, 2, 'full']);
      }
    });
    // Of the department, its supervisors and administrators; nobody else.
    for (const one of [ben, chief, desk.admin]) assert.equal((await one.why(fifth.chatId)).chatId, fifth.chatId);
    const refused = await cleo.operator.get(`/l/o/assignments?chatId=${fifth.chatId}`);
    assert.deepEqual([refused.status, refused.error], [403, 'not-allowed']);
    const unknown = await cleo.operator.get('/l/o/assignments?chatId=999999');
    assert.deepEqual([unknown.status, unknown.error], [404, 'chat-not-found']);
  });

  test('a department is worked by hand, automatically, or both, as it is told while the nodes run', async () => {
    const { cluster } = desk;
    const mode = (name: string): Promise<string> => run(cluster, 'department', 'set', '--key', 'vip', '--mode', name);
    const master = await desk.admin.again(cluster.master.url);
    const knows = (chatId: number, wanted: string): Promise<unknown> =>
      eventually(async () => {
        for (const one of [master, desk.admin]) assert.equal((await one.why(chatId)).waiting?.why, wanted);
      });
    try {
      await mode('manual');
      const [first, second, third] = (await visits(3, { department: 'vip' })) as [Guest, Guest, Guest];
      await knows(first.chatId, 'manual');
      await online(anna, ben);
      await barrier();
      assert.equal((await desk.chat(first.chatId)).assigned_operator_id, null, 'nobody is asked');
      await anna.do('chat.take', { chatId: second.chatId });

      await mode('automatic');
      await desk.assigned(first.chatId, [ben]);
      await desk.assigned(third.chatId, [ben]);
      await eventually(() => assert.equal(anna.chats.get(third.chatId)?.assignedOperatorId, ben.id, 'her node knows, and the mode too'));
      assert.equal(await anna.refusal('chat.take', { chatId: first.chatId }), '403 not-allowed', 'she cannot help herself');
      await ben.do('chat.take', { chatId: first.chatId });
      await chief.do('chat.take', { chatId: third.chatId, override: 'true' });
      await Promise.all([first, second, third].map(({ chatId }) => desk.admin.do('chat.close', { chatId })));
      const waiting = await visits(5, { department: 'vip' });
      await desk.assigned(waiting[0]!.chatId);

      await mode('mixed');
      const theirs = await eventually(async () => {
        const rows = await Promise.all(waiting.map(({ chatId }) => desk.chat(chatId)));
        return rows.find(row => row.assigned_operator_id === ben.id) ?? false;
      });
      await dora.operator.action('chat.close', {
        chatId: String([...dora.chats.values()].find(chat => chat.departmentKey === 'billing')!.id),
      });
      await eventually(async () => assert.equal(await dora.refusal('chat.take', { chatId: theirs.id }), '200 ok', 'both may be'));
    } finally {
      await mode('default');
      master.operator.close();
    }
  });

  test('chats from pages that matter go before others by their head start', async () => {
    const [plain] = await visits(1, { department: 'sales', page: 'https://shop.example/shoes?checkout=1' });
    const [buyer] = await visits(1, { department: 'sales', page: 'https://shop.example/checkout/pay?step=2' });
    const [later] = await visits(1, { department: 'sales' });
    assert.deepEqual((await desk.admin.why(buyer!.chatId)).waiting?.position, 1);
    assert.deepEqual((await desk.admin.why(plain!.chatId)).waiting?.position, 2);
    await online(anna);
    await desk.assigned(plain!.chatId, [anna]);
    const at = async ({ chatId }: Guest): Promise<number | undefined> =>
      (await desk.steps(chatId)).find(({ move }) => move === 'assigned')?.at_us;
    assert.ok((await at(buyer!))! <= (await at(plain!))!, 'the buyer was first');
    assert.equal((await desk.chat(later!.chatId)).assigned_operator_id, null);
    assert.equal((await desk.chat(buyer!.chatId)).assigned_operator_id, anna.id);
  });

  test('a visitor who comes back is given to whom he had, if that one can', async () => {
    await online(anna, ben);
    const guest = await desk.visit({ department: 'sales' });
    const had = [anna, ben].find(one => one.id === anna.id)!;
    await desk.assigned(guest.chatId);
    await anna.do('chat.take', { chatId: guest.chatId });
    await anna.do('chat.close', { chatId: guest.chatId });
    const other = await desk.visit({ department: 'sales' });
    await desk.assigned(other.chatId);
    await anna.do('chat.take', { chatId: other.chatId });
    // She has more chats than Ben, and is given her visitor all the same.
    await guest.start({ department: 'sales', text: 'me again' });
    await desk.assigned(guest.chatId, [had]);
    const { record } = (await desk.admin.why(guest.chatId)).history.at(-1)!;
    assert.equal(record?.why, 'last-operator');
    assert.deepEqual(
      record.candidates.map(({ id, load }) => [id, load]),
      [
        [anna.id, 1],
        [ben.id, 0],
      ],
    );
    await anna.do('chat.close', { chatId: guest.chatId });
    await anna.setStatus('break');
    await guest.start({ department: 'sales', text: 'and again' });
    await desk.assigned(guest.chatId, [ben]);
  });

  test('who has a priority in a department is given its chats first, as long as he has room', async () => {
    await online(anna, ben, dora);
    const [first, second, third] = await visits(3, { department: 'vip' });
    await desk.assigned(first!.chatId, [ben]);
    await desk.assigned(second!.chatId, [ben]);
    await desk.assigned(third!.chatId, [anna, dora]);
    const why = async (guest: Guest): Promise<string | undefined> => (await desk.admin.why(guest.chatId)).history.at(-1)?.record?.why;
    assert.deepEqual(await Promise.all([first!, second!].map(why)), ['priority', 'priority']);
    const elsewhere = await desk.visit({ department: 'sales' });
    await desk.assigned(elsewhere.chatId, [anna]);
  });

  test('out of its hours a department is offline, its new chats are offline chats and wait until it opens', async () => {
    const { cluster } = desk;
    cluster.folder.write('closed.json', closedNow());
    const schedule = (file: string): Promise<string> => run(cluster, 'department', 'set', '--key', 'billing', '--schedule', file);
    try {
      await online(cleo);
      const watcher = await desk.guest({}, cluster.slave.url);
      const isOnline = async (): Promise<(string | undefined)[]> => {
        const { departments } = await watcher.fullUpdate();
        return ['billing', 'support'].map(key => departments.find(one => one.key === key)?.online);
      };
      await eventually(async () => assert.deepEqual(await isOnline(), ['online', 'online']));
      await schedule('closed.json');
      for (const url of [cluster.master.url, cluster.slave.url])
        await eventually(async () => {
          const { departments } = await (await desk.guest({}, url)).fullUpdate();
          assert.equal(departments.find(one => one.key === 'billing')?.online, 'offline');
        });
      assert.deepEqual(await isOnline(), ['offline', 'online']);
      await eventually(() => assert.equal(desk.admin.departments.get('billing')?.online, 'offline'));
      const guest = await desk.visit({ department: 'billing' });
      const barrierChat = await desk.visit({ department: 'support' });
      await desk.assigned(barrierChat.chatId, [cleo]);
      const { offline, assigned_operator_id } = await desk.chat(guest.chatId);
      assert.deepEqual({ offline, assigned_operator_id }, { offline: true, assigned_operator_id: null });
      assert.equal((await desk.admin.why(guest.chatId)).waiting?.why, 'closed');
      await schedule('none');
      await desk.assigned(guest.chatId, [cleo]);
      await eventually(async () => assert.deepEqual(await isOnline(), ['busy_online', 'busy_online'], 'now she has two'));
    } finally {
      await schedule('none');
    }
  });

  test('out of his own hours an operator is given nothing', async () => {
    const { cluster } = desk;
    cluster.folder.write('closed.json', closedNow());
    const schedule = (file: string): Promise<string> => run(cluster, 'operator', 'set', '--login', 'anna', '--schedule', file);
    try {
      const guest = await desk.visit({ department: 'sales' });
      await schedule('closed.json');
      const master = await desk.admin.again(cluster.master.url);
      await online(anna);
      await eventually(async () => {
        const { waiting } = await master.why(guest.chatId);
        assert.equal(waiting?.operators.find(one => one.operatorId === anna.id)?.obstacle, 'off-hours');
      });
      master.operator.close();
    } finally {
      await schedule('none');
    }
  });

  test('a visitor in the queue is told his place and, when it can be told, how long he will wait', async () => {
    await online(anna);
    const guests = await visits(7, { department: 'line' });
    await desk.assigned(guests[1]!.chatId, [anna]);
    const last = guests[6]!;
    assert.deepEqual((await last.fullUpdate()).queue, { position: 5, estimateSeconds: null });
    last.visitor.startPolling();
    await eventually(() => assert.deepEqual(last.places.at(-1), { position: 5, estimateSeconds: null }), { within: 8_000 });
    for (let i = 0; i < 4; i++) {
      await anna.do('chat.close', { chatId: guests[i]!.chatId });
      await desk.assigned(guests[i + 2]!.chatId, [anna]);
      await eventually(() => assert.equal(last.places.at(-1)?.position, 4 - i), { within: 8_000 });
    }
    const estimate = last.places.at(-1)?.estimateSeconds;
    assert.ok(typeof estimate === 'number' && estimate > 0 && estimate <= 60 && estimate % 10 === 0, `the estimate is ${estimate}`);
    assert.equal((await last.fullUpdate()).queue?.position, 1);
    await anna.do('chat.close', { chatId: guests[4]!.chatId });
    await desk.assigned(last.chatId, [anna]);
    await eventually(() => assert.equal(last.places.at(-1), null), { within: 8_000 });
    assert.equal((await last.fullUpdate()).queue, null);
    const positions = last.places.map(place => place?.position ?? 0);
    assert.deepEqual(
      [...positions].sort((a, b) => b - a),
      positions,
      `nobody is put back: ${positions.join()}`,
    );
  });

  test('f37 when all are full and one has room again, the oldest chat is his at once', async t => {
    const ROUNDS = 30;
    await online(anna, ben);
    const guests = await visits(4 + ROUNDS, { department: 'sales' });
    await Promise.all(guests.slice(0, 4).map(({ chatId }) => desk.assigned(chatId, [anna, ben])));
    const whose = async (chatId: number): Promise<number | null> => (await desk.chat(chatId)).assigned_operator_id;
    const times: number[] = [];
    const order: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { chatId } = guests[round]!;
      const freed = (await whose(chatId)) === anna.id ? anna : ben;
      const told = new Promise<number>(resolve => {
        freed.onAsked = resolve;
      });
      const startedMs = performance.now();
      const closed = freed.operator.request('chat.close', { chatId });
      order.push(await told);
      times.push(performance.now() - startedMs);
      assert.equal((await closed).result, 'ok');
    }
    for (const one of [anna, ben]) one.onAsked = () => undefined;
    assert.deepEqual(
      order,
      guests.slice(4).map(({ chatId }) => chatId),
      'the oldest first',
    );
    t.diagnostic(`closed to assigned, as the operator is told: p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms`);
    assert.ok(percentile(times, 0.5) <= 1_000, `p50 ${percentile(times, 0.5)} ms`);
  });

  describe('with many chats:', () => {
    before(async () => {
      await inTurns(['anna', 'ben', 'cleo', 'dora'], 2, login =>
        run(desk.cluster, 'operator', 'set', '--login', login, '--max_chats', '40'),
      );
      await eventually(() => {
        for (const one of [anna, ben, cleo, dora]) {
          const seen = desk.admin.colleagues.get(one.id) as unknown as { readonly maxChats: number } | undefined;
          assert.equal(seen?.maxChats, 40);
        }
      });
    });

    test('f24 none of a hundred chats goes to another department or language', async () => {
      const departments = ['sales', 'support', 'billing', 'vip'];
      const langs = ['', 'en', 'ru', 'de'];
      const staff = [
        { who: anna, departments: ['sales', 'vip'], langs: ['en'] },
        { who: ben, departments: ['sales', 'support', 'vip'], langs: ['ru'] },
        { who: cleo, departments: ['support', 'billing'], langs: ['en', 'ru'] },
        { who: dora, departments: ['billing', 'vip'], langs: [] },
      ];
      await online(anna, ben, cleo, dora);
      const guests = await inTurns(
        Array.from({ length: 100 }, (_, i) => ({ department: departments[i % 4]!, lang: langs[Math.floor(i / 4) % 4]! })),
        10,
        visit => desk.visit(visit),
      );
      await Promise.all(guests.map(({ chatId }) => desk.assigned(chatId, undefined, 15_000)));
      const rows = await Promise.all(guests.map(({ chatId }) => desk.chat(chatId)));
      const wrong = rows.filter(({ department_key: key, lang, assigned_operator_id: id }) => {
        const works = staff.filter(one => one.departments.includes(key!));
        const spoken = works.some(one => one.langs.includes(lang));
        return !works.some(one => one.who.id === id && (!spoken || one.langs.length === 0 || one.langs.includes(lang)));
      });
      assert.deepEqual(wrong, []);
      assert.deepEqual(
        await Promise.all(
          [anna, ben, cleo, dora].map(async one => [...one.chats.values()].every(chat => works(staff, one, chat.departmentKey))),
        ),
        [true, true, true, true],
        'nor does anybody see one of another department',
      );
    });

    test('f38 a thousand chats in about a second are all queued and told their places, drained as fast as there is room, none starved', t =>
      burst(t, desk, [anna, ben, cleo, dora], ['sales', 'support', 'billing']));
  });
});

describe('assigned and not taken:', () => {
  const TIMEOUT_US = 2_000_000;
  let desk: Desk;
  let anna: Colleague;
  let ben: Colleague;

  before(async () => {
    desk = await Desk.open({
      ini: 'max_chats_per_operator = 1\nassignment_timeout_seconds = 2\nassignment_tie_break = idle',
      departments: ['sales'],
      duties: ['anna', 'ben'].map(login => ({ login, departments: 'sales' })),
    });
    [anna, ben] = [desk.staff('anna'), desk.staff('ben')];
  });

  afterEach(() => desk.clear());

  after(async () => {
    await assertInvariants(desk.cluster.database);
    await desk.stop();
  });

  const both = async (chatId: number): Promise<[asked: Colleague, other: Colleague]> =>
    (await desk.assigned(chatId, [anna, ben])) === anna.id ? [anna, ben] : [ben, anna];

  test('f16 with assignment_tie_break = idle the one goes first whose number of chats is the same for longest', async () => {
    await online(anna, ben);
    const given: number[] = [];
    for (let i = 0; i < 6; i++) {
      const { chatId } = await desk.visit({ department: 'sales' });
      given.push(await desk.assigned(chatId, [anna, ben]));
      if (i > 0) assert.equal((await desk.admin.why(chatId)).history.at(-1)?.record?.why, 'tie-idle');
      await desk.admin.do('chat.close', { chatId });
    }
    const [first, second] = given;
    assert.notEqual(first, second);
    assert.deepEqual(given, [first, second, first, second, first, second], 'they take turns');
  });

  test('f18 who does not take a chat in time loses it to the next one, is not asked again at once, and the chat keeps its place', async t => {
    const guests: Guest[] = [];
    for (let i = 0; i < 3; i++) guests.push(await desk.visit({ department: 'sales' }));
    const [first, second, third] = guests as [Guest, Guest, Guest];
    first.visitor.startPolling();
    const { queued_us: queuedUs } = await desk.chat(first.chatId);
    await online(anna, ben);
    const [slow, quick] = await both(first.chatId);
    await desk.assigned(second.chatId, [quick]);
    await quick.do('chat.take', { chatId: second.chatId });
    // He has room again, but not for the chat that he has let go: the one behind it is his.
    await desk.assigned(third.chatId, [slow], 8_000);
    const { waiting } = await desk.admin.why(first.chatId);
    assert.deepEqual([waiting?.why, waiting?.position], ['all-full', 1]);
    assert.equal(typeof waiting?.operators.find(one => one.operatorId === slow.id)?.declinedTs, 'number');
    await eventually(() => {
      for (const one of [slow, quick, desk.admin]) {
        const { state, assignedOperatorId } = one.chats.get(first.chatId) ?? {};
        assert.deepEqual([state, assignedOperatorId], ['queue', null], `as ${one.login} sees it`);
      }
    });
    await quick.do('chat.close', { chatId: second.chatId });
    await desk.assigned(first.chatId, [quick]);
    await quick.do('chat.take', { chatId: first.chatId });
    const steps = await desk.steps(first.chatId);
    assert.deepEqual(
      steps.map(({ move, assigned_operator_id: id, by }) => [move, id, by]),
      [
        ['opened', null, null],
        ['assigned', slow.id, null],
        ['passed', null, null],
        ['assigned', quick.id, null],
        ['taken', null, quick.id],
      ],
    );
    const passedAfterUs = steps[2]!.at_us - steps[1]!.at_us;
    t.diagnostic(`passed on ${Math.round(passedAfterUs / 1_000)} ms after it was assigned, with assignment_timeout_seconds = 2`);
    assert.ok(passedAfterUs >= TIMEOUT_US && passedAfterUs < 2 * TIMEOUT_US, `passed after ${passedAfterUs} us`);
    assert.equal((await desk.chat(first.chatId)).queued_us, queuedUs, 'its place is kept');
    await eventually(() => assert.equal(first.chat?.state, 'chatting'));
    assert.ok(!first.statesTold.slice(0, -1).includes('chatting'), `its visitor was told ${first.statesTold.join()}`);
  });

  test('f18 who gives back what he was asked to take has declined it: the next one is asked at once, he only when nobody is left', async () => {
    await online(anna, ben);
    const guest = await desk.visit({ department: 'sales' });
    const [first, second] = await both(guest.chatId);
    assert.equal(await second.refusal('chat.release', { chatId: guest.chatId }), '403 not-your-chat');
    await first.do('chat.release', { chatId: guest.chatId });
    await desk.assigned(guest.chatId, [second]);
    const { record } = (await desk.admin.why(guest.chatId)).history.at(-1)!;
    assert.deepEqual([record?.why, record?.removed['declined']], ['only-one', { count: 1, ids: [first.id] }]);
    await second.do('chat.release', { chatId: guest.chatId });
    const { waiting } = await desk.admin.why(guest.chatId);
    assert.equal(waiting?.why, 'declined');
    await desk.assigned(guest.chatId, [first], 8_000);
    await first.do('chat.take', { chatId: guest.chatId });
    const steps = await desk.steps(guest.chatId);
    assert.deepEqual(
      steps.map(({ move, by }) => [move, by]),
      [
        ['opened', null],
        ['assigned', null],
        ['declined', first.id],
        ['assigned', null],
        ['declined', second.id],
        ['assigned', null],
        ['taken', first.id],
      ],
    );
    const pauseUs = steps[5]!.at_us - steps[2]!.at_us;
    assert.ok(pauseUs >= TIMEOUT_US, `he was asked again after ${pauseUs} us`);
  });

  test('f18 the only operator is asked again when his pause is over, as long as he does not take it', async () => {
    await online(anna);
    const guest = await desk.visit({ department: 'sales' });
    await eventually(async () => assert.ok((await desk.asked(guest.chatId)).length >= 2, 'asked twice'), { within: 12_000 });
    const steps = await desk.steps(guest.chatId);
    assert.deepEqual(
      steps.slice(0, 4).map(({ move }) => move),
      ['opened', 'assigned', 'passed', 'assigned'],
    );
    assert.ok(steps[3]!.at_us - steps[2]!.at_us >= TIMEOUT_US, 'not before his pause was over');
    await anna.do('chat.take', { chatId: guest.chatId });
  });
});

function works(
  staff: readonly { readonly who: Colleague; readonly departments: readonly string[] }[],
  one: Colleague,
  key: string | null,
): boolean {
  return key === null || staff.find(({ who }) => who === one)!.departments.includes(key);
}

async function burst(t: TestContext, desk: Desk, staff: readonly Colleague[], departments: readonly string[]): Promise<void> {
  const CHATS = 1_000;
  const guests = await inTurns(Array.from({ length: CHATS }), 40, (_, i) =>
    desk.guest({}, i % 2 === 0 ? desk.cluster.master.url : desk.cluster.slave.url),
  );
  const startedMs = performance.now();
  const latencies = await inTurns(guests, 200, async ({ visitor }, i) => {
    const beganMs = performance.now();
    const answer = await visitor.action('chat.start', {
      'client-side-id': desk.newClientId(),
      'department-key': departments[i % departments.length]!,
      'first-question': `burst ${i}`,
    });
    assert.equal(answer.result, 'ok', `chat.start answered ${JSON.stringify(answer)}`);
    return performance.now() - beganMs;
  });
  const tookMs = performance.now() - startedMs;
  t.diagnostic(
    `${CHATS} chats were begun within ${Math.round(tookMs)} ms; each p50 ${percentile(latencies, 0.5)} ms, p99 ${percentile(latencies, 0.99)} ms`,
  );
  assert.ok(tookMs <= 40_000, `it took ${tookMs} ms`);
  const queued = await desk.query<{ department_key: string; id: number; visitor_id: string }>(
    `select department_key, id::int, visitor_id from chat where state = 'queue' order by queued_us, id`,
  );
  assert.equal(queued.length, CHATS);

  // Nobody is there: each one's place is how many of his department came before him.
  const byVisitor = new Map(guests.map(guest => [guest.id, guest]));
  const places = new Map<string, number>();
  const expected = queued.map(row => {
    const position = (places.get(row.department_key) ?? 0) + 1;
    places.set(row.department_key, position);
    return { ...row, position };
  });
  const samples = expected.filter((_, i) => i % 40 === 7);
  await inTurns(samples, 8, async ({ visitor_id, position }) => {
    const { queue } = await byVisitor.get(visitor_id)!.fullUpdate();
    assert.equal(queue?.position, position);
  });
  await eventually(() => {
    for (const key of departments) assert.equal(desk.admin.departments.get(key)?.queue, places.get(key), `waiting in ${key}`);
  });
  const watched = byVisitor.get(expected[600]!.visitor_id)!;
  watched.visitor.startPolling();

  // Whoever is asked answers at once.
  const drained: number[] = [];
  const closing = new Set<Promise<unknown>>();
  for (const one of staff) {
    one.onAsked = chatId => {
      drained.push(chatId);
      const closed = one.operator
        .request('chat.close', { chatId })
        .then(answer => assert.equal(answer.result, 'ok', JSON.stringify(answer)));
      closing.add(closed);
    };
  }
  const openedMs = performance.now();
  await online(...staff);
  await eventually(() => drained.length === CHATS, { within: 60_000 });
  await Promise.all(closing);
  for (const one of staff) one.onAsked = () => undefined;
  const drainedMs = performance.now() - openedMs;
  t.diagnostic(
    `drained by ${staff.length} operators of 40 chats within ${Math.round(drainedMs)} ms: ${Math.round((CHATS * 1000) / drainedMs)} chats/s`,
  );

  assert.equal(new Set(drained).size, CHATS, 'each was asked for once');
  const departmentOf = new Map(queued.map(({ id, department_key }) => [id, department_key]));
  const half = drained.slice(0, CHATS / 2).map(id => departmentOf.get(id));
  const shares = departments.map(key => half.filter(one => one === key).length);
  t.diagnostic(`of the first ${CHATS / 2}: ${departments.map((key, i) => `${key} ${shares[i]}`).join(', ')}`);
  for (const [i, share] of shares.entries())
    assert.ok(share >= CHATS / 2 / departments.length / 3, `${departments[i]} had ${share} of the first half`);
  for (const key of departments) {
    const order = drained.filter(id => departmentOf.get(id) === key);
    const rank = new Map(queued.filter(row => row.department_key === key).map(({ id }, i) => [id, i]));
    const ahead = Math.max(...order.map((id, i) => rank.get(id)! - i));
    assert.ok(ahead <= 160, `in ${key} a chat went ${ahead} places before its turn`); // as many as are asked for at once
  }
  assert.deepEqual(await overloads(desk, 40), [], 'nobody had more than he can');
  const [back] = await desk.query<{ steps: number; worst: number | null }>(
    `select count(*)::int as steps, max(before - at_us)::float8 as worst
     from (select at_us, lag(at_us) over (partition by chat_id order by step) as before from chat_history) h where before > at_us`,
  );
  t.diagnostic(`steps with a time before that of the step before: ${back!.steps}, by ${Math.round((back!.worst ?? 0) / 1_000)} ms at most`);
  const told = watched.places.map(place => place?.position ?? 0);
  assert.deepEqual(
    [...told].sort((a, b) => b - a),
    told,
    `he only moved forward: ${told.join()}`,
  );
}

interface LoggedChange {
  readonly type: string;
  readonly chatId: number;
  readonly state: string;
  readonly operatorId: number | null;
  readonly assignedOperatorId: number | null;
}

/** From the change log, in the order of the commits: operators who had more than `max` chats, and how many. */
async function overloads(desk: Desk, max: number): Promise<unknown[]> {
  const log = await desk.query<{ changes: string }>('select changes from change_log order by last_revision');
  const bearers = new Map<number, number>();
  const loads = new Map<number, number>();
  const most = new Map<number, number>();
  for (const { changes } of log) {
    for (const { type, chatId, state, operatorId, assignedOperatorId } of JSON.parse(changes) as LoggedChange[]) {
      if (type !== 'chat-moved') continue;
      const bearer = state === 'queue' || state === 'chatting' ? (operatorId ?? assignedOperatorId) : null;
      const before = bearers.get(chatId);
      if (before !== undefined) loads.set(before, loads.get(before)! - 1);
      bearers.delete(chatId);
      if (bearer === null) continue;
      bearers.set(chatId, bearer);
      loads.set(bearer, (loads.get(bearer) ?? 0) + 1);
      most.set(bearer, Math.max(most.get(bearer) ?? 0, loads.get(bearer)!));
    }
  }
  assert.ok(most.size > 0, 'the log has assignments');
  return [...most].filter(([, load]) => load > max);
}
