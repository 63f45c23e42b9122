/** `healthcheck` asks where the node listens. */
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { after, describe, test, type TestContext } from 'node:test';
import { healthcheck, hostsToAsk } from '../../src/cli/healthcheck.ts';
import { makeCertificates } from '../support/certificates.ts';

const certificates = makeCertificates(['node']);
after(() => certificates.remove());
const pair = { cert: readFileSync(certificates.cert('node')), key: readFileSync(certificates.key('node')) };

async function nodeOn(t: TestContext, listen: string, tls = false): Promise<number> {
  const answer: http.RequestListener = (_request, response) => response.end(JSON.stringify({ state: 'running', role: 'master' }));
  const server = tls ? https.createServer(pair, answer) : http.createServer(answer);
  await new Promise<void>(resolve => server.listen({ host: listen, port: 0, ipv6Only: listen === '::' }, resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe('healthcheck', () => {
  for (const [listen, hosts] of [
    ['127.0.0.1', ['127.0.0.1']],
    ['10.0.0.11', ['10.0.0.11']],
    ['0.0.0.0', ['127.0.0.1']],
    ['0', ['127.0.0.1']],
    ['::', ['::1', '127.0.0.1']],
    ['0:0:0:0:0:0:0:0', ['::1', '127.0.0.1']],
    ['::0', ['::1', '127.0.0.1']],
    ['::ffff:0.0.0.0', ['127.0.0.1']],
    ['::1', ['::1']],
    ['fe80::1%eth0', ['fe80::1%eth0']],
    ['chat.example.org', ['chat.example.org']],
  ] as const) {
    test(`of a node on ${listen} asks ${hosts.join(', then ')}`, () => assert.deepEqual(hostsToAsk(listen), hosts));
  }

  for (const [listen, tls] of [
    ['127.0.0.1', false],
    ['127.9.9.9', false],
    ['0.0.0.0', true],
    ['::1', true],
    ['::', false],
    ['localhost', false],
  ] as const) {
    test(`finds a node that listens on ${listen} ${tls ? 'with' : 'without'} TLS`, async t => {
      const port = await nodeOn(t, listen, tls);
      assert.deepEqual(await healthcheck({ listen, port, tls }, 'master'), { exitCode: 0, sentence: 'master, running' });
    });
  }

  test('names every place where it got no answer, an IPv6 address in brackets', async t => {
    const port = await nodeOn(t, '127.9.9.9');
    const { exitCode, sentence } = await healthcheck({ listen: '::', port, tls: false }, undefined);
    assert.equal(exitCode, 2);
    assert.ok(sentence.includes(`no answer from [::1]:${port}: `) && sentence.includes(`no answer from 127.0.0.1:${port}: `), sentence);
  });

  test('cannot know which free port a node has taken, and says so', async () => {
    assert.deepEqual(await healthcheck({ listen: '127.0.0.1', port: 0, tls: false }, undefined), {
      exitCode: 2,
      sentence: 'port = 0 lets a node take any free one: name the one that it took, with --port',
    });
  });
});
