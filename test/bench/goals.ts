/** The goals as ratios of one interleaved run: what must hold, and what is aimed at. */
import { figure, short } from './report.ts';
import type { Measurement } from './scenario.ts';

interface Goal {
  readonly id: string;
  readonly what: string;
  readonly must: number;
  readonly aim: number;
  /** Small is good, like a time; else large, like a throughput. */
  readonly small: boolean;
  readonly value: (of: Figures) => number;
}

type Figures = (scenario: string, subject: string, name: string) => number;

const ratio =
  (scenario: string, name: string, subject: string, base: string) =>
  (of: Figures): number =>
    of(scenario, subject, name) / of(scenario, base, name);
const beside = (name: string, load: string, peer: string) => ratio('delivery', name, `tandem ${load}`, `${peer} ${load}`);
const sum = (name: string) => (of: Figures) =>
  ['1000/s', '2000/s', 'saturation'].reduce((total, load) => total + of('delivery', `tandem ${load}`, name), 0);

const GOALS: readonly Goal[] = [
  {
    id: 'G1',
    what: 'saturation, to Socket.IO + Redis',
    must: 4,
    aim: 4,
    small: false,
    value: beside('throughput', 'saturation', 'socket-io'),
  },
  {
    id: 'G2',
    what: 'saturation, to minimal-batch',
    must: 0.5,
    aim: 0.6,
    small: false,
    value: beside('throughput', 'saturation', 'minimal-batch'),
  },
  ...(['1000/s', '2000/s'] as const).flatMap((load): Goal[] => [
    {
      id: 'G3',
      what: `delivery p50 at ${load}, to minimal-batch`,
      must: 1.5,
      aim: 1.25,
      small: true,
      value: beside('delivery.p50', load, 'minimal-batch'),
    },
    {
      id: 'G3',
      what: `delivery p99 at ${load}, to minimal-batch`,
      must: 2.5,
      aim: 2,
      small: true,
      value: beside('delivery.p99', load, 'minimal-batch'),
    },
  ]),
  {
    id: 'G4',
    what: 'stored-and-answered p50 at 2000/s, to minimal-batch',
    must: 1.5,
    aim: 1.25,
    small: true,
    value: beside('ack.p50', '2000/s', 'minimal-batch'),
  },
  {
    id: 'G5',
    what: 'server CPU per message at 2000/s, to minimal-batch',
    must: 2,
    aim: 1.5,
    small: true,
    value: beside('cpuUsPerMessage', '2000/s', 'minimal-batch'),
  },
  {
    id: 'G6',
    what: 'saturation with a flush 2 ms slower, to without',
    must: 0.7,
    aim: 0.9,
    small: false,
    value: ratio('slow-flush', 'throughput', 'tandem 2 ms slower', 'tandem as it is'),
  },
  ...(['lost', 'doubled', 'reordered', 'refused'] as const).map(
    (name): Goal => ({ id: 'G7', what: name, must: 0, aim: 0, small: true, value: sum(name) }),
  ),
  {
    id: 'G8',
    what: 'CPU per message with 4 idle nodes more',
    must: 1.1,
    aim: 1.05,
    small: true,
    value: ratio('growth', 'cpuUsPerMessage', '6 nodes 2000/s', '200 chats 2000/s'),
  },
  {
    id: 'G9',
    what: 'saturation with 4,000 chats and 400 operators, to 200 and 50',
    must: 0.7,
    aim: 0.75,
    small: false,
    value: ratio('growth', 'throughput', '4000 chats saturation', '200 chats saturation'),
  },
  ...(['untouchedKib', 'rssKib'] as const).map(
    (name): Goal => ({
      id: 'G10',
      what: `memory of an idle visitor connection${name === 'rssKib' ? ' after a garbage collection' : ''}, to bare ws`,
      must: 2,
      aim: 1.5,
      small: true,
      value: ratio('idle-memory', name, 'tandem', 'bare-ws'),
    }),
  ),
  ...([', first time', ''] as const).flatMap((time): Goal[] => [
    {
      id: 'G11',
      what: `storm of reconnects${time}, to bare ws`,
      must: 3,
      aim: 2,
      small: true,
      value: ratio('storm', 'seconds', `tandem${time}`, `bare-ws${time}`),
    },
    { id: 'G11', what: `failed in it${time}`, must: 0, aim: 0, small: true, value: of => of('storm', `tandem${time}`, 'failed') },
  ]),
  {
    id: 'G12',
    what: 'chats that wait given to operators and announced, to SQL with 8 workers',
    must: 3,
    aim: 5,
    small: false,
    value: of => of('assignment', 'sql 8 workers', 'seconds') / of('assignment', 'tandem', 'announcedSeconds'),
  },
  {
    id: 'G13',
    what: 'milliseconds from queued to the operator told at 200/s, p99',
    must: 100,
    aim: 20,
    small: true,
    value: of => of('assignment', 'tandem 200/s', 'told.p99'),
  },
  { id: 'G13', what: 'lost in it', must: 0, aim: 0, small: true, value: of => of('assignment', 'tandem 200/s', 'lost') },
  {
    id: 'G14',
    what: 'messages by HTTP, to express with one insert each',
    must: 1,
    aim: 2,
    small: false,
    value: ratio('http', 'throughput', 'tandem', 'bare-express'),
  },
  { id: 'G14', what: 'lost in it', must: 0, aim: 0, small: true, value: of => of('http', 'tandem', 'lost') },
  {
    id: 'G15',
    what: 'seconds until a node with 100,000 open chats is ready',
    must: 5,
    aim: 2,
    small: true,
    value: of => of('cold-start', 'open chats', 'seconds'),
  },
];

export function judge(measurements: readonly Measurement[]): string {
  const of: Figures = (scenario, subject, name) => figure(measurements, scenario, subject, name);
  const rows = GOALS.map(goal => ({ goal, value: goal.value(of) })).filter(({ value }) => !Number.isNaN(value));
  const lines = rows.map(({ goal: { id, what, must, aim, small }, value }) => {
    const reaches = (bound: number): boolean => (small ? value <= bound : value >= bound);
    const verdict = reaches(aim) ? 'aim' : reaches(must) ? 'must' : 'MISSED';
    return `| ${id} | ${what} | ${short(value)} | ${small ? '≤' : '≥'} ${must} | ${small ? '≤' : '≥'} ${aim} | ${verdict} |`;
  });
  return ['\n| goal | | measured | must | aim | |', '|---|---|---|---|---|---|', ...lines].join('\n');
}
