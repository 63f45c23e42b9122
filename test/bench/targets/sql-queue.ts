/**
 * What a team without an assigner builds: workers that each take the oldest waiting chat and the operator with the fewest
 * chats, a transaction for each. Of the product's tables it has the columns that matter, and indexes for just these questions.
 */
import pg from 'pg';
import { Cleanup } from '../../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { listenerPid, type Watched } from '../processes.ts';
import type { BenchServices } from '../services.ts';
import { refuseWrongAssignments } from './assignments.ts';

const TABLES = `
  create table operator (id bigint primary key, status_sort text not null, load integer not null, max_chats integer not null,
                         version bigint not null default 0) with (fillfactor = 70);
  create table chat (id bigint primary key, visitor_id text not null, state text not null, assigned_operator_id bigint, assigned_us bigint,
                     department_key text not null, queued_us bigint not null, modified_us bigint not null,
                     version bigint not null default 0) with (fillfactor = 70);
  create index chat_waiting on chat (department_key, queued_us, id) where state = 'queue' and assigned_operator_id is null;
  create index operator_free on operator (load, id) where status_sort = 'takes'`;

/** One statement, so one round trip for a transaction. */
const ASSIGN = `
  with c as (
    select id from chat where state = 'queue' and assigned_operator_id is null and department_key = $1
    order by queued_us, id limit 1 for update skip locked),
  o as (
    select id from operator where status_sort = 'takes' and load < max_chats and exists (select from c)
    order by load, id limit 1 for update skip locked),
  u as (
    update operator set load = load + 1, version = version + 1 from o where operator.id = o.id returning operator.id)
  update chat set assigned_operator_id = u.id, assigned_us = $2, modified_us = $2, version = version + 1
  from c, u where chat.id = c.id`;

const DEPARTMENT = 'queue';

export class SqlQueue {
  readonly #services: BenchServices;
  readonly #cleanup = new Cleanup();
  readonly #workers: pg.Client[] = [];
  #database!: TestDatabase;

  constructor(services: BenchServices) {
    this.#services = services;
  }

  async start(workers: number): Promise<void> {
    this.#database = this.#cleanup.add(await createTestDatabase({ ...this.#services.pg, password: undefined }), it => it.drop());
    await this.#database.query(TABLES);
    const { host, port, user, name: database } = this.#database;
    for (let i = 0; i < workers; i++) {
      const client = this.#cleanup.add(new pg.Client({ host, port, user, database }), it => it.end());
      await client.connect();
      this.#workers.push(client);
    }
  }

  /** So many chats wait then, and so many operators have no chat. */
  async fill(chats: number, operators: number, maxChats: number): Promise<void> {
    await this.#database.query('truncate chat, operator');
    await this.#database.query(
      `insert into operator (id, status_sort, load, max_chats) select i, 'takes', 0, $1 from generate_series(1, $2::integer) i`,
      [maxChats, operators],
    );
    await this.#database.query(
      `insert into chat (id, visitor_id, state, department_key, queued_us, modified_us)
       select i, md5('visitor' || i), 'queue', $1, at_us, at_us
       from generate_series(1, $2::integer) i, lateral (select 1700000000000000 + i * 1000) t(at_us)`,
      [DEPARTMENT, chats],
    );
    await this.#database.query('vacuum analyze chat, operator');
  }

  /** Until nobody waits; returns how often a worker found nothing because others had locked it. */
  async assignAll(chats: number): Promise<number> {
    let [assigned, misses] = [0, 0];
    await Promise.all(
      this.#workers.map(async worker => {
        while (assigned < chats) {
          const { rowCount } = await worker.query({ name: 'assign', text: ASSIGN, values: [DEPARTMENT, Date.now() * 1_000] });
          if (rowCount === 1) assigned += 1;
          else if (++misses > chats) throw new Error(`only ${assigned} of ${chats} chats can be assigned`);
        }
      }),
    );
    return misses;
  }

  processes(): readonly Watched[] {
    return [{ name: 'postgres', pid: listenerPid(this.#services.pg.port) }];
  }

  async check(chats: number): Promise<void> {
    await refuseWrongAssignments(this.#database, DEPARTMENT, chats);
  }

  stop(): Promise<void> {
    return this.#cleanup.run();
  }
}
