/** What operators keep for themselves and each other: canned answers and their passwords. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { type SingleNode, startSingle } from '../support/single.ts';

const PASSWORD = 'correct horse';

interface Canned {
  readonly id: number;
  readonly scope: string;
  readonly departmentKey: string | null;
  readonly lang: string;
  readonly shortcut: string;
  readonly text: string;
}

async function run(single: SingleNode, ...args: string[]): Promise<void> {
  const done = await chatServer(args, { cwd: single.folder.path });
  if (done.code !== 0) throw new Error(done.stderr);
}

/** Adds an operator and logs him in. */
async function staff(single: SingleNode, login: string, ...flags: string[]): Promise<Operator> {
  await run(single, 'operator', 'add', '--login', login, '--fullname', login, '--password', PASSWORD, ...flags);
  return Operator.login(single.node.url, login, PASSWORD);
}

describe('canned answers', () => {
  let single: SingleNode;
  let seller: Operator;
  let keeper: Operator;
  let chief: Operator;
  let admin: Operator;

  before(async () => {
    single = await startSingle({ logins: [] });
    for (const key of ['sales', 'stock']) await run(single, 'department', 'add', '--key', key, '--name', key);
    seller = await staff(single, 'seller', '--departments', 'sales');
    keeper = await staff(single, 'keeper', '--departments', 'stock');
    chief = await staff(single, 'chief', '--departments', 'sales', '--roles', 'operator,supervisor');
    admin = await staff(single, 'admin', '--roles', 'admin');
  });

  after(() => single.stop());

  const save = (by: Operator, parameters: Record<string, string>) =>
    by.post('/l/o/canned-answers', { scope: 'own', text: 'some words', ...parameters });
  const remove = (by: Operator, id: number) => by.post('/l/o/canned-answers/remove', { id: String(id) });

  async function saved(by: Operator, parameters: Record<string, string>): Promise<number> {
    const answer = await save(by, parameters);
    assert.deepEqual([answer.status, answer.result], [200, 'ok'], JSON.stringify(answer));
    return (answer.data as unknown as { id: number }).id;
  }

  async function list(by: Operator, query: Record<string, string> = {}): Promise<Canned[]> {
    const answer = await by.get(`/l/o/canned-answers?${new URLSearchParams(query).toString()}`);
    assert.deepEqual([answer.status, answer.result], [200, 'ok'], JSON.stringify(answer));
    return (answer.data as unknown as { answers: Canned[] }).answers;
  }

  const shortcuts = async (by: Operator, query: Record<string, string> = {}): Promise<string[]> =>
    (await list(by, query)).map(({ shortcut }) => shortcut);

  /** Refused so, and nobody's answers are others than before. */
  async function refused(call: () => Promise<{ status: number; error?: string }>, status: number, error: string): Promise<void> {
    const all = () => single.database.query('select * from canned_answer order by id');
    const before = await all();
    const answer = await call();
    assert.deepEqual([answer.status, answer.error], [status, error], JSON.stringify(answer));
    assert.deepEqual(await all(), before);
  }

  test('are saved, changed and removed by whom they belong to', async () => {
    const id = await saved(seller, { shortcut: 'hello', text: 'Hello!\nHow can I help? 👋', lang: 'en' });
    const shown = { id, scope: 'own', departmentKey: null, lang: 'en', shortcut: 'hello', text: 'Hello!\nHow can I help? 👋' };
    assert.deepEqual(await list(seller, { query: 'hello' }), [shown]);
    assert.equal(await saved(seller, { id: String(id), shortcut: 'hi', text: 'Hi!' }), id);
    assert.deepEqual(await list(seller, { query: 'hi' }), [{ ...shown, lang: '', shortcut: 'hi', text: 'Hi!' }]);
    assert.equal((await remove(seller, id)).result, 'ok');
    await refused(() => remove(seller, id), 404, 'not-found');
    await refused(() => save(seller, { id: String(id), shortcut: 'hi' }), 404, 'not-found');
    assert.deepEqual(await list(seller, { query: 'hi' }), []);
  });

  test('each sees his own, his departments’ and everybody’s; an admin those of all departments', async () => {
    await saved(seller, { shortcut: 'see-own' });
    await saved(chief, { shortcut: 'see-sales', scope: 'department', departmentKey: 'sales' });
    await saved(admin, { shortcut: 'see-stock', scope: 'department', departmentKey: 'stock' });
    await saved(admin, { shortcut: 'see-all', scope: 'all' });
    const query = 'see-';
    assert.deepEqual(await shortcuts(seller, { query }), ['see-own', 'see-sales', 'see-all']);
    assert.deepEqual(await shortcuts(keeper, { query }), ['see-stock', 'see-all']);
    assert.deepEqual(await shortcuts(admin, { query }), ['see-sales', 'see-stock', 'see-all']);
    assert.deepEqual(await shortcuts(admin, { query, departmentKey: 'stock' }), ['see-stock', 'see-all']);
    assert.deepEqual(await shortcuts(seller, { query, departmentKey: 'stock' }), ['see-own', 'see-all'], 'none of another department');
    assert.deepEqual(await shortcuts(seller, { query, departmentKey: '', lang: '' }), ['see-own', 'see-sales', 'see-all']);
    await refused(() => seller.get('/l/o/canned-answers?departmentKey=none'), 404, 'department-not-found');
  });

  test('who may not change an answer is refused, and does not hear of what others have of their own', async () => {
    const own = await saved(seller, { shortcut: 'rights' });
    const ofSales = await saved(chief, { shortcut: 'rights', scope: 'department', departmentKey: 'sales' });
    const ofStock = await saved(admin, { shortcut: 'rights', scope: 'department', departmentKey: 'stock' });
    const ofAll = await saved(admin, { shortcut: 'rights', scope: 'all' });
    for (const by of [keeper, chief, admin]) {
      await refused(() => remove(by, own), 404, 'not-found');
      await refused(() => save(by, { id: String(own), shortcut: 'taken' }), 404, 'not-found');
    }
    for (const [by, ids] of [
      [seller, [ofSales, ofStock, ofAll]],
      [keeper, [ofStock, ofAll]],
      [chief, [ofStock, ofAll]],
    ] as const) {
      for (const id of ids) {
        await refused(() => remove(by, id), 403, 'not-allowed');
        await refused(() => save(by, { id: String(id), shortcut: 'taken' }), 403, 'not-allowed');
      }
    }
    const department = { shortcut: 'new', scope: 'department' };
    await refused(() => save(seller, { ...department, departmentKey: 'sales' }), 403, 'not-allowed');
    await refused(() => save(chief, { ...department, departmentKey: 'stock' }), 403, 'not-allowed');
    await refused(() => save(admin, { ...department, departmentKey: 'none' }), 404, 'department-not-found');
    await refused(() => save(chief, { shortcut: 'new', scope: 'all' }), 403, 'not-allowed');
    await refused(() => save(chief, { id: String(ofSales), shortcut: 'rights', scope: 'all' }), 403, 'not-allowed');
    assert.equal(
      await saved(admin, { id: String(ofSales), shortcut: 'rights-of-stock', scope: 'department', departmentKey: 'stock' }),
      ofSales,
    );
    await refused(() => remove(chief, ofSales), 403, 'not-allowed');
    for (const id of [ofSales, ofStock, ofAll]) assert.equal((await remove(admin, id)).result, 'ok');
  });

  test('a shortcut is the only one of its owner in its language', async () => {
    const id = await saved(seller, { shortcut: 'once' });
    const other = await saved(seller, { shortcut: 'once', lang: 'de' });
    await refused(() => save(seller, { shortcut: 'once' }), 409, 'already-exists');
    await refused(() => save(seller, { id: String(other), shortcut: 'once' }), 409, 'already-exists');
    assert.equal(await saved(seller, { id: String(id), shortcut: 'once', text: 'the same one' }), id);
    await saved(chief, { shortcut: 'once' });
    for (const departmentKey of ['sales', 'stock']) await saved(admin, { shortcut: 'once', scope: 'department', departmentKey });
    await refused(() => save(chief, { shortcut: 'once', scope: 'department', departmentKey: 'sales' }), 409, 'already-exists');
    await saved(admin, { shortcut: 'once', scope: 'all' });
    await refused(() => save(admin, { shortcut: 'once', scope: 'all' }), 409, 'already-exists');
    const racing = await Promise.all(Array.from({ length: 10 }, () => save(keeper, { shortcut: 'race' })));
    assert.deepEqual(racing.map(answer => answer.error ?? 'ok').sort(), [...Array<string>(9).fill('already-exists'), 'ok']);
  });

  test('are found by shortcut and words in whatever case and letters, taken literally, the best first', async () => {
    await saved(admin, { shortcut: 'ship', scope: 'all', text: 'by ship' });
    await saved(seller, { shortcut: 'when', text: 'We SHIP at once, 100%' });
    await saved(chief, { shortcut: 'Shipping', scope: 'department', departmentKey: 'sales' });
    await saved(seller, { shortcut: 'shipped' });
    await saved(seller, { shortcut: 'доставка', text: 'Завтра, a\\b' });
    await saved(seller, { shortcut: 'Caf\u00e9' });
    assert.deepEqual(await shortcuts(seller, { query: 'sHip' }), ['shipped', 'Shipping', 'ship', 'when']);
    assert.deepEqual(await shortcuts(seller, { query: ' at ONCE ' }), ['when']);
    assert.deepEqual(await shortcuts(seller, { query: 'ДОСТ' }), ['доставка']);
    assert.deepEqual(await shortcuts(seller, { query: 'зАВТРА' }), ['доставка']);
    assert.deepEqual(await shortcuts(seller, { query: 'CAFE\u0301' }), ['Caf\u00e9']);
    assert.deepEqual(await shortcuts(seller, { query: '0%' }), ['when']);
    assert.deepEqual(await shortcuts(seller, { query: 'a\\' }), ['доставка']);
    for (const query of ['%', '_']) assert.ok((await shortcuts(seller, { query })).length < 2, query);
  });

  test('of another language are left out, those for any are not', async () => {
    for (const lang of ['', 'en', 'de']) await saved(seller, { shortcut: `lang-${lang}`, lang });
    assert.deepEqual(await shortcuts(seller, { query: 'lang-', lang: 'de' }), ['lang-', 'lang-de']);
    assert.deepEqual(await shortcuts(seller, { query: 'lang-', lang: 'fr' }), ['lang-']);
    assert.deepEqual(await shortcuts(seller, { query: 'lang-' }), ['lang-', 'lang-de', 'lang-en']);
  });

  test('an owner has 1,000 at most, of which 200 are listed', async () => {
    const owner = await staff(single, 'collector');
    const [first] = await single.database.query<{ id: number }>(
      `insert into canned_answer (scope, operator_id, lang, shortcut, text, folded)
       select 'own', operator.id, '', 'n' || n, 'words', 'n' || n || E'\\nwords' from operator, generate_series(1, 1000) n
       where login = 'collector' returning id::integer`,
    );
    assert.equal((await list(owner)).filter(({ scope }) => scope === 'own').length, 200);
    await refused(() => save(owner, { shortcut: 'more' }), 409, 'too-many');
    assert.equal(await saved(owner, { id: String(first!.id), shortcut: 'changed' }), first!.id, 'changing adds none');
    assert.equal((await remove(owner, first!.id)).result, 'ok');
    await saved(owner, { shortcut: 'more' });
    const lent = await saved(admin, { shortcut: 'own-of-admin' });
    await single.database.query(
      `insert into canned_answer (scope, lang, shortcut, text, folded)
       select 'all', 'xx', 'n' || n, 'words', '' from generate_series(1, 1000 - (select count(*)::integer from canned_answer where scope = 'all')) n`,
    );
    await refused(() => save(admin, { id: String(lent), shortcut: 'own-of-admin', scope: 'all' }), 409, 'too-many');
  });

  test('a wrong or missing parameter is named and changes nothing; without a login nobody gets anything', async () => {
    const good = { scope: 'own', shortcut: 'good', text: 'good', lang: 'en' };
    const call = async (method: string, path: string, form: string, authorization = `Bearer ${admin.token}`) => {
      const response = await fetch(`${single.node.url}${path}${method === 'GET' ? `?${form}` : ''}`, {
        method,
        headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
        ...(method === 'GET' ? {} : { body: form }),
      });
      return { status: response.status, ...((await response.json()) as { error?: string; argumentName?: string }) };
    };
    const form = (parameters: Record<string, string>): string =>
      Object.entries(parameters)
        .map(([name, value]) => `${name}=${value}`)
        .join('&');
    /** No UTF-8 at all; in a word that must be exact NUL is none either. */
    const noText = ['%FF', '%ED%A0%80'];
    const bytes = ['%00', ...noText];
    const hostile: Readonly<Record<string, readonly string[]>> = {
      id: ['0', '-1', '1.5', 'x', '99999999999999999999', ...bytes],
      scope: ['', 'mine', 'OWN', 'toString', ...bytes],
      departmentKey: ['x'.repeat(101), ...bytes],
      lang: ['x'.repeat(21), 'e%20n', ...bytes],
      shortcut: ['', 'a%20b', 'a%0Ab', 'a%C2%A0b', '%7F', 'x'.repeat(51), ...bytes],
      text: ['', '%20%0A', '%00', 'x'.repeat(10_001), ...noText],
    };
    for (const [name, values] of Object.entries(hostile)) {
      for (const value of values) {
        const base = name === 'departmentKey' ? { ...good, scope: 'department' } : good;
        await refused(
          async () => {
            const answer = await call('POST', '/l/o/canned-answers', form({ ...base, [name]: value }));
            assert.equal(answer.argumentName, name, `${name}=${value.slice(0, 20)}`);
            return answer;
          },
          400,
          'wrong-argument-value',
        );
      }
    }
    for (const name of ['scope', 'shortcut', 'text'] as const) {
      const { [name]: _, ...rest } = good;
      const { status, error, argumentName } = await call('POST', '/l/o/canned-answers', form(rest));
      assert.deepEqual([status, error, argumentName], [400, 'argument-missing', name]);
    }
    const homeless = await call('POST', '/l/o/canned-answers', form({ ...good, scope: 'department' }));
    assert.deepEqual([homeless.error, homeless.argumentName], ['argument-missing', 'departmentKey']);
    const unnamed = await call('POST', '/l/o/canned-answers/remove', '');
    assert.deepEqual([unnamed.error, unnamed.argumentName], ['argument-missing', 'id']);
    for (const name of ['query', 'lang', 'departmentKey'])
      for (const value of [...(name === 'departmentKey' ? bytes : noText), 'x'.repeat(201)]) {
        const { status, error, argumentName } = await call('GET', '/l/o/canned-answers', `${name}=${value}`);
        assert.deepEqual([status, error, argumentName], [400, 'wrong-argument-value', name], value.slice(0, 20));
      }
    for (const [method, path] of [
      ['GET', '/l/o/canned-answers'],
      ['POST', '/l/o/canned-answers'],
      ['POST', '/l/o/canned-answers/remove'],
      ['POST', '/l/o/password'],
    ] as const)
      assert.equal((await call(method, path, form({ ...good, id: '1' }), 'Bearer nobody')).status, 401, path);
    await saved(admin, { shortcut: 'x'.repeat(50), text: 'x'.repeat(10_000) });
  });
});

