/** The page at / in a real browser: a word typed as visitor appears at the operator, and back. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { Cleanup } from '../support/cleanup.ts';
import { PASSWORD, startCluster, type TestCluster } from '../support/cluster.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';

describe('the page at /', () => {
  const cleanup = new Cleanup();
  let cluster: TestCluster;
  let nginx: Nginx;
  let browser: Browser;

  before(async () => {
    cluster = cleanup.add(await startCluster(), it => it.stop());
    nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
    browser = cleanup.add(
      await chromium.launch({
        executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
      }),
      it => it.close(),
    );
  });

  after(() => cleanup.run());

  test('carries a word from visitor to operator and back, through Nginx', async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', error => errors.push(error.message));
    await page.goto(nginx.url);
    await page.getByLabel('Login').fill(cluster.logins[0]!);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('Status', { exact: true }).waitFor();

    const [visitor, operator] = [page.locator('#visitor'), page.locator('#operator')];
    await visitor.getByLabel('Your message').fill('Good day & <b>welcome</b>');
    await visitor.getByRole('button', { name: 'Send' }).click();
    await operator.getByText('Good day & <b>welcome</b>').waitFor();

    await operator.getByLabel('Your answer').fill('Hello, what can I do for you?');
    await operator.getByRole('button', { name: 'Send' }).click();
    await visitor.getByText('Hello, what can I do for you?').waitFor();
    await visitor.getByText('you talk to Operator op1').waitFor();
    assert.deepEqual(errors, []);

    // A reload keeps the conversation: the visitor is known again.
    await page.reload();
    await visitor.getByText('Hello, what can I do for you?').waitFor();
    if (process.env['SCREENSHOT'] !== undefined) await page.screenshot({ path: process.env['SCREENSHOT'] });
  });
});
