/** A panel of a chart as SVG: axes with round numbers from 0, lines, a legend under the title. Every text is ours: nothing is escaped. */

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** A line only: no dots, no numbers. */
  readonly isDense?: boolean;
}

export interface Axis {
  readonly label: string;
  readonly log?: boolean;
  readonly ticks?: readonly number[];
}

export interface Panel {
  /** Its place from the left: 0, 1, 2. */
  readonly left: number;
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** With a scale of its own on the right. */
  readonly second?: { readonly label: string; readonly series: readonly Series[] };
}

const [PANEL_WIDTH, TOP, BOTTOM, LEFT, RIGHT, WIDE_RIGHT] = [380, 112, 340, 58, 328, 350];
const INK = { title: '#0f172a', text: '#475569', grid: '#e2e8f0', axis: '#94a3b8' };
const DASHES = '5 4';

interface Scale {
  readonly max: number;
  readonly ticks: readonly number[];
}

export function panel({ left, title, x, y, series, second }: Panel): string {
  const all = [...series, ...(second?.series ?? [])];
  const xs = all.flatMap(({ points }) => points.map(it => it.x));
  const right = second === undefined ? WIDE_RIGHT : RIGHT;
  const atX = horizontal(x, xs, right);
  const scale = scaleOf(series);
  const secondScale = alike(scale, second?.series ?? []);
  const parts = [
    `<text x="24" y="38" font-size="17" font-weight="600" fill="${INK.title}">${title}</text>`,
    ...legend(series, second?.series ?? []),
    ...scale.ticks.map(tick => {
      const at = vertical(tick, scale);
      return `<path d="M${LEFT} ${at}H${right}" stroke="${INK.grid}"/>${text(LEFT - 8, at + 4, amount(tick), 'end')}`;
    }),
    text(LEFT - 8, TOP - 12, y.label, 'end'),
    `<path d="M${LEFT} ${BOTTOM}H${right}" stroke="${INK.axis}"/>`,
    ...(x.ticks ?? evenTicks(Math.max(...xs, 1))).map(tick => text(atX(tick), BOTTOM + 20, amount(tick), 'middle')),
    text((LEFT + right) / 2, BOTTOM + 42, x.label, 'middle'),
    ...series.map(it => line(it, atX, scale)),
  ];
  if (second !== undefined) {
    parts.push(text(RIGHT + 8, TOP - 12, second.label, 'start'));
    parts.push(...secondScale.ticks.map(tick => text(RIGHT + 8, vertical(tick, secondScale) + 4, thousands(tick), 'start')));
    parts.push(...second.series.map(it => line(it, atX, secondScale, DASHES)));
  }
  const dots = [...dotsOf(series, atX, scale), ...dotsOf(second?.series ?? [], atX, secondScale)];
  parts.push(...dots.map(dot => dotWithNumber(dot, dots)));
  if (xs.length === 0) parts.push(text((LEFT + right) / 2, (TOP + BOTTOM) / 2, 'not measured', 'middle'));
  return `<g transform="translate(${left * PANEL_WIDTH} 0)">\n${parts.join('\n')}\n</g>`;
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly colour: string;
}

/** A panel of bars, each under its name. */
export function bars({ left, title, unit, values }: { left: number; title: string; unit: string; values: readonly Bar[] }): string {
  const known = values.filter(({ value }) => !Number.isNaN(value));
  const { max } = scaleOf([{ name: '', colour: '', points: known.map(({ value }, x) => ({ x, y: value })) }]);
  const parts = known.map(({ name, value, colour }, i) => {
    const y = 82 + i * 54;
    const width = round((value / max) * (WIDE_RIGHT - 90));
    const number = `<text x="${24 + width + 8}" y="${y + 16}" font-size="12" font-weight="600" fill="${colour}">${amount(value)} ${unit}</text>`;
    return `${text(24, y - 8, name, 'start')}<rect x="24" y="${y}" width="${width}" height="22" rx="3" fill="${colour}"/>${number}`;
  });
  if (known.length === 0) parts.push(text(WIDE_RIGHT / 2, (TOP + BOTTOM) / 2, 'not measured', 'middle'));
  const heading = `<text x="24" y="38" font-size="17" font-weight="600" fill="${INK.title}">${title}</text>`;
  return `<g transform="translate(${left * PANEL_WIDTH} 0)">\n${[heading, ...parts].join('\n')}\n</g>`;
}

