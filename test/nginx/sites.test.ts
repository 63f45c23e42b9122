/** nginx-sites in real Nginx: where paths go, what is retried, what clients see when nodes are gone or hang. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { writeNginxConfig } from '../../scripts/nginx.mjs';
import { Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { Folder, freePort } from '../support/process.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Stands for a node: tells its name, or hangs, or answers 503 by itself. */
class Stub {
  readonly name: string;
  readonly port: number;
  readonly requests: string[] = [];
  mode: 'answer' | 'hang' | 'own-503' = 'answer';
  #server: http.Server | undefined;
  readonly #tls: { readonly cert: string; readonly key: string } | undefined;

  constructor(name: string, port: number, tls?: { readonly cert: string; readonly key: string }) {
    this.name = name;
    this.port = port;
    this.#tls = tls;
  }

  static async listening(name: string, tls?: { readonly cert: string; readonly key: string }): Promise<Stub> {
    const stub = new Stub(name, await freePort(), tls);
    await stub.listen();
    return stub;
  }

  async listen(): Promise<void> {
    const answer: http.RequestListener = (request, response) => {
      request.resume();
      if (request.url !== '/healthz') this.requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
      if (this.mode === 'hang') return;
      request.on('end', () => {
        response.writeHead(this.mode === 'own-503' ? 503 : 200, {
          'x-node': this.name,
          'x-forwarded': String(request.headers['x-forwarded-for']),
          'x-scheme': String(request.headers['x-forwarded-proto']),
        });
        response.end('{}');
      });
    };
    const server = this.#tls === undefined ? http.createServer(answer) : https.createServer(this.#tls, answer);
    server.on('upgrade', (_request, socket) => {
      socket.end(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nx-node: ${this.name}\r\n\r\n`);
    });
    await new Promise<void>(resolve => server.listen(this.port, '127.0.0.1', resolve));
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>(resolve => server.close(() => resolve()));
  }
}

const hex = (text: string): string => text.charCodeAt(0).toString(16);

function makeCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=localhost'],
    { stdio: 'ignore' },
  );
  return { cert, key };
}

describe('the standard two-node site', () => {
  const cleanup = new Cleanup();
  let master: Stub;
  let slave: Stub;
  let nginx: Nginx;

  before(async () => {
    master = cleanup.add(await Stub.listening('master'), it => it.stop());
    slave = cleanup.add(await Stub.listening('slave'), it => it.stop());
    nginx = cleanup.add(await startNginx({ nodes: { 8260: master.port, 8261: slave.port } }), it => it.stop());
  });

  after(() => cleanup.run());

  const nodeOf = async (url: string, init?: RequestInit): Promise<string | null> =>
    (await fetch(nginx.url + url, init)).headers.get('x-node');

  test("sends operators' status and updates to the slave, the rest to the master", async () => {
    assert.equal(await nodeOf('/l/o/set-status', { method: 'POST' }), 'slave');
    assert.equal(await nodeOf('/l/o/delta?since=1'), 'slave');
    for (const url of ['/l/o/login', '/l/o/me', '/l/v/m/init', '/l/v/m/delta', '/api/visitor/v1/configs/x', '/'])
      assert.equal(await nodeOf(url), 'master', url);
  });

  test('passes WebSockets on, each to its node', async () => {
    const upgrade = (url: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const request = http.get(nginx.url + url, { headers: { connection: 'Upgrade', upgrade: 'websocket' } });
        request.on('upgrade', response => resolve(String(response.headers['x-node']))).on('error', reject);
      });
    assert.equal(await upgrade('/ws/o/delta?since=1'), 'slave');
    assert.equal(await upgrade('/ws/v/delta?page-id=1'), 'master');
  });

  test('the published locations stand before the general ones', () => {
    const site = readFileSync(path.join(ROOT, 'nginx-sites/chat.conf'), 'utf8');
    const order = ['/l/o/set-status', '/ws/o/delta', '/ws/ ', '/ {'].map(location => site.indexOf(`location ${location}`));
    assert.ok(order.every(place => place > 0));
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
  });

  test('keeps no query string, and does not believe what a client says of its address', async () => {
    const response = await fetch(`${nginx.url}/l/v/m/delta?auth-token=topsecret`, {
      headers: { 'x-forwarded-for': '6.6.6.6', referer: 'http://x/?auth-token=topsecret' },
    });
    assert.equal(response.headers.get('x-forwarded'), '127.0.0.1');
    await eventually(() => nginx.accessLog().includes('/l/v/m/delta'));
    assert.doesNotMatch(nginx.accessLog(), /topsecret/);
  });

  test('a request above the limit is 413 as JSON in the words of each protocol, and the limit is that of main.ini', async () => {
    const body = 'x'.repeat(10 * 1_048_576 + 1);
    const visitor = await fetch(`${nginx.url}/l/v/m/action`, { method: 'POST', body });
    assert.deepEqual([visitor.status, await visitor.json()], [413, { error: 'max_file_size_exceeded' }]);
    const operator = await fetch(`${nginx.url}/l/o/action`, { method: 'POST', body });
    assert.deepEqual([operator.status, await operator.json()], [413, { error: 'too-large' }]);
    const limit = /^;max_request_megabytes = (\d+)$/m.exec(readFileSync(path.join(ROOT, 'main.ini'), 'utf8'))?.[1];
    for (const site of ['chat.conf', 'chat-slaves.conf']) {
      assert.equal(/client_max_body_size (\d+)m;/.exec(readFileSync(path.join(ROOT, 'nginx-sites', site), 'utf8'))?.[1], limit, site);
    }
  });

  test('an address has so many connections of visitors, the rest is told to try later, operators are let in all the same', async () => {
    const limits = ['chat.conf', 'chat-slaves.conf'].map(
      site => /limit_conn chat_visitors (\d+);/.exec(readFileSync(path.join(ROOT, 'nginx-sites', site), 'utf8'))?.[1],
    );
    const limit = Number(limits[0]);
    assert.equal(limits[1], limits[0]);
    const perAddress = Number(/^;visitor_connections_per_address = (\d+)$/m.exec(readFileSync(path.join(ROOT, 'main.ini'), 'utf8'))?.[1]);
    assert.ok(limit > 2 * perAddress, 'WebSockets and polls of an address, and its other calls');
    master.mode = 'hang';
    const agent = new http.Agent({ keepAlive: false });
    const held: http.ClientRequest[] = [];
    let refused = 0;
    for (let i = 0; i < limit + 20; i++) {
      const request = http.get(`${nginx.url}/l/v/m/delta?since=${i}`, { agent }, response => {
        if (response.statusCode === 502) refused += 1;
        response.resume();
      });
      held.push(request.on('error', () => undefined));
    }
    await eventually(() => refused === 20, { within: 20_000 });
    const visitor = await fetch(`${nginx.url}/l/v/m/init`);
    assert.deepEqual([visitor.status, await visitor.json()], [502, { error: 'server-not-ready' }]);
    master.mode = 'answer';
    assert.equal(await nodeOf('/l/o/me'), 'master');
    assert.equal(await nodeOf('/l/o/delta?since=1'), 'slave');
    for (const request of held) request.destroy();
    await eventually(async () => (await nodeOf('/l/v/m/init')) === 'master');
  });

  test("a node's own 503 is passed on and does not take it out", async () => {
    master.mode = 'own-503';
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`${nginx.url}/l/o/pingservice`);
      assert.deepEqual([response.status, response.headers.get('x-node')], [503, 'master']);
    }
    master.mode = 'answer';
    assert.equal(await nodeOf('/l/o/pingservice'), 'master');
  });

  test('a node that is gone is passed over; both gone is 502 as JSON; they come back', async () => {
    await master.stop();
    assert.equal(await nodeOf('/l/v/m/init'), 'slave');
    assert.equal(await nodeOf('/l/v/m/action', { method: 'POST', body: 'a=1' }), 'slave');
    await slave.stop();
    const response = await fetch(`${nginx.url}/l/v/m/delta`);
    assert.deepEqual([response.status, await response.json()], [502, { error: 'server-not-ready' }]);
    await Promise.all([master.listen(), slave.listen()]);
    await eventually(async () => (await nodeOf('/l/v/m/init')) === 'master' && (await nodeOf('/l/o/set-status')) === 'slave');
  });

  test("a node that hangs: visitors' actions are repeated on the next node, operators' are not, and it is 502, not 504", async () => {
    master.mode = 'hang';
    slave.requests.length = 0;
    const [visitor, operator] = await Promise.all([
      fetch(`${nginx.url}/l/v/m/action`, { method: 'POST', body: 'a=1' }),
      fetch(`${nginx.url}/l/o/action`, { method: 'POST', body: 'a=1' }),
    ]);
    assert.equal(visitor.headers.get('x-node'), 'slave');
    assert.deepEqual([operator.status, await operator.json()], [502, { error: 'server-not-ready' }]);
    assert.deepEqual(slave.requests, ['POST /l/v/m/action']);
    master.mode = 'answer';
  });
});

describe('the site for several slaves', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  test('keeps a session at its home slave, and moves it when that is gone', async () => {
    const slaves: Stub[] = [];
    for (const name of ['slave-1', 'slave-2', 'slave-3']) slaves.push(cleanup.add(await Stub.listening(name), it => it.stop()));
    const [one, two, three] = slaves;
    const nodes = { 8260: one!.port, 8261: one!.port, 8262: two!.port, 8263: three!.port };
    const nginx = cleanup.add(await startNginx({ site: 'chat-slaves.conf', nodes }), it => it.stop());
    const homeOf = async (page: string): Promise<string | null> =>
      (await fetch(`${nginx.url}/l/v/m/delta?since=1&page-id=${page}`)).headers.get('x-node');
    const homes = new Set<string | null>();
    for (let i = 0; i < 20; i++) homes.add(await homeOf(`page${i}`));
    assert.deepEqual([...homes].sort(), ['slave-1', 'slave-2', 'slave-3']);
    const home = await homeOf('page1');
    for (let i = 0; i < 100; i++) assert.equal(await homeOf('page1'), home);
    await slaves.find(slave => slave.name === home)!.stop();
    const next = await homeOf('page1');
    assert.ok(next !== null && next !== home);
  });
});

describe('both sites as published', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  test('with HTTPS as documented serve nothing without it, and TLS 1.2 or newer', async () => {
    const folder = cleanup.add(new Folder(), it => it.remove());
    const { cert, key } = makeCertificate(folder.path);
    const node = cleanup.add(await Stub.listening('node'), it => it.stop());
    const nodes = { 8260: node.port, 8261: node.port, 8262: node.port, 8263: node.port };
    for (const site of ['chat.conf', 'chat-slaves.conf']) {
      const port = await freePort();
      const nginx = await startNginx({ site, nodes, https: { port, cert, key } });
      try {
        node.requests.length = 0;
        for (const url of ['/', '/l/o/login', '/l/v/m/init?a=1', '/ws/o/delta', '/status', '/healthz']) {
          const answer = await fetch(nginx.url + url, { method: 'GET', redirect: 'manual' });
          assert.deepEqual([answer.status, answer.headers.get('location')], [308, `https://127.0.0.1${url}`], `${site} ${url}`);
        }
        const post = await fetch(`${nginx.url}/l/o/login`, { method: 'POST', body: 'login=a', redirect: 'manual' });
        assert.equal(post.status, 308);
        assert.deepEqual(node.requests, [], 'no node has heard of it');

        const headers = await new Promise<http.IncomingHttpHeaders>((resolve, reject) => {
          https
            .get({ port, host: '127.0.0.1', path: '/l/o/me', rejectUnauthorized: false }, answer => resolve(answer.resume().headers))
            .on('error', reject);
        });
        assert.deepEqual([headers['x-scheme'], headers['x-node']], ['https', 'node']);
        assert.equal(headers['strict-transport-security'], 'max-age=31536000');
        const handshake = (options: tls.ConnectionOptions): Promise<string> =>
          new Promise(resolve => {
            const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
            socket.once('secureConnect', () => resolve(`${socket.getProtocol() ?? ''} ${String(socket.alpnProtocol)}`));
            socket.once('error', () => resolve('refused'));
            socket.once('close', () => resolve('refused'));
            socket.on('secureConnect', () => socket.destroy());
          });
        assert.equal(await handshake({ ALPNProtocols: ['h2'] }), 'TLSv1.3 h2', site);
        assert.equal(await handshake({ maxVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] }), 'TLSv1.2 http/1.1', site);
        const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
        assert.equal(await handshake(old), 'refused', site);
        const weak = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA256:AES128-SHA:AES256-GCM-SHA384' } as const;
        assert.equal(await handshake(weak), 'refused', `${site}: neither without forward secrecy nor in CBC mode`);
        assert.equal(await handshake({ host: '::1' }), 'TLSv1.3 false', site);
        const six = await fetch(`http://[::1]:${new URL(nginx.url).port}/l/o/me`, { redirect: 'manual' });
        assert.equal(six.status, 308, site);
        const tooLarge = await new Promise<http.IncomingMessage>((resolve, reject) => {
          const options = { port, host: '::1', path: '/l/v/m/action', method: 'POST', rejectUnauthorized: false };
          const request = https.request({ ...options, headers: { 'content-length': 20_000_000 } }, answer => resolve(answer.resume()));
          request.on('error', reject).flushHeaders();
        });
        assert.deepEqual([tooLarge.statusCode, tooLarge.headers['strict-transport-security']], [413, 'max-age=31536000'], site);
        tooLarge.destroy();
      } finally {
        await nginx.stop();
      }
    }
  });

  test('tell nobody what nodes say of themselves, however it is spelled, their own host neither', async () => {
    const node = cleanup.add(await Stub.listening('node'), it => it.stop());
    const nodes = { 8260: node.port, 8261: node.port, 8262: node.port, 8263: node.port };
    for (const site of ['chat.conf', 'chat-slaves.conf']) {
      const nginx = await startNginx({ site, nodes });
      const { port } = new URL(nginx.url);
      const ask = (path: string, hostname: string): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          http.get({ hostname, port, path }, answer => resolve(answer.resume().statusCode)).on('error', reject);
        });
      try {
        node.requests.length = 0;
        for (const name of ['status', 'metrics', 'readyz'])
          for (const path of [
            `/${name}`,
            `/${name.toUpperCase()}`,
            `/${name}/`,
            `//${name}`,
            `/%${hex(name)}${name.slice(1)}`,
            `/x/../${name}?a=1`,
            `/${name}/?x`,
          ])
            for (const hostname of ['127.0.0.1', '::1']) assert.equal(await ask(path, hostname), 404, `${site} ${path} ${hostname}`);
        assert.deepEqual(node.requests, [], 'no node was asked');
        for (const path of ['/healthz', '/statusx', '/readyz/x', '/l/o/me'])
          for (const hostname of ['127.0.0.1', '::1']) assert.equal(await ask(path, hostname), 200, `${site} ${path} ${hostname}`);
      } finally {
        await nginx.stop();
      }
    }
  });

  test('lead an operator to the home slave of the login, under either name of its cookie', async () => {
    const slaves: Stub[] = [];
    for (const name of ['slave-1', 'slave-2', 'slave-3']) slaves.push(cleanup.add(await Stub.listening(name), it => it.stop()));
    const [one, two, three] = slaves.map(({ port }) => port) as [number, number, number];
    const nginx = await startNginx({ site: 'chat-slaves.conf', nodes: { 8260: one, 8261: one, 8262: two, 8263: three } });
    try {
      const homeOf = async (cookie: string): Promise<string | null> =>
        (await fetch(`${nginx.url}/l/o/me`, { headers: { cookie } })).headers.get('x-node');
      const homes = new Set<string | null>();
      for (let i = 0; i < 20; i++) {
        const home = await homeOf(`operator_token=login-${i}`);
        homes.add(home);
        assert.equal(await homeOf(`a=b; __Host-operator_token=login-${i}; operator_token=stale`), home);
      }
      assert.equal(homes.size, 3);
    } finally {
      await nginx.stop();
    }
  });

  test('are valid, also in a folder with a blank in its name, and speak TLS to the nodes', async () => {
    const folder = cleanup.add(new Folder(), it => it.remove());
    const { cert, key } = makeCertificate(folder.path);
    const node = cleanup.add(await Stub.listening('node', { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }), it =>
      it.stop(),
    );
    const nodes = { 8260: node.port, 8261: node.port, 8262: node.port, 8263: node.port };
    for (const site of ['chat.conf', 'chat-slaves.conf']) {
      const { configFile } = writeNginxConfig({ folder: path.join(folder.path, 'a b'), site, port: await freePort(), nodes, tls: true });
      execFileSync('nginx', ['-t', '-c', configFile, '-e', path.join(folder.path, 'error.log')], { stdio: 'ignore' });
      const nginx = await startNginx({ site, nodes, tls: true });
      assert.equal((await fetch(`${nginx.url}/l/v/m/init`)).headers.get('x-node'), 'node');
      await nginx.stop();
    }
  });
});
