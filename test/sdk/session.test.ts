/** The published apps' session on two nodes behind Nginx, told step by step, and the rules that end an app when they are broken. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { decodeFrame } from '../support/sdk/answers.ts';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import type { JsonObject } from '../support/sdk/json.ts';
import type { SdkClient } from '../support/sdk/sdk-client.ts';
import { startMutatingProxy } from '../support/sdk/mutating-proxy.ts';
import { alive, BACKEND_KEY, callsOf, failed, Stage } from '../support/sdk/stage.ts';
import { signFields, signPublished } from '../support/signed-fields.ts';
import { walkAll } from '../support/sdk/walk.ts';

const HOLD_SECONDS = 4;
const PLATFORMS = ['android', 'ios'] as const;

const cleanup = new Cleanup();
let stage: Stage;
before(async () => {
  stage = cleanup.add(await Stage.open({ ini: `poll_hold_seconds = ${HOLD_SECONDS}` }), it => it.close());
});
after(() => cleanup.run());
afterEach(() => stage.endApps());

/** The items of one type that came, or of all. */
const told = (app: SdkClient, objectType?: string): JsonObject[] =>
  app.deltas.filter(delta => objectType === undefined || delta['objectType'] === objectType);
const kinds = (app: SdkClient): string[] => app.deltas.map(delta => String(delta['objectType']));
const lastTold = (app: SdkClient, objectType: string): unknown => told(app, objectType).at(-1)?.['data'];

/** Waits until the app is told of this, alive. */
const hears = (app: SdkClient, objectType: string, data: unknown): Promise<unknown> =>
  eventually(() => {
    alive(app);
    assert.deepEqual(lastTold(app, objectType), data, `${objectType}; told were ${kinds(app).join()}`);
  });

const isSent = (app: SdkClient, clientSideId: string): boolean =>
  alive(app) && app.messages.some(message => message.clientSideId === clientSideId && message.sendStatus === 'SENT');

/** Answers to init and delta with a full update. */
const fullUpdates = (app: SdkClient): JsonObject[] =>
  app.seen.map(({ body }) => body?.['fullUpdate'] as JsonObject | undefined).filter(update => update !== undefined);

type Sign = (fields: Readonly<Record<string, string>>, expires: number | string) => { readonly hash: string };
/** Version 2 is what the SDKs' documentation publishes, 3 is ours. */
const SIGNERS: readonly { readonly version: number; readonly sign: Sign; readonly wrongKey: Sign }[] = [
  {
    version: 2,
    sign: (fields, expires) => signPublished(fields, { expires }),
    wrongKey: (fields, expires) => signPublished(fields, { expires, key: 'another key' }),
  },
  {
    version: 3,
    sign: (fields, expires) => signFields(fields, { expires }),
    wrongKey: (fields, expires) => signFields(fields, { expires, secret: 'another key' }),
  },
];

