/** New visitors and beginnings by address: an office does not notice, a flood does, and nobody pays for another address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/system/metrics.ts';
import { AddressPaces } from '../../src/sessions/address-paces.ts';

const clock = { now: 1_000_000, nowMs: () => clock.now };
const make = () => new AddressPaces({ clock, metrics: createMetrics(), initsPerSecond: 5, chatsPerMinute: 60 });

function accepted(attempts: number, run: () => void): number {
  let count = 0;
  for (let i = 0; i < attempts; i++) {
    try {
      run();
      count += 1;
    } catch (error) {
      assert.equal((error as { code: string }).code, 'rate-limited');
    }
  }
  return count;
}

test('a burst of new visitors is let in, then so many a second; another address is not held up', () => {
  const paces = make();
  assert.equal(
    accepted(1_000, () => paces.newVisitor('192.0.2.1')),
    50,
  );
  assert.equal(
    accepted(10, () => paces.newVisitor('192.0.2.2')),
    10,
  );
  clock.now += 2_000;
  assert.equal(
    accepted(1_000, () => paces.newVisitor('192.0.2.1')),
    10,
  );
  clock.now += 60_000;
  assert.equal(
    accepted(1_000, () => paces.newVisitor('192.0.2.1')),
    50,
    'all of it again after a while',
  );
});

test('who comes back is paced too, at ten times the rate', () => {
  const paces = make();
  assert.equal(
    accepted(1_000, () => paces.arrival('192.0.2.1')),
    500,
  );
  clock.now += 1_000;
  assert.equal(
    accepted(1_000, () => paces.arrival('192.0.2.1')),
    50,
  );
});

test('chats that begin have a pace of their own, of a minute', () => {
  const paces = make();
  accepted(1_000, () => paces.newVisitor('192.0.2.1'));
  assert.equal(
    accepted(1_000, () => paces.beginning('192.0.2.1')),
    60,
  );
  clock.now += 10_000;
  assert.equal(
    accepted(1_000, () => paces.beginning('192.0.2.1')),
    10,
  );
});

test('what was let in counts, not what was tried', () => {
  const paces = make();
  accepted(10_000, () => paces.newVisitor('192.0.2.1'));
  clock.now += 1_000;
  assert.equal(
    accepted(100, () => paces.newVisitor('192.0.2.1')),
    5,
  );
});
