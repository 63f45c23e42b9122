/** Operators see which of a visitor's values the site has signed, by eye and by screen reader, in their language. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchBrowser, seriousIssues } from '../support/browser.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { Colleague } from '../support/desk.ts';
import { Operator } from '../support/operator.ts';
import { OperatorPage } from '../support/operator-page.ts';
import { FIELDS_INI, signFields } from '../support/signed-fields.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

describe('the mark of what is signed', () => {
  const cleanup = new Cleanup();
  let single: SingleNode;
  let browser: Browser;

  before(async () => {
    single = cleanup.add(await startSingle({ ini: `assignment_mode = manual\n${FIELDS_INI}` }), it => it.stop());
    browser = cleanup.add(await launchBrowser(), it => it.close());
  });

  after(() => cleanup.run());

  test('stands behind the name and the values that are signed, and behind no others', async () => {
    const { url } = single.node;
    const signed = await Visitor.init(url, { 'visitor-ext': JSON.stringify(signFields({ id: 'c-1', display_name: 'Anna Signed' })) });
    await signed.action('chat.set_prechat_fields', { 'prechat-key-independent-fields': '{"phone": "123", "display_name": "Eve"}' });
    await signed.send('I am signed in', 'c1');
    const told = await Visitor.init(url, { 'prechat-key-independent-fields': '{"display_name": "Anna Told"}' });
    await told.send('I say so', 'c1');
    const operator = await Operator.login(url, 'op', 'correct horse');
    await operator.setStatus('online');
    for (const [locale, mark] of [
      ['en-US', 'Confirmed by your site'],
      ['ru-RU', 'Подтверждено вашим сайтом'],
      ['zh-CN', '已由您的网站确认'],
    ] as const) {
      const opened = await OperatorPage.open(browser, url, { operator } as unknown as Colleague, { locale });
      const { page } = opened;
      await opened.tab(2).click();
      await opened.row('Anna Signed').waitFor();
      assert.equal(await opened.row('Anna Signed').getByText(mark).count(), 1, 'in the list');
      assert.equal(await opened.row('Anna Told').getByText(mark).count(), 0);
      await opened.row('Anna Signed').click();
      await page.getByRole('heading', { name: new RegExp(`^Anna Signed\\s*${mark}$`) }).waitFor();
      const marked = await page.locator('.card dd').filter({ hasText: mark }).allTextContents();
      assert.deepEqual(marked.sort(), [`Anna Signed${mark}`, `c-1${mark}`]);
      assert.equal(await page.locator('.card dd').filter({ hasText: '123' }).getByText(mark).count(), 0, 'the phone he has told');
      if (locale === 'en-US') assert.deepEqual(await seriousIssues(page), []);
      await opened.row('Anna Told').click();
      await page.getByRole('heading', { name: 'Anna Told', exact: true }).waitFor();
      assert.equal(await page.locator('.card').getByText(mark).count(), 0);
      await opened.close();
    }
  });
});
