/**
 * Every action × everything it may be refused for × "does the published SDK's call handle errors itself?": none of it ends an app's
 * session. The table is docs/protocol/visitor.md's, and the strict client's.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type Handled, HANDLED } from '../support/sdk/action-queue.ts';
import { alive, failed, Stage } from '../support/sdk/stage.ts';

let stage: Stage;
before(async () => {
  stage = await Stage.open({ isSingle: true, ini: 'poll_hold_seconds = 4\nmax_message_length = 100\npropose_rating_before_close = yes' });
});
after(() => stage.close());
afterEach(() => stage.endApps());

interface Row {
  readonly action: string;
  readonly handled: Handled;
  readonly answers: readonly string[];
}

/** `| action | all, none or these errors | what it may be answered |` of the page's table. */
const rows: readonly Row[] = (() => {
  const page = readFileSync(new URL('../../docs/protocol/visitor.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split('| action | the call itself handles | may be answered |\n|---|---|---|\n');
  return table
    .split('\n\n')[0]!
    .split('\n')
    .flatMap(line => {
      const [, actions = '', handled = '', answers = ''] = line.split('|').map(cell => cell.trim());
      const words = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
      return words(actions).map(action => ({
        action,
        handled: handled === 'all' ? ('all' as const) : words(handled),
        answers: words(answers),
      }));
    });
})();

/** What an app may send, and what no app should. */
const PARAMETERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { message: '', 'client-side-id': 'empty' },
  { message: ' \n ', 'client-side-id': 'blank' },
  { message: 'x'.repeat(101), 'client-side-id': 'long' },
  { message: 'words', 'client-side-id': 'no id of ours' },
  { message: 'words', 'client-side-id': 'kind', kind: 'operator' },
  { message: '[{"guid":"nobody"}]', 'client-side-id': 'files', kind: 'file_visitor' },
  { message: 'words', 'client-side-id': 'data', data: '{' },
  { 'client-side-id': 'sticker', 'sticker-id': 'none' },
  { 'client-side-id': 'nobody', reaction: 'love' },
  { 'client-side-id': 'nobody', reaction: 'like' },
  { rate: '7' },
  { rate: '1', operator_id: '999999' },
  { rate: '1', visitor_note: 'x'.repeat(2_001) },
  { 'request-message-id': 'nobody', 'button-id': 'a' },
  { 'survey-id': 'x', 'form-id': '1', 'question-id': '0', answer: '1' },
  { latitude: '1000', longitude: 'x' },
  { email: 'x'.repeat(300) },
  { text: '', 'client-side-id': 'offline', 'visitor-fields': '[' },
  { 'visitor-fields': '{"name": 5}', custom_fields: '{', 'prechat-key-independent-fields': '"' },
  { typing: 'perhaps', 'message-draft': 'x'.repeat(50_000) },
  { 'push-token': 'x'.repeat(5_000) },
  { 'client-side-id': 'start', 'department-key': 'nobody', 'first-question': 'x'.repeat(101) },
];

describe('what an action is refused for', () => {
  test('is said in the table for every action, as the strict client has it', () => {
    assert.ok(rows.length > 15);
    for (const { action, handled } of rows) assert.deepEqual(handled, HANDLED[action] ?? [], action);
    for (const action of Object.keys(HANDLED)) assert.ok(action === 'file-delete' || rows.some(row => row.action === action), action);
  });

  for (const kind of ['without a chat', 'in a chat'])
    test(`ends no app's session (${kind})`, async () => {
      const app = kind === 'in a chat' ? (await stage.chatting()).app : await stage.ready();
      for (const { action, answers } of rows) {
        if (action === 'chat.close') continue;
        for (const parameters of PARAMETERS) {
          const answer = failed(await app.action(action, parameters));
          assert.ok(
            ['ok', 'wrong-argument-value', ...answers].includes(answer),
            `${action} ${JSON.stringify(parameters).slice(0, 80)} is answered ${answer}, which the table does not name`,
          );
          alive(app);
        }
      }
    });

  test('of a reply is told as a wrong argument, since the call for replies handles no error', async () => {
    const { app, chatId } = await stage.chatting();
    await stage.does('chat.message', { chatId, message: 'a question', clientSideId: `q-${chatId}` });
    const asked = await eventually(() => alive(app) && (app.messages.find(({ text }) => text === 'a question') ?? false));
    for (const text of ['', ' ', 'x'.repeat(101)]) app.reply(text, asked.id ?? '');
    const last = app.send('and on');
    await eventually(() => alive(app) && app.messages.find(({ clientSideId }) => clientSideId === last)?.sendStatus === 'SENT');
    app.reply('an answer', asked.id ?? '');
    await eventually(() => alive(app) && app.messages.some(({ text, sendStatus }) => text === 'an answer' && sendStatus === 'SENT'));
  });

  test('a file of one’s own may be deleted and not edited', async () => {
    const { app } = await stage.chatting();
    const { clientSideId } = await app.upload('terms.txt', 'text/plain', Buffer.from('terms'));
    await eventually(() => alive(app) && app.messages.find(message => message.clientSideId === clientSideId)?.canBeEdited === true);
    assert.equal(failed(await app.edit(clientSideId, 'other words')), 'not_allowed');
    assert.equal(failed(await app.deleteMessage(clientSideId)), 'ok');
    await eventually(() => alive(app) && !app.messages.some(message => message.clientSideId === clientSideId));
  });

  test('no location, whatever its name: each has configs, with the rating before the close that main.ini asks for', async () => {
    const location = await Promise.all(
      ['mobile', 'two words', 'a,b', '{location}', 'ключ', 'a/b', '%25', ''].map(async name => {
        const answer = await fetch(`${stage.url}/api/visitor/v1/configs/${name === '%25' ? name : encodeURIComponent(name)}`);
        return [
          answer.status,
          ((await answer.json()) as { locationSettings: { chat: { proposeToRateBeforeClose: string } } }).locationSettings.chat,
        ];
      }),
    );
    for (const answer of location) assert.deepEqual(answer, [200, { proposeToRateBeforeClose: 'Y' }]);
  });
});
