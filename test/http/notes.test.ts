/**
 * What is said among operators never leaves for a visitor: every kind of message by every way out, and everything an operator
 * can do with a note while the visitor listens on each transport.
 */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { MESSAGE_KINDS, messageId } from '../../src/domain/message.ts';
import { fileWords } from '../../src/protocol/file-objects.ts';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

/** Of a message of this kind, and of nothing else. */
const wordOf = (kind: string): string => `zebra-${kind.replaceAll('_', '-')}`;
const guidOf = (kind: string, visitorId: string): string => createHash('md5').update(`${kind} ${visitorId}`).digest('hex');
/** Written down here by hand: the domain's list is what is tested. */
const AMONG_OPERATORS = ['for_operator'];

/** As the SDKs can read them. */
function wordsOf(kind: string): { readonly text: string; readonly data: object | null } {
  const text = wordOf(kind);
  switch (kind) {
    case 'file_visitor':
    case 'file_operator': {
      const [guid, type] = ['0'.repeat(32), 'text/plain'];
      return fileWords({
        guid,
        visitorId: 'v',
        sender: 's',
        clientSideId: 'c',
        filename: text,
        contentType: type,
        clientContentType: type,
        size: 2,
        image: null,
      });
    }
    case 'keyboard':
      return { text, data: { state: 'pending', buttons: [[{ id: 'yes', text: 'Yes' }]] } };
    case 'keyboard_response':
      return { text, data: { button: { id: 'yes', text }, request: { messageId: 'x' } } };
    case 'sticker_visitor':
      return { text, data: { stickerId: 1 } };
    default:
      return { text, data: null };
  }
}

interface Saying {
  readonly kind: string;
  readonly text: string;
  readonly quote: { readonly state: string; readonly message: object | null } | null;
}

