/**
 * A cluster with departments, operators at their desks and visitors who ask for a department. Everything is done by public
 * protocols; what an operator or a visitor sees is kept as he was told it. SQL only looks at what is stored.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Cleanup } from './cleanup.ts';
import { type ClusterOptions, MASTER, PASSWORD, SLAVE, startCluster, type TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { Operator, type OperatorDelta } from './operator.ts';
import { chatServer } from './process.ts';
import { addDepartment, addOperator } from './staff.ts';
import { Visitor } from './visitor.ts';

/** A chat as an operator is shown it. */
export interface SeenChat {
  readonly id: number;
  readonly state: string;
  readonly operatorId: number | null;
  readonly assignedOperatorId: number | null;
  readonly departmentKey: string | null;
  readonly lang: string;
  readonly offline: boolean;
  readonly queueTs: number;
  readonly category: string | null;
  readonly subject: string | null;
  readonly visitor: { readonly id: string };
  readonly messages?: readonly { readonly text: string; readonly kind: string }[];
}

export interface SeenOperator {
  readonly id: number;
  readonly login: string;
  readonly status: string;
  readonly statusReason: string;
  readonly chats: number;
}

/** A chat as it is stored. */
export interface ChatRow {
  readonly id: number;
  readonly state: string;
  readonly operator_id: number | null;
  readonly assigned_operator_id: number | null;
  readonly department_key: string | null;
  readonly lang: string;
  readonly offline: boolean;
  readonly queued_us: number;
  readonly message_count: number;
}

export interface Step {
  readonly move: string;
  readonly state: string;
  readonly operator_id: number | null;
  readonly assigned_operator_id: number | null;
  readonly department_key: string | null;
  readonly by: number | null;
  readonly override: boolean;
  readonly at_us: number;
}

export interface Why {
  readonly chatId: number;
  readonly history: readonly {
    readonly ts: number;
    readonly move: string;
    readonly state: string;
    readonly operatorId: number | null;
    readonly assignedOperatorId: number | null;
    readonly by: number | null;
    readonly override: boolean;
    readonly record: {
      readonly why: string;
      readonly candidates: readonly { readonly id: number; readonly load: number; readonly max: number; readonly priority: number }[];
      readonly candidateCount: number;
      readonly removed: Readonly<Record<string, { readonly count: number; readonly ids: readonly number[] }>>;
    } | null;
  }[];
  readonly waiting: {
    readonly why: string;
    readonly position: number;
    readonly operators: readonly {
      readonly operatorId: number;
      readonly fullname: string;
      readonly load: number;
      readonly maxChats: number;
      readonly obstacle: string | null;
      readonly declinedTs: number | null;
    }[];
    readonly removed: Readonly<Record<string, number>>;
  } | null;
}

