import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isOpenAt, nextChange, readSchedule, ScheduleFault, type Hours, type Schedule, type Shift } from '../../src/domain/schedule.ts';

const MINUTE = 60_000_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEARS = [2026, 2027, 2028, 2029, 2030];
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];

/** The nth Sunday of a month (1 … 12), or with 0 the last, as a date of the month. */
function sunday(year: number, month: number, nth: number): number {
  const isSunday = (date: number): boolean => new Date(Date.UTC(year, month - 1, date)).getUTCDay() === 0;
  const dates = Array.from({ length: new Date(Date.UTC(year, month, 0)).getUTCDate() }, (_, i) => i + 1).filter(isSunday);
  return dates.at(nth - 1)!;
}

interface Place {
  readonly zone: string;
  /** Ahead of UTC, in standard and in daylight-saving time. */
  readonly standard: number;
  readonly daylight: number;
  /** Local time, by the clocks as they were, at which they are put forward and back. */
  readonly forwardAt: (year: number) => number;
  readonly backAt: (year: number) => number;
}

/** By the rules as the authorities publish them. */
const PLACES: readonly Place[] = [
  {
    zone: 'Europe/Berlin',
    standard: HOUR,
    daylight: 2 * HOUR,
    forwardAt: year => clock(year, 3, sunday(year, 3, 0), 2),
    backAt: year => clock(year, 10, sunday(year, 10, 0), 3),
  },
  {
    zone: 'America/New_York',
    standard: -5 * HOUR,
    daylight: -4 * HOUR,
    forwardAt: year => clock(year, 3, sunday(year, 3, 2), 2),
    backAt: year => clock(year, 11, sunday(year, 11, 1), 2),
  },
  {
    zone: 'Australia/Lord_Howe',
    standard: 10.5 * HOUR,
    daylight: 11 * HOUR,
    forwardAt: year => clock(year, 10, sunday(year, 10, 1), 2),
    backAt: year => clock(year, 4, sunday(year, 4, 1), 2),
  },
];

/** A time on the clock, in microseconds as if the clock showed UTC. */
function clock(year: number, month: number, date: number, hour: number): number {
  return Date.UTC(year, month - 1, date, hour) * 1000;
}

/** The time of day 'HH:MM' that a clock shows. */
function timeOf(clockUs: number): string {
  return new Date(clockUs / 1000).toISOString().slice(11, 16);
}

function dateOf(clockUs: number): string {
  return new Date(clockUs / 1000).toISOString().slice(0, 10);
}

function utc(text: string): number {
  return Date.parse(`${text}Z`) * 1000;
}

function utcText(us: number | undefined): string | undefined {
  return us === undefined ? undefined : new Date(us / 1000).toISOString().slice(0, 16);
}

function daily(zone: string, ...shifts: readonly (readonly [from: string, to: string])[]): Schedule {
  return { zone, hours: shifts.map(([from, to]) => ({ days: EVERY_DAY, from, to })), holidays: [] };
}

/** The next changes in UTC, '+' where it opens. */
function changes(schedule: Schedule, fromUs: number, count: number): string[] {
  const found: string[] = [];
  for (let at = nextChange(schedule, fromUs); at !== undefined && found.length < count; at = nextChange(schedule, at)) {
    found.push(`${isOpenAt(schedule, at) ? '+' : '-'}${utcText(at)!}`);
  }
  return found;
}

const opens = (us: number): string => `+${utcText(us)!}`;
const closes = (us: number): string => `-${utcText(us)!}`;

