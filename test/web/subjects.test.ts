/** The subjects that main.ini names, as an operator chooses among them: with a category and without. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchBrowser, seriousIssues } from '../support/browser.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { Colleague } from '../support/desk.ts';
import { Operator } from '../support/operator.ts';
import { OperatorPage } from '../support/operator-page.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

describe('subjects', () => {
  const cleanup = new Cleanup();
  let single: SingleNode;
  let browser: Browser;

  before(async () => {
    single = cleanup.add(await startSingle({ ini: 'assignment_mode = manual\nchat_subjects = Other, Money: Refund, Money: Invoice' }), it =>
      it.stop(),
    );
    browser = cleanup.add(await launchBrowser(), it => it.close());
  });

  after(() => cleanup.run());

  test('stand under their category, those without one on their own, and each can be chosen', async () => {
    const { url } = single.node;
    const visitor = await Visitor.init(url);
    await visitor.send('My order', 'c1');
    const operator = await Operator.login(url, 'op', 'correct horse');
    await operator.setStatus('online');
    const anna = await OperatorPage.open(browser, url, { operator } as unknown as Colleague);
    await anna.tab(2).click();
    await anna.row('My order').click();
    await anna.button('Take').first().click();
    for (const [subject, shown] of [
      ['Other', /In conversation.*Other/],
      ['Refund', /In conversation.*Refund/],
    ] as const) {
      await anna.page.getByLabel('More actions').click();
      await anna.button('Subject').click();
      const choice = anna.dialog.getByRole('combobox');
      const groups = await choice.locator('optgroup').evaluateAll(all => all.map(one => (one as unknown as { label: string }).label));
      assert.deepEqual(groups, ['Money']);
      const names = await choice.locator('option').allTextContents();
      assert.deepEqual(names.slice(1), ['Other', 'Refund', 'Invoice']);
      assert.deepEqual(await seriousIssues(anna.page), []);
      await choice.selectOption({ label: subject });
      await anna.dialog.getByRole('button', { name: 'Save' }).click();
      await anna.page.getByText(shown).waitFor();
    }
    await anna.close();
  });
});
