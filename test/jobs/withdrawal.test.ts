/** An assignment ends at once when the operator may not take the chat any more, whatever the reason; its history says which. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Operator } from '../support/operator.ts';
import { chatServer } from '../support/process.ts';
import { type SingleNode, startSingle } from '../support/single.ts';
import { Visitor } from '../support/visitor.ts';

const PASSWORD = 'correct horse';
const NEVER = { zone: 'UTC', hours: [], holidays: [] };

describe('an assignment that may not be taken any more', () => {
  let single: SingleNode;
  let admin: Operator;
  let number = 0;

  before(async () => {
    single = await startSingle({ logins: [], ini: 'assignment_timeout_seconds = 3600' });
    await run('department', 'add', '--key', 'sales', '--name', 'Sales');
    await run('department', 'add', '--key', 'other', '--name', 'Other');
    await run('operator', 'add', '--login', 'admin', '--fullname', 'admin', '--password', PASSWORD, '--roles', 'admin');
    admin = await Operator.login(single.node.url, 'admin', PASSWORD);
    writeFileSync(path.join(single.folder.path, 'never.json'), JSON.stringify(NEVER));
  });
  after(() => single.stop());

  async function run(...args: string[]): Promise<void> {
    const done = await chatServer(args, { cwd: single.folder.path });
    assert.equal(done.code, 0, done.stderr);
  }

  interface Step {
    readonly move: string;
    readonly assignedOperatorId: number | null;
    readonly because?: string;
  }
  const history = async (chatId: number): Promise<readonly Step[]> =>
    ((await admin.get(`/l/o/assignments?chatId=${chatId}`)) as unknown as { data: { history: Step[] } }).data.history;

  const set = (status: string) => (operator: Operator) => operator.setStatus(status);
  const REASONS: Readonly<Record<string, (operator: Operator, login: string) => Promise<void>>> = {
    'takes-none, on a break': set('break'),
    'takes-none, invisible': set('invisible'),
    'offline, by his own wish': set('offline'),
    'other-department, taken out of it': (_, login) => run('operator', 'set', '--login', login, '--departments', 'other'),
    'off-hours, by new hours': (_, login) => run('operator', 'set', '--login', login, '--schedule', 'never.json'),
    'other-language, of which he speaks none any more': (_, login) => run('operator', 'set', '--login', login, '--langs', 'zh'),
    'disabled, by an administrator': (_, login) => run('operator', 'disable', '--login', login),
  };

  for (const [reason, happens] of Object.entries(REASONS))
    test(`goes at once: ${reason}`, async () => {
      const login = `op${++number}`;
      await run(
        'operator',
        'add',
        '--login',
        login,
        '--fullname',
        login,
        '--password',
        PASSWORD,
        '--departments',
        'sales',
        '--langs',
        'ru',
      );
      const operator = await Operator.login(single.node.url, login, PASSWORD);
      await operator.connect();
      await set('online')(operator);
      const visitor = await Visitor.init(single.node.url);
      await visitor.action('chat.start', { 'client-side-id': `c${number}`, 'department-key': 'sales', lang: 'ru' });
      const chat = await eventually(async () => {
        const rows = await single.database.query<{ id: number; isAsked: boolean }>(
          'select id::integer, assigned_operator_id is not null as "isAsked" from chat where visitor_id = $1',
          [visitor.page.visitor.id],
        );
        return rows[0]?.isAsked === true && rows[0];
      });
      if (reason.startsWith('other-language'))
        // Somebody else speaks it, or it would be nobody's and the chat everybody's.
        await run(
          'operator',
          'add',
          '--login',
          'speaker',
          ...'--fullname x --departments sales --langs ru'.split(' '),
          '--password',
          PASSWORD,
        );
      await happens(operator, login);
      const steps = await eventually(async () => {
        const all = await history(chat.id);
        return all.at(-1)?.assignedOperatorId === null && all;
      });
      const last = steps.at(-1);
      assert.deepEqual([last?.move, last?.because], ['withdrawn', reason.split(',')[0]]);
      await visitor.action('chat.close');
      await set('offline')(operator).catch(() => undefined); // who is disabled is
      operator.close();
    });

  test('who is back may be asked again: he has not declined it', async () => {
    await run('operator', 'add', '--login', 'back', '--fullname', 'back', '--password', PASSWORD, '--departments', 'sales');
    const operator = await Operator.login(single.node.url, 'back', PASSWORD);
    await operator.connect();
    await set('online')(operator);
    const visitor = await Visitor.init(single.node.url);
    await visitor.action('chat.start', { 'client-side-id': 'back', 'department-key': 'sales' });
    const [chat] = await single.database.query<{ id: number }>('select id::integer from chat where visitor_id = $1', [
      visitor.page.visitor.id,
    ]);
    const moves = async (): Promise<string> => (await history(chat?.id ?? 0)).map(({ move }) => move).join(' ');
    await eventually(async () => (await moves()) === 'opened assigned');
    await set('break')(operator);
    await eventually(async () => (await moves()) === 'opened assigned withdrawn');
    await set('online')(operator);
    await eventually(async () => (await moves()) === 'opened assigned withdrawn assigned');
    operator.close();
  });
});
