/** Times as people read them, in the reader's language and zone. All take seconds since 1970. */
import type { Language } from './language.ts';

const DAY_SECONDS = 86_400;

export function clockTime(ts: number, language: Language): string {
  return format(language, { hour: '2-digit', minute: '2-digit' }).format(ts * 1_000);
}

/** The headline over the messages of a day. */
export function dayName(ts: number, language: Language, nowTs = Date.now() / 1_000): string {
  const days = Math.round((startOfDay(ts) - startOfDay(nowTs)) / DAY_SECONDS);
  if (days === 0 || days === -1) return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(days, 'day');
  return format(language, { day: 'numeric', month: 'long', year: 'numeric' }).format(ts * 1_000);
}

/** The clock time of today, the date of another day. */
export function shortTime(ts: number, language: Language, nowTs = Date.now() / 1_000): string {
  return startOfDay(ts) === startOfDay(nowTs)
    ? clockTime(ts, language)
    : format(language, { day: 'numeric', month: 'short' }).format(ts * 1_000);
}

export function dateAndTime(ts: number, language: Language): string {
  return format(language, { dateStyle: 'medium', timeStyle: 'short' }).format(ts * 1_000);
}

/** "3 min", "2 h": in whole units, for how long something lasts already. */
export function duration(seconds: number, language: Language): string {
  const [amount, unit] =
    seconds < 60
      ? [seconds, 'second']
      : seconds < 3_600
        ? [seconds / 60, 'minute']
        : seconds < DAY_SECONDS
          ? [seconds / 3_600, 'hour']
          : [seconds / DAY_SECONDS, 'day'];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 0 }).format(
    Math.max(0, Math.floor(amount)),
  );
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making one takes 30 µs, a list of 2,000 asks for thousands. */
function format(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let known = formats.get(key);
  if (known === undefined) formats.set(key, (known = new Intl.DateTimeFormat(language, options)));
  return known;
}

function startOfDay(ts: number): number {
  return new Date(ts * 1_000).setHours(0, 0, 0, 0) / 1_000;
}
