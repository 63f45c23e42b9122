/**
 * Auto-assignment as a pure plan. Of all sub-queues the one whose first chat is oldest goes first; of the operators who
 * may be given that chat the one with the highest priority in its department, then with the fewest chats, then as the
 * tie-break says. A sub-queue that cannot be placed never holds up another, nor a chat the one behind it. Executed by
 * the master, checked again under locks.
 */
import { type Chat, declinedAt } from './chat.ts';
import { type AssignmentRecord, type Candidate, CANDIDATES_KEPT, compareCandidates, removedBy, whyChosen } from './assignment-record.ts';
import { type AssignmentRules, isOpen, isSpoken, modeOf, mustWaitFor, type Obstacle, obstacleOf } from './eligibility.ts';
import { capacityOf, type Operator } from './operator.ts';
import { comparePlaces, type SubQueue } from './sub-queue.ts';
import type { Microseconds } from './time.ts';
import { placeOf } from './chat.ts';

export interface Assignment {
  readonly chatId: number;
  readonly operatorId: number;
  readonly record: AssignmentRecord;
}

/** An operator while a plan is made: every chat that he is given counts at once, in all sub-queues. */
interface Planned {
  readonly operator: Operator;
  readonly max: number;
  load: number;
  tie: number;
}

/** In the order in which the chats wait, each made when it is asked for: as of the beginning, whatever changes meanwhile. */
export function* planAssignments(
  queues: Iterable<SubQueue>,
  operators: Iterable<Operator>,
  rules: AssignmentRules,
  nowUs: Microseconds,
): Generator<Assignment, undefined> {
  const staff = new Map<number, Planned>();
  for (const operator of operators) {
    const { id, load } = operator;
    const tie = rules.tieBreak === 'idle' ? operator.loadUs : draw(id, load, nowUs);
    staff.set(id, { operator, load, tie, max: capacityOf(operator, rules.defaultMaxChats) });
  }
  const lines = [...queues].flatMap(queue => {
    if (modeOf(queue.departmentKey, rules) === 'manual' || !isOpen(queue.departmentKey, rules.departments, nowUs)) return [];
    return [new Placing(queue, staff, rules, nowUs)];
  });
  for (;;) {
    let next: Placing | undefined;
    for (const line of lines) {
      if (line.head === undefined) continue;
      if (next?.head === undefined || comparePlaces(line.head, next.head) < 0) next = line;
    }
    const chat = next?.head;
    if (next === undefined || chat === undefined) return;
    const assignment = next.place(chat);
    if (assignment !== undefined) yield assignment;
  }
}

/** A sub-queue while it is being placed, with those who may be given its chats in the order in which they are. */
class Placing {
  readonly #departmentKey: string | null;
  readonly #chats: readonly Chat[];
  readonly #staff: ReadonlyMap<number, Planned>;
  readonly #rules: AssignmentRules;
  readonly #nowUs: Microseconds;
  readonly #removed = new Map<Obstacle, number[]>();
  /** Sorted when they were put in; whoever has got more since then is put in again when he comes to the front. */
  readonly #candidates: Candidate[] = [];
  #next = 0;

  constructor(queue: SubQueue, staff: ReadonlyMap<number, Planned>, rules: AssignmentRules, nowUs: Microseconds) {
    this.#departmentKey = queue.departmentKey;
    this.#chats = [...queue.chats];
    this.#staff = staff;
    this.#rules = rules;
    this.#nowUs = nowUs;
    const { departmentKey, lang } = queue;
    const kind = { departmentKey, lang, isSpoken: isSpoken(queue, operatorsOf(staff)) };
    for (const planned of staff.values()) {
      const obstacle = obstacleOf(planned.operator, kind, rules, nowUs);
      if (obstacle === undefined) this.#candidates.push(this.#candidate(planned));
      else this.#remove(planned.operator.id, obstacle);
    }
    this.#candidates.sort(compareCandidates);
  }

  /** The chat to be placed next; undefined: none, or nobody is left for it. */
  get head(): Chat | undefined {
    return this.#candidates.length === 0 ? undefined : this.#chats[this.#next];
  }

  /** undefined: nobody can be given this one now; the ones behind it may still be placed. */
  place(chat: Chat): Assignment | undefined {
    this.#next += 1;
    this.#bringFrontUpToDate();
    const last = this.#lastOperator(chat);
    const order = last === undefined && chat.declined.length > 0 ? this.#orderFor(chat) : this.#candidates;
    const chosen = last ?? order[0];
    if (chosen === undefined) {
      if (this.#candidates.length > 0) return undefined;
      this.#next -= 1; // not its own fault: everybody is full
      return undefined;
    }
    const record = this.#record(chat, chosen, order, last);
    this.#give(chosen.id);
    return { chatId: chat.id, operatorId: chosen.id, record };
  }

  #candidate({ operator, load, max, tie }: Planned): Candidate {
    const priority = this.#departmentKey === null ? 0 : (operator.priorities[this.#departmentKey] ?? 0);
    return { id: operator.id, load, max, priority, tie };
  }

