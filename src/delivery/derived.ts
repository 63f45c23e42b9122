/**
 * Values that follow from the hot state and are no changes of their own: an operator's load, a department's queue
 * and online state. The latest value is told at most twice a second per object, without a revision; who resumes is
 * told what has changed since he was away.
 */
import { ALL_OPERATORS, ALL_VISITORS } from '../domain/audience.ts';
import type { Revision } from '../domain/change.ts';
import { bearerOf, type Chat, isWaiting } from '../domain/chat.ts';
import type { Department } from '../domain/department.ts';
import { isOpen, obstacleOf } from '../domain/eligibility.ts';
import type { Operator } from '../domain/operator.ts';
import type { ChatRules } from '../domain/rules.ts';
import type { Clock } from '../ports/index.ts';
import { type RenderedDelta, render } from '../protocol/delta.ts';
import { departmentObject, operatorObject } from '../protocol/operator-objects.ts';
import { type OnlineStatus, visitorDepartment } from '../protocol/visitor-objects.ts';
import type { AppliedChange, Replica, ReplicaListener } from '../sync/replica.ts';
import type { Hub } from './hub.ts';
import { type QueuePlace, QueuePlaces, type QueuePlacesOptions } from './queue-places.ts';

const TELL_EVERY_MS = 500;
/** How late opening hours are seen. */
const HOURS_EVERY_MS = 5_000;

export interface DerivedOptions extends QueuePlacesOptions {
  readonly rules: ChatRules;
  readonly clock: Clock;
}

export class Derived implements ReplicaListener {
  readonly #options: DerivedOptions;
  readonly #replica: Replica;
  readonly #hub: Hub;
  readonly #defaultMaxChats: number;
  readonly #places: QueuePlaces;
  readonly #operators = new Latest<number>();
  readonly #departments = new Latest<string>();
  readonly #forVisitors = new Latest<'departments' | 'online'>();
  /** As visitors were told. */
  #isAnswered: boolean | undefined;
  readonly #dirtyOperators = new Set<number>();
  #dirtyDepartments = false;
  #timer: NodeJS.Timeout | undefined;
  #hours: NodeJS.Timeout | undefined;

  constructor(options: DerivedOptions) {
    this.#options = options;
    const { replica, hub, rules } = options;
    this.#replica = replica;
    this.#hub = hub;
    this.#defaultMaxChats = rules.assignment.defaultMaxChats;
    this.#places = new QueuePlaces(options);
    replica.listen(this);
  }

