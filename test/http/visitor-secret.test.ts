/** A visitor is who proves it: by the secret that his device keeps, never by what operators see of him. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { FIELDS_INI, signFields } from '../support/signed-fields.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

interface Own {
  readonly id: string;
  readonly secret?: string;
}
const ownOf = ({ page }: Visitor): Own => page.visitor;
const object = (own: object): Record<string, string> => ({ visitor: JSON.stringify(own) });

describe('the secret of a visitor', () => {
  let single: SingleNode;
  let url: string;
  let operator: Operator;

  before(async () => {
    single = await startSingle({ ini: `poll_hold_seconds = 1\nassignment_mode = manual\nmax_chats_per_operator = 100\n${FIELDS_INI}` });
    url = single.node.url;
    const added = await single.database.query(`update operator set roles = '["operator", "supervisor", "admin"]' returning id`);
    assert.equal(added.length, 1);
    operator = await Operator.login(url, 'op', 'correct horse');
    await operator.connect();
  });

  after(async () => {
    operator.close();
    await single.stop();
  });

  test('is in the visitor object of each full update, and proves who he is on whatever page', async () => {
    const visitor = await Visitor.init(url);
    const { id, secret } = ownOf(visitor);
    assert.match(secret ?? '', /^0-[0-9a-f]{32}$/);
    await visitor.send('it is me', 'c1');
    visitor.since = '1';
    await visitor.poll();
    assert.deepEqual(ownOf(visitor).secret, secret, 'a full update inside a poll');
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/v/delta?${new URLSearchParams(visitor.credentials).toString()}`);
    const frame = await new Promise<string>((resolve, reject) => {
      socket.on('message', data => resolve((data as Buffer).toString())).on('error', reject);
    });
    socket.terminate();
    assert.equal((JSON.parse(frame) as { fullUpdate: { visitor: Own } }).fullUpdate.visitor.secret, secret, 'over a WebSocket');
    const again = await Visitor.init(url, object(visitor.page.visitor));
    assert.deepEqual([ownOf(again).id, ownOf(again).secret, again.page.chat?.messages[0]?.text], [id, secret, 'it is me']);
    assert.equal(ownOf(await Visitor.init(url, object({ id, secret }))).id, id, 'the rest of the object is for the app');
  });

  test('without it, or with another one, an id is nobody: a new visitor begins', async () => {
    const visitor = await Visitor.init(url);
    await visitor.send('mine', 'c1');
    const { id, secret = '' } = ownOf(visitor);
    const stranger = ownOf(await Visitor.init(url));
    const wrong: unknown[] = [
      undefined,
      null,
      '',
      0,
      {},
      [secret],
      stranger.secret,
      `1${secret.slice(1)}`,
      secret.slice(0, -1),
      `${secret}0`,
      secret.toUpperCase(),
      ` ${secret}`,
      `0-${'0'.repeat(32)}`,
      id,
    ];
    for (const other of wrong) {
      const thief = await Visitor.init(url, object({ ...visitor.page.visitor, secret: other }));
      assert.notEqual(ownOf(thief).id, id, JSON.stringify(other));
      assert.equal(thief.page.chat, null);
    }
    for (const other of [id.toUpperCase(), ` ${id}`, 'x', '', 7, null])
      assert.notEqual(ownOf(await Visitor.init(url, object({ id: other, secret }))).id, id);
    for (const text of ['[]', '"x"', '1', 'null', '{']) {
      const answer = await fetch(`${url}/l/v/m/init?${new URLSearchParams({ visitor: text }).toString()}`);
      assert.equal(((await answer.json()) as { error?: string }).error, 'wrong-argument-value', text);
    }
  });

  test('of another generation proves nothing any more; what the device is told then does', async () => {
    const visitor = await Visitor.init(url);
    await visitor.send('mine', 'c1');
    await single.database.query('update visitor set secret_generation = secret_generation + 1 where id = $1', [ownOf(visitor).id]);
    assert.notEqual(ownOf(await Visitor.init(url, object(visitor.page.visitor))).id, ownOf(visitor).id);
    const elsewhere = await Visitor.init(url, object({ ...ownOf(visitor), secret: ownOf(visitor).secret?.replace(/^0/, '1') ?? '' }));
    assert.notEqual(ownOf(elsewhere).id, ownOf(visitor).id, 'a generation is signed with it');
  });

  test('of a visitor whose devices were locked out is told to none of them, by whatever page they had', async () => {
    const victim = await Visitor.init(url);
    const unwritten = await Visitor.init(url, object(victim.page.visitor));
    await victim.send('mine', 'c1');
    const thief = await Visitor.init(url, object(victim.page.visitor));
    assert.equal(ownOf(thief).id, ownOf(victim).id);
    const docs = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
    const [, sql = ''] = /To lock out a device.*?```sql\n(.*?)```/s.exec(docs) ?? [];
    await single.database.query(sql.replace('…', ownOf(victim).id));
    for (const page of [thief, unwritten])
      for (const since of ['0', '1']) {
        page.since = since;
        assert.equal((await page.poll()).error, 'reinit-required');
        assert.equal((await page.action('chat.message', { message: 'x', 'client-side-id': 'c2' })).error, 'reinit-required');
      }
    assert.notEqual(ownOf(await Visitor.init(url, object(thief.page.visitor))).id, ownOf(victim).id);
  });

  test('is not told of who is signed in, and what a device kept of an anonymous visitor is worth nothing when that one is identified', async () => {
    const anonymous = await Visitor.init(url);
    await anonymous.send('before', 'c1');
    const { id } = ownOf(anonymous);
    await single.database.query(`insert into provided_visitor (provided_id, visitor_id) values ('rotating', $1)`, [id]);
    const signed = await Visitor.init(url, { 'visitor-ext': JSON.stringify(signFields({ id: 'rotating', display_name: 'Ann' })) });
    assert.deepEqual([ownOf(signed).id, ownOf(signed).secret], [id, undefined]);
    const [row] = await single.database.query<{ generation: number }>('select secret_generation as generation from visitor where id = $1', [
      id,
    ]);
    assert.equal(row?.generation, 1);
    assert.notEqual(ownOf(await Visitor.init(url, object(anonymous.page.visitor))).id, id);
    await single.database.query(`update visitor set fields = '{}', verified = '[]' where id = $1`, [id]); // as if it had never been signed
    assert.notEqual(ownOf(await Visitor.init(url, object(anonymous.page.visitor))).id, id, 'the old secret is of the old generation');
  });

  test('is nowhere in what others are told: operators, deltas, files, pushes, the database, the log', async () => {
    const visitor = await Visitor.init(url, { 'push-service': 'fcm', 'push-token': 'device-1' });
    const { id, secret = '' } = ownOf(visitor);
    assert.notEqual(secret, '');
    await visitor.send('hello', 'c1');
    await visitor.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': '{"email": "ann@example.org"}' });
    await visitor.poll();
    assert.ok(visitor.deltas.some(delta => delta.objectType === 'VISITOR_FULL'));
    const chat = await chatOf(id);
    await operator.action('chat.take', { chatId: chat });
    const seen = [...(await everythingOf(id, chat)), JSON.stringify(visitor.deltas), single.node.log()];
    const tables = ['visitor', 'page', 'visit_session', 'chat', 'message', 'change_log', 'chat_history'];
    for (const table of tables) seen.push(JSON.stringify(await single.database.query(`select t::text from ${table} t`)));
    for (const text of seen) assert.ok(!text.includes(secret.slice(2)), text.slice(0, 200));
  });

  test('a thief who has all that operators see of a visitor is nobody, by whatever way he comes', async () => {
    const victim = await Visitor.init(url, { 'device-id': 'the-phone' });
    const { id } = ownOf(victim);
    await victim.send('my account is 42', 'c1');
    const upload = new FormData();
    upload.set('webim_upload_file', new File(['text'], 'a.txt', { type: 'text/plain' }));
    for (const [name, value] of Object.entries({ ...victim.credentials, 'client-side-id': 'f1' })) upload.set(name, value);
    assert.equal((await fetch(`${url}/l/v/m/upload`, { method: 'POST', body: upload })).status, 200);
    const chat = await chatOf(id);
    await operator.action('chat.take', { chatId: chat });
    await operator.action('chat.message', { chatId: chat, message: 'Hello', clientSideId: 'o1' });
    const texts = await everythingOf(id, chat);
    const words = [...new Set(texts.flatMap(text => text.match(/[A-Za-z0-9_.-]{8,}/g) ?? []))];
    assert.ok(words.includes(id), 'operators see the id');
    const session = victim.page.visitSessionId;
    assert.ok(words.includes(session), 'and the visit');

    const ways: Record<string, string>[] = [
      object({ id }),
      { ...object({ id }), 'visit-session-id': session, 'device-id': 'the-phone' },
      { 'visit-session-id': session },
      { 'visitor-ext': JSON.stringify({ fields: { id }, hash: '' }) },
      { 'prechat-key-independent-fields': JSON.stringify({ id }) },
      { provided_visitor: JSON.stringify({ id }) },
      ...words.map(word => object({ id, secret: word })),
      ...words.map(word => object({ id, secret: `0-${word}` })),
      ...words.map(word => ({ provided_auth_token: word })),
    ];
    for (const query of ways) {
      const answer = await fetch(`${url}/l/v/m/init?${new URLSearchParams({ event: 'init', ...query }).toString()}`);
      const { fullUpdate } = (await answer.json()) as { fullUpdate?: { visitor: Own; chat: unknown; visitSessionId: string } };
      assert.ok(fullUpdate?.visitor.id !== id, JSON.stringify(query));
      assert.notEqual(fullUpdate?.visitSessionId, session, JSON.stringify(query));
      assert.equal(fullUpdate?.chat ?? null, null);
    }
    for (const word of [id, ...words.slice(0, 200)]) {
      for (const authorization of [`Bearer ${word}`, `Bearer ${id}${word}`, `Bearer ${word}${word}`]) {
        const info = await fetch(`${url}/l/v/m/info`, { headers: { authorization } });
        assert.deepEqual(await info.json(), { error: 'reinit-required' }, authorization);
        const light = await fetch(`${url}/l/v/m/init`, { headers: { authorization } });
        const body = (await light.json()) as { fullUpdate?: { visitor: Own } };
        assert.notEqual(body.fullUpdate?.visitor.id, id, authorization);
      }
      for (const pageId of [
        id,
        session,
        word,
        `${word}x${Buffer.from(JSON.stringify([id, session, Date.now() / 1_000, '', '', '', '', ''])).toString('base64url')}`,
      ]) {
        for (const path of ['/l/v/m/history', '/l/v/m/delta', '/l/v/m/action']) {
          const answer = await fetch(
            `${url}${path}?${new URLSearchParams({ 'page-id': pageId, 'auth-token': word, action: 'chat.close' }).toString()}`,
          );
          assert.deepEqual(await answer.json(), { error: 'reinit-required' }, `${path} ${pageId} ${word}`);
        }
      }
    }
    const auth = await fetch(`${url}/l/v/m/auth?${new URLSearchParams({ ...object({ id }), 'device-id': 'the-phone' }).toString()}`, {
      method: 'POST',
    });
    const light = (await auth.json()) as { visitor: string };
    assert.notEqual((JSON.parse(light.visitor) as Own).id, id);
    assert.equal((await victim.poll()).error, undefined, 'and nobody has ended his page');
    assert.equal(ownOf(await Visitor.init(url, object(victim.page.visitor))).id, id);
  });

  async function chatOf(visitorId: string): Promise<string> {
    return eventually(async () => {
      const [row] = await single.database.query<{ id: string }>('select id::text from chat where visitor_id = $1', [visitorId]);
      return row?.id ?? false;
    });
  }

  /** All that operators are told of him, as texts. */
  async function everythingOf(visitorId: string, chatId: string): Promise<string[]> {
    const fresh = await Operator.login(url, 'op', 'correct horse');
    await fresh.connect();
    const texts = [JSON.stringify(fresh.fullUpdates), JSON.stringify(operator.deltas), JSON.stringify(operator.fullUpdates)];
    fresh.close();
    const asked = [
      `/l/o/history?chatId=${chatId}`,
      `/l/o/visitor?id=${visitorId}`,
      `/l/o/chats?visitorId=${visitorId}`,
      `/l/o/assignments?chatId=${chatId}`,
      '/l/o/chats',
      '/l/o/delta?since=1',
    ];
    for (const path of asked) texts.push(JSON.stringify(await operator.get(path)));
    return texts;
  }
});

