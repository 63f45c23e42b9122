/** A visitor's browser and an operator's, through Nginx to two nodes, while these die; and the demo, which shows both. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, FrameLocator, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, SLAVE, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';

describe('two browsers', () => {
  const cleanup = new Cleanup();
  let cluster: TestCluster;
  let nginx: Nginx;
  let browser: Browser;

  before(async () => {
    cluster = cleanup.add(await startCluster({ ini: 'assignment_mode = manual', operators: 2 }), it => it.stop());
    nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
    browser = cleanup.add(await launchBrowser(), it => it.close());
  });

  after(() => cleanup.run());

  const openPage = async (path: string, errors: string[]): Promise<Page> => {
    const page = await (await browser.newContext({ locale: 'en-US', viewport: { width: 1_360, height: 800 } })).newPage();
    page.on('pageerror', error => errors.push(error.message));
    page.on('console', message => {
      if (/Content.Security.Policy|Trusted/i.test(message.text())) errors.push(message.text());
    });
    await page.goto(`${nginx.url}${path}`);
    return page;
  };

  const logIn = async (desk: Page | FrameLocator, login: string): Promise<void> => {
    await desk.getByLabel('Login').fill(login);
    await desk.getByLabel('Password').first().fill(PASSWORD);
    await desk.getByRole('button', { name: 'Log in' }).click();
    await desk.getByRole('button', { name: 'Go online' }).click();
  };

  test('talk while first one node is killed and then the other: neither loses or doubles a word', { timeout: 90_000 }, async () => {
    const errors: string[] = [];
    const desk = await openPage('/operator', errors);
    await logIn(desk, cluster.logins[0]!);
    const shop = await openPage('/demo/visitor', errors);
    const said: string[] = [];
    const asks = async (text: string): Promise<void> => {
      said.push(text);
      await shop.getByRole('textbox', { name: 'Your message' }).fill(text);
      await shop.keyboard.press('Enter');
      await desk.getByRole('log').getByText(text, { exact: true }).waitFor();
    };
    const answers = async (text: string): Promise<void> => {
      said.push(text);
      await desk.locator('.composer textarea').fill(text);
      await desk.keyboard.press('Enter');
      await shop.getByText(text, { exact: true }).waitFor();
    };

    said.push('Is the teapot in stock?');
    await shop.getByRole('textbox', { name: 'Your message' }).fill('Is the teapot in stock?');
    await shop.keyboard.press('Enter');
    await desk.getByRole('tab').nth(2).click();
    await desk.getByRole('option').filter({ hasText: 'Is the teapot in stock?' }).click();
    await desk.getByRole('button', { name: 'Take', exact: true }).first().click();
    await answers('It is, three are left.');
    await asks('May I see one?');

    await cluster.node(SLAVE).kill();
    await asks('Are you still there?');
    await answers('I am.');
    await cluster.start(SLAVE);
    await eventually(async () => assert.equal((await fetch(`http://127.0.0.1:${cluster.node(SLAVE).port}/readyz`)).status, 200), {
      within: 20_000,
    });
    await cluster.node(MASTER).kill();
    await answers('Here is how it looks.');
    await asks('Lovely, I take it.');

    const stored = await cluster.database.query<{ text: string }>('select text from message order by ts_us');
    assert.deepEqual(
      stored.map(({ text }) => text),
      said,
    );
    for (const [page, words] of [
      [desk, desk.getByRole('log').locator('.words')],
      [shop, shop.locator('.bubble .text')],
    ] as const) {
      await eventually(async () => assert.deepEqual(await words.allInnerTexts(), said, page.url()));
    }
    assert.deepEqual(errors, []);
    await cluster.start(MASTER);
  });

  test('stand side by side in the demo: a word typed in the shop appears at the desk, and the answer in the shop', {
    timeout: 60_000,
  }, async () => {
    const errors: string[] = [];
    const page = await openPage('/', errors);
    const [shop, desk] = [page.frameLocator('#visitor'), page.frameLocator('#operator')];
    await logIn(desk, cluster.logins[1]!);
    await shop.getByRole('textbox', { name: 'Your message' }).fill('Good day & <b>welcome</b>');
    await shop.getByRole('textbox', { name: 'Your message' }).press('Enter');
    await desk.getByRole('tab').nth(2).click();
    await desk.getByRole('option').filter({ hasText: 'Good day & <b>welcome</b>' }).click();
    await desk.getByRole('button', { name: 'Take', exact: true }).first().click();
    await desk.locator('.composer textarea').fill('What can I do for you?');
    await desk.locator('.composer textarea').press('Enter');
    await shop.getByText('What can I do for you?', { exact: true }).waitFor();
    assert.deepEqual(errors, []);
  });
});
