import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Writable } from 'node:stream';
import * as ws from 'ws';
import { encodeTextFrames } from '../../src/ws/text-frames.ts';

/** What ws reads frames by; its types leave it out. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

describe('text frames', () => {
  test('are read by ws as they were written, at each size where the header changes, in one buffer', async () => {
    const texts = ['', 'a', ...[125, 126, 65_535, 65_536, 200_000].map(length => 'x'.repeat(length)), 'ж'.repeat(63), '\u{1F600} "quoted"'];
    const read: string[] = [];
    const receiver = new Receiver({ isServer: false });
    receiver.on('message', (data: Buffer) => read.push(data.toString()));
    await new Promise<void>((resolve, reject) => {
      receiver.once('error', reject);
      receiver.write(encodeTextFrames(texts), () => resolve());
    });
    assert.deepEqual(read, texts);
  });
});
