/** What happens to messages after they were sent, and the visitor's other actions, as visitor and operator see it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer, Folder } from '../support/process.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

type Data = Record<string, unknown>;

describe('the life of a message', () => {
  let single: SingleNode;
  let url: string;
  let operator: Operator;

  before(async () => {
    single = await startSingle({ ini: 'poll_hold_seconds = 1\nmax_chats_per_operator = 100' });
    url = single.node.url;
    operator = await Operator.login(url, 'op', 'correct horse');
    await operator.connect();
  });

  after(async () => {
    operator.close();
    await single.stop();
  });

  /** A visitor whose chat the operator has taken, and what both have heard so far put aside. */
  async function conversation(first = 'hello'): Promise<{ visitor: Visitor; chatId: number }> {
    const visitor = await Visitor.init(url);
    await visitor.send(first, 'first');
    await visitor.poll();
    const chatId = Number((heard(visitor, 'CHAT')[0]?.data as unknown as Data)['id']);
    assert.equal((await operator.action('chat.take', { chatId: String(chatId) })).result, 'ok');
    await visitor.poll();
    visitor.deltas.length = 0;
    return { visitor, chatId };
  }

  const heard = (visitor: Visitor, objectType: string) => visitor.deltas.filter(delta => delta.objectType === objectType);
  const operatorHeard = (objectType: string, id: string | number) =>
    operator.deltas.filter(delta => delta.objectType === objectType && delta.id === id);

  async function operatorSays(chatId: number, text: string, more: Record<string, string> = {}): Promise<string> {
    const said = await operator.action('chat.message', { chatId: String(chatId), message: text, clientSideId: randomUUID(), ...more });
    assert.equal(said.result, 'ok', JSON.stringify(said));
    return (said.data as unknown as { id: string }).id;
  }

  async function history(visitor: Visitor, query: Record<string, string> = {}): Promise<{ messages: Data[]; revision: string }> {
    const answer = (await visitor.get('/l/v/m/history', query)) as { data: { messages: Data[]; revision: string } };
    return answer.data;
  }

  test('a visitor deletes what he said: both are told, the history of those who know it says so once, a repeat changes nothing', async () => {
    const { visitor, chatId } = await conversation();
    await visitor.send('secret', 'm-1');
    await visitor.poll();
    const known = await history(visitor);
    const id = String(known.messages.at(-1)?.['id']);
    visitor.deltas.length = 0;
    assert.deepEqual(await visitor.action('chat.delete_message', { 'client-side-id': 'm-1' }), { result: 'ok' });
    assert.deepEqual(await visitor.action('chat.delete_message', { 'client-side-id': 'm-1' }), { result: 'ok' });
    await visitor.poll();
    assert.deepEqual(
      heard(visitor, 'CHAT_MESSAGE').map(({ event, id: of, data }) => [event, of, data]),
      [['del', id, null]],
    );
    await eventually(() => operatorHeard('CHAT_MESSAGE', id).some(({ event }) => event === 'del'));
    const since = await history(visitor, { since: known.revision });
    assert.deepEqual(
      since.messages.map(message => [message['id'], message['clientSideId'], message['deleted'], message['text']]),
      [[id, 'm-1', true, '']],
    );
    assert.ok(!JSON.stringify((await history(visitor)).messages).includes('secret'), 'gone from the history');
    const fresh = await operator.get(`/l/o/history?chatId=${chatId}`);
    assert.ok(!JSON.stringify(fresh).includes('secret'), 'gone for operators too');
  });

  test('deleting what is not there, not in this chat or not his own is refused in words that SDKs know', async () => {
    const { visitor, chatId } = await conversation();
    assert.equal((await visitor.action('chat.delete_message', { 'client-side-id': 'never-sent' })).error, 'message_not_found');
    await operator.action('chat.close', { chatId: String(chatId) });
    assert.equal((await visitor.action('chat.delete_message', { 'client-side-id': 'first' })).error, 'not_allowed');
  });

  test('an operator edits and deletes his own words only; an unread one that is deleted is not unread any more', async () => {
    const { visitor, chatId } = await conversation();
    const id = await operatorSays(chatId, 'tpyo');
    assert.equal((await operator.action('chat.edit_message', { chatId: String(chatId), id, message: 'typo' })).result, 'ok');
    await visitor.poll();
    const [, edited] = heard(visitor, 'CHAT_MESSAGE').map(delta => delta.data as unknown as Data);
    assert.deepEqual([edited?.['text'], edited?.['edited'], edited?.['clientSideId']], ['typo', true, id]);
    assert.equal((await operator.action('chat.delete_message', { chatId: String(chatId), id })).result, 'ok');
    await visitor.poll();
    assert.deepEqual(heard(visitor, 'UNREAD_BY_VISITOR').at(-1)?.data, { sinceTs: 0, msgCnt: 0 });
    const firstId = String((await history(visitor)).messages[0]?.['id']);
    const refused = await operator.action('chat.edit_message', { chatId: String(chatId), id: firstId, message: 'x' });
    assert.deepEqual([refused.status, refused.error], [403, 'message-not-owned']);
    const unknown = await operator.action('chat.edit_message', { chatId: String(chatId), id: 'f'.repeat(32), message: 'x' });
    assert.deepEqual([unknown.status, unknown.error], [404, 'message-not-found']);
  });

  test('a reply quotes what it answers, with the time in whole seconds; what is not known is quoted as not found, never refused', async () => {
    const { visitor, chatId } = await conversation();
    const id = await operatorSays(chatId, 'which size?');
    const quote = (msgId: string): string => JSON.stringify({ ref: { msgId, msgChannelSideId: null, chatId: null } });
    for (const [name, given] of Object.entries({ right: quote(id), unknown: quote('0'.repeat(32)), odd: '[]', broken: '{' }))
      assert.equal((await visitor.action('chat.message', { message: name, 'client-side-id': name, quote: given })).result, 'ok', name);
    await visitor.poll();
    const quotes = heard(visitor, 'CHAT_MESSAGE').map(
      delta => (delta.data as unknown as Data)['quote'] as { state: string; message: Data } | null,
    );
    assert.deepEqual(
      quotes.slice(1).map(it => it?.state),
      ['filled', 'not-found', 'not-found', 'not-found'],
    );
    assert.deepEqual([quotes[1]?.message['id'], quotes[1]?.message['text'], quotes[1]?.message['kind']], [id, 'which size?', 'operator']);
    assert.ok(Number.isInteger(quotes[1]?.message['ts']), 'whole seconds');
    const other = await conversation();
    await other.visitor.action('chat.message', { message: 'spy', 'client-side-id': 'spy', quote: quote(id) });
    await other.visitor.poll();
    const spied = heard(other.visitor, 'CHAT_MESSAGE').at(-1)?.data as unknown as { quote: { state: string } };
    assert.equal(spied.quote.state, 'not-found', 'another visitor cannot be quoted');
  });

  test('an operator quotes too', async () => {
    const { visitor, chatId } = await conversation('forty-two');
    const [first] = (await history(visitor)).messages;
    await operatorSays(chatId, 'that one?', { quote: String(first?.['id']) });
    await visitor.poll();
    const said = heard(visitor, 'CHAT_MESSAGE').at(-1)?.data as unknown as { quote: { message: Data } };
    assert.equal(said.quote.message['text'], 'forty-two');
  });

  test('a visitor likes what an operator said, and changes his mind; nothing else can be liked', async () => {
    const { visitor, chatId } = await conversation();
    const id = await operatorSays(chatId, 'done');
    for (const reaction of ['like', 'dislike'])
      assert.deepEqual(await visitor.action('chat.react_message', { 'client-side-id': id, reaction }), { result: 'ok' });
    await visitor.poll();
    const reactions = heard(visitor, 'CHAT_MESSAGE').map(delta => (delta.data as unknown as Data)['reaction']);
    assert.deepEqual(reactions, [null, 'like', 'dislike']);
    await eventually(() => operatorHeard('CHAT_MESSAGE', id).length >= 3);
    assert.equal(
      (await visitor.action('chat.react_message', { 'client-side-id': 'nothing', reaction: 'like' })).error,
      'message_not_found',
    );
    assert.equal((await visitor.action('chat.react_message', { 'client-side-id': id, reaction: 'love' })).error, 'wrong-argument-value');
  });

  test('a keyboard is answered once: it is completed, the answer is a message', async () => {
    const { visitor, chatId } = await conversation();
    const buttons = [[{ id: 'y', text: 'Yes' }], [{ id: 'n', text: 'No' }]];
    const keyboard = { chatId: String(chatId), clientSideId: 'kb', message: 'Sure?', buttons: JSON.stringify(buttons) };
    assert.equal((await operator.action('chat.keyboard', keyboard)).result, 'ok');
    await visitor.poll();
    const asked = heard(visitor, 'CHAT_MESSAGE').at(-1)?.data as unknown as { id: string; data: Data; kind: string };
    assert.deepEqual([asked.kind, asked.data], ['keyboard', { state: 'pending', buttons }]);
    visitor.deltas.length = 0;
    const answer = { 'request-message-id': asked.id, 'button-id': 'n' };
    assert.deepEqual(await visitor.action('chat.keyboard_response', answer), { result: 'ok' });
    assert.deepEqual(await visitor.action('chat.keyboard_response', answer), { result: 'ok' }, 'a repeat');
    await visitor.poll();
    const told = heard(visitor, 'CHAT_MESSAGE').map(
      delta => delta.data as unknown as { id: string; kind: string; text: string; data: Data },
    );
    assert.deepEqual(
      told.map(({ kind, text }) => [kind, text]),
      [
        ['keyboard_response', 'No'],
        ['keyboard', 'Sure?'],
      ],
    );
    assert.deepEqual(told[0]?.data, { button: { id: 'n', text: 'No' }, request: { messageId: asked.id } });
    assert.deepEqual(told[1]?.data['response'], { buttonId: 'n', messageId: told[0].id });
    const again = await visitor.action('chat.keyboard_response', { ...answer, 'button-id': 'y' });
    assert.equal(again.error, 'cannot-create-response');
    assert.equal((await visitor.action('chat.keyboard_response', { 'button-id': 'y' })).error, 'request-message-id-not-set');
    assert.equal((await visitor.action('chat.keyboard_response', { 'request-message-id': asked.id })).error, 'button-id-not-set');
    for (const wrong of ['[]', '[[]]', '[[{"id":"a"}]]', '[[{"id":"a","text":"A"},{"id":"a","text":"B"}]]']) {
      const refused = await operator.action('chat.keyboard', { ...keyboard, clientSideId: 'kb-2', buttons: wrong });
      assert.deepEqual([refused.status, refused.argumentName], [400, 'buttons'], wrong);
    }
  });

  test('stickers, contacts asked for and given: operators see the visitor under his name', async () => {
    const { visitor, chatId } = await conversation();
    assert.deepEqual(await visitor.action('sticker', { 'sticker-id': '7', 'client-side-id': 's-1' }), { result: 'ok' });
    assert.equal((await visitor.action('sticker', { 'client-side-id': 's-2' })).error, 'no-sticker-id');
    assert.equal((await operator.action('chat.request_contacts', { chatId: String(chatId) })).result, 'ok');
    const fields = { name: 'Anna', email: 'anna@example.org', id: 'not-mine' };
    assert.deepEqual(await visitor.action('chat.cont_resp', { 'visitor-fields': JSON.stringify(fields) }), { result: 'ok' });
    await visitor.poll();
    assert.deepEqual(
      heard(visitor, 'CHAT_MESSAGE').map(delta => (delta.data as unknown as Data)['kind']),
      ['sticker_visitor', 'cont_req', 'contacts'],
    );
    assert.deepEqual((heard(visitor, 'VISITOR_FULL')[0]?.data as unknown as { fields: Data }).fields, {
      name: 'Anna',
      email: 'anna@example.org',
    });
    await eventually(() =>
      operatorHeard('VISITOR', visitor.page.visitor.id).some(
        ({ data }) => (data as unknown as { visitor: { fields: Data } }).visitor.fields['name'] === 'Anna',
      ),
    );
    await visitor.send('it is me', 'named');
    await visitor.poll();
    assert.equal((heard(visitor, 'CHAT_MESSAGE').at(-1)?.data as unknown as Data)['name'], 'Anna');
  });

  test('an operator is rated in the open chat and after it has ended; an opinion can change', async () => {
    const { visitor, chatId } = await conversation();
    const operatorId = String(((await operator.get('/l/o/me')).data as unknown as Data)['id']);
    assert.deepEqual(await visitor.action('chat.operator_rate_select', { operator_id: operatorId, rate: '1' }), { result: 'ok' });
    await visitor.poll();
    assert.deepEqual(heard(visitor, 'OPERATOR_RATE')[0]?.data, { operatorId: Number(operatorId), rating: 1 });
    await eventually(() => operatorHeard('CHAT', chatId).some(({ data }) => (data as unknown as Data | null)?.['rating'] === 1));
    await operator.action('chat.close', { chatId: String(chatId) });
    assert.deepEqual(await visitor.action('chat.operator_rate_select', { rate: '-2', visitor_note: 'slow' }), { result: 'ok' });
    await eventually(async () => {
      await visitor.poll();
      return (heard(visitor, 'OPERATOR_RATE').at(-1)?.data as unknown as Data)['rating'] === -2;
    });
    const [row] = await single.database.query<{ ratings: unknown }>('select ratings from chat where id = $1', [chatId]);
    assert.deepEqual(row?.ratings, { [operatorId]: { rating: -2, note: 'slow' } });
    const errors = [
      [{ rate: '1', operator_id: '999999' }, 'operator-not-in-chat'],
      [{ rate: '1', visitor_note: 'x'.repeat(2_001) }, 'note-is-too-long'],
      [{ rate: '3' }, 'wrong-argument-value'],
    ] as const;
    for (const [parameters, error] of errors)
      assert.equal((await visitor.action('chat.operator_rate_select', parameters)).error, error, JSON.stringify(parameters));
    const nobody = await Visitor.init(url);
    assert.equal((await nobody.action('chat.operator_rate_select', { rate: '1' })).error, 'no-chat');
  });

  test('a cleared history does not come back, but for the chat that is open; operators keep it', async () => {
    const { visitor, chatId } = await conversation('old words');
    await operator.action('chat.close', { chatId: String(chatId) });
    await visitor.send('new words', 'new');
    assert.deepEqual(await visitor.action('chat.clear_history'), { result: 'ok' });
    const texts = (await history(visitor)).messages.map(message => message['text']);
    assert.deepEqual(texts, ['new words']);
    assert.deepEqual((await history(visitor, { 'before-ts': String(Date.now() * 2_000) })).messages.length, 1);
    assert.match(JSON.stringify(await operator.get(`/l/o/history?chatId=${chatId}`)), /old words/);
  });

  test('search finds what was said to and by this visitor only, whatever stands in the query', async () => {
    const { visitor, chatId } = await conversation('100% wool');
    await operatorSays(chatId, 'Wool it is');
    await operatorSays(chatId, 'wool for us', { kind: 'for_operator' });
    const other = await conversation('wool of another');
    const search = async (query: string): Promise<string[]> => {
      const answer = (await visitor.get('/l/v/m/search-messages', { query })) as { result: string; data: { count: number; items: Data[] } };
      assert.equal(answer.data.count, answer.data.items.length);
      return answer.data.items.map(item => String(item['text']));
    };
    assert.deepEqual(await search('wool'), ['Wool it is', '100% wool']);
    assert.deepEqual(await search('100%'), ['100% wool']);
    assert.deepEqual(await search('%'), ['100% wool']);
    assert.deepEqual(await search('_'), []);
    assert.deepEqual(await search(' '), []);
    assert.ok(other.chatId !== chatId);
  });

  test('the rest of the actions: answered as SDKs expect, and of use to the operator where there is one', async () => {
    const { visitor, chatId } = await conversation();
    const fields = JSON.stringify({ order: '4711' });
    assert.deepEqual(await visitor.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': fields }), { result: 'ok' });
    assert.deepEqual(await visitor.action('geo_response', { latitude: '59.93', longitude: '30.31' }), { result: 'ok' });
    assert.equal((await visitor.action('geo_response', { latitude: '91', longitude: '0' })).error, 'invalid-coordinates-received');
    assert.equal((await visitor.action('geo_response', { latitude: 'north', longitude: '0' })).error, 'invalid-coordinates-received');
    for (const action of ['file_upload_progress', 'widget.update', 'chat.action_request.call_sentry_action_request'])
      assert.deepEqual(await visitor.action(action), { result: 'ok' }, action);
    const answer = { 'survey-id': '1', 'form-id': '1', 'question-id': '0', answer: '5' };
    assert.equal((await visitor.action('survey.answer', answer)).error, 'no-current-survey');
    assert.equal((await visitor.action('survey.cancel', answer)).error, 'no-current-survey');
    assert.equal((await visitor.action('chat.resolution_survey_select')).error, 'rate-disabled');
    assert.deepEqual(await visitor.action('chat.send_chat_history', { email: 'a@example.org' }), { result: 'ok' });
    const seen = JSON.stringify(await operator.get(`/l/o/history?chatId=${chatId}`));
    assert.match(seen, /a@example\.org/);
    assert.ok(!JSON.stringify(await history(visitor)).includes('a@example.org'), 'a note among operators');
    const [row] = await single.database.query<{ fields: Data }>('select fields from visitor where id = $1', [visitor.page.visitor.id]);
    assert.deepEqual(row?.fields, { order: '4711', geo: '59.93, 30.31' });
  });

  test('an offline message is a chat that waits, marked as such', async () => {
    const visitor = await Visitor.init(url);
    const said = { text: 'call me', 'client-side-id': 'off', 'visitor-fields': JSON.stringify({ phone: '+1' }) };
    assert.deepEqual(await visitor.action('chat.offline_message', said), { result: 'ok' });
    await visitor.poll();
    const chat = heard(visitor, 'CHAT')[0]?.data as unknown as Data;
    assert.deepEqual([chat['offline'], chat['state']], [true, 'queue']);
    assert.equal((heard(visitor, 'CHAT_MESSAGE')[0]?.data as unknown as Data)['text'], 'call me');
  });

  test('configs, meta, online status and FAQ answer what SDKs can read', async () => {
    const get = async (path: string): Promise<Data> => (await fetch(`${url}${path}`)).json() as Promise<Data>;
    const { accountConfig, locationSettings } = (await get('/api/visitor/v1/configs/mobile')) as {
      accountConfig: Data;
      locationSettings: Data;
    };
    assert.ok(accountConfig['rate_operator'] === true && 'chat' in locationSettings, 'an SDK that can rate dies without chat settings');
    assert.deepEqual(await get('/api/visitor/meta'), { endpoints: {} });
    for (const path of ['/l/v/get-online-status?location=mobile', '/l/v/m/get-online-status?location=mobile']) {
      const status = await get(path);
      assert.ok(typeof status['onlineOperators'] === 'boolean' && typeof status['onlineStatus'] === 'string', path);
    }
    assert.deepEqual(await get('/services/faq/v1/search?query=a'), []);
    assert.deepEqual((await get('/services/faq/v1/structure?categoryid=1'))['childs'], []);
    assert.deepEqual((await get('/services/faq/v1/item?itemid=1'))['categories'], []);
  });
});

