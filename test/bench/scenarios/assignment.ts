/**
 * G12: chats that wait are given to operators, beside workers that do it by SQL; both on one server, in turns. G13: a
 * visitor's first message until the operator who was chosen has his chat.
 */
import { Cleanup } from '../../support/cleanup.ts';
import { eventually } from '../../support/eventually.ts';
import type { NodeProcess } from '../../support/process.ts';
import { runFirstMessages } from '../first-messages.ts';
import { loadAverage, ProcessWatch } from '../processes.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import type { BenchServices } from '../services.ts';
import { seedWaitingChats } from '../seed.ts';
import { refuseWrongAssignments } from '../targets/assignments.ts';
import { SqlQueue } from '../targets/sql-queue.ts';
import { openOperator, Tandem } from '../targets/tandem.ts';
import { significant } from '../usage.ts';
import { Witness } from '../witness.ts';

const CHATS = 10_000;
const OPERATORS = 500;
/** More than their share of all chats of a round. */
const MAX_CHATS = 100;
/** Behind one that is not measured, in the same processes: a server that has been running for a day compiles nothing. */
const TIMES = 3;
const WORKERS = 8;
/** Operators with a connection, who hear of every chat that waits. */
const WITNESSES = 5;
const HEARD_WITHIN_MS = 120_000;
/** Where they stand in a packed record. */
const [PLACE_US, WAITED_MS] = [3, 4];

/** Most operators are not connected and nobody takes his chat: neither may end while this goes on. */
const SETTINGS = { operator_grace_seconds: 600, assignment_timeout_seconds: 3_600 };

export const assignment: Scenario = {
  name: 'assignment',
  about: 'G12, G13: 10,000 waiting chats given to 500 operators, beside 8 workers by SQL; 200/s from queued to the operator told',
  async round(context) {
    await waitingChats(context);
    await runFirstMessages(context);
  },
};

interface Size {
  readonly chats: number;
  readonly operators: number;
}

async function waitingChats(context: BenchContext): Promise<void> {
  const { divisor } = context;
  const size: Size = { chats: Math.round(CHATS / divisor), operators: Math.round(OPERATORS / divisor) };
  const cleanup = new Cleanup();
  try {
    const sql = cleanup.add(new SqlQueue(context.services), it => it.stop());
    await sql.start(WORKERS);
    const tandem = cleanup.add(new WaitingRoom(context.services), it => it.stop());
    const times = Array.from({ length: TIMES }, (_, i) => `queue-${i + 1}`);
    await tandem.start(size.operators, new Map(['warm-up', ...times].map(key => [key, size.chats])));
    await bySql(sql, size);
    await tandem.open('warm-up', size);
    for (const key of times) {
      context.record('assignment', `sql ${WORKERS} workers`, await bySql(sql, size));
      context.record('assignment', 'tandem', await tandem.open(key, size));
    }
  } finally {
    await cleanup.run();
  }
}

async function bySql(sql: SqlQueue, { chats, operators }: Size): Promise<object> {
  await sql.fill(chats, operators, MAX_CHATS);
  const used = usage(new ProcessWatch(sql.processes()));
  const startedMs = performance.now();
  const misses = await sql.assignAll(chats);
  const seconds = (performance.now() - startedMs) / 1_000;
  const cpuSeconds = used();
  await sql.check(chats);
  return {
    chats,
    operators,
    seconds: thousandths(seconds),
    perSecond: Math.round(chats / seconds),
    misses,
    cpuSeconds,
    load: loadAverage(),
  };
}

/** The product with departments whose chats wait until an administrator lets the server give them to operators. */
class WaitingRoom {
  readonly #cluster: Tandem;
  readonly #witnesses: Witness[] = [];

  constructor(services: BenchServices) {
    this.#cluster = new Tandem(services, { settings: SETTINGS });
  }

  async start(operators: number, chatsOf: ReadonlyMap<string, number>): Promise<void> {
    const cluster = this.#cluster;
    const tokens = await cluster.prepare(operators, MAX_CHATS);
    await seedWaitingChats(cluster.database, chatsOf);
    await cluster.startNodes(2);
    const slave = nodeOf(cluster, 0);
    const { revision } = await slave.status();
    const ids = await cluster.database.query<{ id: string }>('select id from operator order by id');
    for (const [i, token] of tokens.slice(0, WITNESSES).entries()) {
      const witness = new Witness(Number(ids[i]?.id));
      this.#witnesses.push(witness);
      // Without a full update, which would hold all that wait.
      await openOperator(slave, token, frame => witness.hear(frame), revision);
    }
  }