  /** Loads only grow in a plan, so the first one that is as it was put in is the best. */
  #bringFrontUpToDate(): void {
    for (let front = this.#candidates[0]; front !== undefined; front = this.#candidates[0]) {
      const planned = this.#staff.get(front.id);
      if (planned === undefined || planned.load === front.load) return;
      this.#candidates.shift();
      if (planned.load >= planned.max) this.#remove(front.id, 'full');
      else insert(this.#candidates, this.#candidate(planned));
    }
  }

  #lastOperator({ lastOperatorId, declined }: Chat): Candidate | undefined {
    if (!this.#rules.lastOperatorFirst || lastOperatorId === null) return undefined;
    const planned = this.#staff.get(lastOperatorId);
    if (planned === undefined || planned.load >= planned.max || declined.some(({ operatorId }) => operatorId === lastOperatorId))
      return undefined;
    return this.#candidates.some(({ id }) => id === lastOperatorId) ? this.#candidate(planned) : undefined;
  }

  /** Who has declined it comes last, and not before his time. */
  #orderFor(chat: Chat): Candidate[] {
    const order: Candidate[] = [];
    for (const { id } of this.#candidates) {
      const planned = this.#staff.get(id);
      if (planned === undefined || planned.load >= planned.max || mustWaitFor(chat, id, this.#rules, this.#nowUs)) continue;
      const candidate = this.#candidate(planned);
      order.push(declinedAt(chat, id) === undefined ? candidate : { ...candidate, declined: true });
    }
    return order.sort(compareCandidates);
  }

  #record(chat: Chat, chosen: Candidate, order: readonly Candidate[], last: Candidate | undefined): AssignmentRecord {
    const { tieBreak } = this.#rules;
    const candidates = [chosen];
    for (const { id, declined } of order) {
      if (candidates.length === CANDIDATES_KEPT) break;
      const planned = this.#staff.get(id);
      if (id === chosen.id || planned === undefined || planned.load >= planned.max) continue;
      const candidate = this.#candidate(planned);
      candidates.push(declined === undefined ? candidate : { ...candidate, declined });
    }
    const placeUs = placeOf(chat);
    return {
      why: last === undefined ? whyChosen(chosen, candidates[1], tieBreak) : 'last-operator',
      tieBreak,
      ...(last === undefined ? {} : { lastOperatorId: last.id }),
      placeUs,
      waitedMs: Math.max(0, Math.round((this.#nowUs - chat.queuedUs) / 1_000)),
      candidates,
      candidateCount: order.length,
      removed: this.#removedFor(chat),
    };
  }

  #removedFor(chat: Chat): AssignmentRecord['removed'] {
    const waiting = chat.declined.flatMap(({ operatorId }) =>
      mustWaitFor(chat, operatorId, this.#rules, this.#nowUs) ? [operatorId] : [],
    );
    return removedBy(waiting.length === 0 ? this.#removed : new Map([...this.#removed, ['declined', waiting]]));
  }

  #give(operatorId: number): void {
    const planned = this.#staff.get(operatorId);
    if (planned === undefined) return;
    planned.load += 1;
    planned.tie = this.#rules.tieBreak === 'idle' ? this.#nowUs : draw(operatorId, planned.load, this.#nowUs);
    this.#bringFrontUpToDate();
  }

  #remove(operatorId: number, obstacle: Obstacle): void {
    const ids = this.#removed.get(obstacle);
    if (ids === undefined) this.#removed.set(obstacle, [operatorId]);
    else ids.push(operatorId);
  }
}

function insert(sorted: Candidate[], candidate: Candidate): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareCandidates(sorted[middle] as Candidate, candidate) <= 0) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, candidate);
}

function* operatorsOf(staff: ReadonlyMap<number, Planned>): Iterable<Operator> {
  for (const { operator } of staff.values()) yield operator;
}

/** A number from 0 to 2³²-1 that looks drawn by lot, and is the same for the same plan. */
function draw(operatorId: number, load: number, nowUs: Microseconds): number {
  let hash = (Math.imul(operatorId, 0x9e3779b1) ^ Math.imul(load + 1, 0x85ebca6b) ^ (nowUs % 0xffff_ffff)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}