describe('a survey', () => {
  let single: SingleNode;
  let url: string;
  let operator: Operator;
  const survey = {
    id: 7,
    version: '1',
    descriptor: {
      forms: [
        { id: 1, questions: [{ type: 'stars', text: 'How?' }] },
        {
          id: 2,
          questions: [
            { type: 'radio', text: 'Solved?', options: ['Yes', 'No'] },
            { type: 'comment', text: 'Why?' },
          ],
        },
      ],
    },
  };
  const files = new Folder();

  before(async () => {
    files.write('survey.json', JSON.stringify(survey));
    single = await startSingle({ ini: `poll_hold_seconds = 1\nmax_chats_per_operator = 100\nsurvey_file = ${files.path}/survey.json` });
    url = single.node.url;
    operator = await Operator.login(url, 'op', 'correct horse');
  });

  after(async () => {
    await single.stop();
    files.remove();
  });

  async function closedChat(): Promise<{ visitor: Visitor; chatId: number; surveyId: string }> {
    const visitor = await Visitor.init(url);
    await visitor.send('hello', 'hello');
    await visitor.poll();
    const chatId = Number((visitor.deltas.find(delta => delta.objectType === 'CHAT')?.data as { id: number } | undefined)?.id);
    assert.equal((await operator.action('chat.take', { chatId: String(chatId) })).result, 'ok');
    assert.equal((await operator.action('chat.close', { chatId: String(chatId) })).result, 'ok');
    await eventually(async () => {
      await visitor.poll();
      return visitor.deltas.some(delta => delta.objectType === 'SURVEY');
    });
    const offered = visitor.deltas.find(delta => delta.objectType === 'SURVEY')?.data as unknown as {
      id: string;
      config: object;
      current_question: object;
    };
    assert.deepEqual([offered.config, offered.current_question], [survey, { form_id: 1, question_id: 0 }]);
    visitor.deltas.length = 0;
    return { visitor, chatId, surveyId: offered.id };
  }

  const answer = (visitor: Visitor, surveyId: string, form: number, question: number, text: string) =>
    visitor.action('survey.answer', { 'survey-id': surveyId, 'form-id': String(form), 'question-id': String(question), answer: text });

  test('is offered when an operator closes the chat, answered in order, and over with the last answer', async () => {
    const { visitor, chatId, surveyId } = await closedChat();
    assert.equal((await answer(visitor, 'another', 1, 0, '5')).error, 'incorrect-survey-id');
    assert.equal((await answer(visitor, surveyId, 1, 0, '6')).error, 'incorrect-stars-value');
    assert.equal((await answer(visitor, surveyId, 2, 0, '1')).error, 'question-not-found', 'not yet');
    assert.equal((await answer(visitor, surveyId, 3, 0, '1')).error, 'question-not-found');
    assert.deepEqual(await answer(visitor, surveyId, 1, 0, '5'), { result: 'ok' });
    assert.deepEqual(await answer(visitor, surveyId, 1, 0, '5'), { result: 'ok' }, 'a repeat');
    const again = await Visitor.init(url, { visitor: JSON.stringify(visitor.page.visitor) });
    const { survey: known } = again.page as unknown as { survey: { id: string; current_question: object } };
    assert.deepEqual([known.id, known.current_question], [surveyId, { form_id: 2, question_id: 0 }], 'goes on after a restart');
    assert.equal((await answer(visitor, surveyId, 2, 0, '3')).error, 'incorrect-radio-value');
    assert.deepEqual(await answer(visitor, surveyId, 2, 0, '2'), { result: 'ok' });
    assert.equal((await answer(visitor, surveyId, 2, 1, 'x'.repeat(2_001))).error, 'max-comment-length-exceeded');
    assert.deepEqual(await answer(visitor, surveyId, 2, 1, 'because'), { result: 'ok' });
    await eventually(async () => {
      await visitor.poll();
      return visitor.deltas.some(delta => delta.objectType === 'SURVEY' && JSON.stringify(delta.data) === 'null');
    });
    const [row] = await single.database.query<{ answers: { answer: string }[] }>(
      "select survey->'answers' as answers from chat where id = $1",
      [chatId],
    );
    assert.deepEqual(
      row?.answers.map(given => given.answer),
      ['5', '2', 'because'],
    );
  });

  test('is one on all devices of a visitor: each goes on where the other is, what was answered first counts, both are told of its end', async () => {
    const { visitor: phone, chatId, surveyId } = await closedChat();
    const tablet = await Visitor.init(url, { visitor: JSON.stringify(phone.page.visitor) });
    assert.deepEqual(await answer(phone, surveyId, 1, 0, '5'), { result: 'ok' });
    assert.deepEqual(await answer(tablet, surveyId, 1, 0, '2'), { result: 'ok' }, 'it showed the first question still');
    assert.deepEqual(await answer(tablet, surveyId, 2, 0, '1'), { result: 'ok' });
    assert.deepEqual(await answer(phone, surveyId, 2, 0, '2'), { result: 'ok' });
    assert.deepEqual(await answer(phone, surveyId, 2, 1, 'because'), { result: 'ok' });
    for (const device of [phone, tablet])
      await eventually(async () => {
        await device.poll();
        return device.deltas.some(delta => delta.objectType === 'SURVEY' && JSON.stringify(delta.data) === 'null');
      });
    assert.deepEqual(await answer(tablet, surveyId, 2, 1, 'why not'), { result: 'ok' });
    const [row] = await single.database.query<{ given: string }>(
      "select jsonb_path_query_array(survey, '$.answers[*].answer')::text as given from chat where id = $1",
      [chatId],
    );
    assert.equal(row?.given, '["5", "1", "because"]');
    const later = await Visitor.init(url, { visitor: JSON.stringify(phone.page.visitor) });
    assert.equal((later.page as unknown as { survey?: object | null }).survey ?? null, null);
  });

  test('can be cancelled on any device, and is gone with the next chat', async () => {
    const { visitor, surveyId } = await closedChat();
    const tablet = await Visitor.init(url, { visitor: JSON.stringify(visitor.page.visitor) });
    assert.deepEqual(await tablet.action('survey.cancel', { 'survey-id': surveyId }), { result: 'ok' });
    await eventually(async () => {
      await visitor.poll();
      return visitor.deltas.some(delta => delta.objectType === 'SURVEY' && JSON.stringify(delta.data) === 'null');
    });
    assert.equal((await answer(visitor, surveyId, 1, 0, '5')).error, 'no-current-survey');
    const next = await closedChat();
    await next.visitor.send('one more thing', 'more');
    assert.equal((await answer(next.visitor, next.surveyId, 1, 0, '5')).error, 'no-current-survey');
  });

  test('whose file is wrong is a fault of the configuration, told in full', async () => {
    const folder = new Folder();
    folder.write(
      'survey.json',
      JSON.stringify({ ...survey, descriptor: { forms: [{ id: 1, questions: [{ type: 'radio', text: 'x' }] }] } }),
    );
    folder.write('main.ini', 'survey_file = survey.json\n');
    const checked = await chatServer(['check-config'], { cwd: folder.path });
    folder.remove();
    assert.equal(checked.code, 78);
    assert.match(checked.stderr, /survey_file: survey.json: descriptor.forms.0.questions.0: options belong to a radio question/);
  });
});