describe('a normal session', () => {
  for (const platform of PLATFORMS) {
    test(`from the first init to the end of the chat (${platform})`, async () => {
      const app = await stage.ready(platform);
      const isAndroid = platform === 'android';
      assert.deepEqual([app.chat, app.sessionState, app.messages.length], [null, 'idle', 0], 'nothing yet');
      await eventually(() => alive(app) && callsOf(app, '/api/visitor/v1/configs/mobile').length === 1 && app.configs !== undefined);
      await eventually(
        () => alive(app) && callsOf(app, '/l/v/m/history').length === (isAndroid ? 2 : 1) && app.historyRevision !== undefined,
      );
      assert.equal(await app.older(), false, 'there is nothing before');

      const first = app.send('Добрый день & "100 %" ; = ? + я');
      assert.equal(app.messages[0]?.sendStatus, 'SENDING', 'before the server knows');
      await eventually(() => isSent(app, first));
      assert.deepEqual(
        app.messages.map(({ text }) => text),
        ['Добрый день & "100 %" ; = ? + я'],
      );
      const [[init], [poll]] = [callsOf(app, '/l/v/m/init'), callsOf(app, '/l/v/m/delta')];
      assert.equal(poll?.call.parameters['since'], String(init?.body?.['revision']), 'the first poll asks since the revision of init');
      const [start, message] = app.seen.filter(({ call }) => call.path === '/l/v/m/action');
      assert.deepEqual([start?.call.parameters['action'], message?.call.parameters['action']], ['chat.start', 'chat.message']);
      assert.equal(app.chat?.clientSideId, start?.call.parameters['client-side-id'], 'the chat has the id that the app gave it');
      const spoken = kinds(app).filter(kind => ['CHAT', 'VISIT_SESSION_STATE', 'CHAT_MESSAGE'].includes(kind));
      assert.deepEqual(spoken.slice(0, 3), ['CHAT', 'VISIT_SESSION_STATE', 'CHAT_MESSAGE']);
      assert.deepEqual([told(app, 'CHAT')[0]?.['event'], lastTold(app, 'VISIT_SESSION_STATE')], ['upd', 'chat']);
      assert.equal((told(app, 'CHAT')[0]?.['data'] as JsonObject)['state'], 'queue');

      const chatId = await stage.taken(app);
      assert.equal(app.operator?.fullname, 'Operator op1');
      await stage.does('chat.read', { chatId });
      await eventually(() => alive(app) && app.messages[0]?.read === true);
      assert.ok(
        told(app, 'MESSAGE_READ').some(delta => delta['id'] === app.messages[0]?.id && delta['data'] === true),
        'MESSAGE_READ',
      );
      for (const typing of [true, false]) {
        await stage.does('chat.typing', { chatId, typing: String(typing) });
        await eventually(() => alive(app) && app.chat?.operatorTyping === typing);
      }
      const revision = app.historyRevision;
      await stage.does('chat.message', { chatId, message: 'How can I help?', clientSideId: `help-${platform}` });
      await eventually(() => alive(app) && app.messages.at(-1)?.text === 'How can I help?');
      assert.equal(app.messages.at(-1)?.kind, 'operator');
      await eventually(() => alive(app) && app.unreadByVisitor === 1 && app.chat?.readByVisitor === false);
      await eventually(() => alive(app) && told(app, 'HISTORY_REVISION').length > 0 && app.historyRevision !== revision);
      const asked = callsOf(app, '/l/v/m/history').filter(({ call }) => call.parameters['since'] !== undefined);
      assert.ok(asked.length > 0, 'the history was asked for since the last revision');
      assert.deepEqual(
        app.history.map(({ text }) => text),
        app.messages.map(({ text }) => text),
      );

      assert.equal(failed(await app.read()), 'ok');
      await hears(app, 'UNREAD_BY_VISITOR', { sinceTs: 0, msgCnt: 0 });
      await eventually(() => alive(app) && app.chat?.readByVisitor === true && app.unreadByVisitor === 0);

      if (isAndroid) assert.equal(failed(await app.close()), 'ok');
      else await stage.does('chat.close', { chatId });
      await hears(app, 'CHAT_STATE', isAndroid ? 'closed_by_visitor' : 'closed_by_operator');
      await hears(app, 'VISIT_SESSION_STATE', 'idle-after-chat');

      const again = app.send('One more thing');
      await eventually(() => isSent(app, again));
      assert.equal(callsOf(app, 'chat.start').length, 2, 'a new chat for the next word');
      assert.notEqual(String(app.chat?.id), chatId);
      assert.equal(callsOf(app, '/l/v/m/init').length, 1, 'all in one page');
    });
  }

  test('the operator sees what is being typed, and that it has ended', async () => {
    const { app, chatId } = await stage.chatting();
    app.typing('I am about to');
    const typed = () =>
      stage.operator.deltas
        .filter(({ objectType, id }) => objectType === 'CHAT_VISITOR_TYPING' && String(id) === chatId)
        .map(({ data }) => data as unknown);
    await eventually(() => {
      alive(app);
      assert.deepEqual(typed()[0], { typing: true, draft: 'I am about to' });
      assert.equal((typed().at(-1) as { typing: boolean }).typing, false);
    });
  });
});

