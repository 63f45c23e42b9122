#!/usr/bin/env node
/**
 * The binary: flags, sub-commands, exit codes. It wires nothing itself. docs/protocol/cli.md is its contract. What only a node needs is
 * loaded when it starts: a command that asks the database for a line takes half as long without.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { drain, handover, newEpoch, promote } from './cli/cluster-commands.ts';
import { clusterStatus } from './cli/cluster-status.ts';
import { EXIT, exitCodeOf, sentenceOf, UsageError } from './cli/exit.ts';
import { healthcheck } from './cli/healthcheck.ts';
import { openDatabase } from './cli/open-database.ts';
import {
  departmentAdd,
  departmentList,
  departmentSet,
  operatorAdd,
  operatorDisable,
  operatorList,
  operatorPassword,
  operatorSet,
  operatorTimes,
} from './cli/staff.ts';
import type { DepartmentFlags, OperatorFlags } from './cli/staff-flags.ts';
import { sayRefusal } from './cli/refusal.ts';
import { describeConfig, type Flags, type LoadedConfig, loadConfig } from './config/config.ts';
import { migrate } from './postgres/migrate.ts';

type NodeFlags = Flags & { readonly config?: string };

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

function load(flags: NodeFlags): LoadedConfig {
  return loadConfig({ configFile: flags.config, flags, env: process.env, cwd: process.cwd() });
}

/** A command that knows main.ini and the flags of a node. */
function withConfig(command: Command): Command {
  return command
    .option('--config <file>', 'main.ini; main.ini.d lies beside it (default: ./main.ini if there is one)')
    .option('--node_name <name>', 'name of this node, as in cluster.json')
    .option('--cluster_config <file>', 'cluster.json; without it the node runs alone')
    .option('--multinode_mode <mode>', 'master or slave');
}

function nodeCommand(command: Command): Command {
  return withConfig(command)
    .option('--listen <address>', 'address to listen on (default: main.ini, else 127.0.0.1)')
    .option('--port <port>', 'port to listen on (default: main.ini, else 8260)')
    .option('--tls_cert <file>', 'certificate (PEM); the node then speaks TLS')
    .option('--tls_key <file>', 'its private key (PEM)')
    .option('--log_level <level>', 'error, warn, info or debug');
}

let exitCode: number = EXIT.ok;
let isTold = false as boolean; // set where a command runs
const program = new Command('chat-server')
  .description('An open live-chat server: visitors of a web site talk to operators.')
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError('(chat-server --help shows what there is)')
  .exitOverride();

nodeCommand(program.command('start', { isDefault: true }))
  .description('run a node until SIGTERM or SIGINT (this is the default)')
  .action(async (flags: NodeFlags) => {
    try {
      const { start } = await import('./cli/start.ts');
      exitCode = await start(() => load(flags), version);
    } catch (error) {
      isTold = sayRefusal(error, flags, process.env);
      throw error;
    }
  });

withConfig(program.command('migrate'))
  .description('bring the database schema up to date and exit (start does so too)')
  .action(async (flags: NodeFlags) => {
    const { config } = load(flags);
    const opened = await openDatabase(config);
    try {
      const done = await migrate(opened.direct);
      console.log(done.length === 0 ? 'the schema is up to date' : `migrated: ${done.join(', ')}`);
    } finally {
      await opened.close();
    }
  });

nodeCommand(program.command('check-config'))
  .description('print every key with its value and origin, or all faults at once')
  .option('--connect', 'try the database and the broker too')
  .action(async (flags: NodeFlags & { readonly connect?: boolean }) => {
    const loaded = load(flags);
    console.log(describeConfig(loaded));
    if (flags.connect !== true) return;
    const { checkServices } = await import('./cli/check-services.ts');
    const checks = await checkServices(loaded.config);
    for (const { isRight, sentence } of checks) (isRight ? console.log : console.error)(sentence);
    exitCode = Math.max(...checks.map(check => check.exitCode));
  });

