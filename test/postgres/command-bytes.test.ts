/** What the queue counts a command as is what its change takes in the log, about: text, data, quotes, in any letters. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addNote } from '../../src/commands/add-note.ts';
import { answerKeyboard } from '../../src/commands/answer-keyboard.ts';
import { banVisitor } from '../../src/commands/ban-visitor.ts';
import { changeByOperator, reactByVisitor } from '../../src/commands/change-message.ts';
import { changeVisitorFields } from '../../src/commands/change-visitor.ts';
import type { Command } from '../../src/commit/command.ts';
import { setChatSubject } from '../../src/commands/describe-chat.ts';
import { closeChatByOperator } from '../../src/commands/leave-chat.ts';
import { setOperatorStatus } from '../../src/commands/operator-status.ts';
import { rateOperator } from '../../src/commands/rate-operator.ts';
import { readByOperator } from '../../src/commands/read-chat.ts';
import { sendOperatorMessage } from '../../src/commands/send-operator-message.ts';
import { sendVisitorMessage } from '../../src/commands/send-visitor-message.ts';
import { startChat } from '../../src/commands/start-chat.ts';
import { takeChat } from '../../src/commands/take-chat.ts';
import { transferChat } from '../../src/commands/transfer-chat.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { type BareNode, startBareNode } from '../support/bare-node.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addOperators, addVisitors, newNonce, said, speaking } from '../support/people.ts';

const cleanup = new Cleanup();
let database: TestDatabase;
let node: BareNode;

before(async () => {
  database = cleanup.add(await createTestDatabase(), it => it.drop());
  const opened = database.open();
  await migrate(opened);
  await opened.end();
  node = cleanup.add(await startBareNode(database), it => it.stop());
});

after(() => cleanup.run());

async function run<A>(what: string, command: Command<A>): Promise<A> {
  const answer = await node.run(command);
  const [row] = await database.query<{ bytes: number }>(
    'select octet_length(changes) as bytes from change_log order by last_revision desc limit 1',
  );
  const took = row?.bytes ?? 0;
  assert.ok(command.bytes * 1.1 + 300 >= took, `${what}: counted as ${command.bytes}, took ${took}`);
  assert.ok(command.bytes <= took + 50_000, `${what}: counted as ${command.bytes}, far more than the ${took} it took`);
  return answer;
}

test('a command counts for about as many bytes as its change takes in the log', async () => {
  const [page] = await addVisitors(node, 1);
  assert.ok(page !== undefined);
  const [operatorId = 0, colleagueId = 0] = await addOperators(node, 2, { roles: ['admin'] });
  const long = 'слово '.repeat(2_500);
  const data = { note: '漢'.repeat(3_000) };
  const keyboard = {
    state: 'pending',
    buttons: [Array.from({ length: 100 }, (_, i) => ({ id: `${'i'.repeat(190)}${i}`, text: 't'.repeat(200) }))],
  };
  const start = { ...speaking(page), clientSideId: newNonce(), firstQuestion: long, nonce: newNonce(), defaultMaxChats: 5 };
  const { chatId } = await run('chat.start', startChat(start));
  const first = await run('chat.message', sendVisitorMessage({ ...said(long), data }, speaking(page)));
  await run('chat.message that quotes', sendVisitorMessage(said('yes', newNonce(), first.id), speaking(page)));
  await run('chat.message, short', sendVisitorMessage(said('hi'), speaking(page)));
  await run('chat.take', takeChat({ operatorId, chatId, override: false, defaultMaxChats: 5, mode: 'mixed' }));
  const words = { operatorId, chatId, kind: 'operator' as const, text: long, data, defaultMaxChats: 5 };
  const answer = await run('operator chat.message', sendOperatorMessage({ ...words, clientSideId: newNonce(), nonce: newNonce() }));
  const quoting = { ...words, data: null, text: 'no', quoted: { visitorId: page.visitorId, messageId: first.id } };
  await run('operator chat.message that quotes', sendOperatorMessage({ ...quoting, clientSideId: newNonce(), nonce: newNonce() }));
  await run('chat.edit_message', changeByOperator({ operatorId, chatId, visitorId: page.visitorId, messageId: answer.id }, long));
  await run('chat.react_message', reactByVisitor(page.visitorId, answer.id, 'like'));
  const buttons = { ...words, kind: 'keyboard' as const, text: 'choose', data: keyboard };
  const offered = await run('chat.keyboard', sendOperatorMessage({ ...buttons, clientSideId: newNonce(), nonce: newNonce() }));
  const pressed = { page, messageId: offered.id, buttonId: `${'i'.repeat(190)}0`, defaultMaxChats: 5, nonce: newNonce() };
  await run('chat.keyboard_response', answerKeyboard(pressed));
  await run('note', addNote({ visitorId: page.visitorId, text: long, nonce: newNonce() }));
  await run('chat.read', readByOperator({ operatorId, chatId }));
  await run('visitor fields', changeVisitorFields(page.visitorId, { told: { info: 'я'.repeat(900), other: 'x'.repeat(900) } }));
  await run('chat.set_subject', setChatSubject({ operatorId, chatId, category: 'я'.repeat(200), subject: 'я'.repeat(200) }));
  await run('chat.rate', rateOperator({ visitorId: page.visitorId, chatId, operatorId, rating: { rating: 2, note: 'я'.repeat(2_000) } }));
  const survey = {
    id: newNonce(),
    config: { id: 1, version: '1', descriptor: { forms: [{ id: 1, questions: [{ type: 'comment', text: 'я'.repeat(2_000) }] }] } },
  };
  await node.run(changeVisitorFields(page.visitorId, { told: { info: '' } }));
  await run('set-status', setOperatorStatus({ operatorId: colleagueId, status: { name: 'online', sort: 'takes', title: 'Online' } }));
  const transfer = { operatorId, chatId, to: { operatorId: colleagueId }, note: long, override: false, nonce: newNonce() };
  await run('chat.transfer', transferChat({ ...transfer, defaultMaxChats: 5 }));
  await run(
    'chat.close',
    closeChatByOperator({ operatorId: colleagueId, chatId }, { ...survey, answers: [], isCancelled: false } as unknown as Parameters<
      typeof closeChatByOperator
    >[1]),
  );
  await run(
    'visitor.ban',
    banVisitor({ operatorId: colleagueId, visitorId: page.visitorId, ban: { untilUs: null, reason: 'я'.repeat(200) } }),
  );
});
