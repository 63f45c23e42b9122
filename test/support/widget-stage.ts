/**
 * The widget on a site of another origin, through real Nginx to two nodes, with an operator at the other end who speaks his own
 * protocol. What the browser holds against the site's policy fails the test in which it happens.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { Cleanup } from './cleanup.ts';
import { PASSWORD, startCluster, type TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { FIELDS_INI } from './signed-fields.ts';
import { Operator } from './operator.ts';
import { Folder } from './process.ts';
import { startWidgetSite, type Visit, visitSite, type WidgetSite } from './widget-site.ts';

export const BUDGET = { timeout: 40_000 };

const SURVEY = {
  id: 1,
  version: '1',
  descriptor: {
    forms: [
      {
        id: 1,
        questions: [
          { type: 'radio', text: 'Was it solved?', options: ['Yes', 'No'] },
          { type: 'comment', text: 'What could be better?' },
        ],
      },
    ],
  },
};

/** An element of the page, as far as it is looked at here: Node's types know no DOM. */
export interface Shown {
  readonly textContent: string | null;
  readonly complete: boolean;
  readonly naturalWidth: number;
  readonly scrollHeight: number;
  readonly clientHeight: number;
  scrollTop: number;
  matches(selector: string): boolean;
  dispatchEvent(event: Event): boolean;
  querySelector(selector: string): Shown | null;
  querySelectorAll(selector: string): Iterable<Shown>;
  getBoundingClientRect(): { readonly top: number };
}

export class WidgetStage {
  readonly cluster: TestCluster;
  readonly nginx: Nginx;
  readonly operator: Operator;
  readonly visits: Visit[] = [];
  readonly #site: WidgetSite;
  readonly #browser: Browser;
  readonly #cleanup: Cleanup;
  readonly #contexts: BrowserContext[] = [];
  #nextId = 1;

  private constructor(made: {
    cluster: TestCluster;
    nginx: Nginx;
    operator: Operator;
    site: WidgetSite;
    browser: Browser;
    cleanup: Cleanup;
  }) {
    this.cluster = made.cluster;
    this.nginx = made.nginx;
    this.operator = made.operator;
    this.#site = made.site;
    this.#browser = made.browser;
    this.#cleanup = made.cleanup;
  }

  /** Chats are taken by hand; there is a survey. `more`: lines of main.ini. */
  static async open(more: readonly string[] = []): Promise<WidgetStage> {
    const cleanup = new Cleanup();
    try {
      const files = cleanup.add(new Folder(), it => it.remove());
      files.write('survey.json', JSON.stringify(SURVEY));
      const ini = [
        FIELDS_INI,
        'assignment_mode = manual',
        'max_chats_per_operator = 100',
        `survey_file = ${path.join(files.path, 'survey.json')}`,
        ...more,
      ];
      const cluster = cleanup.add(await startCluster({ ini: ini.join('\n') }), it => it.stop());
      const nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
      const site = cleanup.add(await startWidgetSite(nginx.url), it => it.close());
      const browser = cleanup.add(await launchBrowser(), it => it.close());
      const operator = cleanup.add(await Operator.login(nginx.url, 'op1', PASSWORD), it => it.close());
      await operator.connect();
      await operator.setStatus('online');
      return new WidgetStage({ cluster, nginx, operator, site, browser, cleanup });
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#cleanup.run();
  }

  /** After each test. */
  async clear(): Promise<void> {
    const faults = this.visits.splice(0).flatMap(visit => visit.faults);
    await Promise.all(this.#contexts.splice(0).map(context => context.close()));
    assert.deepEqual(faults, [], 'nothing is against the site’s policy, and no script fails');
  }

  async newContext(options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
    const context = await this.#browser.newContext({ locale: 'en', ...options });
    this.#contexts.push(context);
    return context;
  }

  /** `attributes` of the script element. */
  async visit(attributes: Record<string, string> = {}, context?: BrowserContext): Promise<Page> {
    const made = await visitSite(this.#site, context ?? (await this.newContext()), attributes);
    this.visits.push(made);
    return made.page;
  }

  async visitorId(page: Page): Promise<string> {
    return (await this.visitor(page)).id;
  }

  /** As the browser keeps it. */
  async visitor(page: Page): Promise<{ readonly id: string; readonly secret?: string }> {
    const stored = await page.evaluate<string>(`Object.entries(localStorage).find(([key]) => key.endsWith(' visitor'))[1]`);
    return (JSON.parse(stored) as { visitor: { id: string; secret?: string } }).visitor;
  }

  /** The chat of this page's visitor, once it is there. */
  async chatOf(page: Page): Promise<string> {
    const id = await this.visitorId(page);
    return eventually(async () => {
      const [row] = await this.cluster.database.query<{ id: string }>(
        'select id::text from chat where visitor_id = $1 order by created_us desc limit 1',
        [id],
      );
      return row?.id ?? false;
    });
  }

  /** An action of the operator's. */
  async act(action: string, parameters: Record<string, string>): Promise<void> {
    const answer = await this.operator.action(action, parameters);
    assert.equal(answer.result, 'ok', `${action} answered ${JSON.stringify(answer)}`);
  }

  answer(chatId: string, message: string): Promise<void> {
    return this.act('chat.message', { chatId, message, clientSideId: `a${this.#nextId++}` });
  }

  async write(page: Page, text: string): Promise<void> {
    await page.getByLabel('Your message').fill(text);
    await page.keyboard.press('Enter');
  }

  /** The visitor says a word, and the operator takes the chat. */
  async converse(page: Page, text = 'Good day'): Promise<string> {
    await this.write(page, text);
    const chatId = await this.chatOf(page);
    await this.act('chat.take', { chatId });
    return chatId;
  }

  /** The texts in the timeline, in order. */
  shown(page: Page): Promise<string[]> {
    return page.locator('.bubble .text').allTextContents();
  }
}
