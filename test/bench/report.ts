/** Measurements → medians, as tables of Markdown. */
import { readFileSync } from 'node:fs';
import { median } from './histogram.ts';
import type { Measurement } from './scenario.ts';

export function readMeasurements(file: string): Measurement[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Measurement)
    .filter(line => 'scenario' in line);
}

/** Median over the rounds of one figure, `a.b` for a nested one; NaN when it was not measured. */
export function figure(measurements: readonly Measurement[], scenario: string, subject: string, name: string): number {
  return median(
    valuesOf(
      measurements.filter(it => it.scenario === scenario && it.subject === subject),
      name,
    ),
  );
}

export function tables(measurements: readonly Measurement[]): string {
  const scenarios = [...new Set(measurements.map(({ scenario }) => scenario))];
  return scenarios
    .map(scenario =>
      table(
        scenario,
        measurements.filter(it => it.scenario === scenario),
      ),
    )
    .join('\n');
}

function table(scenario: string, measurements: readonly Measurement[]): string {
  const subjects = [...new Set(measurements.map(({ subject }) => subject))];
  const names = [...new Set(measurements.flatMap(({ figures }) => namesOf(figures)))];
  const rows = subjects.map(subject => {
    const mine = measurements.filter(it => it.subject === subject);
    return [subject, String(mine.length), ...names.map(name => cell(valuesOf(mine, name)))];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [`\n### ${scenario}\n`, line(['', 'n', ...names]), line(Array(names.length + 2).fill('---') as string[]), ...rows.map(line)].join(
    '\n',
  );
}

/** Median, and the range when there are several. */
function cell(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const middle = short(median(values));
  return values.length === 1 ? middle : `${middle} (${short(Math.min(...values))}–${short(Math.max(...values))})`;
}

export function short(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

function valuesOf(measurements: readonly Measurement[], name: string): number[] {
  return measurements.map(({ figures }) => valueOf(figures, name)).filter(value => value !== undefined);
}

function valueOf(figures: object, name: string): number | undefined {
  let value: unknown = figures;
  for (const key of name.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof value === 'number' ? value : undefined;
}

function namesOf(figures: object, prefix = ''): string[] {
  return Object.entries(figures).flatMap(([key, value]) => {
    if (typeof value === 'object' && value !== null) return namesOf(value as object, `${prefix}${key}.`);
    return typeof value === 'number' ? [prefix + key] : [];
  });
}