describe('a session that goes on', () => {
  for (const platform of PLATFORMS) {
    test(`after a restart of the app: the same visitor, history and chat; what was on its way is sent once (${platform})`, async () => {
      const { app: before } = await stage.chatting(platform);
      await eventually(() => alive(before) && before.history.length === 1);
      await before.stop();
      const lost = { clientSideId: `lost-${platform}`, kind: 'visitor', text: 'not answered', sendStatus: 'SENDING' as const };
      const app = await stage.ready(platform, { stored: { ...before.stored, outgoing: [lost] } });
      assert.equal(app.stored.identity.visitor?.['id'], before.stored.identity.visitor?.['id']);
      assert.equal(app.stored.identity.visitSessionId, before.stored.identity.visitSessionId);
      assert.notEqual(app.page?.pageId, before.page?.pageId, 'a fresh page');
      assert.notEqual(app.page?.authToken, before.page?.authToken, 'with a fresh token');
      await eventually(() => isSent(app, lost.clientSideId) && app.history.length === 2);
      const [asked] = callsOf(app, '/l/v/m/history');
      assert.deepEqual(
        [asked?.call.parameters['since'], asked?.call.parameters['page-id']],
        [before.stored.historyRevision, before.page?.pageId],
        'since the stored revision, and first with the page of yore',
      );
      assert.deepEqual(
        app.messages.map(({ text }) => text),
        ['Good day', 'not answered'],
      );
      assert.equal(callsOf(app, 'chat.start').length, 0, 'the chat is open still');
    });

    test(`with another location: pages change, the visitor and his chat stay (${platform})`, async () => {
      const { app, chatId } = await stage.chatting(platform);
      const [visitor, page] = [app.stored.identity.visitor?.['id'], app.page?.pageId];
      app.changeLocation('another');
      await eventually(() => alive(app) && app.page !== undefined && app.page.pageId !== page && app.since !== '0');
      await eventually(() => alive(app) && app.page !== undefined && app.since !== '0');
      const text = `from another place ${platform}`;
      await eventually(() => alive(app) && String(app.chat?.id) === chatId);
      const clientSideId = app.send(text);
      await eventually(() => isSent(app, clientSideId));
      assert.equal(app.stored.identity.visitor?.['id'], visitor);
      await stage.does('chat.message', { chatId, message: 'I hear you', clientSideId: `hear-${platform}` });
      await eventually(() => alive(app) && app.messages.at(-1)?.text === 'I hear you');
      assert.equal(callsOf(app, '/l/v/m/init').length, 2);
    });
  }

  for (const [platform, restarts] of [
    ['android', 100],
    ['ios', 20],
  ] as const)
    test(`${restarts} restarts with an unsent message, nearly each at another moment: none is lost, none doubled (${platform})`, async () => {
      const { app: first } = await stage.chatting(platform);
      const said = ['Good day'];
      let before = first;
      for (let i = 0; i < restarts; i++) {
        const text = `words of start ${i}`;
        before.send(text);
        said.push(text);
        // Before the request leaves, on its way, or when the answer has come but not the message itself.
        await new Promise(resolve => (i % 4 === 0 ? queueMicrotask(() => resolve(undefined)) : setTimeout(resolve, i % 7)));
        await before.stop();
        before = stage.app(platform, { stored: before.stored });
        if (i % 2 === 0) await eventually(() => alive(before) && before.since !== '0');
      }
      await eventually(
        () => alive(before) && before.history.length === said.length && before.stored.outgoing.every(one => one.sendStatus === 'SENT'),
        {
          within: 60_000,
        },
      );
      assert.deepEqual(before.history.map(({ text }) => text).sort(), said.sort());
    });

  test('after an answer that was lost: the same items again, each once, in the same order', async () => {
    const app = await stage.ready();
    const { since } = app;
    const ids = ['one', 'two', 'three'].map(text => app.send(text));
    await eventually(() => ids.every(id => isSent(app, id)));
    await stage.taken(app);
    // Only the newest HISTORY_REVISION means anything.
    const items = () => app.deltas.filter(delta => delta['objectType'] !== 'HISTORY_REVISION').map(delta => JSON.stringify(delta));
    const [once, shown] = [items(), app.messages];
    app.pollFrom(since);
    await eventually(() => alive(app) && items().length >= 2 * once.length);
    assert.deepEqual(items(), [...once, ...once]);
    assert.deepEqual(app.messages, shown, 'none twice');
  });

  for (const platform of PLATFORMS) {
    test(`with an identity of another server: a new session, without an end of the app (${platform})`, async () => {
      const page = { pageId: 'b3b5ca1a4d2c4e0f8c7d6e5f4a3b2c1d', authToken: 'a'.repeat(32) };
      for (const id of [randomBytes(16).toString('hex'), `none of ours, ${platform}`]) {
        const visitor = {
          id,
          fields: { name: 'Посетитель', comment: 'x'.repeat(1_500) },
          icon: { color: '#ffffff', shape: 'circle' },
          creationTs: 1.5,
          tags: [],
        };
        const identity = { deviceId: `moved-${platform}-${id}`, visitor, visitSessionId: 'c'.repeat(32), page };
        const stored = { identity, visitorExt: undefined, historyRevision: '1519046942029554', history: [], outgoing: [] };
        const app = await stage.ready(platform, { stored });
        const sent = app.send('from a new home');
        await eventually(() => isSent(app, sent) && app.history.length === 1);
        assert.equal(callsOf(app, '/l/v/m/history')[0]?.body?.['error'], 'reinit-required', 'to the page of the other server');
      }
    });

    test(`on one node now and on the other then: nothing is lost, doubled or out of order (${platform})`, async t => {
      let turn = 0;
      const nodes = [stage.cluster.master, stage.cluster.slave];
      const proxy = await startMutatingProxy(() => nodes[turn++ % 2]?.url ?? '');
      t.after(() => proxy.close());
      const { app, chatId } = await stage.chatting(platform, { url: proxy.url });
      const said = ['Good day'];
      for (let i = 0; i < 15; i++) {
        const [question, answer] = [`question ${i}`, `answer ${i}`];
        const id = app.send(question);
        await eventually(() => isSent(app, id));
        await stage.does('chat.message', { chatId, message: answer, clientSideId: `answer-${i}-${chatId}` });
        await eventually(() => alive(app) && app.messages.at(-1)?.text === answer);
        said.push(question, answer);
      }
      assert.deepEqual(
        app.messages.map(({ text }) => text),
        said,
      );
      await eventually(() => {
        alive(app);
        assert.deepEqual(
          app.history.map(({ text }) => text),
          said,
        );
      });
      assert.equal(callsOf(app, '/l/v/m/init').length, 1, 'one page for both nodes');
    });
  }

  test('with fields that are long: what the app gives back at its next start is not too long for a URL', async () => {
    const { app: before } = await stage.chatting();
    const { length } = before.deltas;
    for (let i = 0; i < 8; i++) {
      const fields = JSON.stringify({ [`field${i}`]: 'длинно '.repeat(40) });
      const answer = failed(await before.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': fields }));
      assert.ok(['ok', 'wrong-argument-value'].includes(answer), answer);
    }
    await eventually(() => alive(before) && before.deltas.length > length);
    before.pollFrom('1'); // takes the visitor over as he is now
    await eventually(() => alive(before) && fullUpdates(before).length === 2);
    await before.stop();
    const app = await stage.ready('android', { stored: before.stored });
    assert.equal(app.stored.identity.visitor?.['id'], before.stored.identity.visitor?.['id']);
    await eventually(() => alive(app) && app.messages.length === 1);
  });

  test('on two devices at once: one conversation on both, read on both', async () => {
    const visitorExt = signFields({ id: 'two-devices', display_name: 'Clara' });
    const { app: phone, chatId } = await stage.chatting('android', { visitorExt });
    const tablet = await stage.ready('ios', { visitorExt });
    const [asked, replied] = [phone.send('from the phone'), tablet.send('from the tablet')];
    for (const app of [phone, tablet]) for (const id of [asked, replied]) await eventually(() => isSent(app, id));
    await stage.does('chat.message', { chatId, message: 'to both', clientSideId: 'both' });
    for (const app of [phone, tablet]) await eventually(() => alive(app) && app.messages.length === 4 && app.unreadByVisitor === 1);
    assert.equal(failed(await tablet.read()), 'ok');
    for (const app of [phone, tablet]) await eventually(() => alive(app) && app.unreadByVisitor === 0 && app.chat?.readByVisitor === true);
    assert.equal(callsOf(phone, '/l/v/m/init').length, 1, 'neither ends the page of the other');
  });

  test('when the operator lets the chat go: back in the queue, with nobody', async () => {
    const { app, chatId } = await stage.chatting();
    await stage.operator.setStatus('invisible'); // or he would get it again
    try {
      await stage.does('chat.release', { chatId });
      await eventually(() => alive(app) && app.chat?.state === 'queue' && app.operator === null);
    } finally {
      await stage.operator.setStatus('online');
    }
  });

  test('after the operator has closed: the next start shows no chat, and all of the history', async () => {
    const { app: before, chatId } = await stage.chatting();
    await stage.does('chat.close', { chatId });
    await eventually(() => alive(before) && before.chat?.state === 'closed_by_operator');
    await before.stop();
    const { identity, visitorExt } = before.stored;
    const app = await stage.ready('android', { stored: { identity, visitorExt, historyRevision: undefined, history: [], outgoing: [] } });
    assert.deepEqual([app.chat, app.messages.length, app.sessionState], [null, 0, 'idle-after-chat']);
    await eventually(() => alive(app) && app.history.length === 1);
  });
});

describe('the ten rules', () => {
  test('1: the revision is never 0, not even for one who asks since 1', async () => {
    const app = await stage.ready();
    app.pollFrom('1');
    app.send('counted');
    await eventually(() => alive(app) && app.messages.some(message => message.sendStatus === 'SENT'));
    const revisions = app.seen.flatMap(({ body }) => (body?.['revision'] as string | number | undefined) ?? []);
    assert.ok(revisions.length >= 2, 'more than one answer has a revision');
    assert.deepEqual(
      revisions.filter(revision => String(revision) === '0'),
      [],
    );
  });

  test('2: every full update has its visitor, one in the midst of polls too, which is complete', async () => {
    const { app, chatId } = await stage.chatting();
    app.pollFrom('9007199254740990'); // newer than what there is
    await eventually(() => alive(app) && fullUpdates(app).length === 2);
    app.pollFrom('1');
    const late = await eventually(() => {
      alive(app);
      return callsOf(app, '/l/v/m/delta').find(({ body }) => body?.['fullUpdate'] !== undefined)?.body ?? false;
    });
    const update = late['fullUpdate'] as JsonObject;
    assert.equal((update['visitor'] as JsonObject)['id'], app.stored.identity.visitor?.['id']);
    assert.equal(String((update['chat'] as JsonObject)['id']), chatId);
    for (const one of fullUpdates(app)) assert.equal(typeof one['visitor'], 'object', 'a full update without a visitor');
    await stage.does('chat.message', { chatId, message: 'still here', clientSideId: 'still-here' });
    await eventually(() => alive(app) && app.messages.at(-1)?.text === 'still here');
  });

  test('3: operatorTyping and readByVisitor are booleans in every chat', async () => {
    const { app, chatId } = await stage.chatting();
    await stage.does('chat.message', { chatId, message: 'unread', clientSideId: 'unread-3' });
    await eventually(() => alive(app) && app.unreadByVisitor === 1);
    app.pollFrom('1');
    await eventually(() => alive(app) && fullUpdates(app).length === 2);
    const chats = [...told(app, 'CHAT').map(delta => delta['data']), ...fullUpdates(app).map(update => update['chat'])].filter(
      chat => chat !== null,
    );
    assert.ok(chats.length >= 2, 'by delta and by full update');
    for (const chat of chats as JsonObject[]) {
      assert.deepEqual([typeof chat['operatorTyping'], typeof chat['readByVisitor']], ['boolean', 'boolean']);
    }
    assert.equal((chats.at(-1) as JsonObject)['readByVisitor'], false);
  });

  test('4: every message of every kind has id, clientSideId, name, text and both times, the same live and in the history', async () => {
    const { app, chatId } = await stage.chatting();
    await stage.does('chat.message', { chatId, message: 'a word', clientSideId: 'word-4' });
    await stage.does('chat.message', { chatId, message: 'a note', clientSideId: 'note-4', kind: 'for_operator' });
    await stage.does('chat.keyboard', {
      chatId,
      message: 'choose',
      clientSideId: 'keys-4',
      buttons: JSON.stringify([[{ id: 'a', text: 'A' }]]),
    });
    await stage.does('chat.request_contacts', { chatId });
    app.sticker(7);
    await eventually(() => alive(app) && app.messages.filter(message => message.sendStatus === 'SENT').length === 5);
    await eventually(() => alive(app) && app.history.length === 5);
    assert.deepEqual(await app.search('a note'), []);
    const heard = JSON.stringify(app.seen.map(({ body }) => body));
    assert.ok(!heard.includes('a note'), 'notes among operators stay there');
    const history = new Map(app.history.map(message => [message.clientSideId, message]));
    for (const message of app.messages) {
      for (const key of ['id', 'clientSideId', 'name', 'text'] as const)
        assert.equal(typeof message[key], 'string', `${message.kind}.${key}`);
      const remembered = history.get(message.clientSideId);
      assert.deepEqual([remembered?.id, remembered?.ts_m, remembered?.ts], [message.id, message.ts_m, message.ts], message.kind);
    }
  });

  for (const platform of PLATFORMS) {
    test(`5: a page that ends is told so in its poll at once; an action meanwhile is repeated and done once (${platform})`, async () => {
      const { app, chatId } = await stage.chatting(platform);
      const page = app.page?.pageId;
      await stage.endPageOf(app);
      const ended = performance.now();
      const typing = app.action('chat.visitor_typing', { typing: 'true', 'message-draft': 'again' });
      await eventually(() => alive(app) && app.page !== undefined && app.page.pageId !== page && app.since !== '0');
      const woken = callsOf(app, '/l/v/m/delta').find(({ body }) => body?.['error'] === 'reinit-required');
      assert.ok(woken !== undefined, 'the poll was told');
      assert.ok(woken.answeredAt - ended < 1_000, `the held poll was woken after ${Math.round(woken.answeredAt - ended)} ms`);
      assert.equal(failed(await typing), 'ok');
      const pages = app.seen.flatMap(({ body }) => (body?.['fullUpdate'] as { pageId: string } | undefined)?.pageId ?? []);
      assert.equal(new Set(pages).size, pages.length, 'each init has a page of its own');
      assert.equal(String(app.chat?.id), chatId, 'the chat is the same');
      const clientSideId = app.send('after it');
      await eventually(() => isSent(app, clientSideId));
    });
  }

  test('5: every call of a page that has ended is told reinit-required, in a way that can be read', async () => {
    const { app } = await stage.chatting();
    const { pageId, authToken } = app.page ?? { pageId: '', authToken: '' };
    await app.stop();
    await stage.endPageOf(app);
    const page = { 'page-id': pageId, 'auth-token': authToken };
    const ask = async (path: string, parameters: Record<string, string>, body?: FormData | URLSearchParams): Promise<unknown[]> => {
      const query = new URLSearchParams({ ...parameters, ...(body === undefined ? page : {}) }).toString();
      const response = await fetch(`${stage.url}${path}?${query}`, body === undefined ? {} : { method: 'POST', body });
      return [path, response.status, ((await response.json()) as JsonObject)['error']];
    };
    const form = new FormData();
    form.set('webim_upload_file', new Blob(['x'], { type: 'text/plain' }), 'x.txt');
    for (const [name, value] of Object.entries({ 'chat-mode': 'online', 'client-side-id': 'late', ...page })) form.set(name, value);
    const answers = [
      await ask('/l/v/m/delta', { since: app.since }),
      await ask('/l/v/m/history', {}),
      await ask('/l/v/m/history', { 'before-ts': '1700000000000000' }),
      await ask('/l/v/m/search-messages', { query: 'x' }),
      await ask('/l/v/file-delete', { guid: 'f'.repeat(32) }),
      await ask('/l/v/m/action', {}, new URLSearchParams({ action: 'chat.close', ...page })),
      await ask('/l/v/m/action', {}, new URLSearchParams({ action: 'sticker', ...page })),
      await ask('/l/v/m/upload', {}, form),
    ];
    for (const [path, status, error] of answers) assert.deepEqual([status, error], [200, 'reinit-required'], String(path));
  });

  test('6: the same id and text again is ok and nothing; another text is an edit', async () => {
    const { app } = await stage.chatting();
    const [message] = app.messages;
    const parameters = { message: 'Good day', 'client-side-id': message?.clientSideId ?? '' };
    const before = app.deltas.length;
    assert.equal(failed(await app.action('chat.message', parameters)), 'ok');
    assert.equal(failed(await app.action('chat.message', { ...parameters, message: 'Good evening' })), 'ok');
    await eventually(() => alive(app) && app.messages[0]?.text === 'Good evening' && app.messages[0].edited === true);
    const since = app.deltas.slice(before).filter(delta => delta['objectType'] === 'CHAT_MESSAGE');
    assert.deepEqual(
      since.map(delta => [delta['event'], (delta['data'] as JsonObject)['text']]),
      [['upd', 'Good evening']],
    );
    assert.equal(app.messages.length, 1, 'no second message');
    assert.equal(failed(await app.close()), 'ok');
    await hears(app, 'CHAT_STATE', 'closed_by_visitor');
    assert.equal(failed(await app.action('chat.message', { ...parameters, message: 'Good evening' })), 'ok', 'said again after the end');
    const late = failed(await app.action('chat.message', { ...parameters, message: 'Good night' }));
    assert.ok(['not_allowed', 'message_not_owned', 'message_not_found'].includes(late), `an edit after the end: ${late}`);
    assert.equal(told(app, 'CHAT').length, 1, 'neither opens a chat');
  });

  test('7: the time of a message is its own, and stays when it is edited', async () => {
    const { app } = await stage.chatting();
    const ids = Array.from({ length: 20 }, (_, i) => app.send(`word ${i}`));
    await eventually(() => ids.every(id => isSent(app, id)));
    const before = new Map(app.messages.map(message => [message.clientSideId, message.ts_m]));
    assert.equal(new Set(before.values()).size, 21, 'no time twice');
    assert.equal(failed(await app.edit(ids[3] ?? '', 'another word')), 'ok');
    await eventually(() => alive(app) && app.messages.some(message => message.text === 'another word'));
    await eventually(() => alive(app) && app.history.some(message => message.text === 'another word'));
    for (const message of [...app.messages, ...app.history]) assert.equal(message.ts_m, before.get(message.clientSideId), message.text);
    assert.deepEqual(
      app.messages.slice(1).map(message => message.text),
      Array.from({ length: 20 }, (_, i) => (i === 3 ? 'another word' : `word ${i}`)),
    );
  });

  test('8: the chat is told before its messages, also to one who sends without a start', async () => {
    const app = await stage.ready();
    assert.equal(failed(await app.action('chat.message', { message: 'no start', 'client-side-id': 'no-start' })), 'ok');
    await eventually(() => alive(app) && app.messages.length === 1);
    const [first] = kinds(app).filter(kind => kind.startsWith('CHAT'));
    assert.equal(first, 'CHAT');
  });

  test('10: a poll that has nothing to tell is answered in time, and not at once', async () => {
    const app = await stage.ready();
    const idle = await eventually(
      () => {
        alive(app);
        return (
          callsOf(app, '/l/v/m/delta').find(
            ({ body, status }) => status === 200 && (body?.['deltaList'] as unknown[] | undefined)?.length === 0,
          ) ?? false
        );
      },
      { within: (HOLD_SECONDS + 2) * 2_000 },
    );
    const held = (idle.answeredAt - idle.sentAt) / 1_000;
    assert.ok(held > HOLD_SECONDS / 2 && held < 30, `held for ${held} s`);
    assert.equal(app.crash, undefined);
  });
});

describe('errors', () => {
  test('a message that is refused is FAILED and hurts nobody', async () => {
    const { app } = await stage.chatting();
    const [blank, long] = [app.send('   '), app.send('x'.repeat(400_000))];
    const state = (id: string) => app.messages.find(message => message.clientSideId === id);
    await eventually(() => alive(app) && state(long)?.sendStatus === 'FAILED');
    assert.deepEqual([state(blank)?.error, state(long)?.error], ['message_empty', 'max-message-length-exceeded']);
    const kind = await app.action('chat.message', { message: 'x', 'client-side-id': 'odd', kind: 'operator' });
    assert.equal(failed(kind), 'wrong_message_kind');
  });

  test('what names a message that is not there, or is not his, says so in the words that are known', async () => {
    const { app, chatId } = await stage.chatting();
    await stage.does('chat.message', { chatId, message: 'mine', clientSideId: 'mine' });
    await eventually(() => alive(app) && app.messages.length === 2);
    const [own, operators] = app.messages.map(message => message.clientSideId);
    const cases = [
      ['chat.delete_message', { 'client-side-id': 'nobody' }, ['message_not_found']],
      ['chat.delete_message', { 'client-side-id': operators ?? '' }, ['not_allowed', 'message_not_owned', 'message_not_found']],
      ['chat.react_message', { 'client-side-id': 'nobody', reaction: 'like' }, ['message_not_found']],
      ['chat.react_message', { 'client-side-id': own ?? '', reaction: 'like' }, ['not_allowed', 'message_not_found']],
      [
        'chat.keyboard_response',
        { 'request-message-id': 'nobody', 'button-id': 'a' },
        ['request-message-id-not-set', 'cannot-create-response'],
      ],
      ['chat.keyboard_response', { 'request-message-id': '', 'button-id': 'a' }, ['request-message-id-not-set']],
      ['chat.keyboard_response', { 'request-message-id': 'nobody', 'button-id': '' }, ['button-id-not-set', 'cannot-create-response']],
      ['geo_response', { latitude: '91', longitude: '0' }, ['invalid-coordinates-received']],
      ['survey.answer', { 'survey-id': 'x', 'form-id': '1', 'question-id': '0', answer: '1' }, ['no-current-survey']],
      ['survey.cancel', { 'survey-id': 'x' }, ['no-current-survey']],
      ['sticker', { 'sticker-id': '', 'client-side-id': 'sticker' }, ['no-sticker-id', 'wrong-argument-value']],
      ['chat.operator_rate_select', { rate: '1', operator_id: '999999' }, ['operator-not-in-chat']],
      ['chat.operator_rate_select', { rate: '1', visitor_note: 'x'.repeat(2_001) }, ['note-is-too-long']],
    ] as const;
    for (const [action, parameters, known] of cases) {
      const error = failed(await app.action(action, parameters));
      assert.ok(
        (known as readonly string[]).includes(error),
        `${action} ${JSON.stringify(parameters).slice(0, 80)} answered ${error}, not ${known.join(' or ')}`,
      );
      alive(app);
    }
  });

  test('without a chat: rating, keyboards and a mail of the history say no-chat', async () => {
    const app = await stage.ready();
    const cases = [
      ['chat.operator_rate_select', { rate: '2' }],
      ['chat.keyboard_response', { 'request-message-id': 'x', 'button-id': 'a' }],
      ['chat.send_chat_history', { email: 'anna@example.org' }],
    ] as const;
    for (const [action, parameters] of cases) assert.equal(failed(await app.action(action, parameters)), 'no-chat', action);
    alive(app);
  });

  test('what has no error handling in the apps is answered ok, chat or not', async () => {
    const app = await stage.ready();
    const fields = JSON.stringify({ name: 'Anna' });
    const all = async () => {
      const cases = [
        ['chat.close', {}],
        ['chat.read_by_visitor', {}],
        ['chat.visitor_typing', { typing: 'true', 'message-draft': 'x', 'del-message-draft': 'false' }],
        ['chat.visitor_typing', { typing: '0', 'del-message-draft': '1' }],
        ['chat.set_prechat_fields', { 'prechat-key-independent-fields': fields }],
        ['widget.update', { data: '{}' }],
        ['chat.action_request.call_sentry_action_request', { 'client-side-id': 'x' }],
        ['file_upload_progress', { 'client-side-id': 'x', 'file-name': 'a', 'file-size': '1', state: 'error', error: 'x' }],
        ['set_push_token', { 'push-token': 'token' }],
        ['set_push_token', { 'push-token': 'none' }],
        ['chat.clear_history', {}],
        ['chat.start', { 'client-side-id': 'started', 'force-online': '1', 'visitor-fields': fields, 'force-start': '1' }],
        ['chat.start', { 'client-side-id': 'once-more', 'force-online': 'true', custom_fields: 'free text', 'department-key': 'nobody' }],
      ] as const;
      for (const [action, parameters] of cases) assert.equal(failed(await app.action(action, parameters)), 'ok', action);
      assert.deepEqual(await app.search('nothing of the kind'), []);
      assert.deepEqual(await app.search(''), []);
      await app.older();
      alive(app);
    };
    await all();
    await eventually(() => alive(app) && app.chat !== null);
    await all();
    const reply = app.reply('to nobody', 'a message that was never there');
    await eventually(() => isSent(app, reply));
    assert.equal(app.messages.find(message => message.clientSideId === reply)?.quote?.state, 'not-found');
  });

  test('a wrong argument is dropped; an unknown action ends Android, and iOS goes on', async () => {
    const app = await stage.ready();
    assert.equal(failed(await app.action('chat.message', { message: 'x', 'client-side-id': 'y', data: '{' })), 'wrong-argument-value');
    alive(app);
    assert.equal(failed(await app.action('chat.dance')), 'stopped');
    await eventually(() => app.fatal !== undefined);
    assert.match(app.fatal ?? '', /unknown-method/);
    const ios = await stage.ready('ios');
    assert.equal(failed(await ios.action('chat.dance')), 'unknown-method');
    alive(ios);
  });

  test('the location and the platform of a request may be anything', async () => {
    const app = await stage.ready('android', { location: 'место & мир' });
    const id = app.send('from there');
    await eventually(() => isSent(app, id));
    assert.ok(app.configs !== undefined, 'with configs');
  });

  test('older apps: init by a poll with event=init, actions by GET and in the query of a POST', async () => {
    const get = async (path: string, parameters: Record<string, string>, method = 'GET') => {
      const response = await fetch(`${stage.url}${path}?${new URLSearchParams(parameters).toString()}`, { method });
      assert.equal(response.status, 200, path);
      return (await response.json()) as JsonObject;
    };
    const init = await get('/l/v/m/delta', { event: 'init', since: '0', 'respond-immediately': '1', location: 'mobile', title: 'x' });
    const { fullUpdate, revision } = decodeFrame(init, 'init');
    assert.ok(fullUpdate !== undefined && revision !== undefined, 'a full update at once');
    const page = { 'page-id': fullUpdate.pageId, 'auth-token': fullUpdate.authToken };
    const say = { action: 'chat.message', message: 'by GET', 'client-side-id': 'get-1', ...page };
    assert.equal((await get('/l/v/m/action', say))['result'], 'ok');
    assert.equal((await get('/l/v/m/action', { ...say, message: 'by POST', 'client-side-id': 'get-2' }, 'POST'))['result'], 'ok');
    const full = decodeFrame(await get('/l/v/m/delta', { since: '1', ...page }), 'delta');
    assert.deepEqual(
      full.fullUpdate?.chat?.messages.map(({ text }) => text),
      ['by GET', 'by POST'],
    );
  });

  for (const platform of PLATFORMS) {
    for (const { version, sign, wrongKey } of SIGNERS)
      test(`signed fields, version ${version}: who is known is one visitor on all devices; a wrong, late or odd signature ends the session (${platform})`, async () => {
        const fields = { id: `anna-${platform}-${version}`, display_name: 'Анна', phone: '+1 23' };
        const now = Math.floor(Date.now() / 1_000);
        const signed = sign(fields, now + 600);
        const { app } = await stage.chatting(platform, { visitorExt: signed });
        const again = await stage.ready(platform, { visitorExt: signed });
        assert.equal(again.stored.identity.visitor?.['id'], app.stored.identity.visitor?.['id']);
        await eventually(() => alive(again) && again.history.length === 1 && again.messages[0]?.name === 'Анна');
        const upper = { ...signed, hash: signed.hash.toUpperCase() };
        await stage.ready(platform, { visitorExt: upper });

        const cases = [
          [wrongKey(fields, now + 600), /wrong-provided-visitor-hash-value/],
          [sign(fields, now - 3_600), /provided-visitor-expired/],
          [sign(fields, 'soon'), /wrong-provided-visitor-expires-value/],
        ] as const;
        for (const [visitorExt, reason] of cases) {
          const refused = stage.app(platform, { visitorExt });
          await eventually(() => refused.fatal !== undefined);
          assert.match(refused.fatal ?? '', reason);
        }
        await stage.ready(platform, { visitorExt: sign(fields, now + 3_600) });
      });

    test(`a token of the customer's own: the app waits until his backend says whose it is (${platform})`, async () => {
      const providedAuthToken = `token-${platform}`;
      const app = stage.app(platform, { providedAuthToken });
      await eventually(() => alive(app) && callsOf(app, '/l/v/m/init').length >= 3);
      assert.equal(callsOf(app, '/l/v/m/init')[0]?.body?.['error'], 'provided-auth-token-not-found');
      const response = await fetch(`${stage.url}/api/v2/rt/provide_visitor_fields`, {
        method: 'POST',
        headers: { authorization: `Bearer ${BACKEND_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ provided_auth_token: providedAuthToken, fields: { id: `token-${platform}`, display_name: 'Boris' } }),
      });
      assert.equal(response.status, 200, await response.text());
      await eventually(() => alive(app) && app.page !== undefined);
      const id = app.send('it is me');
      await eventually(() => isSent(app, id) && app.messages[0]?.name === 'Boris');
    });
  }
});

describe('nodes that go and come', () => {
  test('9: without any node there is 502 alone, never fatal; the page and what was on its way survive, once', async () => {
    const android = await stage.chatting('android', { timeScale: 0.1 });
    const ios = await stage.chatting('ios', { timeScale: 0.1 });
    const apps = [android.app, ios.app];
    const pages = apps.map(app => app.page?.pageId);
    const names = ['chat-master', 'chat-slave'];
    await Promise.all(names.map(name => stage.cluster.node(name).stop()));
    const words = apps.map(app => app.send('while nobody was there'));
    await eventually(() => apps.every(app => alive(app) && app.seen.some(({ status }) => status === 502)));
    await Promise.all(names.map(name => stage.cluster.start(name)));
    await eventually(() => isSent(android.app, words[0] ?? ''), { within: 10_000 });
    assert.deepEqual(
      apps.map(app => app.page?.pageId),
      pages,
    );
    for (const app of apps) {
      const statuses = new Set(app.seen.map(({ status }) => status));
      for (const known of [0, 200, 502]) statuses.delete(known);
      assert.deepEqual([...statuses], [], 'other statuses');
    }
    // iOS gives a request up after five tries; the app says it once more.
    const again = words[1] ?? '';
    if (ios.app.messages.find(message => message.clientSideId === again)?.sendStatus === 'FAILED') {
      await ios.app.action('chat.message', { message: 'while nobody was there', 'client-side-id': again });
    }
    await eventually(() => isSent(ios.app, again), { within: 10_000 });
    for (const app of apps) {
      assert.deepEqual(
        app.messages.map(({ text }) => text),
        ['Good day', 'while nobody was there'],
      );
    }
  });

  test('one node dies, in the midst of a conversation: the other goes on with the same page', async () => {
    const { app, chatId } = await stage.chatting();
    const page = app.page?.pageId;
    await stage.cluster.master.kill();
    const id = app.send('is somebody there?');
    await eventually(() => isSent(app, id), { within: 10_000 });
    await stage.does('chat.message', { chatId, message: 'yes', clientSideId: 'yes' });
    await eventually(() => alive(app) && app.messages.at(-1)?.text === 'yes', { within: 10_000 });
    assert.equal(app.page?.pageId, page);
    assert.deepEqual(
      app.messages.map(({ text }) => text),
      ['Good day', 'is somebody there?', 'yes'],
    );
  });
});

describe('all answers of this file', () => {
  test('have the types that both platforms need', () => {
    const found = walkAll(stage.seen);
    assert.deepEqual(found.faults, []);
    const needed = ['chat.id', 'operator.id', 'authorId', 'historyRevision', 'ts_m', 'unreadByVisitorMsgCnt', 'msgCnt', 'deltaList.id'];
    const texts = [
      'messages.id',
      'chatId',
      'clientSideId',
      'pageId',
      'authToken',
      'visitSessionId',
      'history.revision',
      'visitor.id',
      'buttons.id',
    ];
    const flags = ['operatorTyping', 'readByVisitor', 'hasMore', 'CHAT_OPERATOR_TYPING=', 'CHAT_READ_BY_VISITOR=', 'MESSAGE_READ='];
    for (const rule of [...needed, ...texts, ...flags]) assert.ok((found.counts.get(rule) ?? 0) > 0, `${rule} was never seen`);
  });

  test('came with status 200 or 502, and each was JSON', () => {
    const odd = stage.seen.filter(({ status, isJson }) => status !== 0 && !(isJson && [200, 502].includes(status)));
    assert.deepEqual(
      odd.map(({ call, status }) => `${status} ${call.path}`),
      [],
    );
  });
});
