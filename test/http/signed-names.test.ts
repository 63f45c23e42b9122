/** What the site has signed of a visitor changes by a signature alone, and operators see what that is. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { FIELDS_INI, type Fields, signFields } from '../support/signed-fields.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

interface Shown {
  readonly fields: Fields;
  readonly verified: readonly string[];
}

describe('signed names of a visitor', () => {
  let single: SingleNode;
  let url: string;
  let operator: Operator;
  let next = 0;

  before(async () => {
    single = await startSingle({ ini: `poll_hold_seconds = 1\nassignment_mode = manual\nmax_chats_per_operator = 100\n${FIELDS_INI}` });
    url = single.node.url;
    operator = await Operator.login(url, 'op', 'correct horse');
    await operator.connect();
  });

  after(async () => {
    operator.close();
    await single.stop();
  });

  const signed = (fields: Fields, more: Record<string, string> = {}): Promise<Visitor> =>
    Visitor.init(url, { 'visitor-ext': JSON.stringify(signFields(fields)), ...more });
  const THIEF = { display_name: 'Support', email: 'thief@example.org', phone: '666', id: '1', shoe: '43' };
  const told = JSON.stringify(THIEF);

  async function chatOf({ page }: Visitor): Promise<string> {
    return eventually(async () => {
      const [row] = await single.database.query<{ id: string }>(
        'select id::text from chat where visitor_id = $1 order by id desc limit 1',
        [page.visitor.id],
      );
      return row?.id ?? false;
    });
  }

  /** In each object that operators get. */
  async function shown(visitor: Visitor): Promise<Shown> {
    const { id } = visitor.page.visitor;
    const chatId = await chatOf(visitor);
    const card = (await operator.get(`/l/o/visitor?id=${id}`)).data as unknown as Shown & { chats: { visitor: Shown }[] };
    const found = (await operator.get(`/l/o/chats?visitorId=${id}`)).data as unknown as { chats: { visitor: Shown }[] };
    const fresh = await Operator.login(url, 'op', 'correct horse');
    await fresh.connect();
    const chats = (fresh.fullUpdates[0]?.chats ?? []) as unknown as { id: number; visitor: Shown }[];
    fresh.close();
    const all = [card, card.chats[0]?.visitor, found.chats[0]?.visitor, chats.find(chat => String(chat.id) === chatId)?.visitor];
    for (const one of all) {
      const fields = one?.fields ?? {};
      assert.deepEqual(one?.verified, card.verified);
      // Lists have room for a part of what is told, and for the beginning of what is long: what is signed is always there.
      const isWhole = JSON.stringify(card.fields).length < 1_000;
      if (isWhole || one === card) assert.deepEqual(fields, card.fields);
      for (const name of card.verified) assert.ok(fields[name] !== undefined, `${name} is there`);
      for (const [name, value] of Object.entries(fields)) assert.ok(card.fields[name]?.startsWith(value), `${name} as it is`);
    }
    return { fields: card.fields, verified: card.verified };
  }

  const ways: [string, (visitor: Visitor) => Promise<unknown>][] = [
    ['chat.start, custom_fields', visitor => visitor.action('chat.start', { 'client-side-id': 's', custom_fields: told })],
    ['chat.start, visitor-fields', visitor => visitor.action('chat.start', { 'client-side-id': 's', 'visitor-fields': told })],
    ['chat.cont_resp', visitor => visitor.action('chat.cont_resp', { 'visitor-fields': told })],
    ['chat.set_prechat_fields', visitor => visitor.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': told })],
    [
      'chat.offline_message',
      visitor => visitor.action('chat.offline_message', { text: 'x', 'client-side-id': 'o', 'visitor-fields': told }),
    ],
    ['geo_response', visitor => visitor.action('geo_response', { latitude: '1', longitude: '2' })],
  ];
  for (const [name, way] of ways)
    test(`are not changed by ${name}`, async () => {
      next += 1;
      const site = { id: `customer-${next}`, display_name: 'Anna', email: 'anna@example.org' };
      const visitor = await signed(site);
      await visitor.send('hello', 'h');
      assert.deepEqual(await way(visitor), { result: 'ok' });
      const { fields, verified } = await shown(visitor);
      assert.deepEqual({ id: fields['id'], display_name: fields['display_name'], email: fields['email'] }, site);
      assert.deepEqual(verified, ['display_name', 'email', 'id']);
      if (name !== 'geo_response') assert.deepEqual([fields['phone'], fields['shoe']], ['666', '43'], 'what was not signed may be told');
      await visitor.send('still me', 'h2');
      const [message] = await single.database.query<{ name: string }>(
        'select name from message where visitor_id = $1 order by ts_us desc',
        [visitor.page.visitor.id],
      );
      assert.equal(message?.name, 'Anna');
    });

  test('are not changed by what comes with an init, and operators are told of changes with what is signed', async () => {
    const site = { id: 'customer-init', display_name: 'Anna' };
    const visitor = await signed(site, { 'prechat-key-independent-fields': told });
    await visitor.send('hello', 'h');
    assert.deepEqual(await shown(visitor), {
      fields: { id: 'customer-init', display_name: 'Anna', email: 'thief@example.org', phone: '666', shoe: '43' },
      verified: ['display_name', 'id'],
    });
    await signed({ ...site, display_name: 'Anna B.', email: 'anna@example.org' }, { 'prechat-key-independent-fields': told });
    const delta = await eventually(() => {
      const last = operator.deltas.findLast(({ objectType, id }) => objectType === 'VISITOR' && id === visitor.page.visitor.id);
      return (last?.data as { visitor: Shown } | undefined)?.visitor ?? false;
    });
    assert.deepEqual([delta.fields['email'], delta.verified], ['anna@example.org', ['display_name', 'email', 'id']]);
    assert.deepEqual((await shown(visitor)).fields['display_name'], 'Anna B.');
    await signed({ id: site.id, email: '' });
    assert.deepEqual((await shown(visitor)).verified, ['display_name', 'id'], 'the site takes away what it has signed');
  });

  test('are kept when there is no room for all that is told', async () => {
    const visitor = await signed({ id: 'customer-room', comment: 'x'.repeat(900) });
    await visitor.send('hello', 'h');
    for (let i = 0; i < 3; i++) {
      const many = Object.fromEntries(Array.from({ length: 18 }, (_, n) => [`field-${i}-${n}`, 'y'.repeat(950)]));
      await visitor.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': JSON.stringify(many) });
    }
    const { fields, verified } = await shown(visitor);
    assert.deepEqual([fields['id'], fields['comment']?.length, verified], ['customer-room', 900, ['comment', 'id']]);
  });

  test('of an anonymous visitor there are none, whatever is told', async () => {
    const visitor = await Visitor.init(url, { 'prechat-key-independent-fields': told });
    await visitor.send('hello', 'h');
    const { fields, verified } = await shown(visitor);
    assert.deepEqual([fields['id'], fields['display_name'], verified], [undefined, 'Support', []]);
  });
});
