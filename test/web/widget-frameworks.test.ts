/** The widget on pages of real libraries: a conversation, a page that is left for another one, a reload; operators know where he is. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.ts';
import { FRAMEWORK_PAGES, frameworkHtml, LIBRARIES } from '../support/framework-pages.ts';
import { type PageSite, startPageSite } from '../support/page-site.ts';
import { WidgetStage } from '../support/widget-stage.ts';

const BUDGET = { timeout: 60_000 };

interface Told {
  readonly url: string;
  readonly title: string;
}

describe('the widget on pages of', { concurrency: 3 }, () => {
  let stage: WidgetStage;
  let site: PageSite;

  before(async () => {
    stage = await WidgetStage.open(['priority_pages = /*/second 600']);
    site = await startPageSite((name, path) => frameworkHtml(name, path.slice(1), `${stage.nginx.url}/widget.js`), LIBRARIES);
  });

  after(async () => {
    await site.close();
    await stage.close();
  });

  async function visiting(address: string, work: (page: Page) => Promise<void>): Promise<void> {
    const context = await stage.newContext();
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', error => faults.push(error.message));
    await page.goto(`${site.url}/${address}`);
    try {
      await work(page);
    } catch (error) {
      throw new Error(`the page has failed with ${JSON.stringify(faults)}`, { cause: error });
    } finally {
      await context.close();
    }
    assert.deepEqual(faults, []);
  }

  /** The newest word that an operator has heard of where the visitor of this chat is. */
  function toldOf(chatId: string): Told | undefined {
    const deltas = stage.operator.deltas.filter(({ objectType, id }) => objectType === 'CHAT' && String(id) === chatId);
    return (deltas.at(-1)?.data as { readonly page: Told } | undefined)?.page;
  }

  async function say(page: Page, text: string): Promise<string> {
    await stage.write(page, text);
    return eventually(
      async () => {
        const [row] = await stage.cluster.database.query<{ id: string }>('select chat_id::text as id from message where text = $1', [text]);
        return row?.id ?? false;
      },
      { within: 20_000 },
    );
  }

  async function go(page: Page, to: string): Promise<void> {
    await page.getByRole('link', { name: `go to ${to}` }).click();
    await page.getByRole('heading', { name: to, exact: true }).waitFor();
  }

  for (const [name, { libraries }] of Object.entries(FRAMEWORK_PAGES))
    test(
      `${name}: goes on from page to page and through a reload`,
      { ...BUDGET, skip: libraries.some(it => LIBRARIES[it] === undefined) },
      () =>
        visiting(`${name}/first`, async page => {
          const words = ['on the first', 'hello', 'on the second', 'after the reload'].map(text => `${text} of ${name}`) as [
            string,
            string,
            string,
            string,
          ];
          const sees = async (...texts: string[]) => {
            for (const text of texts) await page.locator('.bubble').getByText(text, { exact: true }).waitFor();
          };
          await page.getByRole('button', { name: 'Open chat' }).click();
          const chatId = await say(page, words[0]);
          await stage.act('chat.take', { chatId });
          await stage.answer(chatId, words[1]);
          await sees(words[0], words[1]);
          await eventually(() => assert.equal(toldOf(chatId)?.url, `${site.url}/${name}/first`));

          await go(page, 'second');
          await sees(words[0], words[1]);
          await eventually(() => assert.deepEqual(toldOf(chatId), { url: `${site.url}/${name}/second`, title: 'The page second' }), {
            within: 20_000,
          });
          assert.equal(await say(page, words[2]), chatId);

          await page.reload();
          await sees(words[0], words[1], words[2]);
          assert.equal(await say(page, words[3]), chatId);
          await go(page, 'first');
          await page.goBack();
          await page.getByRole('heading', { name: 'second', exact: true }).waitFor();
          await sees(...words);
          await eventually(() => assert.equal(toldOf(chatId)?.url, `${site.url}/${name}/second`), { within: 20_000 });
        }),
    );

  test('a single-page application: a chat has the place of the page that it is begun on', BUDGET, () =>
    visiting('vue/first', async page => {
      await page.getByRole('button', { name: 'Open chat' }).click();
      await page.getByLabel('Your message').waitFor();
      await go(page, 'second');
      const chatId = await say(page, 'begun on the second');
      const [chat] = await stage.cluster.database.query<{ url: string; seconds: number }>(
        'select page_url as url, head_start_seconds as seconds from chat where id = $1',
        [chatId],
      );
      assert.deepEqual(chat, { url: `${site.url}/vue/second`, seconds: 600 });
    }),
  );
});