  /** Opening hours begin and end without a change. */
  start(): void {
    this.#hours = setInterval(() => {
      this.#markDepartments();
      this.committed();
    }, HOURS_EVERY_MS);
    this.#places.start();
  }

  applied(applied: AppliedChange): void {
    const { change, chatBefore, chatAfter } = applied;
    this.#places.applied(applied);
    if (chatBefore !== chatAfter) {
      const wasWaiting = chatBefore !== undefined && isWaiting(chatBefore);
      if (wasWaiting !== (chatAfter !== undefined && isWaiting(chatAfter)) || chatBefore?.departmentKey !== chatAfter?.departmentKey)
        this.#markDepartments();
      const bearers = [bearerOf(chatBefore), bearerOf(chatAfter)];
      if (bearers[0] !== bearers[1]) for (const id of bearers) if (id !== null) this.#markOperator(id);
    }
    if (change.type === 'operator-status-set' || change.type === 'operator-saved' || change.type === 'department-saved')
      this.#markDepartments();
  }

  committed(): void {
    if (this.#dirtyOperators.size > 0 || this.#dirtyDepartments) this.#timer ??= setTimeout(() => this.#tell(), TELL_EVERY_MS);
  }

  reloaded(): void {
    this.#dirtyOperators.clear();
    this.#markDepartments(); // full updates made in this moment still have the old counts
    this.committed();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#hours);
    this.#places.stop();
  }

  /** Where a waiting chat stands; undefined: it does not wait. */
  placeOf(chat: Chat): QueuePlace | undefined {
    return this.#places.placeOf(chat);
  }

  /** What a visitor may expect who starts a chat in this department (null: in none). */
  onlineStatus(departmentKey: string | null): OnlineStatus {
    const { rules, nowUs } = this.#options;
    const now = nowUs();
    if (!isOpen(departmentKey, rules.assignment.departments, now)) return 'offline';
    let isStaffed = false;
    for (const operator of this.#replica.operators.values()) {
      const obstacle = obstacleOf(operator, { departmentKey, lang: '', isSpoken: false }, rules.assignment, now);
      if (obstacle === undefined) return 'online';
      // Who may have no chats at all answers nobody.
      isStaffed ||= obstacle === 'full' && operator.maxChats !== 0;
    }
    return isStaffed ? 'busy_online' : 'offline';
  }

  departmentsForVisitors(): object[] {
    return this.#sorted().map(department => visitorDepartment(department, this.onlineStatus(department.key)));
  }

  departmentsForOperators(): object[] {
    return this.#sorted().map(department => this.#departmentObject(department));
  }

  operatorsSince(since: Revision): RenderedDelta[] {
    return [...this.#operators.since(since), ...this.#departments.since(since)];
  }

  visitorsSince(since: Revision): RenderedDelta[] {
    return this.#forVisitors.since(since);
  }

  #tell(): void {
    this.#timer = undefined;
    const revision = this.#hub.revision;
    const forOperators: RenderedDelta[] = [];
    for (const id of this.#dirtyOperators) {
      const operator = this.#replica.operators.get(id);
      if (operator !== undefined) forOperators.push(...this.#operators.update(id, this.#operatorDelta(operator), revision));
    }
    for (const department of this.#sorted())
      forOperators.push(...this.#departments.update(department.key, this.#departmentDelta(department), revision));
    if (forOperators.length > 0) this.#hub.tell([ALL_OPERATORS], forOperators);
    const forVisitors = [...this.#onlineDelta(revision), ...this.#departmentListDelta(revision)];
    if (forVisitors.length > 0) this.#hub.tell([ALL_VISITORS], forVisitors);
    this.#dirtyOperators.clear();
    this.#dirtyDepartments = false;
  }

  /** When the first one comes and the last one goes: from online to busy and back a desk goes all day, and all visitors would hear it. */
  #onlineDelta(revision: Revision): RenderedDelta[] {
    const status = this.onlineStatus(null);
    const isAnswered = status !== 'offline';
    if (isAnswered === this.#isAnswered) return [];
    this.#isAnswered = isAnswered;
    return this.#forVisitors.update('online', render({ objectType: 'ONLINE_STATUS', event: 'upd', id: '', data: status }), revision);
  }

  #departmentListDelta(revision: Revision): RenderedDelta[] {
    if (this.#replica.departments.size === 0) return [];
    const list = render({ objectType: 'DEPARTMENT_LIST', event: 'upd', id: '', data: this.departmentsForVisitors() });
    return this.#forVisitors.update('departments', list, revision);
  }

  #operatorDelta(operator: Operator): RenderedDelta {
    return render({ objectType: 'OPERATOR', event: 'upd', id: operator.id, data: operatorObject(operator, this.#defaultMaxChats) });
  }

  #departmentDelta(department: Department): RenderedDelta {
    return render({ objectType: 'DEPARTMENT', event: 'upd', id: department.key, data: this.#departmentObject(department) });
  }

  #departmentObject(department: Department): object {
    return departmentObject(department, this.onlineStatus(department.key), this.#options.waiting.queues.count(department.key));
  }

  #sorted(): Department[] {
    return [...this.#replica.departments.values()].sort((a, b) => a.order - b.order || a.id - b.id);
  }

  #markOperator(operatorId: number): void {
    this.#dirtyOperators.add(operatorId);
    this.#dirtyDepartments = true;
  }

  #markDepartments(): void {
    this.#dirtyDepartments = true;
  }
}

/** The last value told of each object and the revision at which it was. */
class Latest<K> {
  readonly #told = new Map<K, { readonly delta: RenderedDelta; readonly revision: Revision }>();

  /** The delta if it says something new, else nothing. */
  update(key: K, delta: RenderedDelta, revision: Revision): RenderedDelta[] {
    if (this.#told.get(key)?.delta.json === delta.json) return [];
    this.#told.set(key, { delta, revision });
    return [delta];
  }

  since(revision: Revision): RenderedDelta[] {
    return [...this.#told.values()].filter(told => told.revision > revision).map(told => told.delta);
  }
}