describe('the week', () => {
  const office: Schedule = { zone: 'Europe/Berlin', hours: [{ days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }], holidays: [] };

  test('opens at its first minute and is closed at its last', () => {
    assert.equal(isOpenAt(office, utc('2026-06-01T07:00') - 1), false);
    assert.equal(isOpenAt(office, utc('2026-06-01T07:00')), true);
    assert.equal(isOpenAt(office, utc('2026-06-01T16:00') - 1), true);
    assert.equal(isOpenAt(office, utc('2026-06-01T16:00')), false);
  });

  test('Friday evening is followed by Monday morning', () => {
    assert.equal(utcText(nextChange(office, utc('2026-06-05T16:00'))), '2026-06-08T07:00');
  });

  test('a change is told to the minute, from within a minute too, and the one that is now is over', () => {
    assert.equal(nextChange(office, utc('2026-06-01T06:59') + 59_999_999), utc('2026-06-01T07:00'));
    assert.equal(nextChange(office, utc('2026-06-01T07:00')), utc('2026-06-01T16:00'));
    assert.equal(nextChange(office, utc('2026-06-01T07:00') + 0.5), utc('2026-06-01T16:00'));
  });

  test('a shift over midnight belongs to the day on which it begins', () => {
    const night: Schedule = { zone: 'UTC', hours: [{ days: [7], from: '22:00', to: '06:00' }], holidays: [] };
    assert.deepEqual(changes(night, utc('2026-06-01T12:00'), 2), ['+2026-06-07T22:00', '-2026-06-08T06:00']);
    assert.equal(isOpenAt(night, utc('2026-06-07T03:00')), false);
  });

  test('a shift from an hour to the same hour is a whole day', () => {
    const whole: Schedule = { zone: 'UTC', hours: [{ days: [3], from: '08:00', to: '08:00' }], holidays: [] };
    assert.deepEqual(changes(whole, utc('2026-06-01T12:00'), 2), ['+2026-06-03T08:00', '-2026-06-04T08:00']);
  });

  test('shifts that touch or overlap are one', () => {
    const shifts = daily('UTC', ['08:00', '12:00'], ['12:00', '14:00'], ['09:00', '10:00'], ['13:30', '15:00']);
    assert.deepEqual(changes(shifts, utc('2026-06-01T00:00'), 3), ['+2026-06-01T08:00', '-2026-06-01T15:00', '+2026-06-02T08:00']);
  });

  test('days until 24:00 and days from 00:00 have no midnight between them', () => {
    const weekend: Schedule = { zone: 'UTC', hours: [{ days: [6, 7], from: '00:00', to: '24:00' }], holidays: [] };
    assert.deepEqual(changes(weekend, utc('2026-06-01T00:00'), 2), ['+2026-06-06T00:00', '-2026-06-08T00:00']);
  });

  test('what never opens and what never closes has no next change', () => {
    for (const { zone } of PLACES) {
      for (const shift of [undefined, ['00:00', '24:00'], ['00:00', '00:00'], ['13:00', '13:00']] as const) {
        const schedule = daily(zone, ...(shift ? [shift] : []));
        assert.equal(isOpenAt(schedule, utc('2026-06-01T00:00')), shift !== undefined);
        assert.equal(nextChange(schedule, utc('2026-06-01T00:00')), undefined);
      }
    }
  });
});

