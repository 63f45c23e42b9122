/** The visitor’s widget in a real browser: a conversation, and what becomes of it when connections and nodes fail. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { MASTER } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { Visitor } from '../support/visitor.ts';
import { signFields } from '../support/signed-fields.ts';
import { BUDGET, type Shown, WidgetStage } from '../support/widget-stage.ts';

const isAtEnd = (element: Shown): boolean => element.scrollHeight - element.scrollTop - element.clientHeight < 2;

describe('the visitor’s widget', () => {
  let stage: WidgetStage;

  before(async () => {
    stage = await WidgetStage.open();
  });

  after(() => stage.close());

  afterEach(() => stage.clear());

  test('carries words both ways, quickly, and shows who writes and what was read', BUDGET, async t => {
    const page = await stage.visit();
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

    const chatId = await stage.chatOf(page);
    await page.getByText('You are next in line.').waitFor();
    await stage.act('chat.take', { chatId });
    await page.getByRole('heading', { name: 'Operator op1' }).waitFor();
    await stage.act('chat.typing', { chatId, typing: 'true' });
    await page.getByText('Operator op1 is typing').waitFor();
    await stage.answer(chatId, 'Hello, what can I do for you?');
    await page.getByText('Hello, what can I do for you?').first().waitFor();
    await stage.act('chat.read', { chatId });
    await page.getByRole('img', { name: 'Read', exact: true }).waitFor();
    assert.deepEqual(await stage.shown(page), [
      'Good day & <b>welcome</b>, see https://example.org/a?b=c.',
      'Hello, what can I do for you?',
    ]);

    await page.getByLabel('Your message').pressSequentially('I am still wri');
    await eventually(() =>
      stage.operator.deltas.some(
        ({ objectType, data }) => objectType === 'CHAT_VISITOR_TYPING' && (data as { draft?: string }).draft !== undefined,
      ),
    );
  });

  test('loses and doubles nothing when the node that serves it is killed in the middle', { timeout: 40_000 }, async () => {
    const page = await stage.visit({ 'data-open': '' });
    const chatId = await stage.converse(page, 'word 0');
    const said: string[] = ['word 0'];
    const [mine, theirs] = [Array.from({ length: 12 }, (_, i) => `word ${i + 1}`), Array.from({ length: 12 }, (_, i) => `answer ${i + 1}`)];
    const talk = async (): Promise<void> => {
      for (const text of mine) {
        await stage.write(page, text);
        said.push(text);
      }
    };
    const reply = async (): Promise<void> => {
      for (const [i, text] of theirs.entries()) {
        await eventually(
          async () => (await stage.operator.action('chat.message', { chatId, message: text, clientSideId: `kill${i}` })).result === 'ok',
          { within: 15_000, every: 100 },
        );
      }
    };
    const talking = [talk(), reply()];
    await page.getByText('word 4', { exact: true }).waitFor();
    await stage.cluster.master.kill();
    await Promise.all(talking);
    await eventually(
      async () => {
        const texts = await stage.shown(page);
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
    const rows = await stage.cluster.database.query<{ text: string }>('select text from message where chat_id = $1 order by ts_us', [
      chatId,
    ]);
    const stored = rows.map(({ text }) => text);
    for (const text of [...said, ...theirs]) assert.equal(stored.filter(one => one === text).length, 1, `${text} is stored once`);
    await stage.cluster.start(MASTER);
    await eventually(async () => (await stage.cluster.leader()) !== '', { within: 15_000 });
  });

  test('keeps what is written without a connection, says so, and sends it once', BUDGET, async () => {
    const context = await stage.newContext();
    const page = await stage.visit({ 'data-open': '' }, context);
    await stage.converse(page);
    await page.getByRole('img', { name: 'Sent', exact: true }).waitFor();
    await context.setOffline(true);
    await page.evaluate(`dispatchEvent(new Event('pagehide'))`); // what is open stays open for an emulated network
    await page.evaluate(`dispatchEvent(new Event('pageshow'))`);
    await page.getByText('No connection, trying again…').waitFor();
    await stage.write(page, 'said in a tunnel');
    await page.getByRole('img', { name: 'Sending' }).waitFor();
    await context.setOffline(false);
    await page.getByRole('img', { name: 'Sending' }).waitFor({ state: 'detached' });
    assert.deepEqual(await stage.shown(page), ['Good day', 'said in a tunnel']);
  });

  test('polls where WebSockets do not come through', BUDGET, async () => {
    const context = await stage.newContext();
    await context.routeWebSocket(/\/ws\//, socket => socket.close());
    const page = await stage.visit({ 'data-open': '' }, context);
    const chatId = await stage.converse(page, 'by poll');
    await stage.answer(chatId, 'answered by poll');
    await page.getByText('answered by poll').first().waitFor();
    await stage.write(page, 'once more');
    await eventually(async () => assert.deepEqual(await stage.shown(page), ['by poll', 'answered by poll', 'once more']));
  });

  test('polls on a site whose policy forbids WebSockets', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '', 'no-sockets': '' });
    const chatId = await stage.converse(page, 'by poll');
    await stage.answer(chatId, 'answered by poll');
    await page.getByText('answered by poll').first().waitFor();
    const faults = stage.visits.flatMap(visit => visit.faults.splice(0));
    assert.equal(faults.length, 2, 'it tries twice');
    assert.ok(
      faults.every(fault => fault.includes('ws://')),
      String(faults),
    );
  });

  test('comes back when the server says so, and begins anew when its page has ended', BUDGET, async () => {
    const context = await stage.newContext();
    const page = await stage.visit({ 'data-open': '' }, context);
    await stage.converse(page, 'before');
    const id = await stage.visitorId(page);
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
    assert.equal(await stage.visitorId(page), id, 'the same visitor');
    await stage.write(page, 'after');
    await eventually(async () => assert.deepEqual(await stage.shown(page), ['before', 'after']));
  });

  test('finds a signed visitor again in another browser, and chats with a stranger whose signature is wrong', BUDGET, async () => {
    const signed = signFields({ id: 'customer-7', display_name: 'Ann "A" O\'Neil' });
    const right = { 'data-open': '', 'data-visitor': JSON.stringify(signed) };
    const one = await stage.visit(right);
    await stage.converse(one, 'it is me');
    const two = await stage.visit(right);
    await two.getByText('it is me').first().waitFor();
    assert.equal(await stage.visitorId(two), await stage.visitorId(one));
    const wrong = await stage.visit({
      'data-open': '',
      'data-visitor': JSON.stringify({ ...signed, hash: signed.hash.replace(/./g, '0') }),
    });
    await stage.converse(wrong, 'who am I?');
    assert.notEqual(await stage.visitorId(wrong), await stage.visitorId(one));
  });

  test('keeps the chat, the panel and unsent text through a reload', BUDGET, async () => {
    const page = await stage.visit();
    await page.getByRole('button', { name: 'Open chat' }).click();
    const chatId = await stage.converse(page, 'before the reload');
    await page.getByLabel('Your message').fill('half a senten');
    await page.reload();
    await page.getByText('before the reload').first().waitFor();
    assert.equal(await page.getByLabel('Your message').inputValue(), 'half a senten');
    await stage.answer(chatId, 'after the reload');
    await page.getByText('after the reload').first().waitFor();
  });

  test('shows two tabs the same chat, and neither ends the other', BUDGET, async () => {
    const context = await stage.newContext();
    const [one, two] = await Promise.all([stage.visit({ 'data-open': '' }, context), stage.visit({ 'data-open': '' }, context)]);
    const chatId = await stage.converse(one, 'from tab one');
    await two.getByText('from tab one').first().waitFor();
    await stage.write(two, 'from tab two');
    await one.getByText('from tab two').first().waitFor();
    await stage.answer(chatId, 'to both');
    for (const page of [one, two])
      await eventually(async () => assert.deepEqual(await stage.shown(page), ['from tab one', 'from tab two', 'to both']));
  });

  test('says that something came while nobody looked', BUDGET, async () => {
    const page = await stage.visit();
    await page.getByRole('button', { name: 'Open chat' }).click();
    const chatId = await stage.converse(page);
    await page.evaluate('counts = []; tandem.onUnread = count => counts.push(count)');
    await page.getByRole('button', { name: 'Close chat' }).first().click();
    assert.equal(
      await page.getByRole('button', { name: 'Open chat' }).evaluate((element: Shown) => element.matches(':focus')),
      true,
      'the focus goes back',
    );
    await setHidden(page, true);
    await stage.answer(chatId, 'are you there?');
    await page.getByRole('button', { name: 'Open chat, 1 unread message' }).waitFor();
    // Of several tabs the one that writes this down is heard.
    await eventually(() => page.evaluate<boolean>(`Object.keys(localStorage).some(key => key.endsWith(' rang'))`));
    await eventually(async () => (await page.title()) === '(1) New message');
    await eventually(async () => (await page.title()) === 'A site');
    assert.deepEqual(await page.evaluate<number[]>('counts'), [1]);
    assert.equal(await page.locator('[aria-live]').textContent(), 'Operator op1: are you there?');
    await setHidden(page, false);
    await page.getByRole('button', { name: 'Open chat, 1 unread message' }).click();
    await eventually(async () => (await page.evaluate<number[]>('counts')).at(-1) === 0);
    assert.equal(await page.title(), 'A site');
  });

  test('loads older messages as one scrolls up, and does not jump', { timeout: 60_000 }, async () => {
    const page = await stage.visit({ 'data-open': '' });
    await page.getByLabel('Your message').waitFor();
    const visitor = await Visitor.init(stage.cluster.slave.url, { visitor: JSON.stringify(await stage.visitor(page)) });
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

  test('is quiet to a visitor whom an operator keeps out', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '' });
    await stage.converse(page);
    await stage.act('visitor.ban', { visitorId: await stage.visitorId(page) });
    await page.getByText('Chat is not available.').first().waitFor();
    assert.equal(await page.getByLabel('Your message').count(), 0);
  });
});

/** As if the tab were in the background. */
async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));`);
}
