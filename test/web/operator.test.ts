/** The operators' page against a real cluster behind Nginx: what an operator does all day, by mouse and by keyboard. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import sharp from 'sharp';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, SLAVE } from '../support/cluster.ts';
import { Desk, type Guest, run } from '../support/desk.ts';
import { eventually } from '../support/eventually.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { launchBrowser, seriousIssues } from '../support/browser.ts';
import { OperatorPage } from '../support/operator-page.ts';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

describe("the operators' page", () => {
  const cleanup = new Cleanup();
  let desk: Desk;
  let nginx: Nginx;
  let browser: Browser;

  before(async () => {
    desk = cleanup.add(
      await Desk.open({
        departments: ['sales', 'support'],
        ini: 'assignment_mode = manual',
        duties: [
          { login: 'anna', departments: 'sales', roles: 'supervisor', max_chats: 3 },
          { login: 'boris', departments: 'sales,support', max_chats: 3 },
        ],
      }),
      it => it.stop(),
    );
    await run(desk.cluster, 'department', 'set', '--key', 'support', '--mode', 'mixed');
    nginx = cleanup.add(await startNginx({ nodes: { 8260: desk.cluster.master.port, 8261: desk.cluster.slave.port } }), it => it.stop());
    browser = cleanup.add(await launchBrowser(), it => it.close());
  });

  beforeEach(async () => {
    await desk.clear();
    await Promise.all(['anna', 'boris'].map(login => desk.staff(login).operator.setStatus('online')));
  });

  after(() => cleanup.run());

  const at = (login: string, options?: BrowserContextOptions): Promise<OperatorPage> =>
    OperatorPage.open(browser, nginx.url, desk.staff(login), options);

  /** A visitor through Nginx who polls, as a browser would. */
  const guestWith = async (text: string): Promise<Guest> => {
    const guest = await desk.guest({}, nginx.url);
    guest.visitor.startPolling();
    await guest.start({ department: 'sales', text });
    return guest;
  };

  test('logs in, says clearly what is wrong, changes the password, logs out; a disabled one is told so', async () => {
    const opened = await OperatorPage.open(browser, nginx.url);
    const { page } = opened;
    await run(desk.cluster, 'operator', 'add', '--login', 'dora', '--fullname', 'Dora', '--password', PASSWORD);
    await page.getByLabel('Login').fill('dora');
    await page.getByLabel('Password').first().fill('not this one');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Login or password is wrong.').waitFor();
    await page.getByLabel('Password').first().fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByLabel('Status', { exact: true }).waitFor();

    await page.getByLabel('Menu of Dora').click();
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByLabel('Current password').fill('not this one');
    await page.getByLabel('New password (8').fill('another one');
    await page.getByLabel('New password again').fill('another one');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The current password is wrong.').waitFor();
    await page.getByLabel('Current password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Password changed.').waitFor();

    await page.getByLabel('Menu of Dora').click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('You are logged out.').waitFor();
    await page.reload();
    await page.getByLabel('Login').fill('dora');
    await page.getByLabel('Password').first().fill('another one');
    await page.keyboard.press('Enter');
    await page.getByLabel('Status', { exact: true }).waitFor();
    await run(desk.cluster, 'operator', 'disable', '--login', 'dora');
    await page.getByText('Your account was disabled.').waitFor();
    // The node that answers the log-in may hear of it a moment after the one that ended the session.
    await eventually(
      async () => {
        await page.getByLabel('Login').fill('dora');
        await page.getByLabel('Password').first().fill('another one');
        await page.keyboard.press('Enter');
        await page.getByText('This account is disabled.').waitFor({ timeout: 5_000 });
        return true;
      },
      { within: 40_000 },
    );
    await opened.close();
  });

  test('after too many attempts says for how long, and counts down', async () => {
    const opened = await OperatorPage.open(browser, nginx.url);
    const { page } = opened;
    await page.getByLabel('Login').fill('nobody');
    for (let attempt = 0; attempt < 6; attempt++) {
      await page.getByLabel('Password').first().fill(`guess ${attempt}`);
      const answered = page.waitForResponse(/\/l\/o\/login/);
      await page.getByRole('button', { name: 'Log in' }).click();
      await answered;
    }
    await page.getByText(/Too many attempts\. You can try again in \d+/).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Log in' }).isDisabled(), true);
    await opened.close();
  });

  test('a login that ends elsewhere leads to the login screen, which says why', async () => {
    const { operator } = desk.staff('boris');
    const login = await (
      await fetch(`${nginx.url}/l/o/login`, { method: 'POST', body: new URLSearchParams({ login: 'boris', password: PASSWORD }) })
    ).json();
    const { authToken } = (login as { data: { authToken: string } }).data;
    const opened = await OperatorPage.open(browser, nginx.url);
    await opened.page.context().addCookies([{ name: 'operator_token', value: authToken, url: nginx.url }]);
    await opened.page.reload();
    await opened.tab(0).waitFor();
    await fetch(`${operator.url}/l/o/logout`, { method: 'POST', headers: { authorization: `Bearer ${authToken}` } });
    await opened.page.getByText('Your session has ended').waitFor();
    await opened.close();
  });

  test('takes a chat and talks both ways, with typing, draft, read marks, edits and quotes', async () => {
    const guest = await guestWith('Where is my order?');
    const anna = await at('anna');
    await anna.take('Where is my order?');
    await anna.write('Hello, let me look');
    await eventually(() => guest.texts.includes('Hello, let me look'));
    await guest.visitor.action('chat.visitor_typing', { typing: 'true', 'message-draft': 'It is number' });
    await anna.log.getByText('It is number').waitFor();
    await guest.say('It is number 4711, see https://example.org/4711.');
    const link = anna.log.getByRole('link', { name: 'https://example.org/4711', exact: true });
    assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
    await anna.log.getByText('It is number').filter({ hasText: 'typing' }).waitFor({ state: 'detached' });

    const mine = anna.log.getByRole('article').filter({ hasText: 'let me look' });
    await guest.visitor.action('chat.read_by_visitor');
    await mine.getByTitle('Read', { exact: true }).waitFor();
    await eventually(async () => {
      const [row] = await desk.query<{ since: unknown }>('select unread_by_operator_since_us as since from chat where id = $1', [
        guest.chatId,
      ]);
      return row?.since === null;
    });

    await mine.hover();
    await mine.getByRole('button', { name: 'Edit' }).click();
    await anna.write('Hello, I am looking');
    await mine.waitFor({ state: 'detached' });
    await anna.log.getByRole('article').filter({ hasText: 'I am looking' }).getByText('edited').waitFor();

    const theirs = anna.log.getByRole('article').filter({ hasText: '4711' });
    await theirs.hover();
    await theirs.getByRole('button', { name: 'Reply' }).click();
    await anna.write('It left yesterday');
    await anna.log.getByRole('article').filter({ hasText: 'It left yesterday' }).locator('.quote').getByText('4711').waitFor();

    const last = anna.log.getByRole('article').filter({ hasText: 'It left yesterday' });
    await last.hover();
    await last.getByRole('button', { name: 'Delete' }).click();
    await anna.dialog.getByRole('button', { name: 'Delete' }).click();
    await anna.log.getByText('Message deleted').waitFor();
    await anna.close();
  });

  test('a note is for colleagues: the visitor does not get it', async () => {
    const guest = await guestWith('A question');
    const anna = await at('anna');
    await anna.take('A question');
    await anna.page.keyboard.press('Alt+n');
    await anna.write('He called before');
    await anna.log.locator('.note').getByText('He called before').waitFor();
    await anna.page.keyboard.press('Alt+n');
    await anna.write('An answer');
    await eventually(() => guest.texts.includes('An answer'));
    assert.deepEqual(guest.texts, ['A question', 'An answer']);
    await anna.close();
  });

  test('what was begun or put in as a note leaves as nothing else: by Reply, Enter, the note button, paste, drop, choice, a reload', async () => {
    const guest = await guestWith('How much is it?');
    const anna = await at('anna');
    await anna.take('How much is it?');
    const asNote = (): Promise<void> => anna.button('Note to colleagues').click();

    // A half-written note stays one while its author answers meanwhile.
    await anna.composer.fill('half an answer');
    await asNote();
    assert.equal(await anna.composer.inputValue(), '', 'a note has words of its own');
    await anna.composer.fill('zebra, he never pays');
    const question = anna.log.locator('.message.theirs').first();
    await question.hover();
    await question.getByRole('button', { name: 'Reply' }).click();
    assert.equal(await anna.composer.inputValue(), 'half an answer', 'and so has the answer');
    await anna.write('100 euro');
    await eventually(() => guest.texts.includes('100 euro'));
    assert.equal(await anna.composer.inputValue(), 'zebra, he never pays', 'and the note is there again');
    await asNote();
    assert.equal(await anna.composer.inputValue(), '', 'a note never becomes an answer');
    await anna.composer.press('Enter');
    await question.hover();
    await question.getByRole('button', { name: 'Reply' }).click();
    await anna.composer.fill('half a reply');
    await anna.page.keyboard.press('Alt+n');
    await anna.page.locator('.composer.note').waitFor();
    assert.equal(
      await anna.composer.inputValue(),
      'zebra, he never pays',
      'who asks for notes in the middle of a reply is among colleagues',
    );

    // Files, by all three ways; also while a note is worded anew.
    const transfer = (name: string) =>
      anna.page.evaluateHandle(
        `const data = new DataTransfer(); data.items.add(new File(['some words'], '${name}', { type: 'text/plain' })); data`,
      );
    await anna.page
      .locator('input[type=file]')
      .setInputFiles([{ name: 'zebra-chosen.txt', mimeType: 'text/plain', buffer: Buffer.from('x') }]);
    await anna.composer.dispatchEvent('drop', { dataTransfer: await transfer('zebra-dropped.txt') });
    await anna.composer.focus();
    await anna.page.evaluate(`
      const pasted = new DataTransfer();
      pasted.items.add(new File(['some words'], 'zebra-pasted.txt', { type: 'text/plain' }));
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: pasted, bubbles: true, cancelable: true }));
    `);
    for (const name of ['chosen', 'dropped', 'pasted'])
      await anna.log
        .locator('.message.note')
        .getByRole('link', { name: `Download zebra-${name}.txt` })
        .waitFor();
    await anna.composer.press('Enter');
    const note = anna.log.locator('.message.note').filter({ hasText: 'he never pays' });
    await note.getByRole('button', { name: 'Edit' }).waitFor({ state: 'attached' });
    await asNote();
    await note.hover();
    await note.getByRole('button', { name: 'Edit' }).click();
    await anna.page.locator('.composer.note').waitFor();
    await anna.composer.dispatchEvent('drop', { dataTransfer: await transfer('zebra-edited.txt') });
    await anna.log.locator('.message.note').getByRole('link', { name: 'Download zebra-edited.txt' }).waitFor();
    await anna.write('zebra, he pays late');
    await anna.log.locator('.message.note').filter({ hasText: 'he pays late' }).waitFor();

    // One that waits for the network is sent as what it is after the page was loaded again.
    await anna.page.context().setOffline(true);
    await asNote();
    await anna.write('zebra, from the cellar');
    await anna.log.locator('.outgoing.note').waitFor();
    await anna.composer.fill('zebra, half');
    await anna.page.evaluate('window.stop()');
    await anna.page.context().setOffline(false);
    await anna.page.reload();
    await anna.log.locator('.message.note').filter({ hasText: 'from the cellar' }).waitFor();
    assert.equal(await anna.composer.inputValue(), 'half a reply', 'the draft of the answer');
    await asNote();
    assert.equal(await anna.composer.inputValue(), 'zebra, half');

    await asNote();
    await anna.write('The end');
    await eventually(() => guest.texts.includes('The end'));
    assert.deepEqual(guest.texts, ['How much is it?', '100 euro', 'The end']);
    assert.doesNotMatch(JSON.stringify(guest.visitor.deltas), /zebra/);
    await anna.close();
  });

  test('transfers a chat with a note that only the colleague sees', async () => {
    const guest = await guestWith('For somebody else');
    const [anna, boris] = [await at('anna'), await at('boris')];
    await anna.take('For somebody else');
    await anna.page.keyboard.press('Alt+r');
    await anna.dialog.getByText('0 of 3 chats').waitFor();
    await anna.dialog.getByRole('radio', { name: /The boris/ }).check();
    await anna.dialog.getByLabel('Note to your colleague').fill('He wants a refund');
    await anna.dialog.getByRole('button', { name: 'Transfer' }).click();
    await boris.tab(0).getByText('1').waitFor();
    await boris.row('For somebody else').or(boris.row('refund')).first().click();
    await boris.log.locator('.note').getByText('He wants a refund').waitFor();
    await boris.write('I have it');
    await eventually(() => guest.texts.includes('I have it'));
    assert.equal(guest.texts.includes('He wants a refund'), false);
    await anna.page.getByText('This chat is with The boris.').waitFor();
    await Promise.all([anna.close(), boris.close()]);
  });

  test('beyond a capacity a supervisor goes only after he has said so', async () => {
    const { operator } = desk.staff('boris');
    for (const number of [1, 2, 3]) {
      const { chatId } = await guestWith(`Busy ${number}`);
      assert.equal((await operator.action('chat.take', { chatId: String(chatId) })).result, 'ok');
    }
    const guest = await guestWith('One more');
    const anna = await at('anna');
    await anna.take('One more');
    await anna.page.keyboard.press('Alt+r');
    await anna.dialog.getByRole('radio', { name: /The boris.*full/ }).check();
    const transfer = anna.dialog.getByRole('button', { name: 'Transfer' });
    assert.equal(await transfer.isDisabled(), true);
    await anna.dialog.getByRole('checkbox').check();
    await transfer.click();
    await eventually(async () => (await desk.chat(guest.chatId)).operator_id === desk.staff('boris').id);

    for (const number of [4, 5, 6, 7]) await guestWith(`Busy ${number}`);
    for (const number of [4, 5, 6]) await anna.take(`Busy ${number}`);
    await anna.tab(2).click();
    await anna.row('Busy 7').click();
    await anna.button('Take').first().click();
    await anna.dialog.getByText('You have as many chats as you may.').waitFor();
    await anna.dialog.getByRole('button', { name: 'Take' }).click();
    await anna.composer.waitFor();
    await anna.close();
  });

  test('shows keyboards, contacts and ratings; sets a subject; bans and lifts the ban', async () => {
    const guest = await guestWith('What is there to choose?');
    const anna = await at('anna');
    await anna.take('What is there to choose?');
    const buttons = ['red', 'blue'].map(id => ({ id, text: `The ${id} one` }));
    await desk.staff('anna').operator.action('chat.keyboard', {
      ...{ chatId: String(guest.chatId), clientSideId: 'keyboard-1', message: 'Which one?' },
      buttons: JSON.stringify([buttons]),
    });
    await anna.log.getByText('Waiting for a choice').waitFor();
    const keyboard = await eventually(() => {
      const found = guest.chat?.messages.find(({ kind }) => kind === 'keyboard');
      return found === undefined ? false : (found as unknown as { readonly id: string });
    });
    await guest.visitor.action('chat.keyboard_response', { 'request-message-id': keyboard.id, 'button-id': 'blue' });
    await anna.log.locator('.keyboard .chosen').getByText('The blue one').waitFor();

    await anna.page.getByLabel('More actions').click();
    await anna.button('Ask for contact details').click();
    await anna.log.getByText('You asked for contact details').waitFor();
    await guest.visitor.action('chat.cont_resp', { 'visitor-fields': JSON.stringify({ name: 'Grace', phone: '+100' }) });
    await anna.log.locator('.contacts').getByText('+100').waitFor();
    await anna.page.getByRole('heading', { name: 'Grace' }).waitFor();
    await anna.page.getByRole('complementary').getByText('+100').waitFor();

    await guest.visitor.action('chat.operator_rate_select', { rate: '2' });
    await anna.page.getByText('Rated 5 of 5').waitFor();
    await anna.page.getByLabel('More actions').click();
    await anna.button('Subject').click();
    await anna.dialog.getByLabel('Subject').fill('Shoes');
    await anna.dialog.getByRole('button', { name: 'Save' }).click();
    await anna.page.getByText(/In conversation.*Shoes/).waitFor();

    await anna.page.getByRole('complementary').getByRole('button', { name: 'Ban visitor' }).click();
    await anna.dialog.getByLabel('Reason').fill('Rude');
    await anna.dialog.getByRole('button', { name: 'Ban visitor' }).click();
    await anna.page.getByText('This chat is closed.').waitFor();
    await anna.page.getByRole('complementary').getByText('Banned for ever').waitFor();
    await anna.button('Lift the ban').click();
    await anna.page.getByText('Banned for ever').waitFor({ state: 'detached' });
    await anna.close();
  });

  test('of two who take a chat at once the loser is told who has it', async () => {
    await guestWith('Who will it be?');
    const [anna, boris] = [await at('anna'), await at('boris')];
    // What the server tells Boris is late; he presses in good faith.
    const late: (() => void)[] = [];
    let isLate = false;
    await boris.page.routeWebSocket(/delta/, socket => {
      const server = socket.connectToServer();
      server.onMessage(frame => {
        if (isLate && String(frame).includes('deltaList')) late.push(() => socket.send(frame));
        else socket.send(frame);
      });
    });
    await boris.page.reload();
    await boris.tab(2).click();
    await boris.row('Who will it be?').click();
    await boris.button('Take').first().waitFor();
    isLate = true;
    await anna.take('Who will it be?');
    await boris.button('Take').first().click();
    await boris.page.getByRole('status').getByText('The anna has already taken this chat.').waitFor();
    isLate = false;
    for (const send of late) send();
    await boris.page.getByText('This chat is on your lists no more.').waitFor();
    await Promise.all([anna.close(), boris.close()]);
  });

  test('sends files by drop, paste and button, with a preview that opens; a refused one says why', async () => {
    const guest = await guestWith('Can you show me?');
    const anna = await at('anna');
    await anna.take('Can you show me?');
    const picture = await sharp({ create: { width: 320, height: 200, channels: 3, background: '#c03' } })
      .png()
      .toBuffer();
    await anna.page.locator('input[type=file]').setInputFiles([
      { name: 'shoe.png', mimeType: 'image/png', buffer: picture },
      { name: 'fake.png', mimeType: 'image/png', buffer: Buffer.from('not a picture at all') },
    ]);
    const shown = anna.log.getByRole('img', { name: 'shoe.png' });
    await shown.waitFor();
    await eventually(async () => (await anna.page.evaluate<number>("document.querySelector('.picture img').naturalWidth")) > 0);
    await anna.page.getByRole('listitem').filter({ hasText: 'fake.png' }).getByRole('alert').waitFor();
    await eventually(() => guest.chat?.messages.some(({ kind }) => kind === 'file_operator') === true);
    const [download] = await Promise.all([anna.page.waitForEvent('download'), shown.click()]);
    assert.equal(download.suggestedFilename(), 'shoe.png');

    const transfer = await anna.page.evaluateHandle(
      "const data = new DataTransfer(); data.items.add(new File(['some words'], 'words.txt', { type: 'text/plain' })); data",
    );
    await anna.composer.dispatchEvent('drop', { dataTransfer: transfer });
    await anna.log.getByRole('link', { name: 'Download words.txt' }).waitFor();
    await anna.composer.focus();
    await anna.page.evaluate(`
      const pasted = new DataTransfer();
      pasted.items.add(new File(['other words'], 'pasted.txt', { type: 'text/plain' }));
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: pasted, bubbles: true, cancelable: true }));
    `);
    await anna.log.getByRole('link', { name: 'Download pasted.txt' }).waitFor();
    await anna.close();
  });

  test('a canned answer is found by "/" and the keyboard, and one\'s own are managed', async () => {
    const guest = await guestWith('Do you deliver?');
    const anna = await at('anna');
    await anna.take('Do you deliver?');
    await anna.button('Manage canned answers').click();
    await anna.dialog.getByRole('button', { name: 'New answer' }).click();
    await anna.dialog.getByLabel('Shortcut').fill('ship');
    await anna.dialog.getByLabel('Text').fill('We deliver everywhere.');
    await anna.dialog.getByRole('button', { name: 'Save' }).click();
    await anna.dialog.getByText('We deliver everywhere.').waitFor();
    await anna.page.keyboard.press('Escape');
    await anna.composer.fill('/sh');
    await anna.page.getByRole('option', { name: /ship/ }).waitFor();
    assert.equal(await anna.composer.getAttribute('aria-expanded'), 'true');
    await anna.composer.press('Enter');
    assert.equal(await anna.composer.inputValue(), 'We deliver everywhere.');
    await anna.composer.press('Enter');
    await eventually(() => guest.texts.includes('We deliver everywhere.'));
    await anna.button('Manage canned answers').click();
    await anna.dialog.getByRole('button', { name: 'Remove /ship' }).click();
    await anna.dialog.getByText('No canned answer matches').waitFor();
    await anna.close();
  });

  test('what was not sent survives a reload, each chat its own', async () => {
    await guestWith('First');
    await guestWith('Second');
    const anna = await at('anna');
    await anna.take('First');
    await anna.composer.fill('half a sent');
    await anna.take('Second');
    assert.equal(await anna.composer.inputValue(), '');
    await anna.page.reload();
    await anna.tab(0).click();
    await anna.row('First').click();
    await anna.composer.waitFor();
    assert.equal(await anna.composer.inputValue(), 'half a sent');
    await anna.close();
  });

  test('a list does not move under the pointer: new chats wait behind a line', async () => {
    await guestWith('Here first');
    const anna = await at('anna');
    await anna.tab(2).click();
    await anna.row('Here first').hover();
    const place = await anna.row('Here first').boundingBox();
    const second = await guestWith('Here second');
    await anna.button('1 new').waitFor();
    assert.deepEqual(await anna.list.getByRole('option').count(), 1);
    await second.visitor.action('chat.close');
    await anna.button('1 new').waitFor({ state: 'detached' });
    await guestWith('Here third');
    await anna.button('1 new').waitFor();
    assert.equal((await anna.row('Here first').boundingBox())?.height, place?.height);
    await desk.staff('boris').operator.action('chat.take', {
      chatId: String((await desk.query<{ id: number }>("select id::int from chat where state = 'queue' order by id limit 1"))[0]!.id),
    });
    await anna.row('no longer here').waitFor();
    await anna.page.mouse.move(900, 400);
    await anna.row('Here third').waitFor();
    await anna.row('no longer here').waitFor({ state: 'detached' });
    assert.equal(await anna.row('Here first').count(), 0);
    await anna.close();
  });

  test('closes at once when the visitor has his answer, and asks when he has not', async () => {
    const guest = await guestWith('Just a moment');
    const anna = await at('anna');
    await anna.take('Just a moment');
    await anna.page.keyboard.press('Alt+c');
    await anna.dialog.getByText('has no answer yet').waitFor();
    await anna.dialog.getByRole('button', { name: 'Cancel' }).click();
    await anna.write('Done');
    await eventually(() => guest.texts.includes('Done'));
    await anna.page.keyboard.press('Alt+c');
    await anna.page.getByText('This chat is closed.').waitFor();
    await eventually(() => guest.chat?.state === 'closed_by_operator');
    await anna.log.getByText('Done').waitFor();
    await anna.close();
  });

  test('says why a chat waits and why it was assigned; an assigned one is taken or declined', async () => {
    const anna = await at('anna');
    await guestWith('Why do I wait?');
    await anna.tab(2).click();
    await anna.row('Why do I wait?').click();
    await anna.page.getByLabel('More actions').click();
    await anna.button('Why here?').click();
    await anna.dialog.getByText('Chats of this department are not assigned').waitFor();
    await anna.close();

    const boris = await at('boris');
    await desk.visit({ department: 'support', text: 'I was given to Boris' });
    await boris.tab(1).getByText('1').waitFor();
    await boris.tab(1).click();
    await boris.row('I was given to Boris').click();
    await boris.page.getByLabel('More actions').click();
    await boris.button('Why here?').click();
    await boris.dialog.getByText('Nobody else could be given the chat.').waitFor();
    await boris.dialog.getByText('The boris was asked to take it').waitFor();
    await boris.page.keyboard.press('Escape');
    await boris.button('Decline').click();
    await boris.tab(1).getByText('0').waitFor();
    await boris.close();
  });

  test('finds closed chats by their words, and opens them to be read; the card shows earlier ones', async () => {
    const guest = await guestWith('The needle in the haystack');
    const anna = await at('anna');
    await anna.take('needle');
    await anna.write('Found it');
    await eventually(() => guest.texts.includes('Found it'));
    await anna.page.keyboard.press('Alt+c');
    await anna.page.getByText('This chat is closed.').waitFor();
    await anna.page.reload();
    await anna.tab(0).waitFor();
    await anna.page.keyboard.press('Control+k');
    await anna.dialog.getByLabel('Words in the messages').fill('NEEDLE');
    await anna.dialog.getByLabel('State').selectOption({ label: 'Closed' });
    await anna.page.keyboard.press('Enter');
    await anna.dialog
      .getByRole('button', { name: /Found it/ })
      .first()
      .click();
    await anna.log.getByText('The needle in the haystack').waitFor();
    await anna.page.getByText('This chat is closed.').waitFor();
    assert.equal(await anna.composer.count(), 0);
    await anna.page.getByRole('complementary', { name: 'Visitor' }).getByText('this chat').waitFor();
    await anna.close();
  });

  test('older messages are loaded by scrolling up, without moving what is read', async () => {
    const guest = await guestWith('message 0');
    for (let number = 1; number <= 120; number++) await guest.visitor.send(`message ${number}`, `older-${number}`);
    const anna = await at('anna');
    await anna.take('message 120');
    await anna.log.getByText('message 120', { exact: true }).waitFor();
    const sees = (number: number) => anna.log.getByText(`message ${number}`, { exact: true });
    assert.equal(await sees(5).count(), 0);
    await anna.page.evaluate("document.querySelector('.log').scrollTop = 40");
    const first = sees(71);
    const before = (await first.boundingBox())?.y ?? 0;
    await sees(30).waitFor({ state: 'attached' });
    const moved = Math.abs(((await first.boundingBox())?.y ?? 0) - before);
    assert.ok(moved < 60, `what was read has moved by ${moved} px`);
    await anna.close();
  });

  test("supervisors see the team and set a colleague's status; every tab of his hears of it", async () => {
    const [anna, boris] = [await at('anna'), await at('boris')];
    await anna.button('Team').click();
    await anna.dialog.getByLabel('Status of The boris').selectOption({ label: 'Break' });
    await eventually(async () => (await boris.page.getByLabel('Status', { exact: true }).inputValue()) === 'break');
    assert.equal(await boris.button('Team').count(), 0);
    await Promise.all([anna.close(), boris.close()]);
  });

  test('a chat read in one tab is read in all, the title counts, and one tab alone speaks', async () => {
    const guest = await guestWith('Two tabs');
    const anna = await at('anna');
    await anna.take('Two tabs');
    const other = await anna.page.context().newPage();
    await other.goto(`${nginx.url}/operator`);
    await other.getByRole('tab').first().waitFor();
    await eventually(async () => (await anna.page.locator('html').getAttribute('data-speaks')) === 'true');
    assert.equal(await other.locator('html').getAttribute('data-speaks'), 'false');
    await anna.page.goto(`${nginx.url}/operator`); // looks at no chat: a browser without a screen says of every page that it has the focus
    await anna.tab(0).waitFor();
    await guest.say('Are you there?');
    await eventually(async () => (await other.title()) === '(1) Tandem' && (await anna.page.title()) === '(1) Tandem');
    await other.getByRole('option').filter({ hasText: 'Are you there?' }).click();
    await eventually(async () => (await other.title()) === 'Tandem' && (await anna.page.title()) === 'Tandem');
    await anna.close();
  });

  test('speaks Russian and Chinese to those who read them', async () => {
    const russian = await at('anna', { locale: 'ru-RU' });
    await russian.page.getByRole('tab', { name: /Очередь/ }).waitFor();
    assert.equal(await russian.page.locator('html').getAttribute('lang'), 'ru');
    const chinese = await at('anna', { locale: 'zh-CN' });
    await chinese.page.getByRole('tab', { name: /排队/ }).waitFor();
    await Promise.all([russian.close(), chinese.close()]);
  });

  test('on a phone list, chat and card are screens of their own, with a way back', async () => {
    await guestWith('From the road');
    const anna = await at('anna', PHONE);
    await anna.tab(2).tap();
    await anna.row('From the road').tap();
    await anna.list.waitFor({ state: 'hidden' });
    await anna.button('Take').first().tap();
    await anna.write('On my way');
    await anna.log.getByText('On my way').waitFor();
    await anna.button('Visitor details').tap();
    await anna.log.waitFor({ state: 'hidden' });
    await anna.button('Back').tap();
    await anna.log.waitFor();
    const width = await anna.page.evaluate<number>('document.documentElement.scrollWidth');
    assert.equal(width, 390, 'nothing stands out to the side');
    await anna.page.goBack();
    await anna.list.waitFor();
    await anna.close();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`has no serious fault of accessibility: login, desk, dialogs, ${colorScheme}`, async () => {
      const options = { colorScheme, bypassCSP: true, reducedMotion: 'reduce' } as const;
      const login = await OperatorPage.open(browser, nginx.url, undefined, options);
      await login.page.getByLabel('Login').waitFor();
      assert.deepEqual(await seriousIssues(login.page), []);
      await login.close();

      await guestWith('One');
      await guestWith('Two');
      const anna = await at('anna', options);
      await anna.take('One');
      await anna.write('An answer');
      await anna.page.keyboard.press('Alt+n');
      await anna.write('A note');
      await anna.log.locator('.note').getByText('A note').waitFor();
      await anna.page.getByRole('complementary').getByText('this chat').waitFor();
      assert.deepEqual(await seriousIssues(anna.page), []);
      const dialogs: (() => Promise<void>)[] = [
        () => anna.page.keyboard.press('Alt+r'),
        () => anna.page.keyboard.press('Control+k'),
        () => anna.button('Team').click(),
        () => anna.button('Manage canned answers').click(),
        () => anna.button('Ban visitor').last().click(),
      ];
      for (const open of dialogs) {
        await open();
        await anna.dialog.waitFor();
        assert.deepEqual(await seriousIssues(anna.page), []);
        await anna.page.keyboard.press('Escape');
        await anna.dialog.waitFor({ state: 'detached' });
      }
      await anna.close();
    });
  }

  // The last one: it takes a node away.
  test('the node behind the desk is killed in the middle, then the other one leaves: nothing is lost, nothing doubled', async () => {
    const { cluster } = desk;
    const connections = (): Promise<number[]> => Promise.all([cluster.master, cluster.slave].map(node => node.metric('ws_connections')));
    const guest = await guestWith('Still there?');
    const earlier = await connections();
    const anna = await at('anna');
    await anna.take('Still there?');
    const now = await connections();
    const [servingName, otherName] = now[0]! > earlier[0]! ? [MASTER, SLAVE] : [SLAVE, MASTER];
    const serving = cluster.node(servingName);
    const expected = ['Still there?'];
    for (let round = 0; round < 12; round++) {
      if (round === 4) await serving.kill();
      await anna.write(`answer ${round}`);
      // A visitor sends again under the same id when he gets no answer.
      await eventually(() => guest.visitor.send(`question ${round}`, `killed-${round}`).then(() => true), { within: 20_000 });
      expected.push(`answer ${round}`, `question ${round}`);
    }
    await eventually(async () => assert.deepEqual([...(await anna.words())].sort(), [...expected].sort()), { within: 30_000 });
    await eventually(() => assert.deepEqual([...guest.texts].sort(), [...expected].sort()), { within: 30_000 });
    assert.equal(await anna.log.getByText('Sending…').count(), 0);
    const rows = await desk.query<{ text: string }>("select text from message where chat_id = $1 and kind in ('visitor', 'operator')", [
      guest.chatId,
    ]);
    assert.deepEqual(rows.map(({ text }) => text).sort(), [...expected].sort());

    // The other one leaves in peace: it says when to come back, and the desk does.
    await cluster.start(servingName);
    await cluster.node(otherName).stop();
    await anna.write('after all that');
    await eventually(() => guest.texts.includes('after all that'), { within: 20_000 });
    await anna.log.getByRole('article').filter({ hasText: 'after all that' }).getByTitle('Sent').waitFor();
    assert.equal((await anna.words()).filter(text => text === 'after all that').length, 1);
    await anna.close();
  });
});
