/** The life of a chat: features 22 and 23, as docs/chat-states.md says. Operators speak to the slave, visitors to both nodes. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { Cleanup } from '../support/cleanup.ts';
import { type Colleague, Desk, type Guest, run } from '../support/desk.ts';
import { eventually } from '../support/eventually.ts';
import { assertInvariants } from '../support/invariants.ts';

const online = (...staff: Colleague[]): Promise<unknown> => Promise.all(staff.map(one => one.setStatus('online')));

/** Operators can speak first to who has left something: who only came is nobody yet. */
const KNOWN = { 'prechat-key-independent-fields': '{"shoe": "43"}' };

describe('the life of a chat:', () => {
  let desk: Desk;
  let anna: Colleague;
  let ben: Colleague;
  let cleo: Colleague;
  let chief: Colleague;

  before(async () => {
    desk = await Desk.open({
      // By hand, so that nothing is assigned but where a test says so.
      ini: [
        'assignment_mode = manual',
        'max_chats_per_operator = 2',
        'queue_offline_seconds = 0',
        'poll_hold_seconds = 5',
        'chat_subjects = Orders: delivery, Orders: refund, praise',
      ].join('\n'),
      departments: ['sales', 'support'],
      duties: [
        { login: 'anna', departments: 'sales' },
        { login: 'ben', departments: 'sales' },
        { login: 'cleo', departments: 'support' },
        { login: 'chief', departments: 'sales', roles: 'operator,supervisor' },
      ],
    });
    [anna, ben, cleo, chief] = ['anna', 'ben', 'cleo', 'chief'].map(login => desk.staff(login)) as [
      Colleague,
      Colleague,
      Colleague,
      Colleague,
    ];
    await run(desk.cluster, 'department', 'set', '--key', 'support', '--mode', 'mixed');
  });

  const cleanup = new Cleanup();
  afterEach(async () => {
    await cleanup.run();
    await desk.clear();
  });

  after(async () => {
    await assertHistories(desk);
    await assertInvariants(desk.cluster.database);
    await desk.stop();
  });

  /** A chat that this one has taken, and whose visitor knows. */
  const taken = async (one: Colleague, department = 'sales'): Promise<Guest> => {
    const guest = await desk.visit({ department });
    guest.visitor.startPolling();
    await one.do('chat.take', { chatId: guest.chatId });
    await eventually(() => assert.deepEqual([guest.chat?.state, guest.chat?.operator?.id], ['chatting', one.id]));
    return guest;
  };

  /** Whose chat it is in which state, as it is stored and as its visitor sees it. */
  const isNow = async (guest: Guest, state: string, operatorId: number | null): Promise<void> => {
    const row = await desk.chat(guest.chatId);
    assert.deepEqual([row.state, row.operator_id], [state, operatorId], 'as it is stored');
    await eventually(() =>
      assert.deepEqual([guest.chat?.state, guest.chat?.operator?.id ?? null], [state, operatorId], 'as its visitor sees it'),
    );
  };

  const last = async (chatId: number) => (await desk.steps(chatId)).at(-1)!;

  describe('transfer', () => {
    test('to a colleague: his at once, with a note that only operators see', async () => {
      await online(anna, ben);
      const guest = await taken(anna);
      assert.equal(await ben.refusal('chat.transfer', { chatId: guest.chatId, operatorId: ben.id }), '403 not-your-chat');
      const transfer = { chatId: guest.chatId, operatorId: ben.id, note: 'she wants her money back' };
      await anna.do('chat.transfer', transfer);
      await isNow(guest, 'chatting', ben.id);
      await eventually(() => {
        const texts = ben.chats.get(guest.chatId)?.messages?.map(({ kind, text }) => [kind, text]);
        assert.deepEqual(texts?.at(-1), ['for_operator', 'she wants her money back']);
        assert.equal(texts[0]?.[0], 'visitor', 'he sees what was said before');
        assert.equal(anna.chats.has(guest.chatId), false, 'and she does not see it any more');
      });
      assert.deepEqual(await anna.refusal('chat.transfer', transfer), '403 not-your-chat');
      await ben.do('chat.message', { chatId: guest.chatId, message: 'good day, Ben here', clientSideId: desk.newClientId() });
      await eventually(() => assert.equal(guest.texts.at(-1), 'good day, Ben here'));
      assert.ok(!guest.texts.includes(transfer.note), 'the visitor is not shown the note');
      assert.ok(!JSON.stringify(guest.visitor.deltas).includes(transfer.note), 'nor told it');
      const { move, by, override } = await last(guest.chatId);
      assert.deepEqual({ move, by, override }, { move: 'transferred', by: anna.id, override: false });
    });

    test('to who is full, away, of another department or unknown it is refused and changes nothing; a supervisor may go beyond the capacity', async () => {
      await online(anna, ben);
      const guest = await taken(anna);
      const to = (operatorId: number, more: Record<string, string> = {}) => ({ chatId: guest.chatId, operatorId, ...more });
      await Promise.all([taken(ben), taken(ben)]);
      assert.equal(await anna.refusal('chat.transfer', to(ben.id)), '409 capacity-exceeded');
      assert.equal(
        await anna.refusal('chat.transfer', to(ben.id, { override: 'true' })),
        '409 capacity-exceeded',
        'that is for supervisors',
      );
      await cleo.setStatus('online');
      assert.equal(await anna.refusal('chat.transfer', to(cleo.id)), '409 operator-not-available');
      assert.equal(await anna.refusal('chat.transfer', to(999_999)), '409 operator-not-available');
      assert.equal(await anna.refusal('chat.transfer', to(ben.id, { departmentKey: 'support' })), '400 wrong-argument-value');
      assert.equal(await anna.refusal('chat.transfer', { chatId: guest.chatId }), '400 argument-missing');
      assert.equal(await anna.refusal('chat.transfer', { chatId: 999_999, operatorId: ben.id }), '404 chat-not-found');
      assert.deepEqual(await desk.moves(guest.chatId), ['opened', 'taken']);
      await isNow(guest, 'chatting', anna.id);

      assert.equal(await chief.refusal('chat.transfer', to(ben.id)), '409 capacity-exceeded', 'not without saying so');
      await chief.do('chat.transfer', to(ben.id, { override: 'true' }));
      await isNow(guest, 'chatting', ben.id);
      const { move, by, override } = await last(guest.chatId);
      assert.deepEqual({ move, by, override }, { move: 'transferred', by: chief.id, override: true });
      const { history } = await desk.admin.why(guest.chatId);
      assert.deepEqual([history.at(-1)?.move, history.at(-1)?.override], ['transferred', true]);
      await eventually(() => assert.equal(desk.admin.colleagues.get(ben.id)?.chats, 3));
      await ben.setStatus('break');
      const second = await taken(anna);
      assert.equal(await anna.refusal('chat.transfer', { chatId: second.chatId, operatorId: ben.id }), '409 operator-not-available');
    });

    test('of a chat that nobody has taken: the colleague is asked, and it stays in the queue', async () => {
      await online(ben);
      const guest = await desk.visit({ department: 'sales' });
      guest.visitor.startPolling();
      assert.equal(await anna.refusal('chat.transfer', { chatId: guest.chatId, operatorId: ben.id }), '403 not-your-chat');
      await chief.do('chat.transfer', { chatId: guest.chatId, operatorId: ben.id });
      assert.equal(await desk.assigned(guest.chatId), ben.id);
      await isNow(guest, 'queue', null);
      await eventually(() =>
        assert.ok(
          ben.asked.some(({ chatId }) => chatId === guest.chatId),
          'he is asked',
        ),
      );
      await ben.do('chat.take', { chatId: guest.chatId });
      await isNow(guest, 'chatting', ben.id);
      assert.deepEqual(await desk.moves(guest.chatId), ['opened', 'transferred', 'taken']);
    });

    test('to a department: into its queue at the chat’s place, where it is assigned', async () => {
      await online(anna);
      const guest = await taken(anna);
      const later = [await desk.visit({ department: 'support' }), await desk.visit({ department: 'support' })];
      assert.equal(await anna.refusal('chat.transfer', { chatId: guest.chatId, departmentKey: 'nowhere' }), '404 department-not-found');
      const { queued_us: place } = await desk.chat(guest.chatId);
      await anna.do('chat.transfer', { chatId: guest.chatId, departmentKey: 'support', note: 'it is broken' });
      await isNow(guest, 'queue', null);
      const row = await desk.chat(guest.chatId);
      assert.deepEqual([row.department_key, row.queued_us], ['support', place]);
      assert.deepEqual((await guest.fullUpdate()).queue?.position, 1, 'it was begun before those');
      assert.equal((await last(guest.chatId)).department_key, 'support');
      await eventually(() => {
        assert.equal(cleo.chats.get(guest.chatId)?.departmentKey, 'support');
        assert.equal(anna.chats.has(guest.chatId), false, 'she does not work there');
        assert.equal(chief.chats.has(guest.chatId), false, 'nor does he supervise it');
      });
      await cleo.setStatus('online');
      await desk.assigned(guest.chatId, [cleo]);
      await desk.assigned(later[0]!.chatId, [cleo]);
      assert.equal((await desk.chat(later[1]!.chatId)).assigned_operator_id, null);
      await eventually(() => assert.ok(cleo.chats.get(guest.chatId)?.messages?.some(({ text }) => text === 'it is broken')));
      assert.ok(!guest.texts.includes('it is broken'), 'the visitor is not shown the note');
    });
  });

  test('release: back to the queue at its place, for everybody', async () => {
    await online(anna, ben);
    const guest = await taken(anna);
    const later = await desk.visit({ department: 'sales' });
    const { queued_us: place } = await desk.chat(guest.chatId);
    assert.equal(await ben.refusal('chat.release', { chatId: guest.chatId }), '403 not-your-chat');
    await anna.do('chat.release', { chatId: guest.chatId });
    await isNow(guest, 'queue', null);
    assert.equal((await desk.chat(guest.chatId)).queued_us, place);
    assert.deepEqual((await guest.fullUpdate()).queue?.position, 1);
    assert.deepEqual((await later.fullUpdate()).queue?.position, 2);
    await eventually(() => assert.equal(ben.chats.get(guest.chatId)?.state, 'queue'));
    await ben.do('chat.take', { chatId: guest.chatId });
    await isNow(guest, 'chatting', ben.id);
    assert.deepEqual(await desk.moves(guest.chatId), ['opened', 'taken', 'released', 'taken']);
  });

  test('close: by its operator or a supervisor, and nothing happens to a closed chat any more', async () => {
    await online(anna);
    const guest = await taken(anna);
    assert.equal(await ben.refusal('chat.close', { chatId: guest.chatId }), '403 not-your-chat');
    assert.equal(await cleo.refusal('chat.close', { chatId: guest.chatId }), '403 not-your-chat');
    await anna.do('chat.close', { chatId: guest.chatId });
    await isNow(guest, 'closed_by_operator', anna.id);
    const sessionStates = (): unknown[] =>
      guest.visitor.deltas.filter(one => one.objectType === 'VISIT_SESSION_STATE').map(one => one.data);
    await eventually(() => assert.equal(sessionStates().at(-1), 'idle-after-chat'));
    await eventually(() =>
      assert.deepEqual(
        [anna, chief, desk.admin].map(one => one.chats.has(guest.chatId)),
        [false, false, false],
      ),
    );
    await anna.do('chat.close', { chatId: guest.chatId });
    const { chatId } = guest;
    const message = { chatId, message: 'one more thing', clientSideId: desk.newClientId() };
    for (const [action, parameters] of [
      ['chat.message', message],
      ['chat.take', { chatId }],
      ['chat.release', { chatId }],
      ['chat.transfer', { chatId, operatorId: ben.id }],
      ['chat.transfer', { chatId, departmentKey: 'support' }],
      ['chat.set_subject', { chatId, subject: 'praise' }],
    ] as [string, Record<string, string | number>][])
      assert.equal(await anna.refusal(action, parameters), '409 chat-closed', action);
    assert.equal(await chief.refusal('chat.close', { chatId }), '409 chat-closed');
    assert.deepEqual(await desk.moves(chatId), ['opened', 'taken', 'closed-by-operator'], 'a refused move is none');
    const { history, waiting } = await anna.why(chatId);
    assert.deepEqual(
      [history.at(-1)?.move, history.at(-1)?.by, waiting],
      ['closed-by-operator', anna.id, null],
      'its story can still be read',
    );
    const second = await taken(anna);
    await chief.do('chat.close', { chatId: second.chatId });
    assert.deepEqual((await last(second.chatId)).by, chief.id);
  });

  test('take by hand: not of another department, not beyond the capacity; a supervisor may go beyond it, and the history says so', async () => {
    await online(anna, chief);
    const guest = await desk.visit({ department: 'sales' });
    const { chatId } = guest;
    assert.equal(await cleo.refusal('chat.take', { chatId }), '403 wrong-department');
    for (const one of [anna, chief]) await Promise.all([taken(one), taken(one)]);
    assert.equal(await anna.refusal('chat.take', { chatId }), '409 capacity-exceeded');
    assert.equal(await anna.refusal('chat.take', { chatId, override: 'true' }), '409 capacity-exceeded');
    assert.equal(await chief.refusal('chat.take', { chatId }), '409 capacity-exceeded');
    await chief.do('chat.take', { chatId, override: 'true' });
    const { move, override, operator_id } = await last(chatId);
    assert.deepEqual({ move, override, operator_id }, { move: 'taken', override: true, operator_id: chief.id });
    assert.equal(await anna.refusal('chat.take', { chatId }), '409 chat-already-taken');
  });

  describe('a visitor who writes after his chat was closed', () => {
    test('goes on with it, with the same operator, and sees what was said before', async () => {
      await online(anna);
      const guest = await taken(anna);
      const { chatId } = guest;
      await anna.do('chat.message', { chatId, message: 'anything else?', clientSideId: desk.newClientId() });
      await anna.do('chat.close', { chatId });
      await isNow(guest, 'closed_by_operator', anna.id);
      await anna.setStatus('break'); // still there
      const before = [...guest.texts];
      assert.equal(await guest.say('yes, this'), chatId, 'the same chat');
      await isNow(guest, 'chatting', anna.id);
      const told = guest.visitor.deltas.filter(({ objectType }) => objectType === 'CHAT').at(-1)?.data as unknown as {
        messages: { text: string }[];
      };
      assert.deepEqual(
        told.messages.map(({ text }) => text),
        before,
        'a CHAT delta with the earlier messages',
      );
      assert.deepEqual(guest.texts, [...before, 'yes, this']);
      await eventually(() =>
        assert.deepEqual(
          anna.chats.get(chatId)?.messages?.map(({ text }) => text),
          [...before, 'yes, this'],
        ),
      );
      assert.deepEqual((await desk.moves(chatId)).slice(-2), ['closed-by-operator', 'continued']);
      await eventually(() => assert.equal(desk.admin.colleagues.get(anna.id)?.chats, 1, 'it counts again'));
    });

    test('waits in the queue at a new place when that one is gone or full, or when it was he who had closed it', async () => {
      await online(anna, ben);
      const gone = await taken(anna);
      const full = await taken(ben);
      const own = await taken(ben);
      await anna.do('chat.close', { chatId: gone.chatId });
      await ben.do('chat.close', { chatId: full.chatId });
      assert.deepEqual(await own.visitor.action('chat.close'), { result: 'ok' });
      await isNow(own, 'closed_by_visitor', ben.id);
      await Promise.all([taken(ben), taken(ben)]);
      await anna.setStatus('offline');
      for (const guest of [gone, full, own]) {
        const { chatId } = guest;
        const { queued_us: before } = await desk.chat(chatId);
        assert.equal(await guest.say('one more thing'), chatId, 'the same chat');
        await isNow(guest, 'queue', null);
        const row = await desk.chat(chatId);
        assert.ok(row.queued_us > before, 'at a new place');
        assert.equal(row.department_key, 'sales');
        assert.deepEqual((await desk.moves(chatId)).at(-1), 'reopened');
        assert.equal(guest.texts.length, 2, 'with what was said before');
      }
      assert.deepEqual((await gone.fullUpdate()).queue?.position, 1);
    });

    test('begins a new one when his app starts it', async () => {
      await online(anna);
      const guest = await taken(anna);
      const old = guest.chatId;
      await anna.do('chat.close', { chatId: old });
      assert.notEqual(await guest.start({ department: 'sales', text: 'something else' }), old);
      await isNow(guest, 'queue', null);
      assert.deepEqual(guest.texts, ['something else']);
      assert.equal((await desk.chat(old)).state, 'closed_by_operator');
    });

    test('by chat.offline_message begins a new one too', async () => {
      await online(anna);
      const guest = await taken(anna);
      const old = guest.chatId;
      await anna.do('chat.close', { chatId: old });
      const answer = await guest.visitor.action('chat.offline_message', { text: 'call me', 'client-side-id': desk.newClientId() });
      assert.equal(answer.result, 'ok', JSON.stringify(answer));
      assert.notEqual(await guest.findChat(), old);
      assert.equal((await desk.chat(guest.chatId)).offline, true);
    });
  });

  describe('an invitation', () => {
    test('with a message: the visitor sees it, and his answer makes a chat of it', async () => {
      await online(anna);
      const guest = await desk.guest(KNOWN, desk.cluster.master.url);
      guest.visitor.startPolling();
      const invite = { visitorId: guest.id, message: 'may I help you?' };
      const { chatId } = (await anna.do('chat.start', invite)) as { chatId: number };
      assert.equal(await guest.findChat(), chatId);
      await isNow(guest, 'invitation', anna.id);
      await eventually(() => assert.deepEqual(guest.texts, ['may I help you?']));
      await eventually(() => assert.equal(anna.chats.get(chatId)?.state, 'invitation'));
      await eventually(() => assert.equal(desk.admin.colleagues.get(anna.id)?.chats, 1, 'it has its place with her'));
      assert.deepEqual(await anna.do('chat.start', invite), { chatId }, 'asked again it is the same one');
      const refused = await ben.try('chat.start', invite);
      assert.deepEqual([refused.status, refused.error, refused.data], [409, 'chat-open', { chatId }]);
      assert.equal(await guest.say('yes, please'), chatId);
      await isNow(guest, 'chatting', anna.id);
      assert.deepEqual(guest.texts, ['may I help you?', 'yes, please']);
      await eventually(() =>
        assert.deepEqual(
          anna.chats.get(chatId)?.messages?.map(({ text }) => text),
          ['may I help you?', 'yes, please'],
        ),
      );
      const again = await anna.try('chat.start', invite);
      assert.deepEqual([again.status, again.error, again.data], [409, 'chat-open', { chatId }]);
      assert.deepEqual(
        (await desk.steps(chatId)).map(({ move, by }) => [move, by]),
        [
          ['invited', anna.id],
          ['accepted', null],
        ],
      );
    });

    test('without a message, refused by its visitor or taken back by its operator', async () => {
      await online(anna);
      const guests = [await desk.guest(KNOWN, desk.cluster.slave.url), await desk.guest(KNOWN, desk.cluster.master.url)];
      for (const guest of guests) {
        guest.visitor.startPolling();
        await anna.do('chat.start', { visitorId: guest.id });
        await guest.findChat();
        await isNow(guest, 'invitation', anna.id);
        assert.deepEqual(guest.texts, []);
      }
      const [refusing, other] = guests as [Guest, Guest];
      const third = await desk.guest(KNOWN);
      assert.equal(await anna.refusal('chat.start', { visitorId: third.id }), '409 capacity-exceeded');
      assert.equal(await anna.refusal('chat.start', { visitorId: 'f'.repeat(32) }), '404 visitor-not-found');
      assert.equal(await anna.refusal('chat.release', { chatId: other.chatId }), '409 wrong-chat-state');
      assert.equal(await anna.refusal('chat.transfer', { chatId: other.chatId, departmentKey: 'support' }), '409 wrong-chat-state');
      assert.deepEqual(await refusing.visitor.action('chat.close'), { result: 'ok' });
      await isNow(refusing, 'closed_by_visitor', anna.id);
      await anna.do('chat.close', { chatId: other.chatId });
      await isNow(other, 'closed', anna.id);
      await eventually(() => assert.equal(desk.admin.colleagues.get(anna.id)?.chats, 0));
    });

    test('who has an open chat is not invited', async () => {
      await online(anna);
      const guest = await desk.visit({ department: 'support' });
      const refused = await anna.try('chat.start', { visitorId: guest.id, message: 'may I help you?' });
      // A stranger of that department is not told that there is one.
      assert.deepEqual([refused.status, refused.error, refused.data], [403, 'not-allowed', undefined]);
      assert.deepEqual(await desk.moves(guest.chatId), ['opened']);
    });

    test('a first question of an app that does not know of it is not lost', async () => {
      await online(anna);
      const guest = await desk.guest(KNOWN);
      const { chatId } = (await anna.do('chat.start', { visitorId: guest.id, message: 'may I help you?' })) as { chatId: number };
      assert.equal(await guest.start({ text: 'is it open on Sunday?' }), chatId);
      const stored = await desk.query<{ text: string }>('select text from message where chat_id = $1 order by ts_us', [chatId]);
      assert.deepEqual(
        stored.map(({ text }) => text),
        ['may I help you?', 'is it open on Sunday?'],
        'what was answered ok is there',
      );
    });
  });

  test('a chat is about one of chat_subjects, in the words of its operator or of a supervisor', async () => {
    await online(anna);
    const { subjects } = anna.operator.fullUpdates[0] as unknown as { readonly subjects: unknown };
    assert.deepEqual(subjects, [
      { category: 'Orders', subject: 'delivery' },
      { category: 'Orders', subject: 'refund' },
      { category: null, subject: 'praise' },
    ]);
    const { chatId } = await taken(anna);
    const about = async (): Promise<unknown[]> => {
      const [row] = await desk.query<{ category: string | null; subject: string | null }>(
        'select category, subject from chat where id = $1',
        [chatId],
      );
      const stored = [row?.category, row?.subject];
      await eventually(() =>
        assert.deepEqual(
          [anna, chief, desk.admin].map(one => [one.chats.get(chatId)?.category, one.chats.get(chatId)?.subject]),
          [stored, stored, stored],
        ),
      );
      return stored;
    };
    await anna.do('chat.set_subject', { chatId, category: 'Orders', subject: 'refund' });
    assert.deepEqual(await about(), ['Orders', 'refund']);
    assert.equal(await anna.refusal('chat.set_subject', { chatId, subject: 'the weather' }), '400 wrong-argument-value');
    assert.equal(await anna.refusal('chat.set_subject', { chatId, category: 'Returns', subject: 'refund' }), '400 wrong-argument-value');
    assert.equal(await anna.refusal('chat.set_subject', { chatId, category: 'Orders', subject: 'praise' }), '400 wrong-argument-value');
    assert.equal(await ben.refusal('chat.set_subject', { chatId, subject: 'praise' }), '403 not-your-chat');
    assert.deepEqual(await about(), ['Orders', 'refund'], 'what was refused has changed nothing');
    await chief.do('chat.set_subject', { chatId, category: '', subject: 'praise' });
    assert.deepEqual(await about(), [null, 'praise']);
    await anna.do('chat.set_subject', { chatId, subject: '' });
    assert.deepEqual(await about(), [null, null]);
  });

  test('nor is there a category that is none of chat_subjects, without a subject', async () => {
    await online(anna);
    const { chatId } = await taken(anna);
    assert.equal(await anna.refusal('chat.set_subject', { chatId, category: 'Weather' }), '400 wrong-argument-value');
    assert.equal(await anna.refusal('chat.set_subject', { chatId, category: 'Weather', subject: '' }), '400 wrong-argument-value');
  });

  test('a new subject does not keep the category of the one before', async () => {
    await online(anna);
    const { chatId } = await taken(anna);
    await anna.do('chat.set_subject', { chatId, category: 'Orders', subject: 'refund' });
    await anna.try('chat.set_subject', { chatId, subject: 'praise' }); // of no category; whether that is refused is another question
    const [row] = await desk.query<{ category: string | null; subject: string | null }>(
      'select category, subject from chat where id = $1',
      [chatId],
    );
    assert.notDeepEqual([row?.category, row?.subject], ['Orders', 'praise'], 'there is no such subject');
  });

  describe('a ban', () => {
    const BANNED = { error: 'visitor_banned' };
    const bansOf = async ({ id }: Guest) => {
      const { data } = await chief.operator.get('/l/o/bans');
      const { bans } = data as unknown as { bans: { visitorId: string; until: number | null; reason: string; by: number }[] };
      return bans.filter(({ visitorId }) => visitorId === id);
    };
    const initOf = async (guest: Guest, url: string): Promise<unknown> => {
      const query = new URLSearchParams({ event: 'init', since: '0', visitor: JSON.stringify(guest.visitor.page.visitor) });
      const response = await fetch(`${url}/l/v/m/init?${query.toString()}`);
      const { error, fullUpdate } = (await response.json()) as { error?: string; fullUpdate?: { visitor: { id: string } } };
      return [response.status, error ?? fullUpdate?.visitor.id];
    };
    const deltaOf = async ({ visitor, url }: Guest): Promise<string | undefined> => {
      const query = new URLSearchParams({ ...visitor.credentials, since: visitor.since, 'respond-immediately': 'true' });
      return ((await (await fetch(`${url}/l/v/m/delta?${query.toString()}`)).json()) as { error?: string }).error;
    };

    test('keeps a visitor out on every node and every connection, and closes his chat; lifted, he is back', async t => {
      const { master, slave } = desk.cluster;
      await online(anna);
      const guest = await desk.visit({ department: 'sales', node: master.url });
      await anna.do('chat.take', { chatId: guest.chatId });
      const other = await taken(anna);
      const socket = cleanup.add(await openSocket(guest, slave.url), it => it.socket.terminate());
      const held = guest.visitor.poll();
      const secondHeld = held.then(frame => (frame.error === undefined ? guest.visitor.poll() : frame)); // the first one had something to tell
      assert.equal(await ben.refusal('visitor.ban', { visitorId: guest.id, reason: 'rude' }), '403 not-allowed', 'whose chat it is not');
      await anna.do('visitor.ban', { visitorId: guest.id, reason: 'rude' });

      const frames = [await held, await secondHeld];
      assert.equal((await desk.chat(guest.chatId)).state, 'closed_by_operator');
      assert.deepEqual((await desk.moves(guest.chatId)).at(-1), 'closed-by-operator');
      await eventually(() => assert.notEqual(socket.closed, undefined, 'his WebSocket is closed'));
      assert.ok(frames.some(({ error }) => error === BANNED.error) || (await deltaOf(guest)) === BANNED.error, JSON.stringify(frames));
      assert.equal(await deltaOf(guest), BANNED.error);
      for (const url of [master.url, slave.url]) {
        const there = Object.assign(await desk.guest({}, url), { visitor: guest.visitor });
        assert.deepEqual(await initOf(guest, url), [200, BANNED.error]);
        assert.equal(await deltaOf(there), BANNED.error);
        const response = await fetch(`${url}/l/v/m/action`, {
          method: 'POST',
          body: new URLSearchParams({
            action: 'chat.message',
            message: 'let me in',
            'client-side-id': desk.newClientId(),
            ...guest.visitor.credentials,
          }),
        });
        assert.deepEqual([response.status, await response.json()], [200, BANNED]);
        for (const call of ['history', 'search-messages']) {
          const answer = await fetch(
            `${url}/l/v/m/${call}?${new URLSearchParams({ ...guest.visitor.credentials, query: 'x' }).toString()}`,
          );
          assert.deepEqual(await answer.json(), BANNED, call);
        }
        const again = cleanup.add(await openSocket(guest, url), it => it.socket.terminate());
        await eventually(() => assert.notEqual(again.closed, undefined, 'nor is a new one kept'));
        assert.deepEqual(again.frames, [], 'or told anything');
        t.diagnostic(`close codes of his WebSockets: ${socket.closed} when he was banned, ${again.closed} when he comes again`);
      }
      await eventually(() => assert.equal(other.chat?.state, 'chatting', 'others are not concerned'));

      assert.equal((await anna.operator.get('/l/o/bans')).status, 403, 'the list is for supervisors');
      const [ban] = await bansOf(guest);
      assert.deepEqual([ban?.visitorId, ban?.reason, ban?.by, ban?.until], [guest.id, 'rude', anna.id, null]);
      assert.equal(await anna.refusal('visitor.unban', { visitorId: guest.id }), '403 not-allowed');
      await chief.do('visitor.unban', { visitorId: guest.id });
      assert.deepEqual(await bansOf(guest), []);
      for (const url of [master.url, slave.url]) await eventually(async () => assert.deepEqual(await initOf(guest, url), [200, guest.id]));
      await eventually(async () => assert.equal(await deltaOf(guest), undefined));
      await guest.say('sorry');
    });

    test('nobody is invited who is kept out: he would never see it, and it would take up room', async () => {
      await online(chief);
      const guest = await desk.guest(KNOWN);
      await chief.do('visitor.ban', { visitorId: guest.id });
      const { status, error } = await chief.try('chat.start', { visitorId: guest.id, message: 'may I help you?' });
      assert.equal(status, 409, `it was answered ${error ?? 'ok'}`);
    });

    test('is for the operator who has his chat, supervisors and administrators, ends when it was said to, and not in the past', async t => {
      await online(anna);
      const guest = await desk.guest(KNOWN);
      const ban = (more: Record<string, string | number> = {}) => ({ visitorId: guest.id, ...more });
      assert.equal(await anna.refusal('visitor.ban', ban()), '403 not-allowed', 'she has no chat of his');
      assert.equal(await chief.refusal('visitor.ban', { visitorId: 'f'.repeat(32) }), '404 visitor-not-found');
      const past = await chief.try('visitor.ban', ban({ until: Math.floor(Date.now() / 1_000) - 10 }));
      assert.deepEqual([past.status, past.error, past.argumentName], [400, 'wrong-argument-value', 'until']);
      assert.deepEqual(await initOf(guest, guest.url), [200, guest.id], 'and he is not banned');
      const until = Math.ceil(Date.now() / 1_000) + 2;
      await chief.do('visitor.ban', ban({ until, reason: 'for a moment' }));
      await eventually(async () => assert.equal(await deltaOf(guest), 'visitor_banned'));
      const [listed] = await bansOf(guest);
      assert.deepEqual([listed?.visitorId, listed?.until], [guest.id, until]);
      await eventually(async () => assert.deepEqual(await initOf(guest, guest.url), [200, guest.id]), { within: 8_000 });
      const late = Date.now() / 1_000 - until;
      t.diagnostic(`let in ${Math.round(late * 1_000)} ms after its end`);
      assert.ok(late >= -0.1 && late < 3, `let in ${late} s after its end`);
      assert.deepEqual(await bansOf(guest), []);
      assert.equal(await deltaOf(guest), undefined, 'the page that he had works too');
    });
  });

  describe('time alone', () => {
    const OFFLINE = 1;
    const IDLE = { queue: 2, chatting: 3, hold: 2, invitation: 1, offline: 4 };
    before(() =>
      desk.restart(
        [
          'reopen_minutes = 0',
          `queue_offline_seconds = ${OFFLINE}`,
          ...Object.entries(IDLE).map(([state, seconds]) => `idle_${state}_seconds = ${seconds}`),
          'operator_grace_seconds = 1',
          'lost_operator_policy = hold',
        ].join('\n'),
      ),
    );

    /** It is closed so many seconds after the step or word at this time, by the database's clock. */
    const expires = async (guest: Guest, afterUs: number, seconds: number): Promise<number> => {
      await eventually(async () => assert.equal((await desk.chat(guest.chatId)).state, 'closed'), { within: seconds * 1_000 + 8_000 });
      const { move, by, at_us } = await last(guest.chatId);
      assert.deepEqual({ move, by }, { move: 'expired', by: null });
      const took = (at_us - afterUs) / 1_000_000;
      assert.ok(took >= seconds && took < seconds + 5, `closed after ${took} s instead of ${seconds} s`);
      return Math.round(took * 1_000);
    };
    const lastWordUs = async (guest: Guest): Promise<number> => {
      const [row] = await desk.query<{ us: number }>('select max(ts_us)::float8 as us from message where chat_id = $1', [guest.chatId]);
      return row!.us;
    };

    test('closes a chat in which nothing is said, sooner or later by its state, and its visitor is told', async t => {
      await anna.setStatus('invisible'); // there, so that nothing waits for an empty house
      const waiting = await desk.visit({ department: 'sales' });
      const talking = await taken(anna);
      const invited = await desk.guest(KNOWN);
      await anna.do('chat.start', { visitorId: invited.id, message: 'may I help you?' });
      await invited.findChat();
      for (const { visitor } of [waiting, invited]) visitor.startPolling();
      // A word begins the time anew.
      const begun = await lastWordUs(talking);
      await eventually(async () => assert.equal((await desk.chat(invited.chatId)).state, 'closed'), { within: 8_000 });
      await anna.do('chat.message', { chatId: talking.chatId, message: 'are you still there?', clientSideId: desk.newClientId() });
      const word = await lastWordUs(talking);
      assert.ok(word > begun, 'a word was said');
      const late = [
        await expires(invited, await lastWordUs(invited), IDLE.invitation),
        await expires(waiting, await lastWordUs(waiting), IDLE.queue),
        await expires(talking, word, IDLE.chatting),
      ];
      t.diagnostic(
        `closed ${late.join(', ')} ms after the last word: an invitation of 1 s, a waiting chat of 2 s, one of an operator of 3 s`,
      );
      for (const guest of [waiting, talking, invited]) await eventually(() => assert.equal(guest.chat?.state, 'closed'));
      await eventually(() => assert.equal(desk.admin.colleagues.get(anna.id)?.chats, 0));
    });

    test('makes an offline chat of one that waits while nobody is there, which may wait for longer', async t => {
      const guest = await desk.visit({ department: 'sales' });
      const { queued_us: place } = await desk.chat(guest.chatId);
      await eventually(() => assert.equal(desk.admin.chats.get(guest.chatId)?.offline, true, 'operators see it'), { within: 8_000 });
      assert.deepEqual(await desk.chat(guest.chatId).then(({ state, queued_us }) => [state, queued_us]), ['queue', place]);
      t.diagnostic(`closed after ${await expires(guest, await lastWordUs(guest), IDLE.offline)} ms`);
    });

    test('closes a chat on hold', async () => {
      await online(anna);
      const guest = await taken(anna);
      anna.operator.close();
      await eventually(async () => assert.equal((await desk.chat(guest.chatId)).state, 'hold'), { within: 8_000 });
      await eventually(async () => assert.equal((await desk.chat(guest.chatId)).state, 'closed'), { within: 8_000 });
      assert.deepEqual((await desk.moves(guest.chatId)).slice(-2), ['held', 'expired']);
      await eventually(() => assert.equal(guest.chat?.state, 'closed'));
      assert.ok(!guest.statesTold.includes('hold'), guest.statesTold.join());
      await anna.operator.connect();
    });

    test('with reopen_minutes = 0 a message after the end begins a new chat', async () => {
      await online(anna);
      const guest = await taken(anna);
      const old = guest.chatId;
      await anna.do('chat.close', { chatId: old });
      assert.notEqual(await guest.say('one more thing'), old);
      await isNow(guest, 'queue', null);
      assert.deepEqual(guest.texts, ['one more thing']);
    });
  });
});

