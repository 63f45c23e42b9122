/** Whatever people write is shown as text: 200 hostile strings in every field that another person sees, on every page. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Browser, BrowserContext } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { Cleanup } from '../support/cleanup.ts';
import { HOSTILE, type Watch, watchContext } from '../support/hostile.ts';
import { type HostileHouse, openHostileHouse } from '../support/hostile-house.ts';

/** Not all: each takes a search. */
const BANNED_EACH = 10;

describe('hostile strings', () => {
  const cleanup = new Cleanup();
  const contexts = new Cleanup();
  let house: HostileHouse;
  let browser: Browser;

  before(async () => {
    house = cleanup.add(await openHostileHouse(), it => it.single.stop());
    browser = cleanup.add(await launchBrowser(), it => it.close());
  });

  afterEach(() => contexts.run());

  after(() => cleanup.run());

  /** A browser that is logged in as the admin, and what is seen of it. */
  async function visit(): Promise<{ context: BrowserContext; watch: Watch }> {
    const context = contexts.add(await browser.newContext({ locale: 'en-GB' }), it => it.close());
    await context.addCookies([{ name: 'operator_token', value: house.admin.token, url: house.url }]);
    return { context, watch: await watchContext(context, house.url) };
  }

  test('are 200 at least, and stored as they are', async () => {
    assert.ok(HOSTILE.length >= 200, `${HOSTILE.length}`);
    const [stored] = await house.single.database.query<{ count: number }>(
      `select count(distinct text)::int as count from message where kind = 'for_operator'`,
    );
    assert.equal(stored?.count, HOSTILE.length);
  });

  test('are seen to run by the watch of this test, where a page takes them for HTML', async () => {
    const { context, watch } = await visit();
    const page = await context.newPage();
    await page.goto(`${house.url}/healthz`); // it has no policy
    await page.evaluate(`document.body.innerHTML = '<img src=x onerror=window.__ran=1><img src=https://evil.example/x.png>'`);
    await page.waitForFunction('window.__ran === 1');
    const findings = (await watch.findings()).join('\n');
    assert.match(findings, /ran in/);
    assert.match(findings, /asked https:\/\/evil\.example/);
    await page.goto(`${house.url}/cluster`);
    await page.evaluate(`try { document.body.innerHTML = '<b>' } catch {}`);
    await page.waitForFunction('true');
    assert.match((await watch.findings()).join('\n'), /policy: require-trusted-types-for/);
  });

  test('are text on the cluster page', async () => {
    const { context, watch } = await visit();
    const page = await context.newPage();
    await page.goto(`${house.url}/cluster`);
    await page.getByText('Everything runs', { exact: false }).first().waitFor();
    await page.getByText(HOSTILE[0]!, { exact: false }).first().waitFor();
    assert.deepEqual(await watch.findings(), []);
  });

  test('are text in every chat of the console, with its card', async () => {
    const { context, watch } = await visit();
    const page = await context.newPage();
    await page.goto(`${house.url}/operator`);
    for (const [i, chatId] of house.chatIds.entries()) {
      await page.evaluate(`location.hash = '#${chatId}/card'`);
      await page.getByText(`answer-${i}`, { exact: false }).first().waitFor();
    }
    await page.keyboard.press('Alt+R'); // to whom it can be transferred: operators and departments
    await page.getByRole('dialog').getByText(HOSTILE[0]!, { exact: false }).first().waitFor({ state: 'attached' });
    await page.keyboard.press('Escape');
    await page.locator('textarea').fill('/s1'); // canned answers
    await page.getByText('s199').first().waitFor();
    assert.deepEqual(await watch.findings(), []);
  });

  test('are text in chats that are searched for, with cards of visitors who are kept out', async () => {
    const { context, watch } = await visit();
    const page = await context.newPage();
    await page.goto(`${house.url}/operator`);
    await page.getByRole('tab').first().waitFor();
    for (let i = 0; i < HOSTILE.length; i += BANNED_EACH) {
      await house.ban(i);
      await page.keyboard.press('Control+K');
      await page.getByRole('dialog').locator('input:focus').waitFor();
      await page.keyboard.type(`end-${i};`);
      await page.keyboard.press('Enter');
      const card = page.waitForResponse(response => response.url().includes('/l/o/visitor'));
      await page.getByRole('dialog').getByText(`end-${i};`).click();
      await card;
      await page.getByText(`answer-${i}`, { exact: false }).first().waitFor();
    }
    assert.deepEqual(await watch.findings(), []);
  });

  test('are text in the widget, as they come and after a reload', async () => {
    const { context, watch } = await visit();
    const page = await context.newPage();
    const init = page.waitForResponse(response => response.url().includes('/l/v/m/init'));
    await page.goto(`${house.url}/demo/visitor`);
    const { fullUpdate } = (await (await init).json()) as {
      fullUpdate: { visitor: { id: string }; pageId: string; authToken: string };
    };
    // Who only came is nobody yet whom an operator could invite.
    const left = new URLSearchParams({
      'page-id': fullUpdate.pageId,
      'auth-token': fullUpdate.authToken,
      action: 'chat.set_prechat_fields',
      'prechat-key-independent-fields': JSON.stringify({ comment: HOSTILE[0] }),
    });
    assert.equal((await fetch(`${house.url}/l/v/m/action`, { method: 'POST', body: left })).status, 200);
    const invited = await house.admin.action('chat.start', { visitorId: fullUpdate.visitor.id, message: HOSTILE[0]! });
    assert.equal(invited.result, 'ok', JSON.stringify(invited));
    const chatId = String((invited.data as unknown as { chatId: number }).chatId);
    await page.evaluate('window.tandem.open()');
    for (const [i, message] of HOSTILE.entries()) {
      await house.admin.action('chat.message', { chatId, message, clientSideId: `widget-${i}` });
      if (i % 10 === 0) {
        const buttons = JSON.stringify([[{ id: '1', text: message }]]);
        await house.admin.action('chat.keyboard', { chatId, message, clientSideId: `widget-keys-${i}`, buttons });
      }
    }
    await house.admin.action('chat.message', { chatId, message: 'the last one', clientSideId: 'widget-last' });
    await page.getByText('the last one').first().waitFor();
    await page.reload();
    await page.getByText('the last one').first().waitFor();
    assert.deepEqual(await watch.findings(), []);
  });
});
