/** What the widget offers besides words: files, buttons, forms, ratings, the place in the queue. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { PASSWORD } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { startSingle } from '../support/single.ts';
import { startWidgetSite, visitSite } from '../support/widget-site.ts';
import { BUDGET, type Shown, WidgetStage } from '../support/widget-stage.ts';

describe('the widget’s offers', () => {
  let stage: WidgetStage;

  before(async () => {
    stage = await WidgetStage.open();
  });

  after(() => stage.close());

  afterEach(() => stage.clear());

  test('sends a picture that is seen in the chat and large, and any file to be downloaded', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '' });
    const chatId = await stage.converse(page);
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
    const history = await stage.operator.get(`/l/o/history?chatId=${chatId}`);
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
    const page = await stage.visit({ 'data-open': '' });
    await stage.converse(page);
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
      const made = await visitSite(ownSite, await stage.newContext(), { 'data-open': '' });
      stage.visits.push(made);
      await stage.write(made.page, 'here it is');
      await made.page.locator('input[type=file]').setInputFiles({ name: 'kept.txt', mimeType: 'text/plain', buffer: Buffer.from('kept') });
      await made.page.getByRole('link', { name: 'Download kept.txt' }).waitFor();
      login.close();
    } finally {
      await ownSite.close();
      await single.stop();
    }
  });

  test('cancels a file on its way', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '' });
    await stage.converse(page);
    await page.route('**/l/v/m/upload', () => undefined); // never goes on
    await page.locator('input[type=file]').setInputFiles({ name: 'slow.txt', mimeType: 'text/plain', buffer: Buffer.from('slow') });
    await page.getByRole('progressbar', { name: 'Sending slow.txt' }).waitFor();
    await page.getByRole('button', { name: 'Cancel: slow.txt' }).click();
    await page.getByText('slow.txt').waitFor({ state: 'detached' });
  });

  test('replies, edits, deletes and reacts, by the keyboard alone', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '' });
    const chatId = await stage.converse(page, 'a tpyo');
    await stage.answer(chatId, 'which one?');
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
    await page.getByLabel('Your message').and(page.locator(':focus')).waitFor();
    await page.keyboard.type('this one');
    await page.keyboard.press('Enter');
    await page.locator('blockquote').getByText('which one?').waitFor();
    await page.getByRole('img', { name: 'Sending' }).waitFor({ state: 'detached' });
    await choose(2, 'Delete');
    await eventually(async () => assert.deepEqual(await stage.shown(page), ['a typo', 'which one?']));
  });

  test('answers an operator’s buttons and his question for contacts', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '' });
    const chatId = await stage.converse(page);
    const buttons = JSON.stringify([
      [
        { id: 'a', text: 'Slate' },
        { id: 'b', text: 'Sage' },
      ],
    ]);
    await stage.act('chat.keyboard', { chatId, clientSideId: 'keys', message: 'Which glaze?', buttons });
    await page.getByRole('button', { name: 'Sage', exact: true }).click();
    await page.locator('.bubble.own').getByText('Sage').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Slate', exact: true }).isDisabled(), true, 'one answer is all');
    await stage.act('chat.request_contacts', { chatId });
    await page.getByLabel('E-mail').fill('ann@example.org');
    await page.getByRole('button', { name: 'Send contact details' }).click();
    await page.getByText('E-mail: ann@example.org').waitFor();
    await page.getByRole('button', { name: 'Send contact details' }).waitFor({ state: 'detached' });
  });

  test('tells the place in the queue, and when it changes', BUDGET, async () => {
    const [first, second] = [await stage.visit({ 'data-open': '' }), await stage.visit({ 'data-open': '' })];
    await stage.write(first, 'first');
    const chatId = await stage.chatOf(first);
    await first.getByText('You are next in line.').waitFor();
    await stage.write(second, 'second');
    await second.getByText('You are number 2 in line.').waitFor();
    await stage.act('chat.take', { chatId });
    await second.getByText('You are next in line.').waitFor();
    await stage.act('chat.take', { chatId: await stage.chatOf(second) });
    await second.getByText('You are next in line.').waitFor({ state: 'detached' });
  });

  test('ends the chat after a question, and takes a rating with a note', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '' });
    const chatId = await stage.converse(page);
    await stage.answer(chatId, 'done');
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
    const [row] = await stage.cluster.database.query<{ ratings: unknown }>('select ratings from chat where id = $1', [chatId]);
    assert.deepEqual(Object.values(row?.ratings ?? {}), [{ rating: 1, note: 'quick help' }], 'four stars of five');
  });

  test('asks the questions of a survey when the operator has ended the chat', BUDGET, async () => {
    const page = await stage.visit({ 'data-open': '' });
    const chatId = await stage.converse(page);
    await stage.act('chat.close', { chatId });
    await page.getByLabel('Yes').check();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByLabel('What could be better?').fill('Nothing');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Thank you!').first().waitFor();
    const [row] = await stage.cluster.database.query<{ survey: { answers: { answer: string }[] } }>(
      'select survey from chat where id = $1',
      [chatId],
    );
    assert.deepEqual(
      row?.survey.answers.map(one => one.answer),
      ['1', 'Nothing'],
    );
  });

  test('asks who one is and for the department before the first message', BUDGET, async () => {
    for (const [key, name] of [
      ['sales', 'Sales'],
      ['repairs', 'Repairs'],
    ] as const) {
      const added = await chatServer(['department', 'add', '--key', key, '--name', name], { cwd: stage.cluster.folder.path });
      assert.equal(added.code, 0, added.stderr);
    }
    const added = await chatServer(
      ['operator', 'add', '--login', 'both', '--fullname', 'Both', '--password', PASSWORD, '--departments', 'sales,repairs'],
      { cwd: stage.cluster.folder.path },
    );
    assert.equal(added.code, 0, added.stderr);
    const both = await eventually(() => Operator.login(stage.nginx.url, 'both', PASSWORD), { within: 10_000, every: 100 });
    await both.connect();
    await both.setStatus('online');
    const page = await stage.visit({ 'data-open': '', 'data-prechat': 'name,email', 'data-departments': 'choose' });
    await page.getByLabel('Name').fill('Ann');
    await page.getByRole('button', { name: 'Start chat' }).click();
    assert.equal(await page.getByLabel('Your message').count(), 0, 'the e-mail is missing');
    await page.getByLabel('E-mail').fill('ann@example.org');
    await page.getByLabel('Department').selectOption({ label: 'Repairs' });
    await page.getByRole('button', { name: 'Start chat' }).click();
    await stage.write(page, 'a broken cup');
    await page.getByRole('img', { name: 'Sent', exact: true }).waitFor();
    const [chat] = await stage.cluster.database.query<{ department_key: string; visitor_fields: Record<string, string> }>(
      'select department_key, visitor_fields from chat where id = $1',
      [await stage.chatOf(page)],
    );
    assert.equal(chat?.department_key, 'repairs');
    assert.equal(chat.visitor_fields['email'], 'ann@example.org');
    await both.setStatus('offline');
    both.close();
  });

  test('takes a message while nobody is there, and notices when somebody comes', BUDGET, async () => {
    await stage.operator.setStatus('offline');
    try {
      const early = await stage.visit({ 'data-open': '' });
      await early.getByLabel('E-mail').waitFor();
      await stage.operator.setStatus('online');
      await early.getByLabel('E-mail').waitFor({ state: 'detached' });
      await stage.write(early, 'I can write at once');
      await stage.operator.setStatus('offline');

      const page = await stage.visit({ 'data-open': '' }, await stage.newContext());
      await page.getByLabel('E-mail').fill('ann@example.org');
      await page.getByLabel('Your message').fill('Please call me back');
      await page.getByRole('button', { name: 'Send message' }).click();
      await page.getByText('Thank you, we have your message.').waitFor();
      const [chat] = await stage.cluster.database.query<{ offline: boolean; visitor_fields: Record<string, string> }>(
        'select offline, visitor_fields from chat where id = $1',
        [await stage.chatOf(page)],
      );
      assert.equal(chat?.offline, true);
      assert.equal(chat.visitor_fields['email'], 'ann@example.org');
    } finally {
      await stage.operator.setStatus('online');
    }
  });
});

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
