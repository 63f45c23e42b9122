/** What the apps can do besides plain words, as strictly decoded as on both platforms. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { Cleanup } from '../support/cleanup.ts';
import { PASSWORD } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import type { Shown } from '../support/sdk/conversation.ts';
import { file, filesOf, keyboard, type Message } from '../support/sdk/decode.ts';
import { anyObject, integer, type JsonObject, list, object, text } from '../support/sdk/json.ts';
import type { SdkClient } from '../support/sdk/sdk-client.ts';
import { alive, callsOf, failed, Stage } from '../support/sdk/stage.ts';
import type { Platform } from '../support/sdk/wire.ts';
import { walkAll } from '../support/sdk/walk.ts';

const PLATFORMS = ['android', 'ios'] as const;

const cleanup = new Cleanup();
let stage: Stage;
before(async () => {
  stage = cleanup.add(await Stage.open({ isSingle: true, ini: 'poll_hold_seconds = 4' }), it => it.close());
  for (const args of [
    ['department', 'add', '--key', 'sales', '--name', 'Sales'],
    ['operator', 'add', '--login', 'seller', '--fullname', 'Seller', '--password', PASSWORD, '--departments', 'sales'],
  ]) {
    const { code, stderr } = await chatServer(args, { cwd: stage.cluster.folder.path });
    assert.equal(code, 0, stderr);
  }
});
after(() => cleanup.run());
afterEach(() => stage.endApps());

/** The message that the app shows under this id or text, when the server has it. */
const shown = (app: SdkClient, matches: (message: Shown) => boolean): Promise<Shown & Message> =>
  eventually(() => {
    alive(app);
    const message = app.messages.find(one => one.sendStatus === 'SENT' && matches(one));
    assert.ok(message !== undefined, `shown are ${JSON.stringify(app.messages).slice(0, 600)}`);
    return message as Shown & Message;
  });
const withText = (app: SdkClient, text: string): Promise<Shown & Message> => shown(app, message => message.text === text);
const withId = (app: SdkClient, clientSideId: string): Promise<Shown & Message> =>
  shown(app, message => message.clientSideId === clientSideId);

/** The operator says something, and the app shows it. */
async function answered(app: SdkClient, chatId: string, text: string, more: Record<string, string> = {}): Promise<Shown & Message> {
  await stage.does('chat.message', { chatId, message: text, clientSideId: text.replaceAll(' ', '-') + chatId, ...more });
  return withText(app, text);
}

const count = (app: SdkClient, objectType: string, event: string): number =>
  app.deltas.filter(delta => delta['objectType'] === objectType && delta['event'] === event).length;

/** A second device or start, which knows what the first one knew at some time. */
const later = (platform: Platform, stored: SdkClient['stored']): Promise<SdkClient> => stage.ready(platform, { stored });

