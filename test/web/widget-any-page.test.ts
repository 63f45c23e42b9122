/** The widget on pages that change built-ins, take names, hide, move and replace what they have, and spoil what the browser keeps. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { eventually } from '../support/eventually.ts';
import { CHANGES, PAGES, STYLES } from '../support/hostile-pages.ts';
import { type PageSite, startPageSite } from '../support/page-site.ts';
import { type Shown, WidgetStage } from '../support/widget-stage.ts';

const BUDGET = { timeout: 60_000 };
const DAY_MS = 86_400_000;

/** Under each of our keys, what nobody has put there by us. */
const SPOILT = ['no JSON {', '{"visitor":{"id":[5]},"visitSessionId":{}}', '[{"id":1}]'];
const KEYS = { localStorage: ['visitor', 'muted'], sessionStorage: ['open', 'draft', 'unsent', 'prechat'] };

/** At once as many as keep a small machine busy. */
describe('the widget on any page', { concurrency: 3 }, () => {
  let stage: WidgetStage;
  let site: PageSite;
  let nextText = 1;

  before(async () => {
    stage = await WidgetStage.open();
    site = await startPageSite(name => {
      const page = PAGES[name] ?? (name === 'plain' ? {} : undefined);
      if (page === undefined) return undefined;
      const src = `${stage.nginx.url}/widget.js`;
      const embed = page.embed ?? ((address: string) => `<script src="${address}"></script>`);
      return `<!doctype html><html><head><meta charset="utf-8"><title>A page</title><style></style>${page.head ?? ''}</head>
        <body><h1>A page</h1><div></div>${page.body ?? ''}${embed(src)}</body></html>`;
    });
  });

  after(async () => {
    await site.close();
    await stage.close();
  });

  /** Runs `work` with a page of its own; `init` is what its browser does before anything else. */
  async function visiting(name: string, work: (page: Page, said: string[], context: BrowserContext) => Promise<void>, init?: string) {
    const context = await stage.newContext();
    if (init !== undefined) await context.addInitScript(init);
    const page = await context.newPage();
    const said: string[] = [];
    page.on('console', message => said.push(message.text()));
    page.on('pageerror', error => said.push(error.message));
    try {
      await page.goto(`${site.url}/${encodeURIComponent(name)}/`);
      await work(page, said, context);
    } catch (error) {
      throw new Error(`the console said ${JSON.stringify(said)}`, { cause: error });
    } finally {
      await context.close();
    }
  }

  /** Both say something. Nothing is asked of the page’s own scripts, which may do anything with the question. */
  async function converse(page: Page): Promise<{ readonly chatId: string; readonly words: readonly [string, string] }> {
    const words = [`question ${nextText}`, `answer ${nextText++}`] as const;
    await page.getByRole('button', { name: 'Open chat' }).click();
    await stage.write(page, words[0]);
    const chatId = await eventually(
      async () => {
        const [row] = await stage.cluster.database.query<{ id: string }>('select chat_id::text as id from message where text = $1', [
          words[0],
        ]);
        return row?.id ?? false;
      },
      { within: 20_000 },
    );
    await stage.act('chat.take', { chatId });
    await stage.answer(chatId, words[1]);
    await sees(page, words);
    return { chatId, words };
  }

  async function sees(page: Page, words: readonly string[]): Promise<void> {
    for (const text of words) await page.locator('.bubble').getByText(text, { exact: true }).waitFor();
  }

  async function isInTheCorner(page: Page): Promise<void> {
    const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
    const box = await page.getByRole('button', { name: 'Open chat' }).boundingBox();
    assert.deepEqual(box, { x: width - 80, y: height - 80, width: 60, height: 60 });
  }

  for (const [name, { then, says, isReloaded }] of Object.entries(PAGES)) {
    test(`is there and carries words where a page ${name}`, BUDGET, () =>
      visiting(name, async (page, said) => {
        await page.getByRole('button', { name: 'Open chat' }).waitFor();
        if (then !== undefined) await page.evaluate(`${then}; undefined`);
        await page.getByRole('button', { name: 'Open chat' }).waitFor();
        await eventually(() => isInTheCorner(page));
        const { words } = await converse(page);
        if (says !== undefined) assert.ok(said.some(text => says.test(text)));
        if (isReloaded !== true) return;
        await page.reload();
        await sees(page, words);
      }),
    );
  }

  for (const [what, table, scriptOf] of [
    ['style', STYLES, (css: string) => `document.querySelector('style').textContent = ${JSON.stringify(css)}`],
    ['change', CHANGES, (text: string) => text],
  ] as const)
    test(`is in its corner and carries words after each ${what} of a page`, BUDGET, () =>
      visiting('plain', async page => {
        await converse(page);
        for (const [name, text] of Object.entries(table)) {
          await page.getByRole('button', { name: 'Close chat' }).first().click();
          await page.evaluate(`${scriptOf(text)}; undefined`);
          await eventually(() => isInTheCorner(page), { within: 20_000 }).catch((cause: unknown) => {
            throw new Error(`not in its corner where a page ${name}`, { cause });
          });
          await page.getByRole('button', { name: 'Open chat' }).click();
          await stage.write(page, `it ${name}`);
          await sees(page, [`it ${name}`]);
          await page.getByRole('img', { name: 'Sending' }).waitFor({ state: 'detached' });
        }
      }),
    );

  for (const spoilt of SPOILT)
    test(`begins anew where the browser has kept ${spoilt}`, BUDGET, () =>
      visiting('plain', async (page, said) => {
        // What the widget keeps by itself must not come after.
        await eventually(() => page.evaluate<boolean>(`Object.keys(localStorage).some(key => key.endsWith(' visitor'))`), {
          within: 20_000,
        });
        await page.evaluate(
          `for (const [storage, keys] of Object.entries(${JSON.stringify(KEYS)}))
            for (const key of keys) window[storage].setItem('tandem ${stage.nginx.url} default ' + key, ${JSON.stringify(spoilt)});`,
        );
        await page.reload();
        const { words } = await converse(page);
        assert.equal(said.filter(text => /is not what was kept there, and is forgotten/.test(text)).length, 6, 'it is said of each');
        await page.reload();
        await sees(page, words);
      }),
    );

  test('begins anew where the browser has kept what fits into no address', BUDGET, () =>
    visiting('plain', async page => {
      await page.evaluate(`localStorage.setItem('tandem ${stage.nginx.url} default visitor',
        JSON.stringify({ visitor: { id: 'a', fields: { name: 'x'.repeat(100_000) } }, visitSessionId: 'b' }))`);
      await page.reload();
      await converse(page);
    }),
  );

  for (const [how, init] of [
    [
      'gives no storage',
      `for (const it of ['localStorage', 'sessionStorage']) Object.defineProperty(window, it, { get() { throw new Error('no'); } });`,
    ],
    ['has no room', `Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };`],
  ] as const)
    test(`carries words where the browser ${how}`, BUDGET, () =>
      visiting(
        'plain',
        async page => {
          await converse(page);
        },
        init,
      ),
    );

  for (const days of [-40, 40])
    test(`shows a picture on a device whose clock is ${days} days off`, BUDGET, () =>
      visiting(
        'plain',
        async page => {
          const { words } = await converse(page);
          const buffer = await sharp({ create: { width: 60, height: 40, channels: 3, background: '#c9714f' } })
            .png()
            .toBuffer();
          await page.locator('input[type=file]').setInputFiles([{ name: 'cup.png', mimeType: 'image/png', buffer }]);
          const picture = page.locator('.picture img');
          const isSeen = () => picture.evaluate((image: Shown) => image.complete && image.naturalWidth > 0);
          await eventually(isSeen, { within: 15_000 });
          await page.reload();
          await sees(page, words);
          await eventually(isSeen, { within: 15_000 });
          await page.getByText('Today').waitFor();
        },
        `window.Date = class extends Date {
          constructor(...given) { super(...(given.length === 0 ? [Date.now() + ${days * DAY_MS}] : given)); }
          static now() { return super.now() + ${days * DAY_MS}; }
        };`,
      ),
    );

  test('says that it stays away from a page that removes it again and again', BUDGET, () =>
    visiting('plain', async (page, said) => {
      await page.getByRole('button', { name: 'Open chat' }).waitFor();
      await page.evaluate(`new MutationObserver(() => document.querySelector('tandem-chat')?.remove()).observe(document.documentElement, { childList: true });
        document.querySelector('tandem-chat').remove();`);
      await eventually(() => said.some(text => /has removed <tandem-chat> \d+ times: it stays away/.test(text)), { within: 20_000 });
    }),
  );

  test('keeps its keys from the page’s shortcuts, and opens when the page asks before it is there', BUDGET, () =>
    visiting('plain', async page => {
      await page.evaluate(`keys = []; addEventListener('keydown', event => keys.push(event.key)); tandem.open()`);
      await page.getByLabel('Your message').pressSequentially('j/k');
      assert.equal(await page.getByLabel('Your message').inputValue(), 'j/k');
      assert.deepEqual(await page.evaluate('keys'), []);
    }),
  );
});
