/** The wire format, and the sentences for what is wrong: pure, no broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decode, encodeEnvelope, encodeSignal } from '../../src/bus/envelope.ts';
import { describeFailure } from '../../src/rabbitmq/reason.ts';

const A = { installation: 'i', origin: 'o', node: 'a "quoted" name', incarnation: 'a-1' };
const B = { installation: 'i', origin: 'o', node: 'b', incarnation: 'b-1' };
const BATCH = '6f1c0b0f-0000-4000-8000-000000000001';
const HEAD = '"v":1,"installation":"i","origin":"o","node":"a","incarnation":"a-1"';

describe('the wire format', () => {
  test('is one line of JSON with sender, revisions and changes', () => {
    const content = encodeEnvelope(
      { ...A, node: 'a' },
      { first: 3, last: 4, batchId: BATCH, changesJson: Buffer.from('[{"type":"x"},{"type":"y"}]') },
    );
    assert.equal(content.toString(), `{${HEAD},"first":3,"last":4,"batch":"${BATCH}","changes":[{"type":"x"},{"type":"y"}]}`);
  });

  test('brings an envelope to another node as it was, with the length of the message', () => {
    const content = encodeEnvelope(A, {
      first: 3,
      last: 3,
      batchId: BATCH,
      changesJson: Buffer.from('[{"type":"of-a-newer-node","text":"ж\u2028"}]'),
    });
    const changes = [{ type: 'of-a-newer-node', text: 'ж\u2028' }];
    assert.deepEqual(decode(content, B), {
      kind: 'envelope',
      node: A.node,
      envelope: { first: 3, last: 3, batchId: BATCH, changes, bytes: content.length },
    });
  });

  test('leaves changes out above 1 MiB of UTF-8, and not below', () => {
    const sent = (characters: string): boolean =>
      encodeEnvelope(A, {
        first: 1,
        last: 1,
        batchId: BATCH,
        changesJson: Buffer.from(JSON.stringify([{ type: 'x', text: characters }])),
      }).includes('"changes"');
    assert.deepEqual([sent('a'.repeat(1_048_000)), sent('a'.repeat(1_048_576))], [true, false]);
    assert.deepEqual([sent('ж'.repeat(524_000)), sent('ж'.repeat(524_288))], [true, false]);
  });

  test('tells own, foreign and signals apart', () => {
    const signal = { type: 'visitor-typing', chatId: 1, typing: true, draft: null } as const;
    assert.deepEqual(decode(encodeSignal(A, signal, 5, 7), B), {
      kind: 'signal',
      node: A.node,
      signal,
      sent: { incarnation: 'a-1', atUs: 5, number: 7 },
    });
    assert.deepEqual(decode(encodeSignal(A, signal, 5, 7), A), { kind: 'own' });
    const foreign = { ...A, installation: 'other' };
    const copy = { ...A, origin: 'of a dump' };
    assert.deepEqual(decode(encodeSignal(copy, signal, 5, 7), B), { kind: 'foreign', installation: 'i', node: A.node });
    assert.deepEqual(decode(encodeSignal(foreign, signal, 5, 7), B), { kind: 'foreign', installation: 'other', node: A.node });
  });

  for (const [content, reason] of [
    ['', 'no JSON'],
    ['\u0000\u0001', 'no JSON'],
    ['null', 'not an envelope of version 1'],
    ['[]', 'not an envelope of version 1'],
    [`{${HEAD.replace('1', '2')},"first":1,"last":1}`, 'not an envelope of version 1'],
    ['{"v":1,"installation":"i","node":"a"}', 'no sender'],
    [`{${HEAD}}`, 'no revisions'],
    [`{${HEAD},"first":2,"last":1}`, 'no revisions'],
    [`{${HEAD},"first":0,"last":1}`, 'no revisions'],
    [`{${HEAD},"first":"1","last":1}`, 'no revisions'],
    [`{${HEAD},"first":1,"last":1e300}`, 'no revisions'],
    [`{${HEAD},"first":1,"last":1,"changes":null}`, 'changes do not fit the revisions'],
    [`{${HEAD},"first":1,"last":2,"changes":[{"type":"x"}]}`, 'changes do not fit the revisions'],
    [`{${HEAD},"first":1,"last":1,"changes":[{"kind":"x"}]}`, 'changes do not fit the revisions'],
    [`{${HEAD},"first":1,"last":1,"changes":[null]}`, 'changes do not fit the revisions'],
    [`{${HEAD},"signal":{"type":"visitor-typing","chatId":"1","typing":true,"draft":null}}`, 'not a signal'],
    [`{${HEAD},"signal":{"type":"operator-typing","chatId":1,"typing":true}}`, 'not a signal'],
    [`{${HEAD},"signal":null}`, 'not a signal'],
  ] as const) {
    test(`calls ${JSON.stringify(content)} poison: ${reason}`, () => {
      assert.deepEqual(decode(Buffer.from(content), B), { kind: 'poison', reason });
    });
  }
});

describe('why there is no connection', () => {
  const target = { host: 'mq', port: 5672, username: 'u', virtualHost: 'v' };
  const broken = (message: string, more: object = {}): Error => Object.assign(new Error(message), more);
  for (const [error, sentence] of [
    [broken('connect ECONNREFUSED ::1:5672', { code: 'ECONNREFUSED' }), 'connection refused'],
    [new AggregateError([broken('x', { code: 'ECONNREFUSED' }), broken('y')]), 'connection refused'],
    [broken('The operation was aborted', { name: 'AbortError' }), 'no answer'],
    [broken('Heartbeat timeout'), 'Heartbeat timeout'],
    [undefined, 'connection lost'],
    [
      broken('Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no exchange \'a\'"', { code: 404 }),
      "NOT_FOUND - no exchange 'a'",
    ],
  ] as const) {
    test(`is said as “${sentence}” for ${error?.name ?? 'no error'}: ${error?.message ?? ''}`, () => {
      assert.equal(describeFailure(target, error), `RabbitMQ at mq:5672: ${sentence}`);
    });
  }
});
