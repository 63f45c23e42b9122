/** Numbers as people read them, in the reader's language. */
import { language } from './words.ts';

const integers = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const decimals = new Intl.NumberFormat(language, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

export function integer(value: number): string {
  return integers.format(value);
}

/** With one digit behind the point, from 100 on without. */
export function decimal(value: number): string {
  return (value >= 99.95 ? integers : decimals).format(value);
}

export function bytes(value: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log(Math.max(1, value)) / Math.log(1_000)));
  const amount = value / 1_000 ** power;
  const digits = power > 0 && amount < 9.95 ? 1 : 0;
  const format = new Intl.NumberFormat(language, { style: 'unit', unit: UNITS[power] ?? 'byte', maximumFractionDigits: digits });
  return format.format(amount);
}