  /** `seconds`: from the first plan until the last assignment is stored; announced: until all witnesses have heard of all. */
  async open(key: string, { chats, operators }: Size): Promise<object> {
    const cluster = this.#cluster;
    const master = nodeOf(cluster, 1);
    const refusedBefore = await refused(master);
    const watch = new ProcessWatch(cluster.processes());
    const heard = Promise.all(this.#witnesses.map(witness => witness.expect(chats, HEARD_WITHIN_MS)));
    heard.catch(() => undefined); // thrown below
    await cluster.administer('department', 'set', '--key', key, '--mode', 'automatic');
    // Not the command's own: it reads all chats. The master hears of it a moment later.
    const used = usage(watch);
    const heardUs = Math.max(...(await heard)) * 1_000;
    const cpuSeconds = used();
    const { switchedUs, plannedUs, storedUs, commits } = await this.#timesOf(key);
    await this.#check(key, chats);
    const seconds = (storedUs - plannedUs) / 1e6;
    return {
      chats,
      operators,
      seconds: thousandths(seconds),
      announcedSeconds: thousandths((heardUs - plannedUs) / 1e6),
      perSecond: Math.round(chats / seconds),
      commits,
      refused: (await refused(master)) - refusedBefore,
      /** A change from outside comes with the master's next heartbeat. */
      learntAfterSeconds: thousandths((plannedUs - switchedUs) / 1e6),
      cpuSeconds,
      load: loadAverage(),
    };
  }

  async stop(): Promise<void> {
    await this.#cluster.stop();
  }

  /**
   * By the database's clock. Every assignment's record says how long the chat had waited when the plan was made. The log has
   * the time just before a commit is flushed.
   */
  async #timesOf(key: string): Promise<{ switchedUs: number; plannedUs: number; storedUs: number; commits: number }> {
    const [times] = await this.#cluster.database.query<Record<'switchedUs' | 'plannedUs' | 'storedUs' | 'commits', string>>(
      `with switched as (
         select last_revision, committed_at from change_log where changes like '%"department-saved"%' order by last_revision desc limit 1),
       stored as (
         select l.committed_at from change_log l, switched where l.last_revision > switched.last_revision and l.changes like '%"assigned"%')
       select (select extract(epoch from committed_at) * 1000000 from switched) as "switchedUs",
              (select min((record::jsonb ->> ${PLACE_US})::bigint + (record::jsonb ->> ${WAITED_MS})::bigint * 1000)
               from chat_history where department_key = $1 and move = 'assigned') as "plannedUs",
              (select extract(epoch from max(committed_at)) * 1000000 from stored) as "storedUs",
              (select count(*) from stored) as commits`,
      [key],
    );
    return {
      switchedUs: Number(times?.switchedUs),
      plannedUs: Number(times?.plannedUs),
      storedUs: Number(times?.storedUs),
      commits: Number(times?.commits),
    };
  }

  /** Throws unless everything was assigned once, and every witness heard so, of the right operator. */
  async #check(key: string, chats: number): Promise<void> {
    const { database } = this.#cluster;
    await refuseWrongAssignments(database, key, chats);
    const steps = await database.query<{ chat: string; operator: string }>(
      `select chat_id as chat, assigned_operator_id as operator from chat_history where department_key = $1 and move = 'assigned'`,
      [key],
    );
    const operatorOf = new Map(steps.map(({ chat, operator }) => [Number(chat), Number(operator)]));
    if (steps.length !== chats || operatorOf.size !== chats) {
      throw new Error(`${chats} chats have ${steps.length} assignments in their histories, of ${operatorOf.size} chats`);
    }
    for (const witness of this.#witnesses) witness.refuseUnlessHeard(operatorOf);
  }
}

function nodeOf({ nodes }: Tandem, index: 0 | 1): NodeProcess {
  const node = nodes[index];
  if (node === undefined) throw new Error('two nodes are needed');
  return node;
}

async function refused(master: NodeProcess): Promise<number> {
  return eventually(() => master.metric('assignments_refused_total'));
}

/** CPU seconds until the returned function is called, by process; `bench` is this one. */
function usage(watch: ProcessWatch): () => Record<string, number> {
  const [before, ownBefore] = [watch.cpuSeconds(), process.cpuUsage()];
  return () => {
    const own = process.cpuUsage(ownBefore);
    const used: Record<string, number> = { bench: significant((own.user + own.system) / 1e6) };
    for (const [name, cpu] of watch.cpuSeconds()) used[name] = significant(cpu - (before.get(name) ?? 0));
    return used;
  };
}

function thousandths(seconds: number): number {
  return Number(seconds.toFixed(3));
}
