/**
 * The visitor's widget in a real browser, on a site of another origin with a strict policy, through real Nginx to two nodes.
 * The operator is at the other end by his own protocol.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { Operator } from '../support/operator.ts';
import { chatServer, Folder } from '../support/process.ts';
import { startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';
import { startWidgetSite, type Visit, visitSite, type WidgetSite } from '../support/widget-site.ts';

const BUDGET = { timeout: 20_000 };
const isAtEnd = (element: Shown): boolean => element.scrollHeight - element.scrollTop - element.clientHeight < 2;
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const FIELDS_KEY = 'the site’s own key';
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
interface Shown {
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

describe('the visitor’s widget', () => {
  const cleanup = new Cleanup();
  const visits: Visit[] = [];
  const contexts: BrowserContext[] = [];
  let cluster: TestCluster;
  let nginx: Nginx;
  let site: WidgetSite;
  let browser: Browser;
  let operator: Operator;

  before(async () => {
    const files = cleanup.add(new Folder(), it => it.remove());
    files.write('survey.json', JSON.stringify(SURVEY));
    cluster = cleanup.add(
      await startCluster({
        ini: `visitor_fields_key = ${FIELDS_KEY}\nassignment_mode = manual\nmax_chats_per_operator = 100\nsurvey_file = ${path.join(files.path, 'survey.json')}`,
      }),
      it => it.stop(),
    );
    nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
    site = cleanup.add(await startWidgetSite(nginx.url), it => it.close());
    browser = cleanup.add(
      await chromium.launch({
        executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
      }),
      it => it.close(),
    );
    operator = cleanup.add(await Operator.login(nginx.url, 'op1', PASSWORD), it => it.close());
    await operator.connect();
    await operator.setStatus('online');
  });

  after(() => cleanup.run());

  afterEach(async () => {
    const faults = visits.splice(0).flatMap(visit => visit.faults);
    await Promise.all(contexts.splice(0).map(context => context.close()));
    assert.deepEqual(faults, [], 'nothing is against the site’s policy, and no script fails');
  });

  const newContext = async (options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> => {
    const context = await browser.newContext({ locale: 'en', ...options });
    contexts.push(context);
    return context;
  };
  const visit = async (attributes: Record<string, string> = {}, context?: BrowserContext): Promise<Page> => {
    const made = await visitSite(site, context ?? (await newContext()), attributes);
    visits.push(made);
    return made.page;
  };
  const visitorId = async (page: Page): Promise<string> => {
    const stored = await page.evaluate<string>(`Object.entries(localStorage).find(([key]) => key.endsWith(' visitor'))[1]`);
    return (JSON.parse(stored) as { visitor: { id: string } }).visitor.id;
  };
  /** The chat of this page's visitor, once it is there. */
  const chatOf = async (page: Page): Promise<string> => {
    const id = await visitorId(page);
    return eventually(async () => {
      const [row] = await cluster.database.query<{ id: string }>(
        'select id::text from chat where visitor_id = $1 order by created_us desc limit 1',
        [id],
      );
      return row?.id ?? false;
    });
  };
  const act = async (action: string, parameters: Record<string, string>): Promise<void> => {
    const answer = await operator.action(action, parameters);
    assert.equal(answer.result, 'ok', `${action} answered ${JSON.stringify(answer)}`);
  };
  let nextId = 1;
  const answer = (chatId: string, message: string): Promise<void> => act('chat.message', { chatId, message, clientSideId: `a${nextId++}` });
  const write = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel('Your message').fill(text);
    await page.keyboard.press('Enter');
  };
  /** A visitor who has said a word, and an operator who has taken the chat. */
  const converse = async (page: Page, text = 'Good day'): Promise<string> => {
    await write(page, text);
    const chatId = await chatOf(page);
    await act('chat.take', { chatId });
    return chatId;
  };
  const shown = (page: Page): Promise<string[]> => page.locator('.bubble .text').allTextContents();

  test('carries words both ways, quickly, and shows who writes and what was read', BUDGET, async t => {
    const page = await visit();
    await page.getByRole('button', { name: 'Open chat' }).click();
    const input = page.getByLabel('Your message');
    await input.waitFor();
    assert.equal(await input.evaluate((element: Shown) => element.matches(':focus')), true, 'one can write at once');
    await input.fill('Good day & <b>welcome</b>, see https://example.org/a?b=c.');
    const started = performance.now();
    await page.keyboard.press('Enter');
    await page.getByRole('img', { name: 'Sent', exact: true }).waitFor();
    const milliseconds = performance.now() - started;
    t.diagnostic(`the first message, from Enter to confirmed: ${milliseconds.toFixed(0)} ms`);
    assert.ok(milliseconds <= 1_000, `the first message took ${milliseconds} ms`);
    assert.equal(await page.getByRole('link', { name: 'https://example.org/a?b=c' }).getAttribute('rel'), 'noopener noreferrer nofollow');

    const chatId = await chatOf(page);
    await page.getByText('You are next in line.').waitFor();
    await act('chat.take', { chatId });
    await page.getByRole('heading', { name: 'Operator op1' }).waitFor();
    await act('chat.typing', { chatId, typing: 'true' });
    await page.getByText('Operator op1 is typing').waitFor();
    await answer(chatId, 'Hello, what can I do for you?');
    await page.getByText('Hello, what can I do for you?').first().waitFor();
    await act('chat.read', { chatId });
    await page.getByRole('img', { name: 'Read', exact: true }).waitFor();
    assert.deepEqual(await shown(page), ['Good day & <b>welcome</b>, see https://example.org/a?b=c.', 'Hello, what can I do for you?']);

    await page.getByLabel('Your message').pressSequentially('I am still wri');
    await eventually(() =>
      operator.deltas.some(
        ({ objectType, data }) => objectType === 'CHAT_VISITOR_TYPING' && (data as { draft?: string }).draft !== undefined,
      ),
    );
  });

  test('is small, and there once however often it is embedded', BUDGET, async t => {
    const bytes = gzipSync(readFileSync('dist/web/widget.js'), { level: 9 }).length;
    t.diagnostic(`widget.js: ${bytes} bytes under gzip`);
    assert.ok(bytes <= 40_960);
    const page = await visit({ twice: '', 'data-open': '' });
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

  test('loses and doubles nothing when the node that serves it is killed in the middle', { timeout: 40_000 }, async () => {
    const page = await visit({ 'data-open': '' });
    const chatId = await converse(page, 'word 0');
    const said: string[] = ['word 0'];
    const [mine, theirs] = [Array.from({ length: 12 }, (_, i) => `word ${i + 1}`), Array.from({ length: 12 }, (_, i) => `answer ${i + 1}`)];
    const talk = async (): Promise<void> => {
      for (const text of mine) {
        await write(page, text);
        said.push(text);
      }
    };
    const reply = async (): Promise<void> => {
      for (const [i, text] of theirs.entries()) {
        await eventually(
          async () => (await operator.action('chat.message', { chatId, message: text, clientSideId: `kill${i}` })).result === 'ok',
          { within: 15_000, every: 100 },
        );
      }
    };
    const talking = [talk(), reply()];
    await page.getByText('word 4', { exact: true }).waitFor();
    await cluster.master.kill();
    await Promise.all(talking);
    await eventually(
      async () => {
        const texts = await shown(page);
        for (const text of [...said, ...theirs]) assert.equal(texts.filter(one => one === text).length, 1, `${text} is shown once`);
        assert.deepEqual(
          texts.filter(text => text.startsWith('word')),
          said,
          'in the order in which he said it',
        );
        assert.equal(await page.getByRole('img', { name: 'Sending' }).count(), 0);
      },
      { within: 15_000, every: 100 },
    );
    const rows = await cluster.database.query<{ text: string }>('select text from message where chat_id = $1 order by ts_us', [chatId]);
    const stored = rows.map(({ text }) => text);
    for (const text of [...said, ...theirs]) assert.equal(stored.filter(one => one === text).length, 1, `${text} is stored once`);
    await cluster.start(MASTER);
    await eventually(async () => (await cluster.leader()) !== '', { within: 15_000 });
  });

  test('keeps what is written without a connection, says so, and sends it once', BUDGET, async () => {
    const context = await newContext();
    const page = await visit({ 'data-open': '' }, context);
    await converse(page);
    await page.getByRole('img', { name: 'Sent', exact: true }).waitFor();
    await context.setOffline(true);
    await page.evaluate(`dispatchEvent(new Event('pagehide'))`); // what is open stays open for an emulated network
    await page.evaluate(`dispatchEvent(new Event('pageshow'))`);
    await page.getByText('No connection, trying again…').waitFor();
    await write(page, 'said in a tunnel');
    await page.getByRole('img', { name: 'Sending' }).waitFor();
    await context.setOffline(false);
    await page.getByRole('img', { name: 'Sending' }).waitFor({ state: 'detached' });
    assert.deepEqual(await shown(page), ['Good day', 'said in a tunnel']);
  });

  test('polls where WebSockets do not come through', BUDGET, async () => {
    const context = await newContext();
    await context.routeWebSocket(/\/ws\//, socket => socket.close());
    const page = await visit({ 'data-open': '' }, context);
    const chatId = await converse(page, 'by poll');
    await answer(chatId, 'answered by poll');
    await page.getByText('answered by poll').first().waitFor();
    await write(page, 'once more');
    await eventually(async () => assert.deepEqual(await shown(page), ['by poll', 'answered by poll', 'once more']));
  });

  test('comes back when the server says so, and begins anew when its page has ended', BUDGET, async () => {
    const context = await newContext();
    const page = await visit({ 'data-open': '' }, context);
    await converse(page, 'before');
    const id = await visitorId(page);
    const opened: { atMs: number; pageId: string | null }[] = [];
    const ends: { code: number; reason: string }[] = [
      { code: 4503, reason: JSON.stringify({ retryAfterMs: 2_000 }) },
      { code: 4410, reason: 'reinit-required' },
    ];
    await page.routeWebSocket(/\/ws\//, socket => {
      opened.push({ atMs: performance.now(), pageId: new URL(socket.url()).searchParams.get('page-id') });
      const end = ends.shift();
      if (end === undefined) socket.connectToServer();
      else void socket.close(end);
    });
    await page.reload();
    await page.getByText('No connection, trying again…').waitFor();
    await page.getByText('before').first().waitFor();
    await eventually(() => opened.length === 3, { within: 10_000 });
    const [first, second, third] = opened;
    assert.ok(second!.atMs - first!.atMs >= 1_900, 'not before the server’s time');
    assert.equal(second!.pageId, first!.pageId, 'the same page goes on');
    assert.notEqual(third!.pageId, first!.pageId, 'a new page');
    assert.equal(await visitorId(page), id, 'the same visitor');
    await write(page, 'after');
    await eventually(async () => assert.deepEqual(await shown(page), ['before', 'after']));
  });

  test('finds a signed visitor again in another browser, and chats with a stranger whose signature is wrong', BUDGET, async () => {
    const fields = { id: 'customer-7', display_name: 'Ann' };
    const hash = createHmac('sha256', FIELDS_KEY).update(`${fields.display_name}${fields.id}`).digest('hex');
    const right = { 'data-open': '', 'data-visitor': JSON.stringify({ fields, hash }) };
    const one = await visit(right);
    await converse(one, 'it is me');
    const two = await visit(right);
    await two.getByText('it is me').first().waitFor();
    assert.equal(await visitorId(two), await visitorId(one));
    const wrong = await visit({ 'data-open': '', 'data-visitor': JSON.stringify({ fields, hash: hash.replace(/./g, '0') }) });
    await converse(wrong, 'who am I?');
    assert.notEqual(await visitorId(wrong), await visitorId(one));
  });

  test('looks as the site wants it', BUDGET, async () => {
    const page = await visit({
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

  test('keeps the chat, the panel and unsent text through a reload', BUDGET, async () => {
    const page = await visit();
    await page.getByRole('button', { name: 'Open chat' }).click();
    const chatId = await converse(page, 'before the reload');
    await page.getByLabel('Your message').fill('half a senten');
    await page.reload();
    await page.getByText('before the reload').first().waitFor();
    assert.equal(await page.getByLabel('Your message').inputValue(), 'half a senten');
    await answer(chatId, 'after the reload');
    await page.getByText('after the reload').first().waitFor();
  });

  test('shows two tabs the same chat, and neither ends the other', BUDGET, async () => {
    const context = await newContext();
    const [one, two] = await Promise.all([visit({ 'data-open': '' }, context), visit({ 'data-open': '' }, context)]);
    const chatId = await converse(one, 'from tab one');
    await two.getByText('from tab one').first().waitFor();
    await write(two, 'from tab two');
    await one.getByText('from tab two').first().waitFor();
    await answer(chatId, 'to both');
    for (const page of [one, two])
      await eventually(async () => assert.deepEqual(await shown(page), ['from tab one', 'from tab two', 'to both']));
  });

  test('says that something came while nobody looked', BUDGET, async () => {
    const page = await visit();
    await page.getByRole('button', { name: 'Open chat' }).click();
    const chatId = await converse(page);
    await page.evaluate('counts = []; tandem.onUnread = count => counts.push(count)');
    await page.getByRole('button', { name: 'Close chat' }).first().click();
    assert.equal(
      await page.getByRole('button', { name: 'Open chat' }).evaluate((element: Shown) => element.matches(':focus')),
      true,
      'the focus goes back',
    );
    await setHidden(page, true);
    await answer(chatId, 'are you there?');
    await page.getByRole('button', { name: 'Open chat, 1 unread message' }).waitFor();
    await eventually(async () => (await page.title()) === '(1) New message');
    await eventually(async () => (await page.title()) === 'A site');
    assert.deepEqual(await page.evaluate<number[]>('counts'), [1]);
    assert.equal(await page.locator('[aria-live]').textContent(), 'Operator op1: are you there?');
    await setHidden(page, false);
    await page.getByRole('button', { name: 'Open chat, 1 unread message' }).click();
    await eventually(async () => (await page.evaluate<number[]>('counts')).at(-1) === 0);
    assert.equal(await page.title(), 'A site');
  });

  test('sends a picture that is seen in the chat and large, and any file to be downloaded', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    const chatId = await converse(page);
    const picture = await sharp({ create: { width: 1_200, height: 800, channels: 3, background: '#c9714f' } })
      .png()
      .toBuffer();
    await page.locator('input[type=file]').setInputFiles([
      { name: 'my cup.png', mimeType: 'image/png', buffer: picture },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('remember the milk') },
    ]);
    const natural = (selector: string) => page.locator(selector).evaluate((image: Shown) => (image.complete ? image.naturalWidth : 0));
    await eventually(async () => assert.equal(await natural('.picture img'), 400, 'a thumbnail'));
    await page.getByRole('button', { name: 'Show my cup.png large' }).click();
    await eventually(async () => assert.equal(await natural('.large-picture img'), 1_200, 'the picture itself'));
    await page.keyboard.press('Escape');
    await page.locator('.large-picture').waitFor({ state: 'detached' });
    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download notes.txt' }).click();
    assert.equal(readFileSync(await (await downloading).path(), 'utf8'), 'remember the milk');
    const history = await operator.get(`/l/o/history?chatId=${chatId}`);
    const kinds = (history.data as unknown as { messages: { kind: string }[] }).messages.map(({ kind }) => kind);
    assert.deepEqual(
      kinds,
      ['visitor', 'file_visitor', 'file_visitor'],
      'each file is one message, in the order in which they were chosen',
    );

    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'tool.exe', mimeType: 'application/octet-stream', buffer: Buffer.from('MZ') });
    await page.getByText('Files of this type cannot be sent.').waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('tool.exe').waitFor({ state: 'detached' });
  });

  test('takes files that are dropped or pasted', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    await converse(page);
    for (const [event, name] of [
      ['drop', 'dropped.txt'],
      ['paste', 'pasted.txt'],
    ] as const) {
      await page.getByLabel('Your message').evaluate(handOverFile, { event, name });
      await page.getByRole('link', { name: `Download ${name}` }).waitFor();
    }
  });

  test('sends files to a server that only keeps what is uploaded', BUDGET, async () => {
    const single = await startSingle({ ini: 'upload_messages = together' });
    const ownSite = await startWidgetSite(single.node.url);
    try {
      const login = await Operator.login(single.node.url, 'op', PASSWORD);
      await login.connect();
      await login.setStatus('online');
      const made = await visitSite(ownSite, await newContext(), { 'data-open': '' });
      visits.push(made);
      await write(made.page, 'here it is');
      await made.page.locator('input[type=file]').setInputFiles({ name: 'kept.txt', mimeType: 'text/plain', buffer: Buffer.from('kept') });
      await made.page.getByRole('link', { name: 'Download kept.txt' }).waitFor();
      login.close();
    } finally {
      await ownSite.close();
      await single.stop();
    }
  });

  test('cancels a file on its way', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    await converse(page);
    await page.route('**/l/v/m/upload', () => undefined); // never goes on
    await page.locator('input[type=file]').setInputFiles({ name: 'slow.txt', mimeType: 'text/plain', buffer: Buffer.from('slow') });
    await page.getByRole('progressbar', { name: 'Sending slow.txt' }).waitFor();
    await page.getByRole('button', { name: 'Cancel: slow.txt' }).click();
    await page.getByText('slow.txt').waitFor({ state: 'detached' });
  });

  test('replies, edits, deletes and reacts, by the keyboard alone', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    const chatId = await converse(page, 'a tpyo');
    await answer(chatId, 'which one?');
    await page.getByText('which one?').first().waitFor();
    const choose = async (index: number, item: string): Promise<void> => {
      await page.getByRole('button', { name: 'Message actions' }).nth(index).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: item, exact: true }).focus();
      await page.keyboard.press('Enter');
    };
    await choose(0, 'Edit');
    assert.equal(await page.getByLabel('Your message').inputValue(), 'a tpyo');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('a typo');
    await page.keyboard.press('Enter');
    await page.getByText('edited').waitFor();
    await choose(1, 'Helpful');
    await page.getByRole('img', { name: 'Helpful' }).waitFor();
    await choose(1, 'Reply');
    await page.keyboard.type('this one');
    await page.keyboard.press('Enter');
    await page.locator('blockquote').getByText('which one?').waitFor();
    await page.getByRole('img', { name: 'Sending' }).waitFor({ state: 'detached' });
    await choose(2, 'Delete');
    await eventually(async () => assert.deepEqual(await shown(page), ['a typo', 'which one?']));
  });

  test('answers an operator’s buttons and his question for contacts', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    const chatId = await converse(page);
    const buttons = JSON.stringify([
      [
        { id: 'a', text: 'Slate' },
        { id: 'b', text: 'Sage' },
      ],
    ]);
    await act('chat.keyboard', { chatId, clientSideId: 'keys', message: 'Which glaze?', buttons });
    await page.getByRole('button', { name: 'Sage', exact: true }).click();
    await page.locator('.bubble.own').getByText('Sage').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Slate', exact: true }).isDisabled(), true, 'one answer is all');
    await act('chat.request_contacts', { chatId });
    await page.getByLabel('E-mail').fill('ann@example.org');
    await page.getByRole('button', { name: 'Send contact details' }).click();
    await page.getByText('E-mail: ann@example.org').waitFor();
    await page.getByRole('button', { name: 'Send contact details' }).waitFor({ state: 'detached' });
  });

  test('tells the place in the queue, and when it changes', BUDGET, async () => {
    const [first, second] = [await visit({ 'data-open': '' }), await visit({ 'data-open': '' })];
    await write(first, 'first');
    const chatId = await chatOf(first);
    await first.getByText('You are next in line.').waitFor();
    await write(second, 'second');
    await second.getByText('You are number 2 in line.').waitFor();
    await act('chat.take', { chatId });
    await second.getByText('You are next in line.').waitFor();
    await act('chat.take', { chatId: await chatOf(second) });
    await second.getByText('You are next in line.').waitFor({ state: 'detached' });
  });

  test('ends the chat after a question, and takes a rating with a note', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    const chatId = await converse(page);
    await answer(chatId, 'done');
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('menuitem', { name: 'End the conversation' }).click();
    await page.getByRole('dialog', { name: 'End this conversation?' }).getByRole('button', { name: 'End the conversation' }).click();
    await page.getByText('This conversation has ended.').waitFor();
    await page.getByRole('radio', { name: '1 star' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByLabel('Anything to add?').fill('quick help');
    await page.getByRole('button', { name: 'Send rating' }).click();
    await page.getByText('Thank you for your rating.').waitFor();
    const [row] = await cluster.database.query<{ ratings: unknown }>('select ratings from chat where id = $1', [chatId]);
    assert.deepEqual(Object.values(row?.ratings ?? {}), [{ rating: 1, note: 'quick help' }], 'four stars of five');
  });

  test('asks the questions of a survey when the operator has ended the chat', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    const chatId = await converse(page);
    await act('chat.close', { chatId });
    await page.getByLabel('Yes').check();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByLabel('What could be better?').fill('Nothing');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Thank you!').first().waitFor();
    const [row] = await cluster.database.query<{ survey: { answers: { answer: string }[] } }>('select survey from chat where id = $1', [
      chatId,
    ]);
    assert.deepEqual(
      row?.survey.answers.map(one => one.answer),
      ['1', 'Nothing'],
    );
  });

  test('loads older messages as one scrolls up, and does not jump', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    await page.getByLabel('Your message').waitFor();
    const visitor = await Visitor.init(cluster.slave.url, { visitor: JSON.stringify({ id: await visitorId(page) }) });
    for (let i = 1; i <= 130; i++) await visitor.send(`number ${i}`, `n${i}`);
    await page.reload();
    await page.getByText('number 130', { exact: true }).waitFor();
    const timeline = page.getByRole('region', { name: 'Messages' });
    assert.equal(await page.getByText('number 1', { exact: true }).count(), 0);
    assert.ok(await timeline.evaluate(isAtEnd), 'at the end');
    const before = await timeline.evaluate((element: Shown) => {
      element.scrollTop = 150;
      const row = [...element.querySelectorAll('.row')].find(one => one.getBoundingClientRect().top > element.getBoundingClientRect().top);
      return { text: row?.querySelector('.text')?.textContent ?? '', top: row?.getBoundingClientRect().top ?? 0 };
    });
    await page.getByText('number 1', { exact: true }).waitFor({ state: 'attached' });
    const rowNow = page.getByText(before.text, { exact: true }).locator('xpath=ancestor::li');
    const movedBy = Math.abs((await rowNow.evaluate((row: Shown) => row.getBoundingClientRect().top)) - before.top);
    assert.ok(movedBy < 3, `the row one reads has moved by ${movedBy} pixels`);
    await page.getByRole('button', { name: 'Go to the newest message' }).click();
    await eventually(async () => assert.ok(await timeline.evaluate(isAtEnd)));
  });

  test('fills a phone, with the input in sight, and is not opened there by the site', BUDGET, async () => {
    const page = await visit({ 'data-open': '' }, await newContext(PHONE));
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
      const byAttribute = await visit({ 'data-open': '', 'data-lang': language });
      await byAttribute.getByRole('heading', { name: title }).waitFor();
      const byBrowser = await visit({ 'data-open': '' }, await newContext({ locale: language }));
      await byBrowser.getByRole('heading', { name: title }).waitFor();
    }
  });

  test('asks who one is and for the department before the first message', BUDGET, async () => {
    for (const [key, name] of [
      ['sales', 'Sales'],
      ['repairs', 'Repairs'],
    ] as const) {
      const added = await chatServer(['department', 'add', '--key', key, '--name', name], { cwd: cluster.folder.path });
      assert.equal(added.code, 0, added.stderr);
    }
    const added = await chatServer(
      ['operator', 'add', '--login', 'both', '--fullname', 'Both', '--password', PASSWORD, '--departments', 'sales,repairs'],
      { cwd: cluster.folder.path },
    );
    assert.equal(added.code, 0, added.stderr);
    const both = await eventually(() => Operator.login(nginx.url, 'both', PASSWORD), { within: 10_000, every: 100 });
    await both.connect();
    await both.setStatus('online');
    const page = await visit({ 'data-open': '', 'data-prechat': 'name,email', 'data-departments': 'choose' });
    await page.getByLabel('Name').fill('Ann');
    await page.getByRole('button', { name: 'Start chat' }).click();
    assert.equal(await page.getByLabel('Your message').count(), 0, 'the e-mail is missing');
    await page.getByLabel('E-mail').fill('ann@example.org');
    await page.getByLabel('Department').selectOption({ label: 'Repairs' });
    await page.getByRole('button', { name: 'Start chat' }).click();
    await write(page, 'a broken cup');
    await page.getByRole('img', { name: 'Sent', exact: true }).waitFor();
    const [chat] = await cluster.database.query<{ department_key: string; visitor_fields: Record<string, string> }>(
      'select department_key, visitor_fields from chat where id = $1',
      [await chatOf(page)],
    );
    assert.equal(chat?.department_key, 'repairs');
    assert.equal(chat.visitor_fields['email'], 'ann@example.org');
    await both.setStatus('offline');
    both.close();
  });

  test('takes a message while nobody is there', BUDGET, async () => {
    await operator.setStatus('offline');
    try {
      const page = await visit({ 'data-open': '' });
      await page.getByLabel('E-mail').fill('ann@example.org');
      await page.getByLabel('Your message').fill('Please call me back');
      await page.getByRole('button', { name: 'Send message' }).click();
      await page.getByText('Thank you, we have your message.').waitFor();
      const [chat] = await cluster.database.query<{ offline: boolean; visitor_fields: Record<string, string> }>(
        'select offline, visitor_fields from chat where id = $1',
        [await chatOf(page)],
      );
      assert.equal(chat?.offline, true);
      assert.equal(chat.visitor_fields['email'], 'ann@example.org');
    } finally {
      await operator.setStatus('online');
    }
  });

  test('is quiet to a visitor whom an operator keeps out', BUDGET, async () => {
    const page = await visit({ 'data-open': '' });
    await converse(page);
    await act('visitor.ban', { visitorId: await visitorId(page) });
    await page.getByText('Chat is not available.').first().waitFor();
    assert.equal(await page.getByLabel('Your message').count(), 0);
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
      const page = await visit({}, await newContext({ colorScheme, reducedMotion: 'reduce' }));
      await page.getByRole('button', { name: 'Open chat' }).waitFor();
      await look(page, `launcher, ${colorScheme}`);
      await page.getByRole('button', { name: 'Open chat' }).click();
      const chatId = await converse(page);
      await answer(chatId, 'Hello');
      await act('chat.request_contacts', { chatId });
      await page.getByRole('button', { name: 'Send contact details' }).waitFor();
      await look(page, `open panel, ${colorScheme}`);
      await operator.setStatus('offline');
      const offline = await visit({ 'data-open': '' }, await newContext({ colorScheme, reducedMotion: 'reduce' }));
      await offline.getByLabel('E-mail').waitFor();
      await look(offline, `offline form, ${colorScheme}`);
      await operator.setStatus('online');
    }
  });
});

/** As if the tab were in the background. */
async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));`);
}

/** Runs in the page, where these names are the browser's. */
function handOverFile(element: Shown, { event, name }: { readonly event: string; readonly name: string }): void {
  const page = globalThis as unknown as {
    DataTransfer: new () => { items: { add(file: unknown): void } };
    File: new (parts: readonly string[], name: string) => unknown;
    DragEvent: new (type: string, options: object) => Event;
    ClipboardEvent: new (type: string, options: object) => Event;
  };
  const data = new page.DataTransfer();
  data.items.add(new page.File(['handed over'], name));
  const options = { bubbles: true, composed: true, cancelable: true };
  element.dispatchEvent(
    event === 'drop'
      ? new page.DragEvent('drop', { ...options, dataTransfer: data })
      : new page.ClipboardEvent('paste', { ...options, clipboardData: data }),
  );
}
