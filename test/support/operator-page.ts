/** The operators' page in a real browser, as somebody who sits at it: what he sees is found by role and name. */
import assert from 'node:assert/strict';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import type { Colleague } from './desk.ts';

export class OperatorPage {
  readonly page: Page;
  /** Exceptions and refusals of our Content-Security-Policy. */
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', error => this.errors.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error' && /Content.Security.Policy|Trusted/i.test(message.text())) this.errors.push(message.text());
    });
  }

  /** With the login of `as`, else at the login screen. */
  static async open(browser: Browser, url: string, as?: Colleague, options: BrowserContextOptions = {}): Promise<OperatorPage> {
    const context = await browser.newContext({ viewport: { width: 1_360, height: 800 }, locale: 'en-US', ...options });
    if (as !== undefined) await context.addCookies([{ name: 'operator_token', value: as.operator.token, url }]);
    const opened = new OperatorPage(await context.newPage());
    await opened.page.goto(`${url}/operator`);
    if (as !== undefined) await opened.tab(0).waitFor();
    return opened;
  }

  async close(): Promise<void> {
    await this.page.context().close();
    assert.deepEqual(this.errors, []);
  }

  /** 0 mine, 1 for me, 2 queue, 3 all. */
  tab(index: number): Locator {
    return this.page.getByRole('tab').nth(index);
  }

  row(text: string | RegExp): Locator {
    return this.list.getByRole('option').filter({ hasText: text });
  }

  get list(): Locator {
    return this.page.getByRole('tabpanel').getByRole('listbox');
  }

  get log(): Locator {
    return this.page.getByRole('log');
  }

  get composer(): Locator {
    return this.page.locator('.composer textarea');
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  button(name: string, exact = true): Locator {
    return this.page.getByRole('button', { name, exact });
  }

  async write(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** Takes the chat with these words from the queue, and looks at it. */
  async take(text: string): Promise<void> {
    await this.tab(2).click();
    await this.row(text).click();
    await this.button('Take').first().click();
    await this.composer.waitFor();
    await this.leaveList();
  }

  /** The pointer goes somewhere else. */
  async leaveList(): Promise<void> {
    await this.log.hover();
  }

  /** What the log says, word by word; what is on its way too. */
  async words(): Promise<string[]> {
    return this.log.locator('.words').allInnerTexts();
  }
}
