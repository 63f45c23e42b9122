/** Connections that visitors hold: however they come and go, no page, visitor or address has more than it may, and nothing is forgotten or kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChatError } from '../../src/domain/error.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import { HeldByVisitors } from '../../src/sessions/held-by-visitors.ts';

const PER_ADDRESS = 12;
const one = fc.record({ page: fc.integer({ min: 0, max: 11 }), address: fc.integer({ min: 0, max: 2 }), leave: fc.option(fc.nat(30)) });

test('a page never holds more than three connections, a visitor ten, an address what it may, however they come and go', () => {
  fc.assert(
    fc.property(fc.array(one, { maxLength: 120 }), steps => {
      const held = new HeldByVisitors({ what: 'sockets', perAddress: PER_ADDRESS, metrics: createMetrics() });
      let open: { readonly page: number; readonly address: number; readonly leave: () => void }[] = [];
      const count = (is: (it: (typeof open)[number]) => boolean): number => open.filter(is).length;
      for (const { page, address, leave } of steps) {
        if (leave !== null && open.length > 0) {
          const [gone] = open.splice(leave % open.length, 1);
          gone?.leave();
        }
        // Four pages are of one visitor.
        const visitor = (of: number): number => Math.floor(of / 4);
        const before = [...open];
        try {
          const entry = { page, address, leave: (): void => undefined };
          const over = held.enter({ pageId: String(page), visitorId: String(visitor(page)), address: String(address) }, () => {
            open = open.filter(it => it !== entry);
          });
          entry.leave = over;
          open.push(entry);
          const replaced = before.filter(it => !open.includes(it));
          assert.ok(replaced.length <= 1);
          for (const it of replaced) {
            assert.equal(
              it,
              before.find(other => other.page === page),
              'the oldest of its page',
            );
            assert.equal(before.filter(other => other.page === page).length, 3);
          }
        } catch (error) {
          assert.ok(error instanceof ChatError && error.code === 'rate-limited' && (error.details.retryAfterMs ?? 0) > 0);
          const isFull = count(it => visitor(it.page) === visitor(page)) >= 10 || count(it => it.address === address) >= PER_ADDRESS;
          assert.ok(isFull, 'refused only when it is full');
        }
        for (let of = 0; of < 12; of++) assert.ok(count(it => it.page === of) <= 3);
        for (let of = 0; of < 3; of++) {
          assert.ok(count(it => visitor(it.page) === of) <= 10);
          assert.ok(count(it => it.address === of) <= PER_ADDRESS);
        }
      }
      for (const it of open) {
        it.leave();
        it.leave();
      }
      open = [];
      for (let i = 0; i < 3; i++) held.enter({ pageId: 'p', visitorId: '0', address: '0' }, () => undefined);
    }),
  );
});