/** Runs a command of the binary; throws what it says when it fails. */
export async function run(cluster: TestCluster, ...args: string[]): Promise<string> {
  const done = await chatServer(args, { cwd: cluster.folder.path });
  if (done.code !== 0) throw new Error(`${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
}

export interface Duty {
  readonly login: string;
  readonly departments?: string;
  readonly langs?: string;
  readonly roles?: string;
  readonly max_chats?: number;
  /** Where he speaks to; the slave without one. */
  readonly node?: string;
}

export interface Visit {
  readonly department?: string;
  readonly lang?: string;
  /** The page of the site that he is on. */
  readonly page?: string;
  readonly node?: string;
  readonly text?: string;
}

export class Desk {
  readonly cluster: TestCluster;
  readonly #cleanup: Cleanup;
  readonly #staff = new Map<string, Colleague>();
  readonly #guests: Guest[] = [];
  #nextNumber = 1;
  #queries: Promise<unknown> = Promise.resolve();

  private constructor(cluster: TestCluster, cleanup: Cleanup) {
    this.cluster = cluster;
    this.#cleanup = cleanup;
  }

  /** A cluster with these departments and operators, who are logged in and connected, and offline. The last one, `admin`, comes unasked. */
  static async open(
    options: ClusterOptions & { readonly departments?: readonly string[]; readonly duties?: readonly Duty[] } = {},
  ): Promise<Desk> {
    const { departments = [], duties = [] } = options;
    const cleanup = new Cleanup();
    try {
      const cluster = cleanup.add(await startCluster({ operators: 0, ...options }), it => it.stop());
      await eventually(async () => (await cluster.leader()) === (options.names?.[0] ?? MASTER), { within: 20_000 });
      const desk = new Desk(cluster, cleanup);
      cleanup.add(desk, it => it.#leave());
      for (const key of departments) await addDepartment(cluster.folder, key, key);
      await inTurns([...duties, { login: 'admin', roles: 'admin', max_chats: 0 }], 3, duty => desk.#hire(duty));
      return desk;
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  }

  get admin(): Colleague {
    return this.staff('admin');
  }

  staff(login: string): Colleague {
    const colleague = this.#staff.get(login);
    if (colleague === undefined) throw new Error(`${login} was not hired`);
    return colleague;
  }

  /** Both nodes in turn, unless the test names one. */
  async visit({ department, lang, page, node, text }: Visit = {}): Promise<Guest> {
    const number = this.#nextNumber++;
    const url = node ?? (number % 2 === 0 ? this.cluster.master.url : this.cluster.slave.url);
    const visitor = await Visitor.init(url, page === undefined ? {} : { url: page });
    const guest = new Guest(visitor, url, this);
    this.#guests.push(guest);
    await guest.start({
      ...(department === undefined ? {} : { department }),
      ...(lang === undefined ? {} : { lang }),
      text: text ?? `question ${number}`,
    });
    return guest;
  }

  /** A visitor who says nothing yet. */
  async guest(query: Record<string, string> = {}, url = this.cluster.master.url): Promise<Guest> {
    const guest = new Guest(await Visitor.init(url, query), url, this);
    this.#guests.push(guest);
    return guest;
  }

  newClientId(): string {
    return `test-${this.#nextNumber++}`;
  }

  /** One after the other: a test's database has one connection. */
  query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
    const rows = this.#queries.then(() => this.cluster.database.query<R & Record<string, unknown>>(text, values));
    this.#queries = rows.catch(() => undefined);
    return rows;
  }

  async chat(id: number): Promise<ChatRow> {
    const [row] = await this.query<ChatRow>(
      `select id::int, state, operator_id::int, assigned_operator_id::int, department_key, lang, offline, queued_us::float8, message_count
       from chat where id = $1`,
      [id],
    );
    if (row === undefined) throw new Error(`there is no chat ${id}`);
    return row;
  }

  /** His newest one. */
  async chatOf(visitorId: string): Promise<number> {
    const [row] = await this.query<{ id: number }>(
      'select id::int from chat where visitor_id = $1 order by created_us desc, id desc limit 1',
      [visitorId],
    );
    if (row === undefined) throw new Error(`${visitorId} has no chat`);
    return row.id;
  }

  /** The chat's history as it is stored. */
  steps(chatId: number): Promise<Step[]> {
    return this.query<Step>(
      `select move, state, operator_id::int, assigned_operator_id::int, department_key, by::int, override, at_us::float8
       from chat_history where chat_id = $1 order by step`,
      [chatId],
    );
  }

  async moves(chatId: number): Promise<string[]> {
    return (await this.steps(chatId)).map(({ move }) => move);
  }

  /** Who was asked, in order. */
  async asked(chatId: number): Promise<(number | null)[]> {
    return (await this.steps(chatId)).filter(({ move }) => move === 'assigned').map(step => step.assigned_operator_id);
  }

  /** The chat is assigned to one of these (to anybody without any). Returns who it is. */
  assigned(chatId: number, to?: readonly Colleague[], within = 5_000): Promise<number> {
    return eventually(
      async () => {
        const { assigned_operator_id: id, state } = await this.chat(chatId);
        assert.equal(state, 'queue', 'an assigned chat stays in the queue until it is taken');
        assert.ok(id !== null, `chat ${chatId} is not assigned`);
        if (to !== undefined)
          assert.ok(
            to.some(one => one.id === id),
            `chat ${chatId} is assigned to ${id}, not to ${to.map(one => one.id).join()}`,
          );
        return id;
      },
      { within },
    );
  }

  /** Everybody goes home and no chat is left: the next test begins with an empty house. */
  async clear(): Promise<void> {
    const open = await this.query<{ id: number }>(`select id::int from chat where state not like 'closed%'`);
    await Promise.all([...this.#staff.values()].map(({ operator }) => operator.post('/l/o/set-status', { status: 'offline' })));
    await inTurns(open, 8, ({ id }) => this.admin.operator.action('chat.close', { chatId: String(id) }));
    await Promise.all(this.#guests.splice(0).map(guest => guest.visitor.stop()));
    await eventually(async () => (await this.query(`select from chat where state not like 'closed%'`)).length === 0);
  }

  /** All nodes again, with these lines in main.ini, which win; everybody connects again. */
  async restart(ini: string): Promise<void> {
    const { cluster } = this;
    for (const { operator } of this.#staff.values()) operator.close();
    await Promise.all([cluster.master, cluster.slave].map(node => node.stop()));
    const file = path.join(cluster.folder.path, 'main.ini');
    cluster.folder.write('main.ini', `${readFileSync(file, 'utf8')}\n${ini}\n`);
    await cluster.start(MASTER);
    await eventually(async () => (await cluster.leader()) === MASTER, { within: 20_000 });
    await cluster.start(SLAVE);
    await this.reconnect();
  }

  /** Everybody connects, who is connected too. */
  async reconnect(): Promise<void> {
    await Promise.all(
      [...this.#staff.values()].map(async ({ operator }) => {
        operator.close();
        await operator.connect();
      }),
    );
  }

  stop(): Promise<void> {
    return this.#cleanup.run();
  }

  async #hire(duty: Duty): Promise<void> {
    const { login, node, max_chats, ...flags } = duty;
    const limit = max_chats === undefined ? {} : { max_chats: String(max_chats) };
    const id = await addOperator(this.cluster.folder, { login, fullname: `The ${login}`, password: PASSWORD, ...flags, ...limit });
    const url = node ?? this.cluster.slave.url;
    const operator = await eventually(() => Operator.login(url, login, PASSWORD), { within: 10_000, every: 200 });
    const colleague = new Colleague(operator, id, login);
    await operator.connect();
    this.#staff.set(login, colleague);
  }

  async #leave(): Promise<void> {
    for (const { operator } of this.#staff.values()) operator.close();
    await Promise.all(this.#guests.map(guest => guest.visitor.stop()));
  }
}

/** An operator, and what he sees on one connection. */
export class Colleague {
  readonly operator: Operator;
  readonly id: number;
  readonly login: string;
  readonly #chats = new Map<number, SeenChat>();
  readonly #colleagues = new Map<number, SeenOperator>();
  readonly #departments = new Map<string, { readonly online: string; readonly queue: number }>();
  #fullUpdates = 0;
  /** Chats that were assigned to him, in the order in which he was told, and when. */
  readonly asked: { readonly chatId: number; readonly atMs: number }[] = [];
  onAsked: (chatId: number) => void = () => undefined;

  constructor(operator: Operator, id: number, login: string) {
    this.operator = operator;
    this.id = id;
    this.login = login;
    operator.onDelta = delta => {
      this.#readFullUpdates(); // those that came before it
      this.#read(delta);
    };
  }

  /** The chats that he sees. */
  get chats(): ReadonlyMap<number, SeenChat> {
    this.#readFullUpdates();
    return this.#chats;
  }

  get colleagues(): ReadonlyMap<number, SeenOperator> {
    this.#readFullUpdates();
    return this.#colleagues;
  }

  get departments(): ReadonlyMap<string, { readonly online: string; readonly queue: number }> {
    this.#readFullUpdates();
    return this.#departments;
  }

  /** The same operator with another connection. */
  async again(url = this.operator.url): Promise<Colleague> {
    const other = new Colleague(this.operator.at(url), this.id, this.login);
    await other.operator.connect();
    return other;
  }

  setStatus(status: string): Promise<void> {
    return this.operator.setStatus(status);
  }

  async do(action: string, parameters: Record<string, string | number> = {}): Promise<never> {
    const answer = await this.try(action, parameters);
    assert.equal(answer.result, 'ok', `${this.login}: ${action} ${JSON.stringify(parameters)} answered ${JSON.stringify(answer)}`);
    return answer.data as never;
  }

  try(action: string, parameters: Record<string, string | number> = {}) {
    const texts = Object.entries(parameters).map(([name, value]) => [name, String(value)] as const);
    return this.operator.action(action, Object.fromEntries(texts));
  }

  /** `<status> <error>`, as tests compare it. */
  async refusal(action: string, parameters: Record<string, string | number> = {}): Promise<string> {
    const { status, error, result } = await this.try(action, parameters);
    return `${status} ${error ?? result ?? ''}`;
  }

  async why(chatId: number): Promise<Why> {
    const answer = await this.operator.get(`/l/o/assignments?chatId=${chatId}`);
    assert.equal(answer.result, 'ok', `assignments answered ${JSON.stringify(answer)}`);
    return answer.data as unknown as Why;
  }

  #readFullUpdates(): void {
    for (const update of this.operator.fullUpdates.slice(this.#fullUpdates)) {
      const { chats, operators, departments } = update as unknown as {
        readonly chats: SeenChat[];
        readonly operators: SeenOperator[];
        readonly departments: { readonly key: string; readonly online: string; readonly queue: number }[];
      };
      this.#chats.clear();
      for (const chat of chats) this.#see(chat);
      for (const one of operators) this.#colleagues.set(one.id, one);
      for (const department of departments) this.#departments.set(department.key, department);
    }
    this.#fullUpdates = this.operator.fullUpdates.length;
  }

  #read({ objectType, event, id, data }: OperatorDelta): void {
    switch (objectType) {
      case 'CHAT':
        if (event === 'del') this.#chats.delete(Number(id));
        else this.#see(data);
        return;
      case 'CHAT_STATE': {
        const chat = this.#chats.get(Number(id));
        if (chat !== undefined) this.#see({ ...chat, ...(data as object) });
        return;
      }
      case 'CHAT_MESSAGE': {
        const { chatId, message } = data as { readonly chatId: number; readonly message: NonNullable<SeenChat['messages']>[number] };
        const chat = this.#chats.get(chatId);
        if (chat?.messages !== undefined && event === 'add') this.#chats.set(chatId, { ...chat, messages: [...chat.messages, message] });
        return;
      }
      case 'OPERATOR':
        this.#colleagues.set(Number(id), data);
        return;
      case 'OPERATOR_STATUS': {
        const one = this.#colleagues.get(Number(id));
        if (one !== undefined) this.#colleagues.set(one.id, { ...one, ...(data as object) });
        return;
      }
      case 'DEPARTMENT':
        this.#departments.set(String(id), data);
    }
  }

  #see(chat: SeenChat): void {
    const before = this.#chats.get(chat.id);
    this.#chats.set(chat.id, chat);
    if (chat.assignedOperatorId !== this.id || before?.assignedOperatorId === this.id) return;
    this.asked.push({ chatId: chat.id, atMs: performance.now() });
    this.onAsked(chat.id);
  }
}

interface VisitorChat {
  readonly id: number;
  readonly state: string;
  readonly operator: { readonly id: number } | null;
  readonly messages: readonly { readonly text: string; readonly kind: string }[];
}

export interface QueuePlace {
  readonly position: number;
  readonly estimateSeconds: number | null;
}

/** A visitor, and what he sees. */
export class Guest {
  visitor: Visitor;
  readonly url: string;
  readonly #desk: Desk;
  /** His newest chat. */
  chatId = 0;

  constructor(visitor: Visitor, url: string, desk: Desk) {
    this.visitor = visitor;
    this.url = url;
    this.#desk = desk;
  }

  get id(): string {
    return this.visitor.page.visitor.id;
  }

  /** chat.start: a new chat, if he has none. */
  async start({
    department,
    lang,
    text,
  }: {
    readonly department?: string;
    readonly lang?: string;
    readonly text?: string;
  } = {}): Promise<number> {
    const answer = await this.visitor.action('chat.start', {
      'client-side-id': this.#desk.newClientId(),
      ...(department === undefined ? {} : { 'department-key': department }),
      ...(lang === undefined ? {} : { lang }),
      ...(text === undefined ? {} : { 'first-question': text }),
    });
    assert.equal(answer.result, 'ok', `chat.start answered ${JSON.stringify(answer)}`);
    return this.findChat();
  }

  async say(text: string): Promise<number> {
    await this.visitor.send(text, this.#desk.newClientId());
    return this.findChat();
  }

  async findChat(): Promise<number> {
    this.chatId = await this.#desk.chatOf(this.id);
    return this.chatId;
  }

  /** What his app shows of his chat, from the full update and every delta since. */
  get chat(): VisitorChat | null {
    let chat = this.visitor.page.chat as VisitorChat | null;
    for (const { objectType, event, data } of this.visitor.deltas) {
      if (objectType === 'CHAT') chat = data;
      if (chat === null) continue;
      if (objectType === 'CHAT_STATE') chat = { ...chat, state: data };
      if (objectType === 'CHAT_OPERATOR') chat = { ...chat, operator: data };
      if (objectType === 'CHAT_MESSAGE' && event === 'add') chat = { ...chat, messages: [...chat.messages, data] };
    }
    return chat;
  }

  get texts(): string[] {
    return this.chat?.messages.map(({ text }) => text) ?? [];
  }

  /** Every state that he was told, in order. */
  get statesTold(): string[] {
    return this.visitor.deltas.flatMap(({ objectType, data }) =>
      objectType === 'CHAT' ? [(data as VisitorChat).state] : objectType === 'CHAT_STATE' ? [data as string] : [],
    );
  }

  /** Every place in the queue that he was told. */
  get places(): (QueuePlace | null)[] {
    return this.visitor.deltas.filter(({ objectType }) => objectType === 'QUEUE').map(({ data }) => data as QueuePlace | null);
  }

  /** His app starts again: a full update of this moment. */
  async fullUpdate(): Promise<
    Visitor['page'] & { readonly queue: QueuePlace | null; readonly departments: { readonly key: string; readonly online: string }[] }
  > {
    const again = await Visitor.init(this.url, { visitor: JSON.stringify(this.visitor.page.visitor) });
    return again.page as never;
  }
}

/** At most `atOnce` at the same time. */
export async function inTurns<T, R>(list: readonly T[], atOnce: number, work: (one: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(atOnce, list.length) }, async () => {
      for (let index = next++; index < list.length; index = next++) results[index] = await work(list[index] as T, index);
    }),
  );
  return results;
}
