/** Pages that are opened in one batch: each client is told of its own visitor, whatever becomes of the others meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageOpening } from '../../src/ports/index.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createPages } from '../../src/postgres/pages.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

const opening = (visitorId: string): PageOpening => ({
  pageId: `page-of-${visitorId}`,
  visitorId,
  oldVisitSessionId: '',
  newVisitSessionId: `visit-of-${visitorId}`,
  location: '',
  title: '',
  platform: '',
  url: '',
  deviceId: '',
  pushService: '',
  pushToken: null,
  isIdentified: false,
});

test('a visitor who is forgotten while he comes back is made anew, and nobody is taken for another', async () => {
  const cleanup = new Cleanup();
  try {
    const test = cleanup.add(await createTestDatabase(), it => it.drop());
    const database = cleanup.add(test.open(), it => it.end());
    await migrate(database);
    const ids = ['a', 'b', 'c', 'd'];
    await test.query(`insert into visitor (id, fields, last_ts_us, secret_since) select id, '{}', 0, now() from unnest($1::text[]) id`, [
      ids,
    ]);
    await test.query(`update visitor set secret_since = null where id = 'd'`); // so that the batch waits for its row
    const pages = createPages(database);
    const opened = await database.transaction('begin', async holder => {
      await holder.query(`select from visitor where id = 'd' for update`);
      const warmUp = pages.open(opening('a')); // the others wait for it, and share a batch
      const all = Promise.all(ids.map(id => pages.open(opening(id === 'a' ? 'e' : id))));
      await warmUp;
      await eventually(async () => {
        const waiting = await test.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
        return waiting.length > 0;
      });
      await test.query(`delete from visitor where id = 'b'`); // as retention does
      return { all };
    });
    const answers = await opened.all;
    assert.deepEqual(
      answers.map(({ visitor, visitSessionId }) => [visitor.id, visitSessionId]),
      ['e', 'b', 'c', 'd'].map(id => [id, `visit-of-${id}`]),
    );
    const rows = await test.query<{ id: string }>(`select id from visitor where id = 'b'`);
    assert.equal(rows.length, 1);
  } finally {
    await cleanup.run();
  }
});
