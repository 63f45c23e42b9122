/**
 * Why a node did not start, as lines of its log: whoever collects those finds the reason among them, in the same form. Called by
 * main.ts for `start` alone; a person at a terminal reads the sentences on standard error instead.
 */
import type { Flags } from '../config/flags.ts';
import { createLog } from '../system/log.ts';
import { isJournal } from '../system/journal.ts';
import { EXIT, exitCodeOf, sentenceOf } from './exit.ts';

/** True: it is told, and standard error leads to the same journal. */
export function sayRefusal(error: unknown, flags: Flags, env: NodeJS.ProcessEnv): boolean {
  if (process.stdout.isTTY) return false;
  const node = flags.node_name ?? env['CHAT_NODE_NAME'] ?? 'single';
  const log = createLog({ level: 'error', node, mode: flags.multinode_mode ?? env['CHAT_MULTINODE_MODE'] ?? 'single' });
  const exitCode = exitCodeOf(error);
  if (exitCode === EXIT.bug) log.error('node-ends', { exitCode, reason: 'this is a bug, please report it', error });
  else for (const reason of sentenceOf(error).split('\n')) log.error('node-ends', { exitCode, reason });
  return isJournal(1) && isJournal(2);
}
