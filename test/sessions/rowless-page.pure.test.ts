/** What the id of a page without rows says, how long it may be, and how long it is good for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_PAGE_ID, readRowlessPage, rowlessPage } from '../../src/sessions/visitors/rowless-page.ts';

const NOW = 1_800_000_000_000_000;
const HOUR = 3_600_000_000;
const id = 'a'.repeat(32);
const visitorId = 'b'.repeat(32);
const visitSessionId = 'c'.repeat(32);

const anything = (maxLength: number) => fc.string({ unit: 'binary', maxLength }).filter(text => text.isWellFormed());

test('the id of a page without rows says what the page is, and is never too long for a request', () => {
  const facts = fc.record({
    location: anything(200),
    platform: anything(50),
    title: anything(500),
    url: anything(2_000),
    deviceId: anything(200),
  });
  fc.assert(
    fc.property(facts, given => {
      const page = rowlessPage({ id, visitorId, visitSessionId, ...given }, NOW);
      assert.match(page.id, /^[0-9a-f]{32}x[A-Za-z0-9_-]+$/);
      assert.ok(page.id.length <= MAX_PAGE_ID, `${page.id.length}`);
      assert.deepEqual(readRowlessPage(page.id, NOW), page);
      for (const name of ['location', 'platform', 'title', 'url'] as const)
        assert.ok(given[name].startsWith(page[name]) && page[name].isWellFormed(), name);
    }),
  );
});

test('what is long and dear to write is cut, what is short stays', () => {
  const long = {
    location: '"'.repeat(200),
    platform: '\u0001'.repeat(50),
    title: '😀'.repeat(250),
    url: '\\'.repeat(2_000),
    deviceId: '字'.repeat(200),
  };
  assert.ok(rowlessPage({ id, visitorId, visitSessionId, ...long }, NOW).id.length <= MAX_PAGE_ID);
  const usual = { location: 'shop', platform: 'web', title: 'Morning Clay', url: 'https://shop.example.org/cups?page=2', deviceId: 'd-1' };
  const { rowless, secretGeneration, ...page } = rowlessPage({ id, visitorId, visitSessionId, ...usual }, NOW);
  assert.deepEqual(page, {
    id: page.id,
    visitorId,
    visitSessionId,
    location: 'shop',
    platform: 'web',
    title: 'Morning Clay',
    url: usual.url,
    deviceId: 'd-1',
  });
  assert.deepEqual([rowless, secretGeneration], [true, 0]);
});

test('it is good for a day, and nothing else is such an id', () => {
  const { id: pageId } = rowlessPage({ id, visitorId, visitSessionId, location: '', platform: '', title: '', url: '', deviceId: '' }, NOW);
  assert.notEqual(readRowlessPage(pageId, NOW + 23 * HOUR), undefined);
  assert.equal(readRowlessPage(pageId, NOW + 25 * HOUR), undefined);
  for (const other of [
    '',
    id,
    `${id}x`,
    `x${pageId}`,
    ` ${pageId}`,
    `${pageId} `,
    `${pageId}=`,
    pageId.replace('x', ' '),
    `visitor ${visitorId} 0`,
  ])
    assert.equal(readRowlessPage(other, NOW), undefined, other);
});
