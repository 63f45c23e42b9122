/** The chat under a path of another site, through real Nginx: the desk, the widget, the cluster page and an app as everywhere else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { chatServer, Folder } from '../support/process.ts';
import { Visitor } from '../support/visitor.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SITES = path.join(ROOT, 'nginx-sites');
const BUDGET = { timeout: 60_000 };

/** [location, what stands in it], without comments and blanks. */
function locationsOf(file: string): Map<string, string> {
  const text = readFileSync(path.join(SITES, file), 'utf8').replaceAll(/^\s*#.*$/gm, '');
  const found = text.matchAll(/location ([^{@]+) \{\s*((?:(?!location)[^{}])*)\}/g);
  return new Map([...found].map(([, name = '', body = '']) => [name.replace('/chat', ''), body.replaceAll(/\s+/g, ' ').trim()]));
}

describe('the chat under a path of another site', () => {
  const cleanup = new Cleanup();
  let cluster: TestCluster;
  let nginx: Nginx;
  let browser: Browser;
  const errors: string[] = [];

  before(async () => {
    cluster = cleanup.add(await startCluster({ ini: 'base_path = /chat\nassignment_mode = manual', operators: 1 }), it => it.stop());
    const nodes = { 8260: cluster.master.port, 8261: cluster.slave.port };
    nginx = cleanup.add(await startNginx({ site: 'chat-under-path.inc', nodes }), it => it.stop());
    browser = cleanup.add(await launchBrowser(), it => it.close());
    const { code, stderr } = await chatServer(['operator', 'set', '--login', cluster.logins[0]!, '--roles', 'operator,admin'], {
      cwd: cluster.folder.path,
    });
    assert.equal(code, 0, stderr);
  });

  after(() => cleanup.run());

  const open = async (address: string): Promise<Page> => {
    const page = await (await browser.newContext({ locale: 'en-US', viewport: { width: 1_360, height: 800 } })).newPage();
    page.on('pageerror', error => errors.push(error.message));
    page.on('response', response => {
      if (response.status() === 404 && !response.url().endsWith('/favicon.ico')) errors.push(`404 ${response.url()}`);
    });
    page.on('console', message => {
      if (/Content.Security.Policy|Trusted/i.test(message.text())) errors.push(message.text());
    });
    await page.goto(`${nginx.url}${address}`);
    return page;
  };

  test('an operator and a visitor talk, send a file each, and a reload keeps all of it', BUDGET, async () => {
    const desk = await open('/chat/operator/');
    assert.equal(new URL(desk.url()).pathname, '/chat/operator');
    await desk.getByLabel('Login').fill(cluster.logins[0]!);
    await desk.getByLabel('Password').first().fill(PASSWORD);
    await desk.getByRole('button', { name: 'Log in' }).click();
    await desk.getByRole('button', { name: 'Go online' }).click();
    const [cookie] = await desk.context().cookies(nginx.url);
    assert.equal(cookie?.name, 'operator_token_chat');

    const shop = await open('/chat/demo/visitor');
    await shop.getByRole('textbox', { name: 'Your message' }).fill('Is this a shop?');
    await shop.keyboard.press('Enter');
    await desk.getByRole('tab').nth(2).click();
    await desk.getByRole('option').filter({ hasText: 'Is this a shop?' }).click();
    await desk.getByRole('button', { name: 'Take', exact: true }).first().click();
    await desk.locator('.composer textarea').fill('It is.');
    await desk.keyboard.press('Enter');
    await shop.getByText('It is.', { exact: true }).waitFor();

    const picture = { name: 'cup.svg.txt', mimeType: 'text/plain', buffer: Buffer.from('a cup') };
    await shop.locator('input[type=file]').setInputFiles(picture);
    await desk.getByRole('log').getByText('cup.svg.txt').waitFor();
    await desk.locator('input[type=file]').setInputFiles({ ...picture, name: 'bowl.txt' });
    const sent = shop.getByRole('link', { name: /bowl\.txt/ });
    await sent.waitFor();
    const downloads = [
      await desk
        .getByRole('log')
        .getByRole('link', { name: /cup\.svg\.txt/ })
        .first()
        .evaluate(link => (link as unknown as { href: string }).href),
      await sent.first().evaluate(link => (link as unknown as { href: string }).href),
    ];
    for (const url of downloads) assert.match(url, new RegExp(`^${nginx.url}/chat/l/`));
    assert.equal(await (await desk.request.get(downloads[0]!)).text(), 'a cup');
    assert.equal(await (await fetch(downloads[1]!)).text(), 'a cup');

    await Promise.all([desk.reload(), shop.reload()]);
    await desk.getByRole('log').getByText('Is this a shop?').waitFor();
    await shop.getByText('It is.', { exact: true }).waitFor();
    assert.deepEqual(errors, []);
  });

  test('the page of the cluster, and the front page with its frames, find their way', BUDGET, async () => {
    const page = await open('/chat/cluster');
    await page.getByLabel('Login').fill(cluster.logins[0]!);
    await page.getByLabel('Password').first().fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText(SLAVE).first().waitFor();
    const link = page.locator('a.button').first();
    await link.click();
    await page.waitForURL(`${nginx.url}/chat/operator`);

    const front = await open('/chat');
    assert.equal(new URL(front.url()).pathname, '/chat/');
    await front.frameLocator('#operator').getByLabel('Login').waitFor();
    await front.frameLocator('#visitor').getByRole('textbox', { name: 'Your message' }).waitFor();
    assert.deepEqual(errors, []);
  });

  test('the rest of the site is its own, and nodes are asked directly without the path too', async () => {
    assert.equal(await (await fetch(`${nginx.url}/operator`)).text(), 'the shop');
    assert.equal(await (await fetch(`${nginx.url}/chatter`)).text(), 'the shop');
    for (const name of [MASTER, SLAVE]) {
      const { port } = cluster.node(name);
      for (const address of ['/healthz', '/chat/healthz', '/readyz', '/operator', '/chat/operator', '/chat/widget.js'])
        assert.equal((await fetch(`http://127.0.0.1:${port}${address}`, { redirect: 'manual' })).status, 200, address);
      for (const address of ['/chat/chat/healthz', '/chatter/healthz', '/CHAT/healthz', '/chat%2fhealthz'])
        assert.equal((await fetch(`http://127.0.0.1:${port}${address}`, { redirect: 'manual' })).status, 404, address);
    }
  });

  test('what a node tells of itself it tells without the path alone: the site of apps passes on any other', async () => {
    const standard = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
    const { port } = cluster.node(MASTER);
    for (const name of ['status', 'metrics', 'readyz'])
      for (const address of [`/chat/${name}`, `/chat/${name.toUpperCase()}/`, `/chat//${name}`, `/chat/${name}?a=1`])
        for (const url of [`http://127.0.0.1:${port}`, standard.url])
          assert.equal((await fetch(`${url}${address}`)).status, 404, `${url}${address}`);
    assert.equal((await fetch(`${standard.url}/chat/widget.js`)).status, 200);
    assert.equal((await fetch(`${standard.url}/widget.js`)).status, 200);
  });

  test('a visitor by HTTP goes on at the other node when one is gone', BUDGET, async () => {
    const visitor = await Visitor.init(`${nginx.url}/chat`);
    await visitor.send('Who is there?', 'there-1');
    await cluster.node(MASTER).kill();
    await eventually(
      async () => assert.equal((await visitor.action('chat.message', { message: 'Still?', 'client-side-id': 'still-1' })).result, 'ok'),
      { within: 20_000 },
    );
    await cluster.start(MASTER);
  });

  test('tells nobody what nodes say of themselves, however it is spelled', async () => {
    const { port } = new URL(nginx.url);
    const ask = (address: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        http.get({ hostname: '127.0.0.1', port, path: address }, answer => resolve(answer.resume().statusCode)).on('error', reject);
      });
    for (const name of ['status', 'metrics', 'readyz'])
      for (const address of [
        `/chat/${name}`,
        `/chat/${name.toUpperCase()}`,
        `/chat//${name}`,
        `/%63hat/${name}/`,
        `/chat/x/../${name}?a=1`,
        `/x/..//chat/${name}`,
      ])
        assert.equal(await ask(address), 404, address);
  });

  test('docs/two-hosts.md makes of chat.conf what chat-under-path.inc needs, with the addresses of the nodes', () => {
    const [, commands = ''] = /```\n(sed '\/\^server.*?)```/s.exec(readFileSync(path.join(ROOT, 'docs/two-hosts.md'), 'utf8')) ?? [];
    const folder = cleanup.add(new Folder(), it => it.remove());
    folder.write('conf.d/.keep', '');
    execFileSync('sh', ['-euc', commands.replaceAll('/etc/nginx', `'${folder.path}'`)], {
      cwd: ROOT,
      env: { ...process.env, A: '10.0.0.11', B: '10.0.0.12' },
    });
    const upstreams = readFileSync(path.join(folder.path, 'conf.d/chat-upstreams.conf'), 'utf8');
    assert.equal([...upstreams.matchAll(/server 10\.0\.0\.1[12]:8260 /g)].length, 8);
    assert.match(upstreams, /limit_conn_zone .*log_format chat /s);
    assert.doesNotMatch(upstreams, /server \{|127\.0\.0\.1/);
    assert.deepEqual(readFileSync(path.join(folder.path, 'chat-under-path.inc')), readFileSync(path.join(SITES, 'chat-under-path.inc')));
  });

  test('chat-under-path.inc has the locations of chat.conf', () => {
    const [own, standard] = [locationsOf('chat-under-path.inc'), locationsOf('chat.conf')];
    standard.delete('/'); // its proxy_pass stands in the location of the path itself
    assert.ok(standard.size >= 8, String(standard.size));
    for (const [name, body] of standard) assert.equal(own.get(name), body, name);
    assert.deepEqual(
      [...own.keys()].filter(name => !standard.has(name)),
      ['= '],
    );
  });
});
