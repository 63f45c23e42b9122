/** PostgreSQL away: the node is paused, keeps its connections, says "try later" in each protocol's words, and resumes by itself. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { type Proxy, startProxy } from '../support/faults/proxy.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

describe('PostgreSQL goes away and comes back', () => {
  const cleanup = new Cleanup();
  let proxy: Proxy;
  let single: SingleNode;

  before(async () => {
    single = cleanup.add(
      await startSingle({
        port: async database => {
          proxy = cleanup.add(await startProxy(database), it => it.close());
          return proxy.port;
        },
      }),
      it => it.stop(),
    );
  });

  after(async () => {
    await proxy.close();
    await proxy.open(); // the node ends in order only with its database
    await cleanup.run();
  });

  test('nothing is lost or doubled, no connection is closed, and no SDK would end its session', async () => {
    const { url } = single.node;
    const operator = await Operator.login(url, 'op', 'correct horse');
    await operator.connect();
    const visitor = await Visitor.init(url);
    await visitor.send('before', 'before');

    await proxy.close();
    await eventually(async () => (await single.node.status()).state === 'paused');
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal((await fetch(`${url}/readyz`)).status, 503);
    assert.equal((await fetch(`${url}/l/o/pingservice`)).status, 503);
    assert.equal((await chatServer(['healthcheck', '--port', String(single.node.port)])).code, 2);

    const started = performance.now();
    const response = await fetch(`${url}/l/v/m/action`, {
      method: 'POST',
      body: new URLSearchParams({ action: 'chat.message', message: 'during', 'client-side-id': 'during', ...visitor.credentials }),
    });
    assert.deepEqual([response.status, await response.json()], [502, { error: 'server-not-ready' }]);
    assert.ok(performance.now() - started < 8_000, 'held 5 s at most, and a moment more');
    const status = await operator.post('/l/o/set-status', { status: 'online' });
    assert.deepEqual([status.status, status.error], [503, 'server-not-ready']);
    assert.equal(operator.closed, undefined, 'connections stay');

    await proxy.open();
    await eventually(async () => (await single.node.status()).state === 'running', { within: 10_000 });
    await visitor.send('during', 'during'); // as an SDK repeats it
    await eventually(() => JSON.stringify(operator.deltas).includes('during'));
    const rows = await single.database.query<{ text: string }>('select text from message order by ts_us');
    assert.deepEqual(
      rows.map(row => row.text),
      ['before', 'during'],
    );
    operator.close();
  });
});