function operatorOptions(command: Command): Command {
  return command
    .option('--title <title>', 'what he is, as visitors see it')
    .option('--departments <list>', 'departments, separated by commas; key:priority gives him a priority there')
    .option('--langs <list>', 'languages he answers in, e.g. en,ru (none: all)')
    .option('--max_chats <n>', 'chats he has at most, or default (max_chats_per_operator)')
    .option('--roles <list>', 'operator, supervisor, admin')
    .option('--schedule <file>', 'his working hours (JSON, docs/assignment.md), or none');
}

const operator = program.command('operator').description('add, set, list, times, passwd, disable');
operatorOptions(withConfig(operator.command('add')))
  .description('add an operator; prints his id')
  .requiredOption('--login <login>', 'name to log in with')
  .requiredOption('--fullname <name>', 'the name that visitors see')
  .option('--password <password>', 'at least 8 characters; without it the first line of standard input')
  .action(async (flags: NodeFlags & OperatorFlags & { readonly login: string; readonly password?: string }) =>
    console.log(await operatorAdd(load(flags).config, flags)),
  );
operatorOptions(withConfig(operator.command('set')))
  .description('change what is given of an operator')
  .requiredOption('--login <login>', 'his login')
  .option('--fullname <name>', 'the name that visitors see')
  .action((flags: NodeFlags & OperatorFlags & { readonly login: string }) => operatorSet(load(flags).config, flags.login, flags));
withConfig(operator.command('times'))
  .description('how many seconds an operator was in each status')
  .requiredOption('--login <login>', 'his login')
  .option('--from <time>', 'as 2026-11-21 or 2026-11-21T09:00:00Z (default: 24 hours ago)')
  .option('--to <time>', 'the same (default: now)')
  .option('--json', 'as JSON')
  .action(async (flags: NodeFlags & { readonly login: string; readonly from?: string; readonly to?: string; readonly json?: boolean }) => {
    const to = flags.to === undefined ? Date.now() : readTime('--to', flags.to);
    const from = flags.from === undefined ? to - 86_400_000 : readTime('--from', flags.from);
    const times = await operatorTimes(load(flags).config, flags.login, from, to);
    if (flags.json === true) console.log(JSON.stringify(times, null, 2));
    else printTable(times);
  });
withConfig(operator.command('list'))
  .description('list the operators')
  .option('--json', 'as JSON')
  .action(async (flags: NodeFlags & { readonly json?: boolean }) => {
    const operators = await operatorList(load(flags).config);
    if (flags.json === true) console.log(JSON.stringify(operators, null, 2));
    else
      printTable(
        operators.map(({ id, login, fullname, status, load, roles, disabled }) => ({
          id,
          login,
          fullname,
          status,
          chats: load,
          roles: roles.join(','),
          disabled,
        })),
      );
  });
withConfig(operator.command('passwd'))
  .description('give an operator a new password; his logins end')
  .requiredOption('--login <login>', 'his login')
  .option('--password <password>', 'at least 8 characters; without it the first line of standard input')
  .action((flags: NodeFlags & { readonly login: string; readonly password?: string }) =>
    operatorPassword(load(flags).config, flags.login, flags.password),
  );
withConfig(operator.command('disable'))
  .description('let an operator log in no more')
  .requiredOption('--login <login>', 'his login')
  .action((flags: NodeFlags & { readonly login: string }) => operatorDisable(load(flags).config, flags.login));

function departmentOptions(command: Command): Command {
  return withConfig(command)
    .requiredOption('--key <key>', 'its key, e.g. sales')
    .option('--mode <mode>', 'how its chats find operators: automatic, manual, mixed, or default (assignment_mode)')
    .option('--schedule <file>', 'its working hours (JSON, docs/assignment.md), or none');
}

