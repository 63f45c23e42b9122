/**
 * The promise of delivery/: any interleaving of changes, frames, polls, drops, resumes, slow reads and reloads ends in the view of a fresh
 * full update. Beside the golden property of replicas, of which this is the other half.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DeskState } from '../../src/web/operator/state.ts';
import { ME, PollingClient, SocketClient, World } from '../support/delivery/world.ts';

const CHATS = 3;

/**
 * What has to be the same: chats, and the texts of one's own. Which are read follows from the chat, and how many are unread from them:
 * neither is told again for it (docs/protocol/operator.md).
 */
function seen({ chats, logs }: DeskState, fresh: DeskState): object {
  const own = [...fresh.logs.keys()].filter(id => fresh.chats.has(id));
  return {
    chats: [...chats.values()].sort((a, b) => a.id - b.id).map(chat => ({ ...chat, unreadByVisitorMsgCnt: undefined })),
    texts: own.map(id => [id, logs.get(id)?.messages.map(message => ({ ...message, read: undefined }))]),
  };
}

async function freshView(world: World): Promise<DeskState> {
  const client = new SocketClient(world);
  const connecting = client.connect();
  await world.settle();
  await connecting;
  client.drop();
  return client.state;
}

const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      what: fc.nat(20),
      chat: fc.integer({ min: 1, max: CHATS }),
      which: fc.nat(20),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), which: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('connect' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('poll' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('giveUp' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const), isNewEpoch: fc.boolean() }) },
);

async function run(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[], ringBytes: number) {
  const world = new World({ ringBytes });
  const [socket, polling] = [new SocketClient(world), new PollingClient(world)];
  const connecting: Promise<void>[] = [];
  // Both are up to date when it begins.
  connecting.push(socket.connect());
  polling.start();
  await world.settle();
  for (const one of steps) {
    if (one.do === 'change') world.happens(one.what, one.chat, one.which);
    else if (one.do === 'tick') await new Promise(setImmediate);
    else if (one.do === 'read') world.answerRead(one.which);
    else if (one.do === 'drop') socket.drop();
    else if (one.do === 'connect') connecting.push(socket.connect());
    else if (one.do === 'poll') polling.start();
    else if (one.do === 'giveUp') polling.giveUp();
    else world.reload(one.isNewEpoch);
  }
  await world.settle();
  await Promise.all(connecting);
  connecting.push(socket.connect());
  await world.settle();
  await Promise.all(connecting);
  // A client that polls comes again until there is nothing more.
  for (let i = 0; i < 4; i++) {
    polling.giveUp();
    await world.settle();
    polling.start();
    await world.settle();
  }
  polling.giveUp();
  socket.ping();
  await world.settle();
  return { world, socket, polling };
}

describe('what an operator sees', () => {
  for (const [ring, ringBytes] of [
    ['a ring that keeps all', 1_000_000],
    ['a ring that keeps a few changes', 1_000],
  ] as const)
    test(`is that of a fresh full update, whatever was interleaved, with ${ring}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async steps => {
          const { world, socket, polling } = await run(steps, ringBytes);
          const fresh = await freshView(world);
          assert.deepEqual(socket.failures, []);
          assert.deepEqual(seen(socket.state, fresh), seen(fresh, fresh), 'by WebSocket');
          assert.deepEqual(seen(polling.state, fresh), seen(fresh, fresh), 'by polls');
          assert.equal(socket.state.myId, ME);
          assert.deepEqual([Number(socket.state.revision), Number(polling.state.revision)], [world.revision, world.revision]);
        }),
        { numRuns: 600 },
      );
    });
});
