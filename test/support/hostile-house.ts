/** A node where every string of test/support/hostile.ts stands in every field that another person sees; by the public protocols. */
import assert from 'node:assert/strict';
import { inTurns } from './desk.ts';
import { HOSTILE } from './hostile.ts';
import { Operator } from './operator.ts';
import { type SingleNode, startSingle } from './single.ts';
import { addDepartment, addOperator } from './staff.ts';
import { Visitor } from './visitor.ts';

export interface HostileHouse {
  readonly single: SingleNode;
  readonly url: string;
  /** His own name and title are hostile too. */
  readonly admin: Operator;
  /** One for each string, in their order. In each the operator's `answer-<i>` comes before the visitor's `end-<i>;`. */
  readonly chatIds: readonly number[];
  /** Keeps the visitor of that chat out, for its string's sake; his chat ends. */
  ban(i: number): Promise<void>;
}

const PASSWORD = 'correct horse';
/** Of an operator or a department. */
const MAX_NAME = 200;
const AT_ONCE = 6;

export async function openHostileHouse(): Promise<HostileHouse> {
  const single = await startSingle({
    logins: [],
    ini: 'max_chats_per_operator = 1000\nassignment_mode = manual\npoll_hold_seconds = 1\nupload_types = txt\n',
  });
  try {
    const keys = await hire(single);
    const { url } = single.node;
    const admin = await Operator.login(url, 'admin', PASSWORD);
    await admin.setStatus('online');
    const chats = await inTurns(HOSTILE, AT_ONCE, (words, i) => seedChat(url, admin, words, i, keys[i % keys.length] ?? ''));
    return {
      single,
      url,
      admin,
      chatIds: chats.map(({ chatId }) => chatId),
      async ban(i) {
        const { visitorId = '' } = chats[i] ?? {};
        const banned = await admin.action('visitor.ban', { visitorId, reason: cut(HOSTILE[i] ?? '', 500) });
        assert.equal(banned.result, 'ok', JSON.stringify(banned));
      },
    };
  } catch (error) {
    await single.stop();
    throw error;
  }
}

/** Operators, departments and an admin of hostile names and titles. Returns the departments' keys. */
async function hire(single: SingleNode): Promise<string[]> {
  const names = packed(HOSTILE, MAX_NAME);
  for (const [i, name] of names.entries()) {
    await addDepartment(single.folder, `d${i}`, name);
    const roles = i === 0 ? 'operator,supervisor,admin' : 'operator';
    await addOperator(single.folder, { login: i === 0 ? 'admin' : `op${i}`, fullname: name, title: name, password: PASSWORD, roles });
  }
  return names.map((_, i) => `d${i}`);
}

/** All strings, one behind the other, in as few texts of at most `max` characters as hold them in this order. */
function packed(strings: readonly string[], max: number): string[] {
  const packs: string[] = [];
  let pack = '';
  for (const text of strings.map(one => cut(one, max))) {
    if (pack !== '' && pack.length + 1 + text.length > max) {
      packs.push(pack);
      pack = '';
    }
    pack = pack === '' ? text : `${pack} ${text}`;
  }
  return [...packs, pack];
}

interface SeededChat {
  readonly chatId: number;
  readonly visitorId: string;
}

async function seedChat(url: string, admin: Operator, words: string, i: number, departmentKey: string): Promise<SeededChat> {
  const fields = Object.fromEntries(
    ['display_name', 'name', 'email', 'phone', 'login', 'comment', 'profile_url', 'avatar_url', cut(words, 50)].map(key => [key, words]),
  );
  const visitor = await Visitor.init(url, {
    title: cut(words, 500),
    url: i % 2 === 0 ? words : `https://shop.example/?q=${words}`,
    location: cut(words, 200),
    platform: cut(words, 50),
    'prechat-key-independent-fields': JSON.stringify(fields),
  });
  const act = async (action: string, parameters: Record<string, string>): Promise<void> => {
    const answer = await visitor.action(action, parameters);
    assert.equal(answer.result, 'ok', `${action} ${words}: ${JSON.stringify(answer)}`);
  };
  const answer = async (action: string, parameters: Record<string, string>): Promise<{ id: string }> => {
    const given = await admin.action(action, parameters);
    assert.equal(given.result, 'ok', `${action} ${words}: ${JSON.stringify(given)}`);
    return given.data as unknown as { id: string };
  };
  await act('chat.start', { 'client-side-id': `start-${i}`, 'department-key': departmentKey, 'first-question': words });
  const found = await admin.get(`/l/o/chats?visitorId=${visitor.page.visitor.id}`);
  const chatId = (found.data as unknown as { chats: { id: number }[] }).chats[0]?.id ?? 0;
  const chat = { chatId: String(chatId) };
  await answer('chat.take', chat);
  await upload(url, visitor, `${words}.txt`, `file-${i}`);
  await answer('chat.message', { ...chat, kind: 'for_operator', message: words, clientSideId: `note-${i}` });
  await answer('chat.set_subject', { ...chat, category: cut(words, 200), subject: cut(words, 200) });
  await answer('chat.keyboard', {
    ...chat,
    message: words,
    clientSideId: `keys-${i}`,
    buttons: JSON.stringify([[{ id: '1', text: cut(words, 200) }]]),
  });
  const { id } = await answer('chat.message', { ...chat, message: `answer-${i}\n${words}`, clientSideId: `answer-${i}` });
  await act('chat.operator_rate_select', { rate: '1', visitor_note: words });
  await act('chat.message', { message: words, 'client-side-id': `quote-${i}`, quote: JSON.stringify({ ref: { msgId: id } }) });
  await act('chat.message', { message: `end-${i};`, 'client-side-id': `end-${i}` });
  const canned = await admin.post('/l/o/canned-answers', { scope: 'all', shortcut: `s${i}`, text: words });
  assert.equal(canned.result, 'ok', JSON.stringify(canned));
  return { chatId, visitorId: visitor.page.visitor.id };
}

/** Who says who they are before the file has places of their own; where too many come at once it is sent again, as apps do. */
async function upload(url: string, visitor: Visitor, name: string, clientSideId: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const form = new FormData();
    for (const [key, value] of Object.entries({ 'client-side-id': clientSideId, ...visitor.credentials })) form.set(key, value);
    form.set('webim_upload_file', new Blob(['words'], { type: 'text/plain' }), name);
    const response = await fetch(`${url}/l/v/m/upload`, { method: 'POST', body: form });
    const { result, error } = (await response.json()) as { result?: string; error?: string };
    if (result === 'ok') return;
    assert.ok(error === 'server-not-ready' && tries < 50, `upload of ${name}: ${error ?? ''}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

/** Half a character is none, and would be refused. */
function cut(text: string, max: number): string {
  return text.slice(0, max).toWellFormed();
}
