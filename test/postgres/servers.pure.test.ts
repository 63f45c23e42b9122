/** Which of several hosts a connection goes to: whatever they are and become, the one that can be written to. No real server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { NoServer } from '../../src/postgres/failures.ts';
import { type Server, Servers } from '../../src/postgres/servers.ts';

type State = 'dead' | 'standby' | 'primary' | 'refuses';

const HOSTS = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(host => ({ host, port: 5432 }));

/** Servers in states of the test's choice. */
function world(states: State[]) {
  const tried: string[] = [];
  const servers = new Servers<string>(
    states.map((_, i) => HOSTS[i] ?? { host: '', port: 0 }),
    ({ address }: Server) => {
      tried.push(address);
      switch (states[HOSTS.findIndex(({ host }) => host === address)]) {
        case 'primary':
          return Promise.resolve(address);
        case 'standby':
          return Promise.reject(new Error('the server is a standby'));
        case 'refuses':
          return Promise.reject(Object.assign(new Error('password authentication failed'), { code: '28P01' }));
        default:
          return Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
      }
    },
  );
  return { servers, tried };
}

const state = fc.constantFrom<State[]>('dead', 'standby', 'refuses');
/** Two or three servers of which one is the primary. */
const onePrimary = fc
  .tuple(fc.array(state, { minLength: 1, maxLength: 2 }), fc.nat())
  .map(([others, at]): State[] => others.toSpliced(at % (others.length + 1), 0, 'primary'));

describe('the servers of a database', () => {
  test('a connection is to the one that can be written to, wherever it stands in the list and however often it moves', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(onePrimary, { minLength: 1, maxLength: 6 }), async steps => {
        const states: State[] = ['dead', 'dead', 'dead'];
        const { servers } = world(states);
        for (const step of steps) {
          for (let i = 0; i < 3; i++) states[i] = step[i] ?? 'dead';
          const expected = HOSTS[states.indexOf('primary')]?.host;
          assert.equal(await servers.connect(), expected);
          assert.equal(servers.found?.address, expected);
          assert.equal((await servers.find(() => undefined)).address, expected);
        }
      }),
    );
  });

  test('the one that was found last is tried first, and forgotten when it is lost', async () => {
    const states: State[] = ['standby', 'primary'];
    const { servers, tried } = world(states);
    await servers.connect();
    await servers.connect();
    assert.deepEqual(tried, ['10.0.0.1', '10.0.0.2', '10.0.0.2']);
    states.reverse();
    const lost = servers.found;
    servers.forget(lost);
    assert.equal(await servers.connect(), '10.0.0.1');
    servers.forget(lost); // said late, of another one: nothing is forgotten
    assert.equal(servers.found?.address, '10.0.0.1');
  });

  test('those who ask at once share one search', async () => {
    const { servers, tried } = world(['dead', 'primary']);
    const closed: string[] = [];
    await Promise.all(Array.from({ length: 50 }, () => servers.find(connection => void closed.push(connection))));
    assert.deepEqual([tried, closed], [['10.0.0.1', '10.0.0.2'], ['10.0.0.2']]);
  });

  test('with none that can be written to it says of each what is wrong, unless one refuses the login', async () => {
    await assert.rejects(
      world(['dead', 'standby']).servers.connect(),
      (error: unknown) =>
        error instanceof NoServer && error.message === '10.0.0.1:5432: connect ECONNREFUSED; 10.0.0.2:5432: the server is a standby',
    );
    await assert.rejects(world(['dead', 'refuses', 'standby']).servers.connect(), { code: '28P01' });
  });

  test('a name is tried with each of its addresses', async () => {
    const tried: Server[] = [];
    const servers = new Servers<never>([{ host: 'localhost', port: 1 }], server => {
      tried.push(server);
      return Promise.reject(new Error('no'));
    });
    await assert.rejects(servers.connect(), NoServer);
    assert.ok(tried.length >= 1 && tried.every(({ host, address }) => host === 'localhost' && /^(127\.0\.0\.1|::1)$/.test(address)));
    await assert.rejects(
      new Servers<never>([{ host: 'no-such-host.invalid', port: 1 }], () => Promise.reject(new Error('unreachable'))).connect(),
      /no-such-host\.invalid:1: .*(ENOTFOUND|EAI_AGAIN)/,
    );
  });
});
