/** `operator …` and `department …`: what an administrator does from the command line, also while nodes are running. */
import { performance } from 'node:perf_hooks';
import type { Command } from '../commands/command.ts';
import { CommitLoop } from '../commands/commit-loop.ts';
import { endOperatorSessions } from '../commands/end-sessions.ts';
import { addDepartment, addOperator, disableOperator } from '../commands/staff.ts';
import type { Config } from '../config/config.ts';
import type { Operator, Role } from '../domain/operator.ts';
import { ROLES } from '../domain/operator.ts';
import { createLog } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import type { Snapshot } from '../ports.ts';
import type { Database } from '../postgres/database.ts';
import { openEpoch } from '../postgres/installation.ts';
import { createLogins } from '../postgres/logins.ts';
import { migrate } from '../postgres/migrate.ts';
import { createSnapshots } from '../postgres/snapshots.ts';
import { createStore } from '../postgres/store.ts';
import { hashPassword } from '../sessions/passwords.ts';
import { Replica } from '../sync/replica.ts';
import { UsageError } from './exit.ts';
import { openDatabase } from './open-database.ts';

const MIN_PASSWORD_LENGTH = 8;

export interface OperatorFlags {
  readonly login: string;
  readonly fullname: string;
  readonly password?: string;
  readonly departments?: string;
  readonly langs?: string;
  readonly max_chats?: string;
  readonly roles?: string;
}

/** Returns the id. */
export async function operatorAdd(config: Config, flags: OperatorFlags): Promise<number> {
  const roles = splitList(flags.roles ?? 'operator');
  const wrong = roles.find(role => !(ROLES as readonly string[]).includes(role));
  if (wrong !== undefined) throw new UsageError(`--roles: '${wrong}' must be one of ${ROLES.join(', ')}`);
  if (!/^[\w.@+-]{1,100}$/.test(flags.login)) throw new UsageError('--login must be letters, digits, _ . @ + or -, at most 100');
  if (flags.fullname.trim() === '' || flags.fullname.length > 200) throw new UsageError('--fullname must be 1 to 200 characters');
  const maxChats = flags.max_chats === undefined ? null : Number(flags.max_chats);
  if (maxChats !== null && (!Number.isInteger(maxChats) || maxChats < 0 || maxChats > 1_000))
    throw new UsageError('--max_chats must be an integer from 0 to 1000');
  const passwordHash = await hashPassword(checked(flags.password ?? (await readPassword())));
  return withDatabase(config, async ({ database, run, snapshot }) => {
    if (snapshot.operators.some(operator => operator.login === flags.login)) throw new UsageError(`login '${flags.login}' is taken`);
    const departmentKeys = splitList(flags.departments ?? '');
    const { id } = await run(
      addOperator({
        login: flags.login,
        fullname: flags.fullname,
        departmentKeys,
        langs: splitList(flags.langs ?? ''),
        maxChats,
        roles: roles as Role[],
      }),
    );
    await createLogins(database).setPassword(id, passwordHash);
    return id;
  });
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

export function departmentAdd(config: Config, key: string, name: string): Promise<void> {
  if (!/^[\w.-]{1,100}$/.test(key)) throw new UsageError('--key must be letters, digits, _ . or -, at most 100');
  if (name.trim() === '' || name.length > 200) throw new UsageError('--name must be 1 to 200 characters');
  return withDatabase(config, async ({ database, run, snapshot }) => {
    const rows = await database.query<{ id: number }>("select nextval('department_id_seq') as id");
    await run(addDepartment({ key, name, order: snapshot.departments.length }, rows[0]?.id ?? 0));
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
  const { database } = opened;
  const store = createStore(database);
  try {
    await migrate(database);
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

function byLogin(snapshot: Snapshot, login: string): Operator {
  const operator = snapshot.operators.find(candidate => candidate.login === login);
  if (operator === undefined) throw new UsageError(`there is no operator with login '${login}'`);
  return operator;
}

function checked(password: string): string {
  if (password.length < MIN_PASSWORD_LENGTH) throw new UsageError(`the password must have at least ${MIN_PASSWORD_LENGTH} characters`);
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

function splitList(value: string): string[] {
  return value
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '');
}