const department = program.command('department').description('add, set, list');
departmentOptions(department.command('add'))
  .description('add a department')
  .requiredOption('--name <name>', 'the name that visitors see')
  .action((flags: NodeFlags & DepartmentFlags & { readonly key: string }) => departmentAdd(load(flags).config, flags.key, flags));
departmentOptions(department.command('set'))
  .description('change what is given of a department')
  .option('--name <name>', 'the name that visitors see')
  .action((flags: NodeFlags & DepartmentFlags & { readonly key: string }) => departmentSet(load(flags).config, flags.key, flags));
withConfig(department.command('list'))
  .description('list the departments')
  .option('--json', 'as JSON')
  .action(async (flags: NodeFlags & { readonly json?: boolean }) => {
    const departments = await departmentList(load(flags).config);
    if (flags.json === true) console.log(JSON.stringify(departments, null, 2));
    else printTable(departments);
  });

const cluster = program.command('cluster').description('status, promote, handover, drain, new-epoch');
withConfig(cluster.command('status'))
  .description('nodes, roles, lease, revision and lag, as the database knows them')
  .option('--json', 'as JSON')
  .action(async (flags: NodeFlags & { readonly json?: boolean }) => {
    const status = await clusterStatus(load(flags).config);
    if (flags.json === true) {
      console.log(JSON.stringify(status, null, 2));
      return;
    }
    printTable(status.nodes);
    const { lease } = status;
    console.log(
      `revision ${status.revision}, lease ${lease === null ? 'free' : `of ${lease.holder} (${lease.promoted ? 'promoted, ' : ''}${lease.reason}), token ${lease.token}, ends in ${lease.expiresInSeconds} s`}`,
    );
  });

withConfig(cluster.command('promote'))
  .description('let this node lead, and keep the lease until handover')
  .argument('<node>', 'its name')
  .action(async (node: string, flags: NodeFlags) => console.log(await promote(load(flags).config, node)));
withConfig(cluster.command('handover'))
  .description('end a promotion: the lease goes back to the master that cluster.json names')
  .action(async (flags: NodeFlags) => console.log(await handover(load(flags).config)));
withConfig(cluster.command('new-epoch'))
  .description('let all nodes and clients load everything anew, after the database was set back while no node was running')
  .action(async (flags: NodeFlags) => console.log(await newEpoch(load(flags).config)));
withConfig(cluster.command('drain'))
  .description('send the clients of a node to the others, for maintenance; it runs on without them')
  .argument('<node>', 'its name')
  .option('--undo', 'let clients in again')
  .action(async (node: string, flags: NodeFlags & { readonly undo?: boolean }) =>
    console.log(await drain(load(flags).config, node, flags.undo === true)),
  );

nodeCommand(program.command('healthcheck'))
  .description('ask the node on this host: exit 0 healthy, 1 degraded, 2 not')
  .addOption(new Option('--role <role>', 'it must be this').choices(['master', 'slave']))
  .action(async (flags: NodeFlags & { readonly role?: string }) => {
    const { node } = load(flags).config;
    const health = await healthcheck({ listen: node.listen, port: node.port, tls: node.tls !== undefined }, flags.role);
    console.log(health.sentence);
    exitCode = health.exitCode;
  });

function readTime(flag: string, text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new UsageError(`${flag} must be a time such as 2026-11-21 or 2026-11-21T09:00:00Z`);
  return ms;
}

function printTable(rows: readonly object[]): void {
  const first = rows[0];
  if (first === undefined) return;
  const columns = Object.keys(first);
  const cells = [columns, ...rows.map(row => columns.map(column => String((row as Record<string, unknown>)[column])))];
  const widths = columns.map((_, i) => Math.max(...cells.map(line => line[i]?.length ?? 0)));
  for (const line of cells)
    console.log(
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage; // it has said why
  } else {
    if (!isTold) console.error(sentenceOf(error));
    exitCode = exitCodeOf(error);
  }
}
process.exitCode = exitCode;
