/** `operator …` and `department …`: what an administrator does from the command line, also while nodes are running. */
import { performance } from 'node:perf_hooks';
import type { Command } from '../commit/command.ts';
import { CommitLoop } from '../commit/commit-loop.ts';
import { endOperatorSessions } from '../commands/end-sessions.ts';
import { addDepartment, addOperator, disableOperator, editDepartment, editOperator } from '../commands/staff.ts';
import type { Config } from '../config/config.ts';
import { foldLogin, type Operator } from '../domain/operator.ts';
import { createLog } from '../system/log.ts';
import { createMetrics } from '../system/metrics.ts';
import type { Snapshot, StatusSeconds } from '../ports/index.ts';
import type { Database } from '../postgres/database.ts';
import { openEpoch } from '../postgres/installation.ts';
import { createLogins } from '../postgres/logins.ts';
import { migrate } from '../postgres/migrate.ts';
import { createSnapshots } from '../postgres/snapshots.ts';
import { newDepartmentId } from '../postgres/department-ids.ts';
import { createStatusTimes } from '../postgres/histories.ts';
import { createStore } from '../postgres/store.ts';
import { hashPassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../sessions/operators/passwords.ts';
import { Replica } from '../sync/replica.ts';
import { UsageError } from './exit.ts';
import { type DepartmentFlags, type OperatorFlags, readDepartmentFlags, readOperatorFlags } from './staff-flags.ts';
import { openDatabase } from './open-database.ts';

/** Returns the id. */
export async function operatorAdd(
  config: Config,
  flags: OperatorFlags & { readonly login: string; readonly password?: string },
): Promise<number> {
  const { login } = flags;
  if (!/^[\w.@+-]{1,100}$/.test(login)) throw new UsageError('--login must be letters, digits, _ . @ + or -, at most 100');
  const edit = readOperatorFlags(flags);
  const passwordHash = await hashPassword(checked(flags.password ?? (await readPassword())));
  return withDatabase(config, async ({ database, run, snapshot }) => {
    const taken = snapshot.operators.find(operator => foldLogin(operator.login) === foldLogin(login));
    if (taken !== undefined) throw new UsageError(`login '${taken.login}' is taken`);
    const { id } = await run(
      addOperator({ login, fullname: login, departmentKeys: [], langs: [], maxChats: null, roles: ['operator'], ...edit }),
    );
    await createLogins(database).setPassword(id, passwordHash);
    return id;
  });
}

/** Changes what is given. */
export function operatorSet(config: Config, login: string, flags: OperatorFlags): Promise<void> {
  const edit = readOperatorFlags(flags);
  if (Object.keys(edit).length === 0) throw new UsageError('nothing to change: see operator set --help');
  return withDatabase(config, async ({ run, snapshot }) => {
    await run(editOperator(byLogin(snapshot, login).id, edit));
  });
}

/** Seconds in each status from `from` to `to` (milliseconds since 1970), the present one included. */
export function operatorTimes(config: Config, login: string, from: number, to: number): Promise<readonly StatusSeconds[]> {
  return withDatabase(config, ({ database, snapshot }) =>
    createStatusTimes(database).secondsOf(byLogin(snapshot, login).id, from * 1_000, to * 1_000),
  );
}

export function operatorList(config: Config): Promise<readonly Operator[]> {
  return withDatabase(config, ({ snapshot }) => Promise.resolve([...snapshot.operators].sort((a, b) => a.id - b.id)));
}

/** A new password ends his logins. */
export async function operatorPassword(config: Config, login: string, password: string | undefined): Promise<void> {
  const passwordHash = await hashPassword(checked(password ?? (await readPassword())));
  await withDatabase(config, async ({ database, run, snapshot }) => {
    const { id } = byLogin(snapshot, login);
    await createLogins(database).setPassword(id, passwordHash);
    await run(endOperatorSessions(id, null));
  });
}

export function operatorDisable(config: Config, login: string): Promise<void> {
  return withDatabase(config, async ({ run, snapshot }) => {
    await run(disableOperator(byLogin(snapshot, login).id));
  });
}

export function departmentAdd(config: Config, key: string, flags: DepartmentFlags): Promise<void> {
  if (!/^[\w.-]{1,100}$/.test(key)) throw new UsageError('--key must be letters, digits, _ . or -, at most 100');
  const edit = readDepartmentFlags(flags);
  return withDatabase(config, async ({ database, run, snapshot }) => {
    await run(addDepartment({ name: key, order: snapshot.departments.length, ...edit, key }, await newDepartmentId(database)));
  });
}

/** Changes what is given. */
export function departmentSet(config: Config, key: string, flags: DepartmentFlags): Promise<void> {
  const edit = readDepartmentFlags(flags);
  if (Object.keys(edit).length === 0) throw new UsageError('nothing to change: see department set --help');
  return withDatabase(config, async ({ run }) => {
    await run(editDepartment(key, edit));
  });
}

export function departmentList(config: Config): Promise<Snapshot['departments']> {
  return withDatabase(config, ({ snapshot }) => Promise.resolve([...snapshot.departments].sort((a, b) => a.order - b.order)));
}

interface Tools {
  readonly database: Database;
  readonly snapshot: Snapshot;
  readonly run: <A>(command: Command<A>) => Promise<A>;
}

/** Commands go through a commit loop of this process; running nodes read them from the change log within a second. */
async function withDatabase<T>(config: Config, work: (tools: Tools) => Promise<T>): Promise<T> {
  const opened = await openDatabase(config);
  const { database, direct } = opened;
  const store = createStore(database);
  try {
    await migrate(direct);
    await openEpoch(database);
    const loop = new CommitLoop({
      store,
      hot: new Replica(),
      clock: { nowMs: () => performance.now() },
      log: createLog({ level: 'error', node: 'command-line', mode: 'none' }),
      metrics: createMetrics(),
      queueLength: 100,
      onCommit: () => undefined,
      publish: () => undefined,
      openEpoch: () => openEpoch(database),
      onDatabase: () => undefined,
    });
    const run = async <A>(command: Command<A>): Promise<A> => (await loop.execute(command)).answer;
    return await work({ database, run, snapshot: await createSnapshots(database).load() });
  } finally {
    await store.close().catch(() => undefined);
    await opened.close();
  }
}

/** As it is written, else whatever its case where there is one such login only: as at the log-in. */
function byLogin({ operators }: Snapshot, login: string): Operator {
  const same = operators.filter(candidate => foldLogin(candidate.login) === foldLogin(login));
  const operator = same.find(candidate => candidate.login === login) ?? (same.length === 1 ? same[0] : undefined);
  if (operator !== undefined) return operator;
  const which = same.map(candidate => `'${candidate.login}'`).join(' or ');
  throw new UsageError(same.length === 0 ? `there is no operator with login '${login}'` : `which one is meant: ${which}?`);
}

function checked(password: string): string {
  if (password.length < MIN_PASSWORD_LENGTH) throw new UsageError(`the password must have at least ${MIN_PASSWORD_LENGTH} characters`);
  if (password.length > MAX_PASSWORD_LENGTH) throw new UsageError(`the password must have at most ${MAX_PASSWORD_LENGTH} characters`);
  return password;
}

/** The first line of standard input, so that the password stands in no process list and no shell history. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Password: ');
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes('\n') || text.length > 10_000) break;
  }
  process.stdin.destroy();
  return text.split(/\r?\n/)[0] ?? '';
}