/** Two in a row. */
function legend(series: readonly Series[], dashed: readonly Series[]): string[] {
  const all = [...series.map(it => ({ ...it, dashes: '' })), ...dashed.map(it => ({ ...it, dashes: DASHES }))];
  const isLong = all.some(({ name }) => name.length > 22);
  return all.map(({ name, colour, dashes }, i) => {
    const [x, y] = isLong ? [24, 58 + i * 18] : [24 + (i % 2) * 130, 58 + Math.floor(i / 2) * 18];
    return `<path d="M${x} ${y}h20" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dashes}"/>${text(x + 27, y + 4, name, 'start')}`;
  });
}

function line({ points, colour, isDense }: Series, atX: (x: number) => number, scale: Scale, dashes = ''): string {
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${round(atX(x))} ${vertical(y, scale)}`).join('');
  const width = isDense === true ? 1.8 : 2.5;
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round" stroke-dasharray="${dashes}"/>`;
}

interface Dot {
  readonly x: number;
  readonly y: number;
  readonly value: number;
  readonly colour: string;
}

function dotsOf(series: readonly Series[], atX: (x: number) => number, scale: Scale): Dot[] {
  return series
    .filter(({ isDense }) => isDense !== true)
    .flatMap(({ points, colour }) => points.map(({ x, y }) => ({ x: round(atX(x)), y: vertical(y, scale), value: y, colour })));
}

/** Its number stands over a dot, or under it when there is another dot above. */
function dotWithNumber(dot: Dot, all: readonly Dot[]): string {
  const { x, y, value, colour } = dot;
  const isLower = all.some(it => it.x === x && it.y < y);
  const halo = 'stroke="#ffffff" stroke-width="3" paint-order="stroke"';
  const number = `<text x="${x}" y="${isLower ? y + 20 : y - 10}" font-size="12" font-weight="600" text-anchor="middle" fill="${colour}" ${halo}>${amount(value)}</text>`;
  return `<circle cx="${x}" cy="${y}" r="4" fill="${colour}"/>${number}`;
}

function horizontal({ log, ticks }: Axis, xs: readonly number[], right: number): (x: number) => number {
  const [min, max] = [ticks?.[0] ?? 0, ticks?.at(-1) ?? Math.max(...xs, 1)];
  const inset = ticks === undefined ? 0 : 24;
  const share = (x: number): number => (log === true ? Math.log(x / min) / Math.log(max / min) : (x - min) / (max - min));
  return x => LEFT + inset + share(x) * (right - LEFT - 2 * inset);
}

function vertical(value: number, { max }: Scale): number {
  return round(BOTTOM - (value / max) * (BOTTOM - TOP));
}

/** With room for the numbers over the highest dots. */
function scaleOf(series: readonly Series[]): Scale {
  const ticks = evenTicks(Math.max(...series.flatMap(({ points }) => points.map(({ y }) => y)), 1) * 1.12);
  return { max: ticks.at(-1) ?? 1, ticks };
}

/** With as many steps as the other scale, so that the lines of the grid serve both. */
function alike({ ticks }: Scale, series: readonly Series[]): Scale {
  const [steps, max] = [ticks.length - 1, Math.max(...series.flatMap(({ points }) => points.map(({ y }) => y)), 1) * 1.12];
  const power = 10 ** Math.floor(Math.log10(max / steps));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map(it => it * power).find(it => it * steps >= max) ?? 10 * power;
  return { max: step * steps, ticks: ticks.map((_, i) => i * step) };
}

/** From 0 to beyond `max` in 4 to 6 steps of 1, 2, 2.5 or 5 times a power of ten. */
function evenTicks(max: number): number[] {
  const power = 10 ** Math.floor(Math.log10(max / 4));
  const step = [1, 2, 2.5, 5, 10].map(it => it * power).find(it => it * 5 >= max) ?? 10 * power;
  return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, i) => i * step);
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" font-size="12.5" fill="${INK.text}" text-anchor="${anchor}">${words}</text>`;
}

function amount(value: number): string {
  return (value >= 100 ? Math.round(value) : Number(value.toPrecision(3))).toLocaleString('en');
}

function thousands(value: number): string {
  return value >= 1_000 ? `${Number((value / 1_000).toPrecision(3))}k` : String(value);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