describe('an operator’s own password', () => {
  let single: SingleNode;
  let url: string;

  before(async () => {
    single = await startSingle({ logins: [] });
    url = single.node.url;
  });

  after(() => single.stop());

  const change = (by: Operator, oldPassword: string, newPassword: string) => by.post('/l/o/password', { oldPassword, newPassword });
  const login = async (name: string, password: string): Promise<number> =>
    (await fetch(`${url}/l/o/login`, { method: 'POST', body: new URLSearchParams({ login: name, password }) })).status;

  test('once changed is the only one; his other logins end on HTTP and WebSocket, this one and other people’s stay', async () => {
    const here = await staff(single, 'anna');
    const there = await Operator.login(url, 'anna', PASSWORD);
    const polling = await Operator.login(url, 'anna', PASSWORD);
    const somebody = await staff(single, 'bert');
    for (const operator of [here, there, somebody]) await operator.connect();
    const since = there.since;
    const poll = polling.get(`/l/o/delta?since=${since}`);
    assert.deepEqual(await change(here, PASSWORD, 'battery staple'), { result: 'ok', status: 200 });
    await eventually(() => there.closed?.code === 4401);
    assert.equal((await poll).status, 401);
    for (const ended of [there, polling]) assert.equal((await ended.get('/l/o/me')).status, 401);
    for (const staying of [here, somebody]) {
      assert.equal((await staying.get('/l/o/me')).status, 200);
      assert.equal((await staying.request('chat.dance')).error, 'unknown-action', 'its WebSocket answers');
      assert.equal(staying.closed, undefined);
      staying.close();
    }
    assert.deepEqual([await login('anna', PASSWORD), await login('anna', 'battery staple')], [401, 200]);
    assert.equal(await login('bert', PASSWORD), 200);
  });

  test('is not changed by who does not know it, and who guesses must wait, as for a login', async () => {
    const operator = await staff(single, 'carl');
    const other = await Operator.login(url, 'carl', PASSWORD);
    for (let i = 0; i < 5; i++) {
      const answer = await change(operator, `guess ${i}`, 'battery staple');
      assert.deepEqual([answer.status, answer.error], [403, 'wrong-credentials'], `guess ${i}`);
    }
    const answer = await change(operator, PASSWORD, 'battery staple');
    assert.deepEqual([answer.status, answer.error], [429, 'too-many-attempts']);
    assert.equal(await login('carl', PASSWORD), 429);
    for (const still of [operator, other]) assert.equal((await still.get('/l/o/me')).status, 200);
  });

  test('guesses that come all at once are counted too', async () => {
    const operator = await staff(single, 'dora');
    await Promise.all(Array.from({ length: 8 }, (_, i) => change(operator, `guess ${i}`, 'battery staple')));
    assert.equal((await change(operator, PASSWORD, 'battery staple')).status, 429);
  });

  test('no login that began with the old one outlives the change, whichever came first', async () => {
    const operator = await staff(single, 'emil');
    const begun: Operator[] = [];
    const logins = Array.from({ length: 12 }, async () => {
      const late = await Operator.login(url, 'emil', PASSWORD).catch(() => undefined);
      if (late !== undefined) begun.push(late);
    });
    const [changed] = await Promise.all([change(operator, PASSWORD, 'battery staple'), ...logins]);
    assert.equal(changed.result, 'ok', JSON.stringify(changed));
    for (const late of begun) assert.equal((await late.get('/l/o/me')).status, 401);
    assert.equal((await operator.get('/l/o/me')).status, 200);
  });

  test('of two changes at once one wins', async () => {
    const operator = await staff(single, 'fred');
    const answers = await Promise.all(['battery staple', 'stapled battery'].map(it => change(operator, PASSWORD, it)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 403]);
  });

  test('too short a new one, and anything that is no text, is refused by its name and changes nothing', async () => {
    const operator = await staff(single, 'gina');
    const cases = [
      [{ oldPassword: PASSWORD, newPassword: 'seven77' }, 'wrong-argument-value', 'newPassword'],
      [{ oldPassword: PASSWORD, newPassword: '' }, 'wrong-argument-value', 'newPassword'],
      [{ oldPassword: PASSWORD, newPassword: 'x'.repeat(1_001) }, 'wrong-argument-value', 'newPassword'],
      [{ oldPassword: PASSWORD, newPassword: 'battery\0staple' }, 'wrong-argument-value', 'newPassword'],
      [{ oldPassword: 'x'.repeat(1_001), newPassword: 'battery staple' }, 'wrong-argument-value', 'oldPassword'],
      [{ oldPassword: PASSWORD }, 'argument-missing', 'newPassword'],
      [{ newPassword: 'battery staple' }, 'argument-missing', 'oldPassword'],
    ] as const;
    for (const [parameters, error, argumentName] of cases) {
      const answer = await operator.post('/l/o/password', parameters);
      assert.deepEqual(
        [answer.status, answer.error, answer.argumentName],
        [400, error, argumentName],
        JSON.stringify(parameters).slice(0, 60),
      );
    }
    const foreign = await fetch(`${url}/l/o/password`, {
      method: 'POST',
      headers: { cookie: `operator_token=${operator.token}`, origin: 'https://evil.example' },
      body: new URLSearchParams({ oldPassword: PASSWORD, newPassword: 'battery staple' }),
    });
    assert.equal(foreign.status, 403);
    assert.equal(await login('gina', PASSWORD), 200);
  });
});