/** A picture in one colour. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const typed = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(typed));
    return Buffer.concat([length, typed, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc((width * 3 + 1) * height));
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([magic, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

for (const platform of PLATFORMS) {
  describe(`messages (${platform})`, () => {
    test('his own are edited and deleted, live, in the history and for one who was away', async () => {
      const { app } = await stage.chatting(platform);
      const [kept, gone] = [app.send('to be kept'), app.send('to be deleted')];
      await withId(app, gone);
      await eventually(() => alive(app) && app.history.length === 3);
      const away = app.stored;
      assert.equal(failed(await app.edit(kept, 'kept & changed')), 'ok');
      const changed = await withText(app, 'kept & changed');
      assert.deepEqual([changed.clientSideId, changed.edited], [kept, true]);
      assert.equal(failed(await app.deleteMessage(gone)), 'ok');
      await eventually(() => alive(app) && !app.messages.some(({ clientSideId }) => clientSideId === gone));
      assert.equal(count(app, 'CHAT_MESSAGE', 'del'), 1, 'one del');
      await eventually(() => alive(app) && app.history.length === 2);
      await app.stop();
      const again = await later(platform, away);
      await eventually(() => alive(again) && again.history.length === 2 && again.history.some(({ text }) => text === 'kept & changed'));
      assert.ok(!JSON.stringify(again.seen).includes('to be deleted'), 'the words are gone');
    });

    test("an operator's are edited and deleted", async () => {
      const { app, chatId } = await stage.chatting(platform);
      const [first, second] = [await answered(app, chatId, 'first'), await answered(app, chatId, 'second')];
      assert.notEqual(first.canBeEdited, true, 'not by the visitor');
      await stage.does('chat.edit_message', { chatId, id: first.id, message: 'first, better' });
      assert.equal((await withText(app, 'first, better')).edited, true);
      await stage.does('chat.delete_message', { chatId, id: second.id });
      await eventually(() => alive(app) && app.messages.length === 2 && app.history.length === 2);
    });

    test('replies quote, both ways, and files too', async () => {
      const { app, chatId } = await stage.chatting(platform);
      const question = await answered(app, chatId, 'which colour');
      assert.equal(question.canBeReplied, true);
      const reply = await withId(app, app.reply('blue', question.id));
      assert.deepEqual([reply.quote?.state, reply.quote?.message?.id, reply.quote?.message?.text], ['filled', question.id, 'which colour']);
      assert.deepEqual([reply.quote?.message?.name, reply.quote?.message?.authorId], [question.name, question.authorId]);
      const back = await answered(app, chatId, 'really blue', { quote: reply.id });
      assert.deepEqual([back.quote?.state, back.quote?.message?.text], ['filled', 'blue']);
      const upload = await app.upload('note.txt', 'text/plain', Buffer.from('a note'));
      assert.equal(upload.error, undefined);
      const sent = await withId(app, upload.clientSideId);
      const ofFile = await answered(app, chatId, 'thanks for this', { quote: sent.id });
      assert.equal(file(JSON.parse(ofFile.quote?.message?.text ?? 'null'), 'quoted').guid, upload.file?.guid);
    });

    test('a reply to what is deleted, or to a message of another visitor, arrives without its words', async () => {
      const { app } = await stage.chatting(platform);
      const { app: other } = await stage.chatting(platform);
      const gone = app.send('soon gone');
      const deleted = await withId(app, gone);
      assert.equal(failed(await app.deleteMessage(gone)), 'ok');
      for (const id of [deleted.id, other.messages[0]?.id ?? '']) {
        const reply = await withId(app, app.reply(`to ${id}`, id));
        assert.equal(reply.quote?.state, 'not-found');
        assert.equal(reply.quote.message ?? null, null);
      }
    });

    test('reactions come and change, where they are allowed', async () => {
      const { app, chatId } = await stage.chatting(platform);
      const word = await answered(app, chatId, 'do you like it');
      assert.equal(word.canVisitorReact, true, 'on a message of the operator');
      assert.notEqual(app.messages[0]?.canVisitorReact, true, 'not on his own');
      for (const reaction of ['like', 'dislike'] as const) {
        assert.equal(failed(await app.react(word.clientSideId, reaction)), 'ok');
        assert.equal(callsOf(app, 'chat.react_message').at(-1)?.body?.['result'], 'ok', 'the apps read the result');
        await eventually(() => alive(app) && app.messages.at(-1)?.reaction === reaction);
        if (app.messages.at(-1)?.canVisitorChangeReaction !== true) break;
      }
    });

    test('a keyboard is answered once', async () => {
      const { app, chatId } = await stage.chatting(platform);
      const buttons = JSON.stringify([
        [
          { id: 'yes', text: 'Yes' },
          { id: 'no', text: 'No' },
        ],
        [{ id: 'later', text: 'Later' }],
      ]);
      await stage.does('chat.keyboard', { chatId, clientSideId: `keys-${chatId}`, message: 'Agreed?', buttons });
      const asked = await withText(app, 'Agreed?');
      const open = keyboard(asked.data, 'keyboard');
      assert.deepEqual(
        [asked.kind, open.state, open.buttons.map(row => row.map(({ id }) => id))],
        ['keyboard', 'pending', [['yes', 'no'], ['later']]],
      );
      assert.equal(failed(await app.keyboardResponse(asked.id, 'no')), 'ok');
      const response = await shown(app, ({ kind }) => kind === 'keyboard_response');
      const { button, request } = response.data as { button: JsonObject; request: JsonObject };
      assert.deepEqual([button['id'], button['text'], request['messageId']], ['no', 'No', asked.id]);
      await eventually(() => {
        const after = keyboard(app.messages.find(({ id }) => id === asked.id)?.data, 'keyboard');
        assert.deepEqual([after.state, after.response?.buttonId, after.response?.messageId], ['completed', 'no', response.id]);
      });
      assert.equal(failed(await app.keyboardResponse(asked.id, 'yes')), 'cannot-create-response', 'once');
    });

    test('a sticker is one; without a chat it opens one or is refused', async () => {
      const { app } = await stage.chatting(platform);
      const sticker = await withId(app, app.sticker(42));
      assert.deepEqual([sticker.kind, (sticker.data as JsonObject)['stickerId']], ['sticker_visitor', 42]);
      const fresh = await stage.ready(platform);
      fresh.sticker(7);
      await eventually(() => alive(fresh) && fresh.messages[0]?.sendStatus !== 'SENDING');
      const [alone] = fresh.messages;
      assert.ok(alone?.sendStatus === 'SENT' || alone?.error === 'no-chat', alone?.error);
    });

    test("the app's own data, hints and any writing come as they were sent", async () => {
      const { app } = await stage.chatting(platform);
      const data = { order: { id: 17, paid: true, items: ['a', null] } };
      const sent = await withId(
        app,
        app.send('with data', { data: JSON.stringify(data), hint_question: platform === 'ios' ? '1' : 'true' }),
      );
      assert.deepEqual(sent.data, data);
      for (const text of ['👍🏽 family 👨‍👩‍👧', 'עברית و عربي', 'a\nb\tc', '<b>&amp;</b>', '%2B+%20', '"\\\\"', 'x'.repeat(2_000)]) {
        assert.equal((await withId(app, app.send(text))).text, text);
      }
    });
  });

  describe(`files (${platform})`, () => {
    test('one upload is one message; the link of the app gets the same bytes, a forged or late one nothing', async () => {
      const { app } = await stage.chatting(platform);
      const bytes = Buffer.from('Quarterly report, confidential');
      const name = 'Отчёт (final) 1.txt';
      const upload = await app.upload(name, 'text/plain', bytes);
      assert.deepEqual(
        [upload.error, upload.file?.filename, upload.file?.size, upload.file?.image ?? null],
        [undefined, name, bytes.length, null],
      );
      assert.equal(upload.file?.visitor_id, app.stored.identity.visitor?.['id']);
      assert.ok(upload.file !== undefined, 'there is a file');
      const message = await withId(app, upload.clientSideId);
      assert.equal(message.kind, 'file_visitor');
      assert.deepEqual(
        filesOf(message, 'message').map(({ guid }) => guid),
        [upload.file.guid],
      );
      assert.equal(callsOf(app, 'chat.message').length, 1, 'the app sends no message of its own');
      const url = app.downloadUrl(upload.file.guid, name);
      assert.match(url, /[?&]hash=/, 'Android signs only if the configs ask for it; without it a link has no secret');
      const got = await fetch(url);
      assert.deepEqual([got.status, Buffer.from(await got.arrayBuffer()).toString()], [200, bytes.toString()]);
      const forged = [url.replace(/hash=./, match => (match.endsWith('0') ? 'hash=1' : 'hash=0')), url.replace(/expires=\d+/, 'expires=1')];
      for (const wrong of [...forged, url.replace(/\?.*/, '')]) {
        const answer = await fetch(wrong);
        assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} for ${wrong}`);
        assert.ok(!(await answer.text()).includes('confidential'), 'nothing of the file');
      }
      const { app: stranger } = await stage.chatting(platform);
      const strange = await fetch(stranger.downloadUrl(upload.file.guid, name));
      assert.ok(strange.status >= 400 && !(await strange.text()).includes('confidential'), `${strange.status} for another visitor`);
    });

    test('a first file opens a chat; a picture has its size, and a small one of it', async () => {
      const app = await stage.ready(platform);
      const picture = png(900, 600);
      const upload = await app.upload('photo.png', 'image/png', picture);
      assert.deepEqual([upload.error, upload.file?.image?.size], [undefined, { width: 900, height: 600 }]);
      await withId(app, upload.clientSideId);
      const small = await fetch(app.downloadUrl(upload.file?.guid ?? '', 'photo.png', { thumb: true }));
      assert.equal(small.status, 200);
      assert.match(small.headers.get('content-type') ?? '', /^image\//);
      const whole = await fetch(app.downloadUrl(upload.file?.guid ?? '', 'photo.png'));
      assert.ok(Buffer.from(await whole.arrayBuffer()).equals(picture), 'the picture itself is unchanged');
    });

    test('links of a later page of the visitor work too', async () => {
      const { app: before } = await stage.chatting(platform);
      const upload = await before.upload('a.txt', 'text/plain', Buffer.from('of yore'));
      await withId(before, upload.clientSideId);
      await before.stop();
      const app = await later(platform, before.stored);
      const got = await fetch(app.downloadUrl(upload.file?.guid ?? '', 'a.txt'));
      assert.equal(await got.text(), 'of yore');
    });

    test("an operator's file is shown and can be had", async () => {
      const { app, chatId } = await stage.chatting(platform);
      const form = new FormData();
      form.set('chatId', chatId);
      form.set('clientSideId', `file-${chatId}`);
      form.set('webim_upload_file', new Blob(['terms'], { type: 'text/plain' }), 'terms.txt');
      const headers = { authorization: `Bearer ${stage.operator.token}` };
      const response = await fetch(`${stage.url}/l/o/upload`, { method: 'POST', headers, body: form });
      assert.equal(response.status, 200, await response.text());
      const message = await shown(app, ({ kind }) => kind === 'file_operator');
      const [sent] = filesOf(message, 'message');
      assert.equal(sent?.filename, 'terms.txt');
      assert.equal(await (await fetch(app.downloadUrl(sent.guid, sent.filename))).text(), 'terms');
    });

    test('what is refused is FAILED, in words that the apps know', async () => {
      const { app } = await stage.chatting(platform);
      const cases = [
        ['program.exe', 'application/x-msdownload', Buffer.from('MZ'), ['not_allowed_file_type']],
        [
          'odd.png',
          'image/png',
          Buffer.from('this is no picture'),
          ['not_matching_magic_numbers', 'not_allowed_file_type', 'not_allowed_mime_type'],
        ],
        ['large.txt', 'text/plain', Buffer.alloc(11 * 1_048_576, 'x'), ['max_file_size_exceeded']],
      ] as const;
      for (const [name, type, bytes, known] of cases) {
        const { error, clientSideId } = await app.upload(name, type, bytes);
        assert.ok((known as readonly string[]).includes(error ?? 'ok'), `${name}: ${error ?? 'ok'}`);
        assert.equal(app.messages.find(message => message.clientSideId === clientSideId)?.sendStatus, 'FAILED', name);
        alive(app);
      }
    });

    test('a file that was sent is not deleted, one that is not there is not found', async () => {
      const { app } = await stage.chatting(platform);
      const upload = await app.upload('sent.txt', 'text/plain', Buffer.from('sent'));
      assert.equal(failed(await app.deleteFile(upload.file?.guid ?? '')), 'file-has-been-sent');
      assert.equal(failed(await app.deleteFile('f'.repeat(32))), platform === 'android' ? 'file_not_found' : 'file-not-found');
      alive(app);
    });
  });
}

describe('visits', () => {
  test('the operator is rated, again, after the chat too; the stars are in the chat', async () => {
    const { app, chatId } = await stage.chatting();
    const operatorId = app.operator?.id ?? 0;
    for (const stars of [1, 3, 5] as const) {
      assert.equal(failed(await app.rate(operatorId, stars, stars === 5 ? 'very helpful' : undefined)), 'ok');
      await eventually(() => alive(app) && app.rates.get(operatorId)?.rating === stars - 3);
    }
    app.pollFrom('1');
    await eventually(() => alive(app) && callsOf(app, '/l/v/m/delta').some(({ body }) => body?.['fullUpdate'] !== undefined));
    assert.deepEqual(app.chat?.operatorIdToRate, { [operatorId]: { operatorId, rating: 2, answer: undefined } });
    await stage.does('chat.close', { chatId });
    await eventually(() => alive(app) && app.chat?.state === 'closed_by_operator');
    assert.equal(failed(await app.rate(operatorId, 4)), 'ok', 'the app asks for a rating when the chat is over');
    await eventually(() => alive(app) && app.rates.get(operatorId)?.rating === 1);
  });

  for (const platform of PLATFORMS) {
    test(`contacts are asked for and given (${platform})`, async () => {
      const { app, chatId } = await stage.chatting(platform);
      await stage.does('chat.request_contacts', { chatId });
      await shown(app, ({ kind }) => kind === 'cont_req');
      const fields = { name: 'Anna', email: 'anna@example.org', phone: '+1 23' };
      const name = platform === 'ios' ? 'chat.cont_resp' : 'chat.set_prechat_fields';
      const parameter = platform === 'ios' ? 'visitor-fields' : 'prechat-key-independent-fields';
      assert.equal(failed(await app.action(name, { [parameter]: JSON.stringify(fields) })), 'ok');
      if (platform === 'ios') await shown(app, ({ kind }) => kind === 'contacts');
      const said = app.send('that was me');
      await withId(app, said);
      await eventually(() => JSON.stringify(stage.operator.deltas).includes('anna@example.org'));
    });
  }

  test('a first question and a department; an offline message (iOS)', async () => {
    const app = await stage.ready();
    app.startChat({ 'first-question': 'Is it open?', 'department-key': 'sales' });
    await withText(app, 'Is it open?');
    assert.equal(app.departments[0]?.key, 'sales');
    const ios = await stage.ready('ios');
    const parameters = { text: 'call me', 'client-side-id': 'offline-1', 'visitor-fields': JSON.stringify({ name: 'Boris' }) };
    assert.equal(failed(await ios.action('chat.offline_message', parameters)), 'ok');
    await withId(ios, 'offline-1');
  });

  for (const platform of PLATFORMS) {
    test(`the online status is asked for and told (${platform})`, async () => {
      const app = await stage.ready(platform);
      const seller = await Operator.login(stage.url, 'seller', PASSWORD);
      const sales = () => app.departments.find(({ key }) => key === 'sales')?.online;
      assert.deepEqual([app.status, await app.askOnlineStatus(), sales()], ['online', 'online', 'offline']);
      await seller.setStatus('online');
      await eventually(() => alive(app) && sales() === 'online');
      await seller.setStatus('offline');
      await eventually(() => alive(app) && sales() === 'offline');
      await stage.operator.setStatus('offline');
      try {
        await eventually(async () => (await app.askOnlineStatus()) === 'offline');
        assert.equal((await stage.ready(platform)).status, 'offline');
      } finally {
        await stage.operator.setStatus('online');
      }
      await eventually(async () => (await app.askOnlineStatus()) === 'online');
    });
  }

  test('the history is read page by page to its beginning, searched, and cleared', async () => {
    const { app } = await stage.chatting();
    for (let i = 0; i < 120; i++) app.send(`word ${i}${i % 50 === 7 ? ' Needle' : ''}`);
    await eventually(() => alive(app) && app.messages.length === 121 && app.messages.every(({ sendStatus }) => sendStatus === 'SENT'), {
      within: 15_000,
    });
    const found = await app.search('needle');
    assert.deepEqual(new Set(found.map(({ text }) => text)), new Set(['word 7 Needle', 'word 57 Needle', 'word 107 Needle']));
    const { identity, visitorExt } = app.stored;
    await app.stop();
    const fresh = await stage.ready('android', { stored: { identity, visitorExt, historyRevision: undefined, history: [], outgoing: [] } });
    await eventually(() => alive(fresh) && fresh.historyRevision !== undefined && fresh.history.length > 0);
    assert.ok(fresh.history.length < 121, 'the newest page first');
    for (let pages = 0; await fresh.older(); pages++) assert.ok(pages < 20, 'paging ends');
    assert.deepEqual([fresh.history.length, fresh.history[0]?.text, fresh.history.at(-1)?.text], [121, 'Good day', 'word 119']);
    assert.equal(failed(await fresh.close()), 'ok');
    await eventually(() => alive(fresh) && fresh.chat?.state === 'closed_by_visitor');
    assert.equal(failed(await fresh.clearHistory()), 'ok');
    assert.equal(fresh.history.length, 0);
    await fresh.stop();
    const after = await stage.ready('android', { stored: { identity, visitorExt, historyRevision: undefined, history: [], outgoing: [] } });
    await eventually(() => alive(after) && after.historyRevision !== undefined);
    assert.equal(await after.older(), false);
    assert.equal(after.history.length, 0, 'nothing is left of it');
    assert.deepEqual(await after.search('needle'), []);
  });

  test('a long absence: many changes come as one history, in pages', async () => {
    const { app, chatId } = await stage.chatting();
    await eventually(() => alive(app) && app.history.length === 1);
    const { stored } = app;
    await app.stop();
    for (let i = 0; i < 150; i++) await stage.does('chat.message', { chatId, message: `news ${i}`, clientSideId: `news-${chatId}-${i}` });
    const again = await later('android', stored);
    await eventually(() => alive(again) && again.history.length === 151, { within: 10_000 });
    assert.equal(again.unreadByVisitor, 150);
  });

  test("iOS' light mode: a token without a page, how much is unread, and the full session with it", async () => {
    const { app, chatId } = await stage.chatting('ios');
    await answered(app, chatId, 'something new');
    const { visitor } = app.stored.identity;
    const query = new URLSearchParams({ 'device-id': 'light', location: 'mobile', platform: 'ios', visitor: JSON.stringify(visitor) });
    const auth = (await (await fetch(`${stage.url}/l/v/m/auth?${query.toString()}`, { method: 'POST' })).json()) as JsonObject;
    assert.deepEqual([typeof auth['authToken'], typeof auth['visitor']], ['string', 'string'], JSON.stringify(auth));
    const headers = { authorization: `Bearer ${auth['authToken'] as string}` };
    const info = (await (await fetch(`${stage.url}/l/v/m/info`, { headers })).json()) as JsonObject;
    assert.equal(info['unreadMessagesCount'], 1, JSON.stringify(info));
    assert.equal(typeof info['historyLastChangeTs'], 'number');
    const init = (await (await fetch(`${stage.url}/l/v/m/init`, { headers })).json()) as { fullUpdate?: { visitor: JsonObject } };
    assert.equal(init.fullUpdate?.visitor['id'], visitor?.['id']);
  });
});

describe('where uploads are sent together', () => {
  const others = new Cleanup();
  let together: Stage;
  before(async () => {
    together = others.add(await Stage.open({ isSingle: true, ini: 'upload_messages = together' }), it => it.close());
  });
  after(() => others.run());
  afterEach(async () => {
    await together.endApps();
    stage.seen.push(...together.seen.splice(0));
  });

  for (const platform of PLATFORMS) {
    test(`an upload is no message; several are one, and what was not sent can be taken back (${platform})`, async () => {
      const { app } = await together.chatting(platform);
      const files = [];
      for (const name of ['one.txt', 'two words.txt', 'three.txt']) {
        const { file: kept, error } = await app.uploadOnly(name, 'text/plain', Buffer.from(name));
        assert.ok(kept !== undefined, error);
        files.push(kept);
      }
      const [one, two, three] = files;
      assert.ok(one !== undefined && two !== undefined && three !== undefined, 'three files');
      assert.equal(failed(await app.deleteFile(three.guid)), 'ok');
      const message = await withId(app, app.sendFiles([one, two]));
      assert.equal(message.kind, 'file_visitor');
      assert.deepEqual(
        filesOf(message, 'message').map(({ guid }) => guid),
        [one.guid, two.guid],
      );
      for (const { guid, filename } of [one, two]) assert.equal(await (await fetch(app.downloadUrl(guid, filename))).text(), filename);
      assert.equal(failed(await app.deleteFile(one.guid)), 'file-has-been-sent');
      assert.equal(app.messages.length, 2, 'the greeting and the files');
    });
  }
});

describe('questions and answers that nobody has written', () => {
  test('are empty, in the shapes that the apps read', async () => {
    const get = async (path: string): Promise<unknown> => (await fetch(stage.url + path)).json();
    const item = object({
      id: text,
      title: text,
      content: text,
      categories: list(text),
      tags: list(text),
      likes: integer,
      dislikes: integer,
    });
    item(await get('/services/faq/v1/item?itemid=1&userid=x'), 'item');
    object({ title: text, childs: list(anyObject) })(await get('/services/faq/v1/category?categoryid=1&userid=x'), 'category');
    object({ id: text, type: text, title: text, childs: list(anyObject) })(
      await get('/services/faq/v1/structure?categoryid=1'),
      'structure',
    );
    list(anyObject)(await get('/services/faq/v1/search?query=x&categoryid=1&limit=5'), 'search');
    list(text)(await get('/webim/api/v1/faq/category?app=a&platform=ios&lang=en'), 'categories');
  });
});

describe('all answers of this file', () => {
  test('have the types that both platforms need', () => {
    const { faults, counts } = walkAll(stage.seen);
    assert.deepEqual(faults, []);
    const rules = ['desc.size', 'upload.size', 'width', 'quoted.ts', 'operatorId', 'rating', 'departments.order', 'items.id'];
    for (const rule of rules) assert.ok((counts.get(rule) ?? 0) > 0, `${rule} was never seen`);
  });
});
