/** Pictures that are decoded at once: never more pixels than there is room for, in order, and nobody waits for ever. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { ChatError } from '../../src/domain/error.ts';
import { inspectImage } from '../../src/files/images.ts';
import { PixelRoom } from '../../src/files/pixels.ts';

test('pictures of any sizes never have more pixels at once than there is room for, and each gets its turn', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 }), async sizes => {
      const room = new PixelRoom(100);
      let [now, most, done] = [0, 0, 0];
      await Promise.all(
        sizes.map(size =>
          room
            .with(size, async () => {
              now += size;
              most = Math.max(most, now);
              await new Promise(resolve => setImmediate(resolve));
              now -= size;
              done += 1;
              if (size % 7 === 0) throw new Error('this one cannot be read');
            })
            .catch(() => undefined),
        ),
      );
      assert.ok(most <= 100, `${most} at once`);
      assert.equal(done, sizes.length);
      assert.deepEqual([room.used, room.waiting], [0, 0]);
    }),
  );
});

test('one that is larger than the room is decoded alone, and more than fifty that wait are told to try later', async () => {
  const room = new PixelRoom(100);
  let finish: () => void = () => undefined;
  const large = room.with(1_000, () => new Promise<void>(resolve => (finish = resolve)));
  const waiting = Array.from({ length: 50 }, () => room.with(10, () => Promise.resolve('done')));
  await assert.rejects(
    room.with(1, () => Promise.resolve()),
    (error: unknown) => error instanceof ChatError && error.code === 'unavailable',
  );
  assert.equal(room.waiting, 50);
  finish();
  await large;
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['done']));
});

test('a picture that is looked at takes its place in the room and leaves it, also when it cannot be read', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pixels-'));
  try {
    const file = path.join(folder, 'a.png');
    writeFileSync(
      file,
      await sharp({ create: { width: 300, height: 200, channels: 3, background: 'teal' } })
        .png()
        .toBuffer(),
    );
    const room = new PixelRoom(1_000_000);
    const taken: number[] = [];
    const watched = { with: <T>(pixels: number, decode: () => Promise<T>): Promise<T> => (taken.push(pixels), room.with(pixels, decode)) };
    assert.equal((await inspectImage(file, 'image/png', watched)).width, 300);
    assert.deepEqual([taken, room.used], [[60_000], 0]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
