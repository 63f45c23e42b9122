import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withFields } from '../../src/domain/visitor.ts';

describe('fields of a visitor', () => {
  test('are added, replaced, and taken away by an empty value', () => {
    assert.deepEqual(withFields({ name: 'A', phone: '1' }, { name: 'B', phone: '', email: 'b@example.org' }), {
      name: 'B',
      email: 'b@example.org',
    });
  });

  test('have room for 10,000 characters in all; what is told last comes first', () => {
    let fields: Record<string, string> = {};
    for (let i = 0; i < 50; i++) fields = { ...withFields(fields, { [`field-${i}`]: 'x'.repeat(1_000) }) };
    const length = Object.entries(fields).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    assert.ok(length <= 10_000 && 'field-49' in fields, `${length} characters`);
  });
});
