/**
 * Weekly working hours and holidays, by the wall clock of a place: an hour that the clocks skip is nobody's, an hour that they
 * repeat counts twice. Inside, times are whole minutes, since 1970 or since local midnight, and days are whole days since 1970.
 */
import type { Microseconds } from './time.ts';

/** From 'HH:MM' until before 'HH:MM' or '24:00'. Until an hour not after its beginning means over midnight, at most 24 hours. */
export interface Shift {
  readonly from: string;
  readonly to: string;
}

export interface Hours extends Shift {
  /** 1 is Monday, 7 Sunday. A shift over midnight belongs to the day on which it begins. */
  readonly days: readonly number[];
}

export interface Holiday {
  /** 'YYYY-MM-DD', of the place. */
  readonly date: string;
  /** Instead of the weekly hours of that day; without them no shift begins on it. One of the day before goes on to its end. */
  readonly hours?: readonly Shift[];
}

export interface Schedule {
  /** An IANA name, as 'Europe/Berlin'. */
  readonly zone: string;
  readonly hours: readonly Hours[];
  readonly holidays: readonly Holiday[];
}

/** Why something is no schedule: a sentence for the administrator who wrote it. */
export class ScheduleFault extends Error {
  override readonly name = 'ScheduleFault';
}

const MAX_HOURS = 50;
const MAX_HOLIDAYS = 1_000;
const MAX_CACHED_ZONES = 64;
const MINUTE_US = 60_000_000;
const MINUTE_MS = 60_000;
const DAY = 24 * 60;
const DAY_MS = DAY * MINUTE_MS;
/** Nowhere are the clocks changed twice within a week. */
const WEEK = 7 * DAY;
/** The first of 1970 was a Thursday. */
const WEEKDAYS = [4, 5, 6, 7, 1, 2, 3];
/** Fifteen months: enough for the holidays of next year. */
const HORIZON = 460 * DAY;

export function isOpenAt(schedule: Schedule, nowUs: Microseconds): boolean {
  const now = Math.floor(nowUs / MINUTE_US);
  const local = now + offsetAt(schedule.zone, now);
  return covers(openingsOn(schedule, Math.floor(local / DAY)), local);
}

/** The first instant after now at which isOpenAt answers differently; undefined if it does not within fifteen months. */
export function nextChange(schedule: Schedule, nowUs: Microseconds): Microseconds | undefined {
  const isOpen = isOpenAt(schedule, nowUs);
  const now = Math.floor(nowUs / MINUTE_US);
  let [offset, offsetEnd] = [0, now];
  // By stretches of one local day and one offset: in them an opening's end closes and its beginning opens, between them anything may.
  for (let begin = now, end = now; begin < now + HORIZON; begin = end) {
    if (begin === offsetEnd) {
      offset = offsetAt(schedule.zone, begin);
      offsetEnd = endOfOffset(schedule.zone, offset, begin, begin + WEEK);
    }
    const day = Math.floor((begin + offset) / DAY);
    end = Math.min((day + 1) * DAY - offset, offsetEnd);
    const openings = openingsOn(schedule, day);
    const changes = [begin, ...openings.map(({ from, to }) => (isOpen ? to : from) - offset)].filter(
      at => at >= begin && at < end && covers(openings, at + offset) !== isOpen,
    );
    if (changes.length > 0) return Math.min(...changes) * MINUTE_US;
  }
  return undefined;
}

/** In minutes by the local clock. */
interface Opening {
  readonly from: number;
  readonly to: number;
}

function covers(openings: readonly Opening[], minute: number): boolean {
  return openings.some(({ from, to }) => from <= minute && minute < to);
}

/** All that may be open on that day: its shifts, and those of the day before, which may go on over midnight. */
function openingsOn(schedule: Schedule, day: number): Opening[] {
  const { byWeekday, byHoliday } = planOf(schedule);
  return [day - 1, day].flatMap(one => {
    const shifts = byHoliday.get(one) ?? byWeekday[one % 7] ?? [];
    return shifts.map(({ from, to }) => ({ from: one * DAY + from, to: one * DAY + to }));
  });
}

/** Of days since 1970, modulo 7 and as they are; the shifts in minutes since midnight, those over midnight to more than a day. */
interface Plan {
  readonly byWeekday: readonly (readonly Opening[])[];
  readonly byHoliday: ReadonlyMap<number, readonly Opening[]>;
}

/** A schedule never changes, so it is taken apart once. */
const plans = new WeakMap<Schedule, Plan>();

function planOf(schedule: Schedule): Plan {
  const known = plans.get(schedule);
  if (known !== undefined) return known;
  const plan: Plan = {
    byWeekday: WEEKDAYS.map(weekday => schedule.hours.filter(({ days }) => days.includes(weekday)).map(inMinutes)),
    byHoliday: new Map(schedule.holidays.map(({ date, hours = [] }) => [Date.parse(date) / DAY_MS, hours.map(inMinutes)])),
  };
  plans.set(schedule, plan);
  return plan;
}