describe('notes among operators', () => {
  let single: SingleNode;
  let url: string;
  let operator: Operator;
  let colleague: Operator;

  before(async () => {
    single = await startSingle({ ini: 'poll_hold_seconds = 1\nmax_chats_per_operator = 100', logins: ['op', 'colleague'] });
    url = single.node.url;
    operator = await Operator.login(url, 'op', 'correct horse');
    colleague = await Operator.login(url, 'colleague', 'correct horse');
    await Promise.all([operator.connect(), colleague.connect()]);
    await colleague.setStatus('online');
  });

  after(async () => {
    operator.close();
    colleague.close();
    await single.stop();
  });

  async function conversation(): Promise<{ visitor: Visitor; chatId: string }> {
    const visitor = await Visitor.init(url);
    await visitor.send('a question', `first-${visitor.page.visitor.id}`);
    await visitor.poll();
    const chatId = String((visitor.deltas.find(delta => delta.objectType === 'CHAT')?.data as { id: number } | undefined)?.id);
    await does('chat.take', { chatId });
    return { visitor, chatId };
  }

  async function does(action: string, parameters: Record<string, string>): Promise<{ id: string; ts_m: number }> {
    const answer = await operator.action(action, parameters);
    assert.equal(answer.result, 'ok', `${action} answered ${JSON.stringify(answer)}`);
    return answer.data as never;
  }

  interface Uploaded {
    readonly status: number;
    readonly error?: string;
    readonly argumentName?: string;
    readonly data: { readonly guid: string };
  }

  /** The parts in this order; `query` in the address. */
  async function upload(parts: readonly (readonly [string, string])[], query: Record<string, string> = {}): Promise<Uploaded> {
    const form = new FormData();
    for (const [name, value] of parts) {
      if (name === 'file') form.append('webim_upload_file', new Blob(['among us']), value);
      else form.append(name, value);
    }
    const response = await fetch(`${url}/l/o/upload?${new URLSearchParams(query).toString()}`, {
      method: 'POST',
      body: form,
      headers: { authorization: `Bearer ${operator.token}` },
    });
    return { status: response.status, ...((await response.json()) as Omit<Uploaded, 'status'>) };
  }

  function link(visitor: Visitor, guid: string): string {
    const { pageId, authToken } = visitor.page;
    const expires = String(Math.floor(Date.now() / 1_000) + 300);
    const hash = createHmac('sha256', authToken)
      .update(guid + expires)
      .digest('hex');
    return `${url}/l/v/m/download/${guid}/x?${new URLSearchParams({ 'page-id': pageId, expires, hash }).toString()}`;
  }

  const history = async (visitor: Visitor, parameters: Record<string, string>): Promise<Saying[]> =>
    ((await visitor.get('/l/v/m/history', parameters)) as { data: { messages: Saying[] } }).data.messages;

  /** The visitor's other device: what a full update tells. */
  const again = async (visitor: Visitor): Promise<Visitor> => Visitor.init(url, { visitor: JSON.stringify(visitor.page.visitor) });

  test('of all kinds of message only those among operators stay inside, whichever way a visitor asks', async () => {
    const { visitor, chatId } = await conversation();
    await does('chat.message', { chatId, message: 'an answer', clientSideId: `last-${chatId}` });
    const visitorId = visitor.page.visitor.id;
    const [first, last] = await single.database.query<{ ts: string }>('select ts_us as ts from message where chat_id = $1 order by ts_us', [
      chatId,
    ]);
    assert.ok(Number(last?.ts) - Number(first?.ts) > MESSAGE_KINDS.length, 'there is room between the two for one of each kind');
    for (const [i, kind] of MESSAGE_KINDS.entries()) {
      const tsUs = Number(first?.ts) + 1 + i;
      await single.database.query(
        `insert into message select (jsonb_populate_record(m, $2)).* from message m where chat_id = $1 and kind = 'operator' order by ts_us desc limit 1`,
        [
          chatId,
          JSON.stringify({
            ts_us: tsUs,
            changed_us: tsUs,
            id: messageId(tsUs, 'a'.repeat(16)),
            kind,
            ...wordsOf(kind),
            sender: 'system',
            client_side_id: `${kind}-${chatId}`,
          }),
        ],
      );
      await single.database.query(
        `insert into file (guid, visitor_id, sender, client_side_id, filename, content_type, client_content_type, size)
         values ($1, $2, 'system', $3, 'f.txt', 'text/plain', 'text/plain', 2)`,
        [guidOf(kind, visitorId), visitorId, `${kind}-${chatId}`],
      );
      await single.database.query(`insert into file_piece values ($1, 0, 'hi')`, [guidOf(kind, visitorId)]);
    }

    const ways: Record<string, () => Promise<unknown>> = {
      'full update': async () => (await again(visitor)).page.chat?.messages,
      'full update by poll': () => visitor.get('/l/v/m/delta', { since: '0', 'respond-immediately': 'true' }),
      'history, what is new': () => history(visitor, { since: String(Number(first?.ts) - 1) }),
      'history, all of it': () => history(visitor, {}),
      'history, what is old': () => history(visitor, { 'before-ts': String(Number(last?.ts) + 1) }),
      search: () => visitor.get('/l/v/m/search-messages', { query: 'zebra' }),
    };
    for (const [way, ask] of Object.entries(ways)) {
      const told = JSON.stringify(await ask());
      for (const kind of MESSAGE_KINDS)
        assert.equal(told.includes(wordOf(kind)), !AMONG_OPERATORS.includes(kind), `${way} ${kind}: ${told.slice(0, 3_000)}`);
    }
    for (const kind of MESSAGE_KINDS) {
      const answer = await fetch(link(visitor, guidOf(kind, visitorId)));
      await answer.arrayBuffer();
      assert.equal(answer.status, AMONG_OPERATORS.includes(kind) ? 404 : 200, `download ${kind}`);
      const taken = (await visitor.get('/l/v/file-delete', { guid: guidOf(kind, visitorId) })) as { error: string };
      assert.equal(taken.error, AMONG_OPERATORS.includes(kind) ? 'file_not_found' : 'file-has-been-sent', `file-delete ${kind}`);
      const asked = await fetch(`${url}/l/o/download/${guidOf(kind, visitorId)}/x`, {
        headers: { authorization: `Bearer ${operator.token}` },
      });
      assert.equal(await asked.text(), 'hi', `operators have ${kind}`);
    }
  });

  test('whatever operators do with notes, a visitor who listens on every transport hears nothing of them', async () => {
    const { visitor, chatId } = await conversation();
    const heard: string[] = [];
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/v/delta?${new URLSearchParams(visitor.credentials).toString()}`);
    socket.on('message', data => heard.push((data as Buffer).toString()));
    await eventually(() => heard.length > 0);
    const other = await again(visitor);
    const polled: unknown[] = [];
    for (const one of [visitor, other]) {
      one.onDelta = delta => polled.push(delta);
      one.startPolling();
    }
    const unread = async (): Promise<unknown> => {
      const [row] = await single.database.query('select unread_by_visitor_since_us, unread_by_visitor_msg_cnt from chat where id = $1', [
        chatId,
      ]);
      return row;
    };
    const before = await unread();

    const note = await does('chat.message', { chatId, message: 'zebra one', clientSideId: `n1-${chatId}`, kind: 'for_operator' });
    // Sent again as an answer, it is the note that it was.
    const repeated = await does('chat.message', { chatId, message: 'zebra one', clientSideId: `n1-${chatId}`, kind: 'operator' });
    assert.equal(repeated.id, note.id);
    await does('chat.edit_message', { chatId, id: note.id, message: 'zebra two' });
    const file = await upload([
      ['file', 'zebra.txt'],
      ['chatId', chatId],
      ['clientSideId', `f1-${chatId}`],
      ['kind', 'for_operator'],
    ]);
    assert.equal(file.status, 200, JSON.stringify(file));
    assert.equal((await fetch(link(visitor, file.data.guid))).status, 404, 'with its guid too');
    const again2 = await upload([
      ['clientSideId', `f1-${chatId}`],
      ['chatId', chatId],
      ['kind', 'operator'],
      ['file', 'zebra.txt'],
    ]);
    assert.equal(again2.data.guid, file.data.guid, 'an upload that is sent again as an answer is the note that it was');
    const second = await does('chat.message', { chatId, message: 'zebra three', clientSideId: `n2-${chatId}`, kind: 'for_operator' });
    await does('chat.delete_message', { chatId, id: second.id });
    const quoting = await does('chat.message', { chatId, message: 'said in public', clientSideId: `q-${chatId}`, quote: note.id });
    await does('chat.edit_message', { chatId, id: quoting.id, message: 'said again' });
    const answer = await visitor.action('chat.message', {
      message: 'and you?',
      'client-side-id': `v-${chatId}`,
      quote: JSON.stringify({ ref: { msgId: note.id } }),
    });
    assert.equal(answer.result, 'ok');
    const like = await visitor.action('chat.react_message', { 'client-side-id': note.id, reaction: 'like' });
    assert.notEqual(like.result, 'ok');
    const [me] = await single.database.query<{ id: string }>(`select id from operator where login = 'colleague'`);
    await does('chat.transfer', { chatId, operatorId: String(me?.id), note: 'zebra four' });
    await colleague.action('chat.message', { chatId, message: 'the end', clientSideId: `end-${chatId}` });

    await eventually(() => heard.some(frame => frame.includes('the end')));
    await eventually(() => JSON.stringify(polled).split('the end').length === 3);
    await Promise.all([visitor.stop(), other.stop()]);
    socket.terminate();
    for (const told of [heard.join(), JSON.stringify(polled)]) {
      assert.match(told, /said in public/);
      assert.doesNotMatch(told, /zebra|for_operator/);
      assert.ok(!told.includes(note.id) && !told.includes(file.data.guid));
    }
    assert.deepEqual(await unread(), {
      ...(before as object),
      unread_by_visitor_msg_cnt: 2,
      unread_by_visitor_since_us: String(quoting.ts_m),
    });

    const kept = (await operator.get(`/l/o/history?chatId=${chatId}`)).data as unknown as {
      messages: (Saying & { data: { file?: object } | null })[];
    };
    const notes = kept.messages.filter(({ kind }) => kind === 'for_operator');
    assert.deepEqual(
      notes.map(({ text }) => text),
      ['zebra two', 'zebra.txt', 'zebra four'],
      'colleagues have them',
    );
    assert.ok(notes[1]?.data?.file !== undefined);
    for (const message of kept.messages.filter(({ quote }) => quote !== null))
      assert.deepEqual(message.quote, { state: 'not-found', message: null });
  });

  test('an upload is a note wherever and in whatever order it says so, and an unknown word sends nothing', async () => {
    const { chatId } = await conversation();
    const kindsOf = async (): Promise<string[]> =>
      (await single.database.query<{ kind: string }>('select kind from message where chat_id = $1 order by ts_us', [chatId])).map(
        ({ kind }) => kind,
      );
    const file = ['file', 'a.txt'] as const;
    const where = (id: string) =>
      [
        ['chatId', chatId],
        ['clientSideId', `${id}-${chatId}`],
      ] as const;
    const note = ['kind', 'for_operator'] as const;
    const asNote: [string, readonly (readonly [string, string])[], Record<string, string>][] = [
      ['before the file', [note, ...where('1'), file], {}],
      ['behind the file', [file, ...where('2'), note], {}],
      ['in the address', [file, ...where('3')], { kind: 'for_operator' }],
      ['in the address, an answer in the form', [['kind', 'operator'], file, ...where('4')], { kind: 'for_operator' }],
      ['in the form, an answer in the address', [note, file, ...where('5')], { kind: 'operator' }],
      ['all in the address', [file], { kind: 'for_operator', chatId, clientSideId: `6-${chatId}` }],
    ];
    for (const [title, parts, query] of asNote) {
      const answer = await upload(parts, query);
      assert.equal(answer.status, 200, `${title}: ${JSON.stringify(answer)}`);
    }
    assert.deepEqual(await kindsOf(), ['visitor', ...asNote.map(() => 'for_operator')]);

    const many = Array.from({ length: 31 }, (_, i) => [`x${i}`, ''] as const);
    const refused: [string, readonly (readonly [string, string])[], Record<string, string>][] = [
      ['an unknown word', [['kind', 'note'], file, ...where('7')], {}],
      ['an unknown word in the address', [file, ...where('8')], { kind: 'file_for_operators' }],
      ['both words', [note, ['kind', 'operator'], file, ...where('9')], {}],
      ['so many parts that one is left out', [file, ...where('10'), ...many, note], {}],
      ['a word that is cut', [file, ...where('11'), ['kind', `operator${' '.repeat(70_000)}`]], {}],
    ];
    for (const [title, parts, query] of refused) {
      const answer = await upload(parts, query);
      assert.equal(answer.error, 'wrong-argument-value', `${title}: ${JSON.stringify(answer)}`);
    }
    assert.equal((await kindsOf()).length, 1 + asNote.length, 'nothing was sent');
    const answer = await upload([file, ...where('12')]);
    assert.equal(answer.status, 200);
    assert.equal((await kindsOf()).at(-1), 'file_operator');
  });

  test('a file in a note is not worded anew, and no text pretends to be one', async () => {
    const { chatId } = await conversation();
    await upload([
      ['file', 'b.txt'],
      ['chatId', chatId],
      ['clientSideId', `b-${chatId}`],
      ['kind', 'for_operator'],
    ]);
    const [row] = await single.database.query<{ id: string }>(`select id from message where chat_id = $1 and kind = 'for_operator'`, [
      chatId,
    ]);
    const edited = await operator.action('chat.edit_message', { chatId, id: row?.id ?? '', message: 'other words' });
    assert.equal(edited.error, 'not-allowed');
    const forged = await operator.action('chat.message', {
      chatId,
      message: 'x',
      clientSideId: `x-${chatId}`,
      kind: 'for_operator',
      data: JSON.stringify({ file: { desc: { guid: '../x', filename: 'x' } } }),
    });
    assert.deepEqual([forged.error, forged.argumentName], ['wrong-argument-value', 'data']);
  });

  test('nothing of a note is written into the log of the node', async () => {
    const { chatId } = await conversation();
    await does('chat.message', { chatId, message: 'zebra in the log', clientSideId: `log-${chatId}`, kind: 'for_operator' });
    assert.doesNotMatch(single.node.log(), /zebra in the log/);
  });
});