describe('when the clocks change', () => {
  for (const { zone, standard, daylight, forwardAt, backAt } of PLACES) {
    const step = daylight - standard;

    for (const year of YEARS) {
      const forward = forwardAt(year);
      const forwardUtc = forward - standard;
      const back = backAt(year);
      const backUtc = back - daylight;

      test(`${zone} ${year}: the same hours before and after, at other instants in UTC`, () => {
        const office = daily(zone, ['09:00', '17:30']);
        for (const [sundayUs, before, after] of [
          [forward, standard, daylight],
          [back, daylight, standard],
        ] as const) {
          const midnight = Math.floor(sundayUs / DAY) * DAY;
          const expected = [-1, 0, 1].flatMap(day => {
            const offset = day < 0 ? before : after;
            const begin = midnight + day * DAY + 9 * HOUR - offset;
            return [opens(begin), closes(begin + 8.5 * HOUR)];
          });
          assert.deepEqual(changes(office, midnight - DAY - before, 6), expected);
        }
      });

      test(`${zone} ${year}: an hour that is skipped is nobody's`, () => {
        const eve = forwardUtc - HOUR;
        const inGap = timeOf(forward + 10 * MINUTE);
        const laterInGap = timeOf(forward + 20 * MINUTE);
        assert.deepEqual(changes(daily(zone, [inGap, '05:00']), eve, 2), [
          opens(forwardUtc),
          closes(Math.floor(forward / DAY) * DAY + 5 * HOUR - daylight),
        ]);
        assert.deepEqual(changes(daily(zone, ['00:00', inGap]), eve, 1), [closes(forwardUtc)]);
        assert.deepEqual(changes(daily(zone, [inGap, laterInGap]), eve, 1), [opens(forward + DAY + 10 * MINUTE - daylight)]);
        assert.equal(isOpenAt(daily(zone, [timeOf(forward), timeOf(forward + step)]), forwardUtc), false);
        assert.equal(isOpenAt(daily(zone, [timeOf(forward), timeOf(forward + step)]), forwardUtc - 1), false);
      });

      test(`${zone} ${year}: an hour that is repeated counts twice`, () => {
        const eve = backUtc - step - 15 * MINUTE;
        const early = timeOf(back - step + 10 * MINUTE);
        const late = timeOf(back - step + 20 * MINUTE);
        assert.deepEqual(changes(daily(zone, [early, late]), eve, 5), [
          opens(backUtc - step + 10 * MINUTE),
          closes(backUtc - step + 20 * MINUTE),
          opens(backUtc + 10 * MINUTE),
          closes(backUtc + 20 * MINUTE),
          opens(back - step + DAY + 10 * MINUTE - standard),
        ]);
        assert.deepEqual(changes(daily(zone, [early, '05:00']), eve, 4), [
          opens(backUtc - step + 10 * MINUTE),
          closes(backUtc),
          opens(backUtc + 10 * MINUTE),
          closes(Math.floor(back / DAY) * DAY + 5 * HOUR - standard),
        ]);
        assert.deepEqual(changes(daily(zone, ['00:00', early]), eve, 3), [
          closes(backUtc - step + 10 * MINUTE),
          opens(backUtc),
          closes(backUtc + 10 * MINUTE),
        ]);
        // Both times without a break, as the second begins where the first ends.
        assert.deepEqual(changes(daily(zone, [timeOf(back - step), timeOf(back)]), eve, 2), [
          opens(backUtc - step),
          closes(backUtc + step),
        ]);
      });

      test(`${zone} ${year}: a night shift ends by the clock, so it is shorter or longer`, () => {
        const night = daily(zone, ['22:00', '06:00']);
        const evening = (us: number): number => Math.floor(us / DAY) * DAY - 2 * HOUR;
        assert.deepEqual(changes(night, evening(forward) - HOUR - standard, 2), [
          opens(evening(forward) - standard),
          closes(evening(forward) - standard + 8 * HOUR - step),
        ]);
        assert.deepEqual(changes(night, evening(back) - HOUR - daylight, 2), [
          opens(evening(back) - daylight),
          closes(evening(back) - daylight + 8 * HOUR + step),
        ]);
      });
    }
  }

  test('at instants that were looked up', () => {
    const nine = (zone: string): Schedule => daily(zone, ['09:00', '10:00']);
    assert.deepEqual(changes(nine('Europe/Berlin'), utc('2026-03-28T00:00'), 3), [
      '+2026-03-28T08:00',
      '-2026-03-28T09:00',
      '+2026-03-29T07:00',
    ]);
    assert.deepEqual(changes(nine('America/New_York'), utc('2026-10-31T00:00'), 3), [
      '+2026-10-31T13:00',
      '-2026-10-31T14:00',
      '+2026-11-01T14:00',
    ]);
    assert.deepEqual(changes(nine('Australia/Lord_Howe'), utc('2026-10-02T12:00'), 3), [
      '+2026-10-02T22:30',
      '-2026-10-02T23:30',
      '+2026-10-03T22:00',
    ]);
    assert.deepEqual(changes(daily('Australia/Lord_Howe', ['02:15', '03:00']), utc('2026-10-03T12:00'), 1), ['+2026-10-03T15:30']);
    assert.deepEqual(changes(daily('Australia/Lord_Howe', ['01:45', '01:50']), utc('2026-04-04T12:00'), 4), [
      '+2026-04-04T14:45',
      '-2026-04-04T14:50',
      '+2026-04-04T15:15',
      '-2026-04-04T15:20',
    ]);
  });

  test('at midnight: a day that begins at one, and a last hour of a day that is repeated', () => {
    const sundays: Schedule = { zone: 'America/Santiago', hours: [{ days: [7], from: '00:00', to: '02:00' }], holidays: [] };
    assert.deepEqual(changes(sundays, utc('2024-09-07T12:00'), 2), ['+2024-09-08T04:00', '-2024-09-08T05:00']);
    const saturdays: Schedule = { ...sundays, hours: [{ days: [6], from: '20:00', to: '24:00' }] };
    assert.deepEqual(changes(saturdays, utc('2024-04-06T12:00'), 2), ['+2024-04-06T23:00', '-2024-04-07T04:00']);
  });
});

