/**
 * Why this operator: what an assignment was decided on, kept with the chat's history. The same decision follows from the
 * record alone (`chosenBy`), and it is never longer than 2 KB, however many operators there are. It is kept as short lists
 * (`packRecord`): 10,000 chats that are placed at once write a third of what they would.
 */
import { type Obstacle, OBSTACLES } from './eligibility.ts';
import type { Microseconds } from './time.ts';

/** Operators of each obstacle that are named; of the others only the number is kept. */
const NAMED = 12;
/** Candidates that are named, the best first. */
export const CANDIDATES_KEPT = 8;

export interface Candidate {
  readonly id: number;
  readonly load: number;
  readonly max: number;
  /** In this department. */
  readonly priority: number;
  /** Decides among equals: the smaller wins. Drawn, or since when his load is what it is. */
  readonly tie: number;
  /** He has declined this chat before. */
  readonly declined?: true;
}

const REASONS = ['last-operator', 'only-one', 'not-asked-before', 'priority', 'fewest-chats', 'tie-random', 'tie-idle'] as const;

export interface AssignmentRecord {
  readonly why: (typeof REASONS)[number];
  readonly tieBreak: 'random' | 'idle';
  /** The visitor's last operator, when he could be given the chat. */
  readonly lastOperatorId?: number;
  readonly placeUs: Microseconds;
  readonly waitedMs: number;
  /** The chosen one first. */
  readonly candidates: readonly Candidate[];
  readonly candidateCount: number;
  readonly removed: Removed;
}

/** Why the others were not asked: some of their ids, and how many there are. */
export type Removed = Readonly<Partial<Record<Obstacle, { readonly count: number; readonly ids: readonly number[] }>>>;

/** Who goes first? */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return (
    Number(a.declined ?? false) - Number(b.declined ?? false) || b.priority - a.priority || a.load - b.load || a.tie - b.tie || a.id - b.id
  );
}

/** The decision, from the record alone. */
export function chosenBy({ lastOperatorId, candidates }: Pick<AssignmentRecord, 'lastOperatorId' | 'candidates'>): number | undefined {
  return lastOperatorId ?? [...candidates].sort(compareCandidates)[0]?.id;
}

export function whyChosen(
  first: Candidate,
  second: Candidate | undefined,
  tieBreak: AssignmentRecord['tieBreak'],
): AssignmentRecord['why'] {
  if (second === undefined) return 'only-one';
  if (first.declined !== second.declined) return 'not-asked-before';
  if (first.priority !== second.priority) return 'priority';
  if (first.load !== second.load) return 'fewest-chats';
  return tieBreak === 'idle' ? 'tie-idle' : 'tie-random';
}

export function removedBy(obstacles: ReadonlyMap<Obstacle, readonly number[]>): Removed {
  const entries = [...obstacles].map(([obstacle, ids]) => [obstacle, { count: ids.length, ids: ids.slice(0, NAMED) }] as const);
  return Object.fromEntries(entries);
}

/** [why, tie-break, last operator, place, waited, number of candidates, candidates, removed] */
type Packed = readonly [
  why: number,
  idle: 0 | 1,
  lastOperatorId: number | null,
  placeUs: Microseconds,
  waitedMs: number,
  candidateCount: number,
  candidates: readonly (readonly [id: number, load: number, max: number, priority: number, tie: number, declined?: 1])[],
  removed: readonly (readonly [obstacle: number, count: number, ...ids: number[]])[],
];

export function packRecord(record: AssignmentRecord): string {
  const { why, tieBreak, lastOperatorId = null, placeUs, waitedMs, candidateCount, candidates, removed } = record;
  const packed: Packed = [
    REASONS.indexOf(why),
    tieBreak === 'idle' ? 1 : 0,
    lastOperatorId,
    placeUs,
    waitedMs,
    candidateCount,
    candidates.map(({ id, load, max, priority, tie, declined }) =>
      declined === undefined ? [id, load, max, priority, tie] : [id, load, max, priority, tie, 1],
    ),
    Object.entries(removed).map(([obstacle, { count, ids }]) => [OBSTACLES.indexOf(obstacle as Obstacle), count, ...ids]),
  ];
  return JSON.stringify(packed);
}

export function unpackRecord(text: string): AssignmentRecord {
  const [why, idle, last, placeUs, waitedMs, candidateCount, candidates, removed] = JSON.parse(text) as Packed;
  return {
    why: REASONS[why] ?? 'only-one',
    tieBreak: idle === 1 ? 'idle' : 'random',
    ...(last === null ? {} : { lastOperatorId: last }),
    placeUs,
    waitedMs,
    candidates: candidates.map(([id, load, max, priority, tie, declined]) => ({
      ...{ id, load, max, priority, tie },
      ...(declined === undefined ? {} : { declined: true }),
    })),
    candidateCount,
    removed: Object.fromEntries(removed.map(([obstacle, count, ...ids]) => [OBSTACLES[obstacle], { count, ids }])) as Removed,
  };
}
