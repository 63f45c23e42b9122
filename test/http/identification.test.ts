/** Who a visitor is: signed by the customer's site, or vouched for by its backend; on every device, and nobody else. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Fields, PUBLISHED_INI, signFields, signPublished } from '../support/signed-fields.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

const BACKEND_KEY = 'the key of the backend, as long as it must be';
const signed = (fields: Fields, expires?: number): string => JSON.stringify(signFields(fields, { expires }));

describe('who a visitor is', () => {
  let single: SingleNode;
  let url: string;

  before(async () => {
    single = await startSingle({ ini: `poll_hold_seconds = 1\n${PUBLISHED_INI}\nbackend_key = ${BACKEND_KEY}` });
    url = single.node.url;
  });

  after(() => single.stop());

  const anna = { id: 'customer-1', display_name: 'Anna', email: 'anna@example.org' };
  const initError = async (query: Record<string, string>): Promise<string> => {
    const answer = await fetch(`${url}/l/v/m/init?${new URLSearchParams({ event: 'init', ...query }).toString()}`);
    return ((await answer.json()) as { error: string }).error;
  };
  const provide = (body: object, key = BACKEND_KEY) =>
    fetch(`${url}/api/v2/rt/provide_visitor_fields`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('one id on two devices is one visitor with one history, live on both', async () => {
    const phone = await Visitor.init(url, { 'visitor-ext': signed(anna), 'device-id': 'phone' });
    const tablet = await Visitor.init(url, { 'visitor-ext': signed(anna), 'device-id': 'tablet' });
    assert.equal(phone.page.visitor.id, tablet.page.visitor.id);
    assert.deepEqual((tablet.page.visitor as unknown as { fields: object }).fields, anna);
    await phone.send('from the phone', 'p-1');
    await tablet.poll();
    const said = tablet.deltas.find(delta => delta.objectType === 'CHAT_MESSAGE')?.data as { text: string; name: string } | undefined;
    assert.deepEqual([said?.text, said?.name], ['from the phone', 'Anna']);
    const history = (await tablet.get('/l/v/m/history')) as { data: { messages: { text: string }[] } };
    assert.deepEqual(
      history.data.messages.map(({ text }) => text),
      ['from the phone'],
    );
  });

  test('two devices that come for the first time at once are one visitor', async () => {
    const ext = signed({ id: 'customer-2' });
    const visitors = await Promise.all(
      Array.from({ length: 10 }, (_, i) => Visitor.init(url, { 'visitor-ext': ext, 'device-id': `d-${i}` })),
    );
    assert.equal(new Set(visitors.map(visitor => visitor.page.visitor.id)).size, 1);
  });

  test('fields that change are taken over, in the open chat too', async () => {
    const visitor = await Visitor.init(url, { 'visitor-ext': signed({ id: 'customer-3', display_name: 'Old' }) });
    await visitor.send('hello', 'h');
    const again = await Visitor.init(url, { 'visitor-ext': signed({ id: 'customer-3', display_name: 'New' }) });
    assert.equal((again.page.visitor as unknown as { fields: { display_name: string } }).fields.display_name, 'New');
  });

  test('without the signature nobody is that visitor, even with the object that his device has kept', async () => {
    const known = await Visitor.init(url, { 'visitor-ext': signed({ id: 'customer-4' }) });
    const stranger = await Visitor.init(url, { visitor: JSON.stringify(known.page.visitor) });
    assert.notEqual(stranger.page.visitor.id, known.page.visitor.id);
    assert.deepEqual((stranger.page.visitor as unknown as { fields: object }).fields, {});
    const claimed = await Visitor.init(url, { 'prechat-key-independent-fields': JSON.stringify({ id: 'customer-4', shoe: '43' }) });
    assert.deepEqual(
      (claimed.page as unknown as { visitorFull: { fields: object } }).visitorFull.fields,
      { shoe: '43' },
      'an id is only taken signed',
    );
  });

  test('wrong, expired and unreadable signatures are refused in the words that SDKs know', async () => {
    const right = signFields(anna);
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const cases: [object, string][] = [
      [{ ...right, signed: right.signed.replace('customer-1', 'customer-9') }, 'wrong-provided-visitor-hash-value'],
      [{ ...right, hash: '' }, 'wrong-provided-visitor-hash-value'],
      [{ ...right, key: 'another' }, 'wrong-provided-visitor-hash-value'],
      [signFields(anna, { expires: nowSeconds + 40 * 86_400 }), 'wrong-provided-visitor-expires-value'],
      [signFields({ ...anna, role: 'admin' }), 'wrong-argument-value'],
      [JSON.parse(signed(anna, nowSeconds - 100)) as object, 'provided-visitor-expired'],
      [{ fields: anna }, 'wrong-provided-visitor-hash-value'],
      [[1], 'wrong-argument-value'],
    ];
    for (const [ext, error] of cases) assert.equal(await initError({ 'visitor-ext': JSON.stringify(ext) }), error, JSON.stringify(ext));
    assert.equal(await initError({ 'visitor-ext': '{' }), 'wrong-argument-value');
    await Visitor.init(url, { 'visitor-ext': signed(anna, nowSeconds + 100) });
    const published = await Visitor.init(url, { 'visitor-ext': JSON.stringify(signPublished(anna)) });
    const ours = await Visitor.init(url, { 'visitor-ext': signed(anna) });
    assert.equal(published.page.visitor.id, ours.page.visitor.id, 'the same customer, whatever the version');
  });

  test('an id may be as long as the database can find it by, whatever its letters', async () => {
    // Drawn at random, so that nothing of it can be compressed.
    const id = Array.from({ length: 867 }, () => String.fromCharCode(randomInt(0x4e00, 0x9f00))).join('');
    const visitors = [1, 2].map(() => Visitor.init(url, { 'visitor-ext': signed({ id: id.slice(1) }) }));
    const [first, second] = await Promise.all(visitors);
    assert.equal(first?.page.visitor.id, second?.page.visitor.id);
    assert.equal(await initError({ 'visitor-ext': signed({ id }) }), 'wrong-argument-value');
    assert.equal((await provide({ provided_auth_token: 'token-long', fields: { id } })).status, 400);
  });

  test('a token is nobody until the backend has vouched for it', async () => {
    const query = { provided_auth_token: 'token-1' };
    assert.equal(await initError(query), 'provided-auth-token-not-found');
    assert.equal(
      (await provide({ provided_auth_token: 'token-1', fields: { id: 'customer-5', display_name: 'Eve' } }, 'wrong')).status,
      401,
    );
    assert.equal((await provide({ provided_auth_token: 'token-1', fields: { display_name: 'nobody' } })).status, 400);
    for (const fields of [{ id: 'customer-5', role: 'admin' }, { id: { $ne: '' } }, ['customer-5'], { id: 2 ** 60 }])
      assert.equal((await provide({ provided_auth_token: 'token-1', fields })).status, 400, JSON.stringify(fields));
    assert.equal(await initError(query), 'provided-auth-token-not-found');
    const done = await provide({ provided_auth_token: 'token-1', fields: { id: 'customer-5', display_name: 'Bob' } });
    assert.deepEqual(await done.json(), { result: 'ok' });
    const bob = await Visitor.init(url, query);
    assert.equal((bob.page.visitor as unknown as { fields: { display_name: string } }).fields.display_name, 'Bob');
    const bySignature = await Visitor.init(url, { 'visitor-ext': signed({ id: 'customer-5', display_name: 'Bob' }) });
    assert.equal(bySignature.page.visitor.id, bob.page.visitor.id, 'the same customer either way');
    const [row] = await single.database.query<{ token_hash: string }>('select token_hash from provided_token');
    assert.match(String(row?.token_hash), /^[0-9a-f]{64}$/, 'tokens are not kept');
  });

  test('the light mode: a token that asks what is unread, and goes on as the same visitor', async () => {
    const light = (await (await fetch(`${url}/l/v/m/auth?device-id=d&location=mobile&platform=ios`, { method: 'POST' })).json()) as {
      authToken: string;
      visitor: string;
    };
    const { id } = JSON.parse(light.visitor) as { id: string };
    const headers = { authorization: `Bearer ${light.authToken}` };
    const info = async (): Promise<unknown> => (await fetch(`${url}/l/v/m/info`, { headers })).json();
    assert.deepEqual(await info(), { unreadMessagesCount: 0, historyLastChangeTs: 0 });
    const full = (await (await fetch(`${url}/l/v/m/init`, { headers })).json()) as { fullUpdate: { visitor: { id: string } } };
    assert.equal(full.fullUpdate.visitor.id, id);
    assert.deepEqual(await (await fetch(`${url}/l/v/m/info`)).json(), { error: 'reinit-required' });
    const forged = { authorization: `Bearer ${'0'.repeat(64)}` };
    assert.deepEqual(await (await fetch(`${url}/l/v/m/info`, { headers: forged })).json(), { error: 'reinit-required' });
  });
});
