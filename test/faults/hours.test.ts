/**
 * Business hours end in the very minute in which a queue is drained, on the days on which the clocks change: what is assigned
 * is decided by the database's time under the locks, by IANA zone, and by nothing else.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planAssignments } from '../../src/domain/assignment.ts';
import type { Chat } from '../../src/domain/chat.ts';
import type { Department } from '../../src/domain/department.ts';
import { canBeAssigned } from '../../src/domain/eligibility.ts';
import { isOpenAt, nextChange, type Schedule } from '../../src/domain/schedule.ts';
import { SubQueues } from '../../src/domain/sub-queue.ts';
import { aChat, anOperator, someRules } from '../support/rows.ts';

const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
const SECOND = 1_000_000;
/** A plan is carried out so much later: some of them after the hour. */
const COMMIT_TAKES = 0.7 * SECOND;
const CHATS = 400;

/** Open from midnight until the hour in which clocks change, on every day, and again from noon. */
const schedule = (zone: string): Schedule => ({
  zone,
  hours: [
    { days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '02:30' },
    { days: [1, 2, 3, 4, 5, 6, 7], from: '12:00', to: '18:00' },
  ],
  holidays: [],
});

describe('f54 the end of business hours in the minute of a queue drain', () => {
  for (const zone of ZONES) {
    test(`${zone}: on every day of 2026 to 2030 on which the clocks change, nothing is assigned out of hours and nothing forgotten`, () => {
      const days = clockChanges(zone, 2026, 2030);
      assert.equal(days.length, 10, 'two in each year');
      for (const dayUs of days) {
        for (const closesUs of closings(schedule(zone), dayUs)) {
          const first = drain(zone, closesUs);
          assert.ok(first.assigned > 0 && first.assigned < CHATS, `${first.assigned} were assigned before the hour`);
          assert.deepEqual(drain(zone, closesUs), first, 'another node decides the same');
        }
      }
    });
  }
});

/** Ten a second are placed, from 30 s before the hours end until 30 s after; then when they begin again. */
function drain(zone: string, closesUs: number): { readonly assigned: number; readonly order: readonly number[] } {
  const hours = schedule(zone);
  const departments = new Map<string, Department>([
    ['sales', { key: 'sales', id: 1, name: 'Sales', order: 0, assignmentMode: null, schedule: hours }],
  ]);
  const rules = someRules({ departments, defaultMaxChats: 10_000 });
  const operator = anOperator({ departmentKeys: ['sales'] });
  const queues = new SubQueues();
  const waiting = new Map<number, Chat>();
  for (let id = 1; id <= CHATS; id++) waiting.set(id, aChat({ id, departmentKey: 'sales', createdUs: closesUs - 3_600 * SECOND + id }));
  for (const chat of waiting.values()) queues.update(undefined, chat);
  const order: number[] = [];
  const step = (nowUs: number): void => {
    let placed = 0;
    for (const { chatId } of planAssignments(queues, [operator], rules, nowUs)) {
      if (++placed > 10) break;
      const chat = waiting.get(chatId)!;
      const committedUs = nowUs + COMMIT_TAKES;
      const may = canBeAssigned(operator, chat, rules, committedUs);
      assert.equal(may, isOpenAt(hours, committedUs), `chat ${chatId} at ${new Date(committedUs / 1_000).toISOString()}`);
      if (!may) continue;
      queues.update(chat, undefined);
      waiting.delete(chatId);
      order.push(chatId);
    }
  };
  for (let s = -30; s <= 30; s++) step(closesUs + s * SECOND);
  const assigned = order.length;
  const opensUs = nextChange(hours, closesUs)!;
  assert.equal(isOpenAt(hours, opensUs), true);
  step(opensUs - SECOND);
  assert.equal(order.length, assigned, 'nothing before they begin again');
  for (let s = 0; waiting.size > 0 && s < 100; s++) step(opensUs + s * SECOND);
  assert.deepEqual(
    order,
    Array.from({ length: CHATS }, (_, i) => i + 1),
    'in their order, all of them',
  );
  return { assigned, order };
}

/** Instants at which the hours end, from the day before to the day after. */
function closings(hours: Schedule, dayUs: number): number[] {
  const found: number[] = [];
  for (let atUs = dayUs - 86_400 * SECOND; atUs < dayUs + 86_400 * SECOND; ) {
    atUs = nextChange(hours, atUs)!;
    if (!isOpenAt(hours, atUs)) found.push(atUs);
  }
  return found;
}

/** Midnights (UTC) before which the zone's distance to UTC differs from that a day later. */
function clockChanges(zone: string, fromYear: number, toYear: number): number[] {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'longOffset' });
  const offsetAt = (ms: number): string => format.formatToParts(ms).find(part => part.type === 'timeZoneName')!.value;
  const days: number[] = [];
  for (let ms = Date.UTC(fromYear, 0, 1); ms < Date.UTC(toYear + 1, 0, 1); ms += 86_400_000) {
    if (offsetAt(ms) !== offsetAt(ms + 86_400_000)) days.push(ms * 1_000);
  }
  return days;
}
