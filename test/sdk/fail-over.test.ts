/**
 * The node that a visitor's app talks to is killed in the middle of each kind of call, behind Nginx with the standard site.
 * An app that does what SDKs do goes on at the other node: nothing is lost or doubled.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { MASTER, PASSWORD, startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { startNginx } from '../support/nginx.ts';
import { Operator } from '../support/operator.ts';
import { sendSurely } from '../support/surely.ts';
import { Visitor } from '../support/visitor.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** Visitors' calls go to the master first (nginx-sites/chat.conf). */
async function start(): Promise<{ cluster: TestCluster; url: string; visitor: Visitor }> {
  const cluster = cleanup.add(await startCluster({ ini: 'max_chats_per_operator = 100\n' }), it => it.stop());
  const nginx = cleanup.add(await startNginx({ nodes: { 8260: cluster.master.port, 8261: cluster.slave.port } }), it => it.stop());
  return { cluster, url: nginx.url, visitor: await Visitor.init(nginx.url) };
}

async function stored(cluster: TestCluster): Promise<string[]> {
  const rows = await cluster.database.query<{ client_side_id: string }>('select client_side_id from message order by ts_us');
  return rows.map(row => row.client_side_id);
}

describe('the node of an app is killed', () => {
  test('while a poll is held: it goes on at the other node, or the next one does with the same since, and all is heard once', async () => {
    const { cluster, url, visitor } = await start();
    await sendSurely(visitor, 'hello', 'hello');
    await visitor.poll();
    const chatId = String((visitor.deltas.find(delta => delta.objectType === 'CHAT')?.data as { id: number } | undefined)?.id);
    const operator = await Operator.login(cluster.slave.url, cluster.logins[0] ?? '', PASSWORD);
    visitor.deltas.length = 0;
    const held = visitor.poll();
    await eventually(async () => (await cluster.master.metric('hub_sessions')) === 1);
    await cluster.node(MASTER).kill();
    assert.equal((await operator.action('chat.take', { chatId })).result, 'ok');
    for (const text of ['one', 'two', 'three'])
      assert.equal((await operator.action('chat.message', { chatId, message: text, clientSideId: text })).result, 'ok');
    await held.catch(() => undefined); // Nginx has asked the other node, or the poll has ended
    await eventually(async () => {
      await visitor.poll().catch(() => undefined);
      return visitor.deltas.filter(delta => delta.objectType === 'CHAT_MESSAGE').length >= 3;
    });
    const heard = visitor.deltas
      .filter(delta => delta.objectType === 'CHAT_MESSAGE' && (delta.data as { kind: string }).kind === 'operator')
      .map(delta => (delta.data as { text: string }).text);
    assert.deepEqual(heard, ['one', 'two', 'three']);
    assert.equal((await Visitor.init(url, { visitor: JSON.stringify(visitor.page.visitor) })).page.chat?.messages.length, 4);
  });

  test('while actions are sent: each is stored once, in order', async () => {
    const { cluster, visitor } = await start();
    const ids = Array.from({ length: 100 }, (_, i) => `m-${i}`);
    for (const [i, id] of ids.entries()) {
      const killing = i === 50 ? cluster.node(MASTER).kill() : undefined;
      await sendSurely(visitor, `text ${i}`, id);
      await killing;
    }
    assert.deepEqual(await stored(cluster), ids);
  });

  test('while a file is on its way: nothing is left of that try, and the next is one file and one message', async () => {
    const { cluster, url, visitor } = await start();
    const content = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(500_000, 'x')]);
    const boundary = 'tandem';
    const part = (name: string, value: string): string =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const head = Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="webim_upload_file"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n`,
    );
    const fields = Object.entries({ 'client-side-id': 'file-1', ...visitor.credentials });
    const tail = Buffer.from(`\r\n${fields.map(([name, value]) => part(name, value)).join('')}--${boundary}--\r\n`);
    const upload = async (inTheMiddle: () => Promise<void>): Promise<{ result?: string; error?: string }> => {
      async function* body() {
        yield Buffer.concat([head, content.subarray(0, 250_000)]);
        await inTheMiddle();
        yield Buffer.concat([content.subarray(250_000), tail]);
      }
      const response = await fetch(`${url}/l/v/m/upload`, {
        method: 'POST',
        body: body(),
        duplex: 'half',
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      });
      return (await response.json()) as { result?: string };
    };
    const killed = cluster.master.pid;
    const first = await upload(async () => {
      await eventually(async () => (await cluster.master.metric('uploads_reading')) === 1);
      await cluster.node(MASTER).kill();
    }).catch(() => ({ error: 'connection lost' }));
    assert.ok('error' in first, 'the first try fails');
    const again = await eventually(async () => {
      const answer = await upload(() => Promise.resolve());
      return answer.result === 'ok' && answer;
    });
    assert.equal(again.result, 'ok');
    assert.equal((await upload(() => Promise.resolve())).result, 'ok', 'a repeat');
    assert.deepEqual(await stored(cluster), ['file-1']);
    const [files] = await cluster.database.query<{ count: number; bytes: number }>(
      'select count(distinct guid)::int as count, sum(length(content))::int as bytes from file_piece',
    );
    assert.deepEqual(files, { count: 1, bytes: content.length });
    const left = (): number => readdirSync(tmpdir()).filter(name => name.startsWith(`tandem-upload-${killed}-`)).length;
    assert.equal(left(), 1, 'the killed node could not tidy up');
    await cluster.start(MASTER);
    await eventually(() => left() === 0);
  });

  test('while the history is read: each answer is whole or an error that SDKs survive', async () => {
    const { cluster, visitor } = await start();
    for (let i = 0; i < 150; i++) await sendSurely(visitor, `text ${i}`, `m-${i}`);
    const read = async (
      query: Record<string, string>,
    ): Promise<{ messages: { clientSideId: string; ts_m: number }[]; hasMore: boolean }> => {
      const { data } = (await visitor.get('/l/v/m/history', query)) as { data: never };
      return data;
    };
    const readAll = async (): Promise<string[]> => {
      const newest = await read({});
      const older = await read({ 'before-ts': String(newest.messages[0]?.ts_m) });
      assert.deepEqual([newest.hasMore, older.hasMore], [true, false]);
      return [...older.messages, ...newest.messages].map(message => message.clientSideId);
    };
    const expected = Array.from({ length: 150 }, (_, i) => `m-${i}`);
    let [whole, failed] = [0, 0];
    const reading = (async () => {
      for (const end = performance.now() + 3_000; performance.now() < end; ) {
        try {
          assert.deepEqual(await readAll(), expected);
          whole += 1;
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          failed += 1;
        }
      }
    })();
    await eventually(() => whole >= 3);
    await cluster.node(MASTER).kill();
    const before = whole;
    await reading;
    assert.ok(whole > before, `${whole} answers, ${failed} to be asked again`);
  });
});
