/**
 * Guesses of passwords: however many come at once, on however many nodes and from however many addresses, no more are looked
 * at than the buckets hold; and nobody is kept out of where they usually work by it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MASTER, PASSWORD, startCluster, type TestCluster } from '../support/cluster.ts';
import { run } from '../support/desk.ts';
import { eventually } from '../support/eventually.ts';
import { chatServer, type NodeProcess } from '../support/process.ts';

interface Tried {
  readonly status: number;
  readonly error: string | undefined;
  readonly retryAfter: string | null;
}

describe('log-in of operators', () => {
  let cluster: TestCluster;
  let nodes: readonly NodeProcess[];

  before(async () => {
    cluster = await startCluster({ operators: 0 });
    nodes = [cluster.master, cluster.slave];
    await eventually(async () => (await cluster.leader()) === MASTER, { within: 20_000 });
  });

  after(() => cluster.stop());

  async function tryLogin(login: string, password: string, from: string, node = cluster.master): Promise<Tried> {
    const response = await fetch(`${node.url}/l/o/login`, {
      method: 'POST',
      headers: { 'x-forwarded-for': from },
      body: new URLSearchParams({ login, password }),
    });
    const { error } = (await response.json()) as { error?: string };
    return { status: response.status, error, retryAfter: response.headers.get('retry-after') };
  }

  const hire = (login: string, ...flags: string[]): Promise<string> =>
    run(cluster, 'operator', 'add', '--login', login, '--fullname', login, '--password', PASSWORD, ...flags);

  /** Sent at once to both nodes in turn: `from` and `login` by the number of the guess. */
  async function guess(
    count: number,
    login: (i: number) => string,
    from: (i: number) => string,
  ): Promise<{ checked: number; answers: Tried[] }> {
    const begunMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) => tryLogin(login(i), `guess ${i}`, from(i), nodes[i % nodes.length])),
    );
    assert.ok(
      answers.every(({ status }) => [401, 429, 503].includes(status)),
      JSON.stringify(answers.find(({ status }) => status < 400)),
    );
    return { checked: answers.filter(({ status }) => status === 401).length - Math.floor((performance.now() - begunMs) / 10_000), answers };
  }

  /** Nothing of the tests before counts. */
  const forget = (): Promise<unknown> => cluster.database.query('delete from login_attempt');

  test('of 150 guesses at once on two nodes five are looked at, of a login that is there and of one that is not', async () => {
    await hire('anna');
    for (const login of ['anna', 'nobody']) {
      const { checked, answers } = await guess(
        150,
        () => login,
        () => '203.0.113.1',
      );
      assert.ok(checked >= 1 && checked <= 5, `${login}: ${checked}`);
      const refused = answers.find(({ status }) => status === 429);
      assert.equal(refused?.error, 'too-many-attempts');
      assert.ok(Number(refused.retryAfter) >= 1);
    }
    assert.equal((await tryLogin('anna', PASSWORD, '203.0.113.1')).status, 429, 'the right one too');
  });

  test('one address has a number of guesses over all accounts, whichever of its addresses a network takes', async () => {
    await forget();
    const { checked } = await guess(
      80,
      i => `user-${i}`,
      i => `2001:db8:1:2::${i.toString(16)}`,
    );
    assert.ok(checked >= 50 && checked <= 60, String(checked));
    const other = await guess(
      3,
      i => `user-${i}`,
      () => '2001:db8:1:3::1',
    );
    assert.equal(other.checked, 3, 'another network has its own');
  });

  test('one account has a number of guesses over all addresses, and where its operator usually works they are let in', async () => {
    await forget();
    await hire('boris');
    assert.equal((await tryLogin('boris', PASSWORD, '198.51.100.7')).status, 200);
    const { checked } = await guess(
      60,
      () => 'boris',
      i => `192.0.2.${i}`,
    );
    assert.ok(checked >= 25 && checked <= 30, String(checked));
    assert.equal((await tryLogin('boris', PASSWORD, '192.0.2.200')).status, 429, 'at an address that is new');
    assert.equal((await tryLogin('boris', PASSWORD, '198.51.100.7')).status, 200, 'at the desk');
    assert.equal((await tryLogin('boris', PASSWORD, '::ffff:198.51.100.7', cluster.slave)).status, 200, 'on the other node');
  });

  test('right passwords cost nothing, however many', async () => {
    await forget();
    await hire('carla');
    for (let i = 0; i < 4; i++) assert.equal((await tryLogin('carla', 'wrong one', '203.0.113.3')).status, 401);
    for (let i = 0; i < 12; i++) assert.equal((await tryLogin('carla', PASSWORD, '203.0.113.3')).status, 200);
    const [bucket] = await cluster.database.query<{ left: number }>(
      'select coalesce(max(extract(epoch from free_at - clock_timestamp())), 0)::float8 as left from login_attempt',
    );
    assert.ok(Number(bucket?.left) <= 4 * 60, `the account and the address keep what was wrong only: ${bucket?.left}`);
  });

  test('while strangers flood the log-in, an operator waits for a check or two, and everybody gets an answer', async t => {
    await forget();
    await hire('dora');
    assert.equal((await tryLogin('dora', PASSWORD, '198.51.100.9')).status, 200);
    // One check of this machine, as it is now.
    const aloneMs = await timed(() => tryLogin('dora', PASSWORD, '198.51.100.9'));
    for (const [who, from] of [
      ['where they usually work', '198.51.100.9'],
      ['at an address that is new', '198.51.100.10'],
    ] as const) {
      let flooded = 0;
      const flood = Promise.all(
        Array.from({ length: 260 }, async (_, i) => {
          await tryLogin(`stranger-${i}`, 'x', '203.0.113.77');
          flooded += 1;
        }),
      );
      await eventually(() => flooded > 0, { every: 5 });
      const waitedMs = await timed(async () => assert.equal((await tryLogin('dora', PASSWORD, from)).status, 200));
      const left = 260 - flooded;
      await flood;
      t.diagnostic(`${who}: ${Math.round(waitedMs)} ms, alone ${Math.round(aloneMs)} ms, ${left} strangers were left`);
      assert.ok(left > 0 || waitedMs < 1_000, 'the operator was answered before the flood');
    }
  });

  test('the log says who guessed and who came, but no login that is nobody’s', async () => {
    await forget();
    const id = Number(await hire('emil'));
    const secret = 'my-password-typed-into-the-wrong-field';
    await tryLogin(secret, 'x', '203.0.113.21');
    await tryLogin('EMIL', 'wrong one', '203.0.113.22');
    for (let i = 0; i < 6; i++) await tryLogin('emil', 'wrong one', '203.0.113.23');
    assert.equal((await tryLogin('emil', PASSWORD, '203.0.113.24')).status, 200);
    const lines = (event: string) =>
      cluster.master
        .log()
        .split('\n')
        .filter(line => line.includes(`"event":"${event}"`))
        .map(line => JSON.parse(line) as { address?: string; operatorId?: number });
    await eventually(() => lines('login').some(({ address, operatorId }) => address === '203.0.113.24' && operatorId === id));
    const failed = lines('login-failed');
    assert.ok(failed.some(({ address, operatorId }) => address === '203.0.113.21' && operatorId === undefined));
    assert.ok(failed.some(({ address, operatorId }) => address === '203.0.113.22' && operatorId === id));
    assert.ok(lines('login-locked').some(({ address, operatorId }) => address === '203.0.113.23' && operatorId === id));
    assert.ok(!cluster.master.log().includes(secret));
    assert.ok(!JSON.stringify(await cluster.database.query('select * from login_attempt, login_place')).includes('203.0.113'));
    for (const outcome of ['ok', 'wrong', 'locked'])
      assert.ok((await cluster.master.metric(`logins_total{outcome="${outcome}"}`)) > 0, outcome);
  });

  test('a login is the same whatever its case, and a second one is refused', async () => {
    await forget();
    await hire('Win');
    assert.equal((await tryLogin('wIN', PASSWORD, '203.0.113.31')).status, 200);
    const second = await chatServer(['operator', 'add', '--login', 'win', '--fullname', 'x', '--password', PASSWORD], {
      cwd: cluster.folder.path,
    });
    assert.deepEqual([second.code, second.stderr], [64, "login 'Win' is taken\n"]);
    await assert.rejects(
      cluster.database.query(
        `insert into operator select (jsonb_populate_record(o, '{"login": "WIN", "id": 999999}')).* from operator o where login = 'Win'`,
      ),
      /operator_login_once/,
    );
    await run(cluster, 'operator', 'passwd', '--login', 'WIN', '--password', 'battery staple');
    assert.equal((await tryLogin('win', 'battery staple', '203.0.113.31')).status, 200);
  });
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await work();
  return performance.now() - begunMs;
}
