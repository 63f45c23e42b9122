/** /cluster in a real browser, through Nginx, on a cluster of two. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser, overflow, seriousIssues } from '../support/browser.ts';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { run } from '../support/desk.ts';
import { eventually } from '../support/eventually.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { Visitor } from '../support/visitor.ts';

const PHONE = { width: 390, height: 844 };

describe('the cluster page', () => {
  const cleanup = new Cleanup();
  const pages = new Cleanup();
  let cluster: TestCluster;
  let nginx: Nginx;
  let browser: Browser;
  const errors: string[] = [];

  before(async () => {
    cluster = cleanup.add(await startCluster(), it => it.stop());
    await eventually(async () => (await cluster.leader()) === MASTER, { within: 15_000 });
    await run(cluster, 'operator', 'add', '--login', 'boss', '--fullname', 'Ada Boss', '--password', PASSWORD, '--roles', 'operator,admin');
    nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
    browser = cleanup.add(await launchBrowser(), it => it.close());
  });

  afterEach(async () => {
    await pages.run();
    assert.deepEqual(errors.splice(0), []);
  });

  after(() => cleanup.run());

  async function open(login: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = pages.add(await browser.newContext({ locale: 'en-GB', ...options }), it => it.close());
    const page = await context.newPage();
    page.on('pageerror', error => errors.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) errors.push(message.text());
    });
    await page.goto(`${nginx.url}/cluster`);
    await page.locator('input[name=login]').fill(login);
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.keyboard.press('Enter');
    return page;
  }

  const card = (page: Page, node: string) => page.getByRole('article', { name: node });

  test('shows both nodes, what each is and does, live', async () => {
    const page = await open('boss');
    await page.getByRole('heading', { name: `Everything runs: master ${MASTER}, 1 slave` }).waitFor();
    await card(page, MASTER).getByText('Master', { exact: true }).waitFor();
    await card(page, SLAVE).getByText('Slave', { exact: true }).waitFor();
    for (const node of [MASTER, SLAVE]) {
      await card(page, node).getByText('Running', { exact: true }).waitFor();
      await card(page, node)
        .getByText(/\d+ MB/)
        .waitFor();
      await card(page, node).getByText('up to date').waitFor();
      await card(page, node).locator('[data-figure=restCalls]', { hasText: /\d/ }).waitFor();
    }
    await page.getByText('RabbitMQ', { exact: true }).waitFor();
    await page.getByText('first start').waitFor();
    const visitor = await Visitor.init(nginx.url);
    for (let i = 0; i < 40; i++) await visitor.send(`message ${i}`, `m${i}`);
    await card(page, SLAVE).locator('[data-figure=messages]').filter({ hasText: /[1-9]/ }).waitFor({ timeout: 5_000 });
    await card(page, SLAVE).locator('.sparkline polyline').first().waitFor({ state: 'attached' });
  });

  test('asks again and again, never twice at a time', async () => {
    const page = await open('boss');
    const asking = new Set<unknown>();
    let atOnce = 0;
    let asked = 0;
    page.on('request', request => {
      if (!request.url().endsWith('/l/o/cluster')) return;
      asked += 1;
      asking.add(request);
      atOnce = Math.max(atOnce, asking.size);
    });
    for (const end of ['requestfinished', 'requestfailed'] as const)
      page.on(end as 'requestfinished', request => void asking.delete(request));
    await page.route('**/l/o/cluster', async route => {
      await new Promise(resolve => setTimeout(resolve, 1_500)); // slower than the page asks
      await route.continue();
    });
    await eventually(() => asked >= 3, { within: 10_000 });
    assert.equal(atOnce, 1);
  });

  test('is told honestly when nobody answers, with what was known last, and goes on by itself', async () => {
    const page = await open('boss');
    await page.getByText('Live', { exact: true }).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/^No answer\. This is how it was at/).waitFor();
    await card(page, SLAVE).getByText('Running', { exact: true }).waitFor();
    await card(page, SLAVE).getByRole('button', { name: /Drain/, disabled: true }).waitFor();
    await page.context().setOffline(false);
    await page.getByText('Live', { exact: true }).waitFor();
  });

  test('says plainly that it is for admins, and lets another account log in', async () => {
    const page = await open(cluster.logins[0]!);
    await page.getByRole('heading', { name: 'This page is for admins' }).waitFor();
    await page.getByText('You are logged in as Operator op1 (op1).').waitFor();
    assert.deepEqual(await seriousIssues(page), []);
    await page.getByRole('button', { name: 'Log in with another account' }).click();
    await page.locator('input[name=login]').waitFor();
  });

  test('has no serious accessibility issue in light and dark, with a dialog and in each language', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('boss', { colorScheme });
      await card(page, SLAVE).waitFor();
      assert.deepEqual(await seriousIssues(page), [], colorScheme);
      await card(page, SLAVE).getByRole('button', { name: 'Drain' }).click();
      await page.getByRole('dialog', { name: `Drain ${SLAVE}?` }).waitFor();
      assert.deepEqual(await seriousIssues(page), [], `${colorScheme}, dialog`);
    }
    for (const [locale, heading] of [
      ['ru-RU', `Всё работает: ведущий ${MASTER}, 1 ведомый`],
      ['zh-CN', `一切正常：主节点 ${MASTER}，1 个从节点`],
    ] as const) {
      const page = await open('boss', { locale });
      await page.getByRole('heading', { name: heading }).waitFor();
      assert.deepEqual(await seriousIssues(page), [], locale);
    }
  });

  test('fits a phone, in each language', async () => {
    for (const locale of ['en-GB', 'ru-RU', 'zh-CN']) {
      const page = await open('boss', { viewport: PHONE, locale });
      await card(page, SLAVE).waitFor();
      assert.equal(await overflow(page), 0, locale);
    }
  });

  test('a node is made master and hands over, each by a dialog that says what happens; Escape changes nothing', async () => {
    const page = await open('boss');
    const promote = card(page, SLAVE).getByRole('button', { name: 'Make master' });
    await promote.focus();
    await page.keyboard.press('Enter');
    const question = page.getByRole('dialog', { name: `Make ${SLAVE} master?` });
    await question.getByText(`from ${MASTER}`).waitFor();
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    assert.equal(await cluster.leader(), MASTER);
    assert.equal(await page.evaluate("document.activeElement.getAttribute('aria-label')"), `Make master: ${SLAVE}`, 'the focus is back');

    await promote.click();
    await question.getByRole('button', { name: 'Make master' }).click();
    await page.getByText(`Asked ${SLAVE} to become master.`).waitFor();
    await page.getByRole('heading', { name: `Everything runs: master ${SLAVE} (promoted), 1 standby` }).waitFor({ timeout: 10_000 });
    assert.equal(await cluster.leader(), SLAVE);

    await page.getByRole('button', { name: `Hand over: ${MASTER}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Hand over' }).click();
    await page.getByRole('heading', { name: `Everything runs: master ${MASTER}, 1 slave` }).waitFor({ timeout: 20_000 });
    assert.equal(await cluster.leader(), MASTER);
    await page.getByText('it is the configured master', { exact: true }).waitFor();
  });

  test('a node is drained and taken back; the last one that is ready cannot be drained', async () => {
    const page = await open('boss');
    await card(page, SLAVE).getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
    await card(page, SLAVE).getByText('Drained', { exact: true }).waitFor({ timeout: 10_000 });
    await card(page, MASTER).getByRole('button', { name: 'Drain', disabled: true }).waitFor();
    await card(page, SLAVE).getByRole('button', { name: 'Take back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await card(page, SLAVE).getByText('Running', { exact: true }).waitFor({ timeout: 10_000 });
  });

  test('what was refused is said in the dialog', async () => {
    const page = await open('boss');
    await card(page, SLAVE).getByRole('button', { name: 'Drain' }).click();
    await page.route('**/l/o/cluster/drain', route => route.abort());
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Drain' }).click();
    await dialog.getByRole('alert').getByText('The server does not answer.').waitFor();
  });

  test('a node that is killed is shown within 8 s', async () => {
    const page = await open('boss');
    await card(page, SLAVE).getByText('Running', { exact: true }).waitFor();
    const killedMs = performance.now();
    await cluster.slave.kill();
    await page.getByRole('heading', { name: new RegExp(`^${SLAVE} has not been heard of for \\d+ sec`) }).waitFor({ timeout: 8_000 });
    await card(page, SLAVE).getByText('Not heard of', { exact: true }).waitFor();
    assert.ok(performance.now() - killedMs < 8_000);
    await card(page, SLAVE).getByRole('button', { name: 'Make master', disabled: true }).waitFor();
    assert.deepEqual(await seriousIssues(page), []);
  });

  test('says when and why revisions have begun anew', async () => {
    const page = await open('boss');
    await run(cluster, 'cluster', 'new-epoch');
    await page.locator('[data-epoch="2"]').getByText('by an administrator').waitFor({ timeout: 10_000 });
    assert.equal(await overflow(page), 0);
  });
});
