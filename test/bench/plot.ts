/**
 * docs/performance.svg of the measurements: what a message costs as chats and nodes become more, and memory over a soak.
 * Built by hand: four panels, legible on light and dark pages because it brings its own background.
 */
import { figure } from './report.ts';
import type { Measurement } from './scenario.ts';
import { type Axis, bars, panel, type Series } from './svg.ts';

const [WIDTH, HEIGHT] = [1_520, 400];
const COLOURS = { cost: '#2563eb', speed: '#d97706', a: '#2563eb', b: '#0d9488', postgres: '#9333ea', broker: '#94a3b8' };

export function plot(measurements: readonly Measurement[]): string {
  const of = (subject: string, name: string): number => figure(measurements, 'growth', subject, name);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif">`,
    `<title>Tandem: cost of a message and memory</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="10" fill="#ffffff" stroke="#e2e8f0"/>`,
    overChats(of),
    overNodes(of),
    overTime(measurements),
    inMemory(measurements),
    '</svg>\n',
  ].join('\n');
}

type Of = (subject: string, name: string) => number;

function overChats(of: Of): string {
  const chats = [200, 4_000, 20_000];
  const points = (load: string, name: string) => known(chats.map(x => ({ x, y: of(`${x} chats ${load}`, name) })));
  const cost: Series = { name: 'CPU µs per message at 2,000/s', colour: COLOURS.cost, points: points('2000/s', 'cpuUsPerMessage') };
  const speed: Series = { name: 'messages/s at saturation', colour: COLOURS.speed, points: points('saturation', 'throughput') };
  const x: Axis = { label: 'open chats', log: true, ticks: chats };
  return panel({ left: 0, title: 'More open chats', x, y: { label: 'µs' }, series: [cost], second: { label: '/s', series: [speed] } });
}

function overNodes(of: Of): string {
  const cases: [number, string][] = [
    [2, '200 chats 2000/s'],
    [4, '4 nodes 2000/s'],
    [6, '6 nodes 2000/s'],
  ];
  const points = known(cases.map(([x, subject]) => ({ x, y: of(subject, 'cpuUsPerMessage') })));
  const x: Axis = { label: 'nodes (two carry the load)', ticks: cases.map(([nodes]) => nodes) };
  return panel({
    left: 1,
    title: 'More nodes',
    x,
    y: { label: 'µs' },
    series: [{ name: 'CPU µs per message at 2,000/s', colour: COLOURS.cost, points }],
  });
}

function overTime(measurements: readonly Measurement[]): string {
  const samples = measurements
    .filter(({ scenario, subject }) => scenario === 'soak' && subject === 'sample')
    .map(({ figures }) => figures as Sample);
  const names = { A: 'node A', B: 'node B', broker: 'RabbitMQ', postgres: 'PostgreSQL (private)' };
  const colours = { A: COLOURS.a, B: COLOURS.b, broker: COLOURS.broker, postgres: COLOURS.postgres };
  const series = (['A', 'B', 'broker', 'postgres'] as const).map(
    (name): Series => ({
      name: names[name],
      colour: colours[name],
      isDense: true,
      points: known(samples.map(({ minute, mib }) => ({ x: minute, y: mib[name] ?? Number.NaN }))),
    }),
  );
  return panel({ left: 2, title: 'A soak at 1,000 messages/s', x: { label: 'minutes' }, y: { label: 'MiB' }, series });
}

function inMemory(measurements: readonly Measurement[]): string {
  const of = (subject: string, name: string): number => figure(measurements, 'idle-memory', subject, name);
  return bars({
    left: 3,
    title: 'Memory of one more',
    unit: 'KiB',
    values: [
      { name: 'idle connection, bare ws', value: of('bare-ws', 'untouchedKib'), colour: COLOURS.broker },
      { name: 'idle visitor, by WebSocket', value: of('tandem', 'untouchedKib'), colour: COLOURS.cost },
      { name: 'the same after a collection, bare ws', value: of('bare-ws', 'rssKib'), colour: COLOURS.broker },
      { name: 'the same after a collection, visitor', value: of('tandem', 'rssKib'), colour: COLOURS.cost },
      { name: 'open chat', value: of('tandem open chat', 'rssKib'), colour: COLOURS.b },
    ],
  });
}

interface Sample {
  readonly minute: number;
  readonly mib: Readonly<Record<string, number>>;
}

function known<P extends { readonly y: number }>(points: readonly P[]): P[] {
  return points.filter(({ y }) => !Number.isNaN(y));
}