describe('holidays', () => {
  const office = (holidays: Schedule['holidays'], hours: readonly Shift[] = [{ from: '09:00', to: '18:00' }]): Schedule => ({
    zone: 'Europe/Berlin',
    hours: hours.map(shift => ({ ...shift, days: EVERY_DAY })),
    holidays,
  });

  test('without hours: closed for the whole local day', () => {
    assert.deepEqual(changes(office([{ date: '2026-12-25' }]), utc('2026-12-24T12:00'), 2), ['-2026-12-24T17:00', '+2026-12-26T08:00']);
    const always = office([{ date: '2026-12-25' }], [{ from: '00:00', to: '24:00' }]);
    assert.deepEqual(changes(always, utc('2026-06-01T00:00'), 3), ['-2026-12-24T23:00', '+2026-12-25T23:00']);
    assert.equal(isOpenAt(office([{ date: '2026-12-25', hours: [] }]), utc('2026-12-25T12:00')), false);
  });

  test('with hours: these instead of the weekly ones', () => {
    const short = office([
      {
        date: '2026-12-24',
        hours: [
          { from: '08:00', to: '10:00' },
          { from: '11:00', to: '12:00' },
        ],
      },
    ]);
    assert.deepEqual(changes(short, utc('2026-12-23T20:00'), 5), [
      '+2026-12-24T07:00',
      '-2026-12-24T09:00',
      '+2026-12-24T10:00',
      '-2026-12-24T11:00',
      '+2026-12-25T08:00',
    ]);
  });

  test('a night shift of the day before goes on, that of the holiday does not begin', () => {
    const night = office([{ date: '2026-12-25' }], [{ from: '22:00', to: '06:00' }]);
    assert.deepEqual(changes(night, utc('2026-12-24T12:00'), 3), ['+2026-12-24T21:00', '-2026-12-25T05:00', '+2026-12-26T21:00']);
  });

  test('a special night shift goes on into an ordinary day and into the next holiday', () => {
    const late = office([{ date: '2026-12-31', hours: [{ from: '20:00', to: '03:00' }] }, { date: '2027-01-01' }]);
    assert.deepEqual(changes(late, utc('2026-12-31T00:00'), 3), ['+2026-12-31T19:00', '-2027-01-01T02:00', '+2027-01-02T08:00']);
    const alone = office([{ date: '2026-12-31', hours: [{ from: '20:00', to: '03:00' }] }]);
    assert.deepEqual(changes(alone, utc('2026-12-31T00:00'), 3), ['+2026-12-31T19:00', '-2027-01-01T02:00', '+2027-01-01T08:00']);
  });

  test('that are the only days open: found fifteen months ahead, not two years', () => {
    const once = office([{ date: '2027-08-20', hours: [{ from: '10:00', to: '12:00' }] }], []);
    assert.deepEqual(changes(once, utc('2026-06-01T00:00'), 5), ['+2027-08-20T08:00', '-2027-08-20T10:00']);
    assert.equal(nextChange(once, utc('2025-08-01T00:00')), undefined);
  });

  test('on the day on which the clocks change', () => {
    const dst = office([{ date: '2026-03-29', hours: [{ from: '02:30', to: '04:00' }] }], []);
    assert.deepEqual(changes(dst, utc('2026-03-01T00:00'), 3), ['+2026-03-29T01:00', '-2026-03-29T02:00']);
    const back = office([{ date: '2026-10-25', hours: [{ from: '02:30', to: '04:00' }] }], []);
    const expected = ['+2026-10-25T00:30', '-2026-10-25T01:00', '+2026-10-25T01:30', '-2026-10-25T03:00'];
    assert.deepEqual(changes(back, utc('2026-10-01T00:00'), 5), expected);
  });
});

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const wallClocks = new Map(
  PLACES.map(({ zone }) => [
    zone,
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      calendar: 'gregory',
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    }),
  ]),
);

/** The same rules said with what a clock and a calendar on the wall show, and without any reckoning in offsets or minutes. */
function isOpenByTheWall({ zone, hours, holidays }: Schedule, us: number): boolean {
  const shown = Object.fromEntries(
    wallClocks
      .get(zone)!
      .formatToParts(us / 1000)
      .map(({ type, value }) => [type, value]),
  );
  const today = `${shown['year']!}-${shown['month']!}-${shown['day']!}`;
  const weekday = WEEKDAYS.indexOf(shown['weekday']!) + 1;
  const time = `${shown['hour']!}:${shown['minute']!}`;
  const yesterday = dateOf(utc(`${today}T12:00`) - DAY);
  const shiftsOf = (date: string, day: number): readonly Shift[] => {
    const holiday = holidays.find(one => one.date === date);
    return holiday ? (holiday.hours ?? []) : hours.filter(({ days }) => days.includes(day));
  };
  return (
    shiftsOf(today, weekday).some(({ from, to }) => (to <= from ? time >= from : time >= from && time < to)) ||
    shiftsOf(yesterday, weekday === 1 ? 7 : weekday - 1).some(({ from, to }) => to <= from && time < to)
  );
}

