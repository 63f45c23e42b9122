/**
 * A device that inits again leaves an older page behind. What it still has to send under that page's token is taken for a day, and
 * two sessions of one device live side by side. Only what is truly gone is refused.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { FIELDS_INI, signFields } from '../support/signed-fields.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

describe('an older page of a device', () => {
  let single: SingleNode;
  let url: string;

  before(async () => {
    single = await startSingle({ ini: `poll_hold_seconds = 20\nassignment_mode = manual\n${FIELDS_INI}` });
    url = single.node.url;
  });
  after(() => single.stop());

  const again = (visitor: Visitor, device: string, more: Record<string, string> = {}): Promise<Visitor> =>
    Visitor.init(url, {
      'device-id': device,
      visitor: JSON.stringify(visitor.page.visitor),
      'visit-session-id': visitor.page.visitSessionId,
      ...more,
    });
  const upload = async (visitor: Visitor): Promise<{ error?: string }> => {
    const form = new FormData();
    const fields = { 'chat-mode': 'online', 'client-side-id': `file-${Math.random()}`, ...visitor.credentials };
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set('webim_upload_file', new Blob(['words'], { type: 'text/plain' }), 'words.txt');
    return (await (await fetch(`${url}/l/v/m/upload`, { method: 'POST', body: form })).json()) as { error?: string };
  };
  /** A poll that is held, after those that had something to tell. */
  async function holding(visitor: Visitor, sessionsBefore: number): Promise<{ readonly answer: ReturnType<Visitor['poll']> }> {
    for (;;) {
      const answer = visitor.poll();
      const isHeld = eventually(async () => (await single.node.metric('hub_sessions')) > sessionsBefore).then(() => true);
      if (await Promise.race([isHeld, answer.then(() => false)])) return { answer };
    }
  }
  let ids = 0;
  /** Every kind of call that an app makes of a page. */
  const CALLS: Record<string, (visitor: Visitor) => Promise<{ error?: string }>> = {
    'a message': visitor => visitor.action('chat.message', { message: `words ${ids}`, 'client-side-id': `c${ids++}` }),
    typing: visitor => visitor.action('chat.visitor_typing', { typing: 'true', 'message-draft': 'w' }),
    'having read': visitor => visitor.action('chat.read_by_visitor'),
    fields: visitor => visitor.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': '{"name": "Ada"}' }),
    'a token of pushes': visitor => visitor.action('set_push_token', { 'push-token': 'none' }),
    'a file': upload,
    'the history': visitor => visitor.get('/l/v/m/history'),
    'a search': visitor => visitor.get('/l/v/m/search-messages', { query: 'words' }),
    'a poll that has something to tell': visitor => visitor.get('/l/v/m/delta', { since: '1' }),
  };

  for (const [kind, begin] of [
    ['with rows', (visitor: Visitor) => visitor.send('hello', 'hello')],
    ['without rows', () => Promise.resolve()],
  ] as const)
    for (const [call, make] of Object.entries(CALLS))
      test(`${kind} goes on: ${call}`, async () => {
        const device = `device ${kind} ${call}`;
        const first = await Visitor.init(url, { 'device-id': device });
        await begin(first);
        const second = await again(first, device);
        assert.equal(second.page.visitor.id, first.page.visitor.id);
        assert.notEqual(second.page.pageId, first.page.pageId);
        assert.equal((await make(first)).error, undefined);
        assert.equal((await make(second)).error, undefined);
      });

  for (const kind of ['with rows', 'without rows'])
    test(`${kind}: its held poll is answered once, without an error; the next one is held`, async () => {
      const first = await Visitor.init(url, { 'device-id': `held ${kind}` });
      if (kind === 'with rows') await first.send('hello', 'hello');
      const sessions = await single.node.metric('hub_sessions');
      const { answer: held } = await holding(first, sessions);
      const second = await again(first, `held ${kind}`);
      assert.equal((await held).error, undefined);
      const { answer: next } = await holding(first, sessions);
      await second.send('from the other one', 'other');
      const heard = JSON.stringify(await next);
      assert.match(heard, /from the other one/, 'it hears what the other one says');
    });

  test('two sessions of one device do not chase each other', async () => {
    const first = await Visitor.init(url, { 'device-id': 'shared' });
    await first.send('hello', 'hello');
    const sessions = [first, await again(first, 'shared'), await again(first, 'shared')];
    for (const session of sessions) session.startPolling();
    for (const [i, session] of sessions.entries()) await session.send(`words of ${i}`, `w${i}`);
    for (const session of sessions)
      await eventually(() => {
        const texts = JSON.stringify([session.page, session.deltas]);
        return [0, 1, 2].every(i => texts.includes(`words of ${i}`));
      });
    await Promise.all(sessions.map(session => session.stop()));
  });

  test('pushes go to the newest page, once; a token that is taken back under the older one is taken back', async () => {
    const push = { 'push-service': 'fcm', 'push-token': 'token-1' };
    const first = await Visitor.init(url, { 'device-id': 'pushed', ...push });
    await again(first, 'pushed', push);
    const targets = () =>
      single.database.query(
        'select from page where visitor_id = $1 and ended_at is null and replaced_at is null and push_token is not null',
        [first.page.visitor.id],
      );
    assert.equal((await targets()).length, 1);
    assert.equal((await first.action('set_push_token', { 'push-token': 'none' })).error, undefined);
    assert.equal((await targets()).length, 0);
  });

  describe('is refused', () => {
    const seenHoursAgo = (hours: number) => (visitor: Visitor) =>
      single.database.query(`update page set seen_at = clock_timestamp() - interval '${hours} hours' where id = $1`, [visitor.page.pageId]);

    test('after a day without a call, and not before', async () => {
      for (const [hours, error] of [
        [23, undefined],
        [25, 'reinit-required'],
      ] as const) {
        const device = `late-${hours}`;
        // With rows, and not looked up before: a node keeps what it knows for a minute.
        const first = await Visitor.init(url, { 'device-id': device, 'prechat-key-independent-fields': '{"name": "Ada"}' });
        await again(first, device);
        await seenHoursAgo(hours)(first);
        assert.equal((await first.action('chat.message', { message: 'late', 'client-side-id': device })).error, error, `${hours} hours`);
      }
    });

    test('when somebody else signs in on the device', async () => {
      const [anna, boris] = ['anna', 'boris'].map(id => ({ 'visitor-ext': JSON.stringify(signFields({ id })), 'device-id': 'family' }));
      const first = await Visitor.init(url, anna);
      await first.send('hello', 'hello');
      await Visitor.init(url, boris);
      for (const make of Object.values(CALLS)) assert.equal((await make(first)).error, 'reinit-required');
      // Nobody ends another's pages without a signature.
      const later = await Visitor.init(url, anna);
      await Visitor.init(url, { 'device-id': 'family' });
      assert.equal((await later.action('chat.read_by_visitor')).error, undefined);
    });

    test('when the visitor is kept out', async () => {
      const first = await Visitor.init(url, { 'device-id': 'banned' });
      await first.send('bad words', 'bad');
      await again(first, 'banned');
      await single.database.query(`update operator set roles = '["operator", "supervisor"]'`);
      const operator = await Operator.login(url, 'op', 'correct horse');
      await operator.connect();
      const [chat] = await single.database.query<{ id: string }>('select id::text from chat where visitor_id = $1', [
        first.page.visitor.id,
      ]);
      assert.equal((await operator.action('chat.take', { chatId: chat?.id ?? '' })).result, 'ok');
      assert.equal((await operator.action('visitor.ban', { visitorId: first.page.visitor.id, reason: 'x' })).result, 'ok');
      assert.equal((await first.action('chat.message', { message: 'more', 'client-side-id': 'more' })).error, 'visitor_banned');
      operator.close();
    });

    test('with the token of another page', async () => {
      const first = await Visitor.init(url, { 'device-id': 'tokens' });
      const second = await again(first, 'tokens');
      const mixed = { ...first.credentials, 'auth-token': second.page.authToken };
      const answer = await fetch(`${url}/l/v/m/history?${new URLSearchParams(mixed).toString()}`);
      assert.equal(((await answer.json()) as { error?: string }).error, 'reinit-required');
    });
  });

  test('inits of one visitor are paced: in ten seconds some thirty at most', async () => {
    const first = await Visitor.init(url, { 'device-id': 'hot' });
    await first.send('hello', 'hello');
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 60 }, () => again(first, 'hot').then(() => 'ok', String)));
    const seconds = (performance.now() - began) / 1_000;
    const let_in = answers.filter(answer => answer === 'ok').length;
    assert.ok(let_in >= 5 && let_in <= 14 + 2 * seconds, `${let_in} of 60 in ${seconds.toFixed(1)} s`);
  });
});
