/** What a node says of its share of the processor, asked at whatever moments. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { cpuMeter } from '../../src/node/cpu-meter.ts';

describe('the share of the processor', () => {
  test('is that of the time since it was read last, never an older maximum', () => {
    let [nowMs, usedUs] = [0, 0];
    const read = cpuMeter(100, { nowMs: () => nowMs, usedUs: () => usedUs });
    const after = (ms: number, percent: number): number => {
      nowMs += ms;
      usedUs += ms * percent * 10;
      return read();
    };
    assert.equal(after(1_000, 80), 80);
    assert.equal(after(1_000, 5), 5);
    assert.equal(after(50, 100), 5, 'too soon to tell');
    assert.equal(after(50, 0), 50, 'the two together');
  });

  test('whoever asks how often: the figures add up to what was used', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 200 })), { minLength: 1 }), steps => {
        let [nowMs, usedUs, toldUs, sinceMs] = [0, 0, 0, 0];
        const read = cpuMeter(100, { nowMs: () => nowMs, usedUs: () => usedUs });
        for (const [ms, percent] of steps) {
          nowMs += ms;
          usedUs += ms * percent * 10;
          const told = read();
          if (nowMs - sinceMs < 100) continue;
          toldUs += told * (nowMs - sinceMs) * 10;
          sinceMs = nowMs;
        }
        assert.ok(Math.abs(toldUs - usedUs) <= 500 * 200 * 10 + nowMs, `${toldUs} told, ${usedUs} used`);
      }),
    );
  });
});