describe('devices of before there were secrets', () => {
  const oldVisitor = async (single: SingleNode): Promise<string> => {
    const id = randomBytes(16).toString('hex');
    await single.database.query(`insert into visitor (id, fields, last_ts_us) values ($1, '{"name": "Old"}', 0)`, [id]);
    return id;
  };

  test('are new visitors, unless they are to be resumed', async () => {
    const single = await startSingle({ ini: 'poll_hold_seconds = 1' });
    try {
      const id = await oldVisitor(single);
      assert.notEqual(ownOf(await Visitor.init(single.node.url, object({ id }))).id, id);
    } finally {
      await single.stop();
    }
  });

  test('with accept-once: are resumed once and given a secret; the bare id is nobody from then on', async () => {
    const single = await startSingle({ ini: 'poll_hold_seconds = 1\nvisitor_bare_ids = accept-once' });
    const { url } = single.node;
    try {
      const id = await oldVisitor(single);
      const first = ownOf(await Visitor.init(url, object({ id })));
      assert.equal(first.id, id);
      assert.equal(
        ownOf(await Visitor.init(url, object({ id }))).id,
        id,
        'the answer may have been lost: within two minutes it is the same resume',
      );
      await single.database.query(`update visitor set bare_resumed_at = bare_resumed_at - interval '3 minutes' where id = $1`, [id]);
      assert.notEqual(ownOf(await Visitor.init(url, object({ id }))).id, id);
      assert.equal(ownOf(await Visitor.init(url, object(first))).id, id, 'by the secret for ever');

      const other = await oldVisitor(single);
      assert.notEqual(ownOf(await Visitor.init(url, object({ id: other, secret: 'x' }))).id, other, 'a wrong secret is no bare id');
      const newcomer = await Visitor.init(url);
      await newcomer.send('hello', 'c1');
      assert.notEqual(
        ownOf(await Visitor.init(url, object({ id: ownOf(newcomer).id }))).id,
        ownOf(newcomer).id,
        'visitors of this version have secrets',
      );
      await single.database.query(`update visitor set fields = '{"id": "signed"}' where id = $1`, [other]);
      assert.notEqual(ownOf(await Visitor.init(url, object({ id: other }))).id, other, 'who was signed in needs a signature');
    } finally {
      await single.stop();
    }
  });

  test('with accept-once: who got a secret on a page that lived on has used up the bare id', async () => {
    const single = await startSingle({ ini: 'poll_hold_seconds = 1\nvisitor_bare_ids = accept-once' });
    try {
      const visitor = await Visitor.init(single.node.url);
      await visitor.send('hello', 'c1');
      const { id } = ownOf(visitor);
      await single.database.query('update visitor set secret_since = null where id = $1', [id]);
      assert.equal(ownOf(await Visitor.init(single.node.url, object(visitor.page.visitor))).id, id);
      assert.notEqual(ownOf(await Visitor.init(single.node.url, object({ id }))).id, id);
    } finally {
      await single.stop();
    }
  });
});