describe('for any schedule near a change of the clocks', () => {
  const hhmm = (minutes: number): string => timeOf(minutes * MINUTE);
  const time = fc.oneof(
    fc.integer({ min: 0, max: 24 * 4 - 1 }).map(quarter => hhmm(quarter * 15)),
    fc.nat(239).map(hhmm),
    fc.nat(1439).map(hhmm),
  );
  const shift = fc.record(
    { from: time, to: fc.oneof({ weight: 8, arbitrary: time }, { weight: 1, arbitrary: fc.constant('24:00') }) },
    { noNullPrototype: true },
  );
  const hours: fc.Arbitrary<Hours> = fc
    .tuple(fc.subarray(EVERY_DAY, { minLength: 1 }), shift)
    .map(([days, { from, to }]) => ({ days, from, to }));

  const moment = fc
    .record({
      place: fc.constantFrom(...PLACES),
      year: fc.constantFrom(...YEARS),
      isForward: fc.boolean(),
      hours: fc.array(hours, { maxLength: 4 }),
      holidays: fc.uniqueArray(fc.tuple(fc.integer({ min: -2, max: 3 }), fc.option(fc.array(shift, { maxLength: 2 }))), {
        maxLength: 3,
        selector: ([day]) => day,
      }),
      seconds: fc.integer({ min: -36 * 3600, max: 24 * 3600 }),
    })
    .map(({ place, year, isForward, hours, holidays, seconds }) => {
      const changeUs = isForward ? place.forwardAt(year) : place.backAt(year);
      const schedule: Schedule = {
        zone: place.zone,
        hours,
        holidays: holidays.map(([day, hours]) => ({ date: dateOf(changeUs + day * DAY), ...(hours && { hours }) })),
      };
      return { schedule, nowUs: changeUs - (isForward ? place.standard : place.daylight) + seconds * 1_000_000 };
    });

  test('it is open exactly when the clock and the calendar on the wall say so', () => {
    fc.assert(
      fc.property(moment, ({ schedule, nowUs }) => {
        for (const us of [nowUs, nowUs + 7 * HOUR + 1, nowUs + 2 * DAY - 1]) {
          assert.equal(isOpenAt(schedule, us), isOpenByTheWall(schedule, us), utcText(us));
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test('the next change is the first minute whose state differs', () => {
    fc.assert(
      fc.property(moment, ({ schedule, nowUs }) => {
        const isOpen = isOpenAt(schedule, nowUs);
        const limit = nowUs + 2 * DAY;
        let first = (Math.floor(nowUs / MINUTE) + 1) * MINUTE;
        while (first < limit && isOpenAt(schedule, first) === isOpen) first += MINUTE;
        const change = nextChange(schedule, nowUs);
        if (first < limit) assert.equal(utcText(change), utcText(first));
        else
          assert.equal(
            change === undefined || change >= limit,
            true,
            `nothing changes before ${utcText(limit)!}, but ${utcText(change) ?? ''}`,
          );
      }),
      { numRuns: 200 },
    );
  });

  test('what is read from its JSON is the same schedule', () => {
    fc.assert(
      fc.property(moment, ({ schedule }) => {
        assert.deepEqual(readSchedule(JSON.parse(JSON.stringify(schedule))), schedule);
      }),
    );
  });
});

describe('reading a schedule', () => {
  const shift = { from: '09:00', to: '18:00' };
  const monday = { days: [1], ...shift };
  const written = { zone: 'Europe/Berlin', hours: [monday], holidays: [] };
  const many = <T>(count: number, one: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));
  const dated = (i: number): { date: string } => ({ date: dateOf(utc('2026-01-01T00:00') + i * DAY) });

  test('holidays may be left out, lists may be as long as they may be', () => {
    assert.deepEqual(readSchedule({ zone: 'UTC', hours: [] }), { zone: 'UTC', hours: [], holidays: [] });
    const long = { zone: 'America/Argentina/Buenos_Aires', hours: many(50, () => monday), holidays: many(1_000, dated) };
    assert.deepEqual(readSchedule(long), long);
    const leap = { ...written, holidays: [{ date: '2028-02-29', hours: [{ from: '00:00', to: '24:00' }] }] };
    assert.deepEqual(readSchedule(leap), leap);
  });

  const holiday = (...holidays: unknown[]): unknown => ({ ...written, holidays });
  const hour = (change: object): unknown => ({ ...written, hours: [{ ...monday, ...change }] });
  const days = 'hours[0].days must list different days from 1 (Monday) to 7 (Sunday)';
  const zone = "zone must be a name such as 'Europe/Berlin', or 'UTC'";
  const faults: readonly (readonly [value: unknown, message: string])[] = [
    [null, 'a schedule must be an object of zone, hours, holidays'],
    [[], 'a schedule must be an object of zone, hours, holidays'],
    ['open', 'a schedule must be an object of zone, hours, holidays'],
    [{ ...written, timezone: 'UTC' }, "'timezone' is not a field here"],
    [JSON.parse('{"__proto__": {}}'), "'__proto__' is not a field here"],
    [{ hours: [] }, zone],
    [{ ...written, zone: 7 }, zone],
    [{ ...written, zone: '' }, zone],
    [{ ...written, zone: 'BST' }, zone],
    [{ ...written, zone: '+01:00' }, zone],
    [{ ...written, zone: 'Mars/Base' }, "zone 'Mars/Base' is not known"],
    [{ zone: 'UTC' }, 'hours must be a list of at most 50'],
    [{ ...written, hours: {} }, 'hours must be a list of at most 50'],
    [{ ...written, hours: many(51, () => monday) }, 'hours must be a list of at most 50'],
    [{ ...written, hours: [monday, null] }, 'hours[1] must be an object of days, from, to'],
    [hour({ day: 1 }), "hours[0]: 'day' is not a field here"],
    [hour({ days: [] }), days],
    [hour({ days: 1 }), days],
    [hour({ days: [0] }), days],
    [hour({ days: [8] }), days],
    [hour({ days: [1.5] }), days],
    [hour({ days: ['1'] }), days],
    [hour({ days: [1, 2, 1] }), days],
    [hour({ from: '9:00' }), 'hours[0].from must be HH:MM'],
    [hour({ from: '24:00' }), 'hours[0].from must be HH:MM'],
    [hour({ from: '09:00\n' }), 'hours[0].from must be HH:MM'],
    [hour({ from: undefined }), 'hours[0].from must be HH:MM'],
    [hour({ to: '24:01' }), 'hours[0].to must be HH:MM or 24:00'],
    [hour({ to: '23:60' }), 'hours[0].to must be HH:MM or 24:00'],
    [hour({ to: 18 }), 'hours[0].to must be HH:MM or 24:00'],
    [{ ...written, holidays: null }, 'holidays must be a list of at most 1000'],
    [holiday(...many(1_001, dated)), 'holidays must be a list of at most 1000'],
    [holiday('2026-12-25'), 'holidays[0] must be an object of date, hours'],
    [holiday({}), 'holidays[0].date must be YYYY-MM-DD'],
    [holiday({ date: '25.12.2026' }), 'holidays[0].date must be YYYY-MM-DD'],
    [holiday({ date: '2026-12-25T00:00' }), 'holidays[0].date must be YYYY-MM-DD'],
    [holiday(dated(0), dated(1), { date: '2026-02-30' }), 'holidays[2].date: there is no 2026-02-30'],
    [holiday({ date: '2026-13-01' }), 'holidays[0].date: there is no 2026-13-01'],
    [holiday({ date: '2026-01-00' }), 'holidays[0].date: there is no 2026-01-00'],
    [holiday({ date: '2027-02-29' }), 'holidays[0].date: there is no 2027-02-29'],
    [holiday(dated(0), dated(0)), 'holidays[1].date: 2026-01-01 is there twice'],
    [holiday({ ...dated(0), name: 'New Year' }), "holidays[0]: 'name' is not a field here"],
    [holiday({ ...dated(0), hours: null }), 'holidays[0].hours must be a list of at most 50'],
    [holiday({ ...dated(0), hours: [shift, { ...shift, to: '' }] }), 'holidays[0].hours[1].to must be HH:MM or 24:00'],
    [holiday({ ...dated(0), hours: [monday] }), "holidays[0].hours[0]: 'days' is not a field here"],
  ];

  test('a mistake is refused in a sentence that names its place', () => {
    const refusalOf = (value: unknown): string => {
      try {
        readSchedule(value);
        return `nothing wrong with ${JSON.stringify(value)}`;
      } catch (error) {
        return error instanceof ScheduleFault ? error.message : String(error);
      }
    };
    assert.deepEqual(
      faults.map(([value]) => refusalOf(value)),
      faults.map(([, message]) => message),
    );
  });
});
