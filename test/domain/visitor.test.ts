import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { newVisitor, type Visitor, withTold } from '../../src/domain/visitor.ts';

const visitor = (fields: Visitor['fields'], verified: readonly string[] = []): Visitor => ({
  ...newVisitor('a'.repeat(32)),
  fields,
  verified,
});
const lengthOf = ({ fields }: Visitor): number =>
  Object.entries(fields).reduce((sum, [name, value]) => sum + name.length + value.length, 0);

describe('fields of a visitor', () => {
  test('are added, replaced, and taken away by an empty value', () => {
    const after = withTold(visitor({ name: 'A', phone: '1' }), { told: { name: 'B', phone: '', email: 'b@example.org' } });
    assert.deepEqual([after.fields, after.verified], [{ name: 'B', email: 'b@example.org' }, []]);
  });

  test('have room for 10,200 characters in all; what is told last comes first', () => {
    let him = visitor({});
    for (let i = 0; i < 50; i++) him = withTold(him, { told: { [`field-${i}`]: 'x'.repeat(1_000) } });
    assert.ok(lengthOf(him) <= 10_200 && 'field-49' in him.fields, `${lengthOf(him)} characters`);
  });

  test('that are as they were leave the same object', () => {
    const him = withTold(visitor({}), { told: { name: 'A' }, signed: { id: '1', email: 'a@example.org' } });
    assert.equal(withTold(him, { told: { name: 'A', email: 'other', id: '2' }, signed: { email: 'a@example.org' } }), him);
    assert.equal(withTold(him, {}), him);
  });

  test('that were signed are changed and taken away by what is signed alone', () => {
    const signed = withTold(visitor({ phone: '1', email: 'told' }), { signed: { id: '42', email: 'a@example.org', display_name: 'Anna' } });
    assert.deepEqual(signed.fields, { id: '42', email: 'a@example.org', display_name: 'Anna', phone: '1' });
    assert.deepEqual(signed.verified, ['display_name', 'email', 'id']);
    const told = withTold(signed, { told: { email: 'thief', display_name: '', phone: '2', id: '43' } });
    assert.deepEqual([told.fields, told.verified], [{ ...signed.fields, phone: '2' }, signed.verified]);
    const again = withTold(told, { signed: { id: '42', email: 'new@example.org', display_name: '', phone: '' } });
    assert.deepEqual(
      [again.fields, again.verified],
      [{ id: '42', email: 'new@example.org', phone: '2' }, ['email', 'id']],
      'phone was never signed',
    );
  });

  test('of who was signed in before there were marks: the id is signed, of the others nobody knows', () => {
    const after = withTold(visitor({ id: '42', display_name: 'Anna' }), { told: { id: '43', display_name: 'Eve' } });
    assert.deepEqual([after.fields, after.verified], [{ id: '42', display_name: 'Eve' }, ['id']]);
  });

  test('whatever a visitor tells, what was signed stays as it is', () => {
    const text = fc.string({ maxLength: 1_000 });
    const signedNames = fc.constantFrom('id', 'display_name', 'email', 'phone', 'comment', 'info');
    const told = fc.dictionary(fc.oneof(signedNames, fc.string({ minLength: 1, maxLength: 20 })), text, { maxKeys: 20 });
    const signed = fc.dictionary(
      signedNames,
      text.filter(value => value !== ''),
      { minKeys: 1 },
    );
    fc.assert(
      fc.property(told, signed, fc.array(told, { maxLength: 5 }), (first, site, later) => {
        const before = withTold(withTold(visitor({}), { told: first }), { signed: site });
        const after = later.reduce((him, more) => withTold(him, { told: more }), before);
        assert.deepEqual(after.verified, Object.keys(site).sort());
        for (const [name, value] of Object.entries(site)) assert.equal(after.fields[name], value, name);
        assert.ok(lengthOf(after) <= 10_200);
      }),
    );
  });
});
