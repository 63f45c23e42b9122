/** How the widget looks, on which screens, in which languages, and for those who do not see it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.ts';
import { BUDGET, WidgetStage } from '../support/widget-stage.ts';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

describe('the widget’s looks', () => {
  let stage: WidgetStage;

  before(async () => {
    stage = await WidgetStage.open();
  });

  after(() => stage.close());

  afterEach(() => stage.clear());

  test('is small, and there once however often it is embedded', BUDGET, async t => {
    const bytes = gzipSync(readFileSync('dist/web/widget.js'), { level: 9 }).length;
    t.diagnostic(`widget.js: ${bytes} bytes under gzip`);
    assert.ok(bytes <= 40_960);
    const page = await stage.visit({ twice: '', 'data-open': '' });
    await page.getByLabel('Your message').waitFor();
    assert.equal(await page.locator('tandem-chat').count(), 1);
    const globals = await page.evaluate<string[]>(`(() => {
      const plain = new Set(Object.getOwnPropertyNames(document.body.appendChild(document.createElement('iframe')).contentWindow));
      return Object.getOwnPropertyNames(window).filter(name => !plain.has(name) && !/^\\d+$|^__playwright/.test(name));
    })()`);
    assert.deepEqual(globals, ['tandem'], 'one name is taken on the site');
    await page.evaluate('tandem.close()');
    await page.getByRole('button', { name: 'Open chat' }).waitFor();
  });

  test('looks as the site wants it', BUDGET, async () => {
    const page = await stage.visit({
      'data-open': '',
      'data-position': 'left',
      'data-color': 'gold',
      'data-theme': 'dark',
      'data-title': 'Ask us',
    });
    const panel = page.getByRole('dialog', { name: 'Ask us' });
    await page.getByRole('heading', { name: 'Ask us' }).waitFor();
    assert.ok(((await panel.boundingBox())?.x ?? 999) < 30, 'on the left');
    const styleOf = (selector: string, property: string) =>
      page.evaluate<string>(`getComputedStyle(document.querySelector('tandem-chat').shadowRoot.querySelector('${selector}')).${property}`);
    assert.equal(await styleOf('.header', 'backgroundColor'), 'rgb(255, 215, 0)');
    assert.equal(await styleOf('.header', 'color'), 'rgb(0, 0, 0)');
    assert.equal(await styleOf('.panel', 'backgroundColor'), 'rgb(28, 31, 37)');
  });

  test('fills a phone, with the input in sight, and is not opened there by the site', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '' }, await stage.newContext(PHONE));
    const launcher = page.getByRole('button', { name: 'Open chat' });
    await launcher.tap();
    const panel = page.getByRole('dialog', { name: 'Chat with us' });
    await eventually(async () => assert.deepEqual(await panel.boundingBox(), { x: 0, y: 0, width: 390, height: 844 }));
    await page.getByLabel('Your message').waitFor();
    const input = await page.getByLabel('Your message').boundingBox();
    assert.ok(input !== null && input.y + input.height <= 844);
    await page.getByLabel('Your message').fill('from a phone');
    await page.getByRole('button', { name: 'Send' }).tap();
    await page.getByRole('img', { name: 'Sent', exact: true }).waitFor();
    // The keyboard comes up: what is left of the window is 400 pixels.
    await page.evaluate(`
      Object.defineProperty(visualViewport, 'height', { value: 400, configurable: true });
      visualViewport.dispatchEvent(new Event('resize'));`);
    await eventually(async () => assert.equal((await panel.boundingBox())?.height, 400));
    await page.getByRole('button', { name: 'Close chat' }).first().tap();
    await panel.waitFor({ state: 'detached' });
  });

  test('speaks English, Russian and Chinese', BUDGET, async () => {
    const greetings = { en: 'Chat with us', ru: 'Напишите нам', zh: '在线咨询' };
    for (const [language, title] of Object.entries(greetings)) {
      const byAttribute = await stage.visit({ 'data-open': '', 'data-lang': language });
      await byAttribute.getByRole('heading', { name: title }).waitFor();
      const byBrowser = await stage.visit({ 'data-open': '' }, await stage.newContext({ locale: language }));
      await byBrowser.getByRole('heading', { name: title }).waitFor();
    }
  });

  test('has no serious fault of accessibility, light and dark', BUDGET, async t => {
    const look = async (page: Page, where: string): Promise<void> => {
      await page.evaluate(axe.source);
      const found = await page.evaluate<{ id: string; impact: string; where: string[] }[]>(`axe
        .run({ include: [['tandem-chat']] })
        .then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(node => node.html) })))`);
      const grave = found.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(grave, [], where);
      t.diagnostic(`${where}: ${found.length} lesser findings${found.map(({ id }) => ` ${id}`).join('')}`);
    };
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await stage.visit({}, await stage.newContext({ colorScheme, reducedMotion: 'reduce' }));
      await page.getByRole('button', { name: 'Open chat' }).waitFor();
      await look(page, `launcher, ${colorScheme}`);
      await page.getByRole('button', { name: 'Open chat' }).click();
      const chatId = await stage.converse(page);
      await stage.answer(chatId, 'Hello');
      await stage.act('chat.request_contacts', { chatId });
      await page.getByRole('button', { name: 'Send contact details' }).waitFor();
      await look(page, `open panel, ${colorScheme}`);
      await stage.operator.setStatus('offline');
      const offline = await stage.visit({ 'data-open': '' }, await stage.newContext({ colorScheme, reducedMotion: 'reduce' }));
      await offline.getByLabel('E-mail').waitFor();
      await look(offline, `offline form, ${colorScheme}`);
      await stage.operator.setStatus('online');
    }
  });
});