/** Each chat's last step is how it is, and each step's state follows from a row of docs/chat-states.md. */
async function assertHistories(desk: Desk): Promise<void> {
  const differing = await desk.query(
    `select c.id, c.state, h.state as "inHistory" from chat c
     left join lateral (select * from chat_history h where h.chat_id = c.id order by step desc limit 1) h on true
     where (c.state, c.operator_id, c.assigned_operator_id, c.department_key)
       is distinct from (h.state, h.operator_id, h.assigned_operator_id, h.department_key)`,
  );
  assert.deepEqual(differing, [], 'the last step of each chat says how it is');
  const unbegun = await desk.query(
    `select chat_id from chat_history h where step = (select min(step) from chat_history where chat_id = h.chat_id) and move not in ('opened', 'invited')`,
  );
  assert.deepEqual(unbegun, [], 'each has begun');
}

async function openSocket(guest: Guest, url: string): Promise<{ socket: WebSocket; frames: unknown[]; closed: number | undefined }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/v/delta?${new URLSearchParams(guest.visitor.credentials).toString()}`);
  const opened: { socket: WebSocket; frames: unknown[]; closed: number | undefined } = { socket, frames: [], closed: undefined };
  socket.on('message', data => opened.frames.push(JSON.parse((data as Buffer).toString())));
  socket.on('close', code => (opened.closed = code));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  return opened;
}
