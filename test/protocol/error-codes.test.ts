import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatError, type ErrorCode } from '../../src/domain/error.ts';
import { CLOSE } from '../../src/protocol/close-codes.ts';
import { OPERATOR_STATUS, VISITOR_STATUS, visitorErrorBody } from '../../src/protocol/error-codes.ts';

test('every error code has a status for operators, and one for visitors that no SDK ends its session on', () => {
  const codes = Object.keys(OPERATOR_STATUS) as ErrorCode[];
  assert.ok(codes.length >= 9);
  for (const code of codes) {
    assert.ok(OPERATOR_STATUS[code] >= 400 && OPERATOR_STATUS[code] < 600);
    assert.ok([200, 413, 415, 502].includes(VISITOR_STATUS[code]), `visitors are answered ${VISITOR_STATUS[code]} for ${code}`);
  }
});

test('visitors are told errors under the names that the SDKs know', () => {
  const body = visitorErrorBody(new ChatError('invalid', 'message-empty', 'the message is empty'));
  assert.deepEqual(body, { error: 'message_empty' });
});

test('close codes are those of the protocol pages, each once', () => {
  assert.deepEqual(
    Object.values(CLOSE)
      .map(close => close.code)
      .sort(),
    [1001, 1003, 1009, 4401, 4403, 4408, 4410, 4429, 4503],
  );
});