function inMinutes(shift: Shift): Opening {
  const [from, to] = [minuteOf(shift.from), minuteOf(shift.to)];
  return { from, to: to > from ? to : to + DAY };
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** When the clocks leave the offset that they have at `begin`; `limit`, a week later at most, if they do not before. */
function endOfOffset(zone: string, offset: number, begin: number, limit: number): number {
  if (offsetAt(zone, limit) === offset) return limit;
  let [same, other] = [begin, limit];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(zone, middle) === offset) same = middle;
    else other = middle;
  }
  return other;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** To make a format takes far longer than to use it. */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format !== undefined) return format;
  format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset', year: 'numeric', calendar: 'gregory' });
  if (formats.size >= MAX_CACHED_ZONES) formats.clear();
  formats.set(zone, format);
  return format;
}

/** By how many minutes the clocks are ahead of UTC. The format says '2026, GMT+10:30', maybe 'GMT' alone; parts would cost thrice as much. */
function offsetAt(zone: string, minute: number): number {
  const text = formatOf(zone).format(minute * MINUTE_MS);
  const sign = text.indexOf('GMT') + 'GMT'.length;
  const ahead = minuteOf(text.slice(sign + 1, sign + 6));
  return text[sign] === '-' ? -ahead : ahead;
}

/** A schedule as an administrator gave it in JSON; throws a ScheduleFault that names the place of the first mistake. */
export function readSchedule(value: unknown): Schedule {
  const { zone, hours, holidays = [] } = fieldsOf(value, '', ['zone', 'hours', 'holidays']);
  return {
    zone: readZone(zone),
    hours: listOf(hours, 'hours', MAX_HOURS).map((one, i) => readHours(one, `hours[${i}]`)),
    holidays: readHolidays(holidays),
  };
}

function readZone(zone: unknown): string {
  // A name without a place is refused: 'BST' would be Dhaka's time.
  if (typeof zone !== 'string' || !/^([A-Za-z]+\/.{1,40}|UTC)$/.test(zone)) {
    throw new ScheduleFault("zone must be a name such as 'Europe/Berlin', or 'UTC'");
  }
  try {
    formatOf(zone);
  } catch {
    throw new ScheduleFault(`zone '${zone}' is not known`);
  }
  return zone;
}

function readHours(value: unknown, place: string): Hours {
  const { days, ...times } = fieldsOf(value, place, ['days', 'from', 'to']);
  const isWeekday = (day: unknown): day is number => WEEKDAYS.some(one => one === day);
  if (!Array.isArray(days) || days.length === 0 || !days.every(isWeekday) || new Set(days).size < days.length) {
    throw new ScheduleFault(`${place}.days must list different days from 1 (Monday) to 7 (Sunday)`);
  }
  return { days: [...days], ...readShift(times, place) };
}

function readShift(value: unknown, place: string): Shift {
  const { from, to } = fieldsOf(value, place, ['from', 'to']);
  if (!isTime(from)) throw new ScheduleFault(`${place}.from must be HH:MM`);
  if (to !== '24:00' && !isTime(to)) throw new ScheduleFault(`${place}.to must be HH:MM or 24:00`);
  return { from, to };
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(value);
}

function readHolidays(value: unknown): Holiday[] {
  const dates = new Set<string>();
  return listOf(value, 'holidays', MAX_HOLIDAYS).map((one, i) => {
    const place = `holidays[${i}]`;
    const { date: given, hours } = fieldsOf(one, place, ['date', 'hours']);
    const date = readDate(given, `${place}.date`);
    if (dates.has(date)) throw new ScheduleFault(`${place}.date: ${date} is there twice`);
    dates.add(date);
    if (hours === undefined) return { date };
    return { date, hours: listOf(hours, `${place}.hours`, MAX_HOURS).map((shift, n) => readShift(shift, `${place}.hours[${n}]`)) };
  });
}

function readDate(value: unknown, place: string): string {
  if (typeof value !== 'string' || !/^[12]\d{3}-\d\d-\d\d$/.test(value)) throw new ScheduleFault(`${place} must be YYYY-MM-DD`);
  // A Date makes 2 March of 30 February, and null of a thirteenth month.
  if (!JSON.stringify(new Date(value)).includes(value)) throw new ScheduleFault(`${place}: there is no ${value}`);
  return value;
}

function fieldsOf(value: unknown, place: string, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScheduleFault(`${place || 'a schedule'} must be an object of ${names.join(', ')}`);
  }
  const unknown = Object.keys(value).find(key => !names.includes(key));
  if (unknown !== undefined) throw new ScheduleFault(`${place && `${place}: `}'${unknown.slice(0, 40)}' is not a field here`);
  return { ...value };
}

function listOf(value: unknown, place: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) throw new ScheduleFault(`${place} must be a list of at most ${max}`);
  return value;
}
