/**
 * `cluster promote`, `handover`, `drain`, `new-epoch`: an administrator's wishes, written into the database. The nodes read them with
 * their next heartbeat and do the rest; these commands wait until it is done.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import type { ClusterControl } from '../ports/index.ts';
import { createClusterControl } from '../postgres/cluster-control.ts';
import { troubleOf } from '../postgres/failures.ts';
import { ServiceError } from './exit.ts';
import { openDatabase } from './open-database.ts';

/** A heartbeat, the rest of a dead holder's lease, the ten seconds that the configured master must have been ready. */
const DONE_WITHIN_MS = 20_000;

/** The node leads and keeps the lease until `handover`, whoever the configured master is. */
export function promote(config: Config, nodeName: string): Promise<string> {
  return withControl(config, async control => {
    await control.promote(nodeName);
    await untilHolder(control, nodeName);
    return `'${nodeName}' leads, until cluster handover`;
  });
}

/** Ends a promotion: the lease goes back to the configured master. */
export function handover(config: Config): Promise<string> {
  return withControl(config, async control => {
    const master = await control.handOver();
    await untilHolder(control, master);
    return `'${master}' leads`;
  });
}

/** The node hands over what it leads, sends its clients to the others and takes no more, until it is stopped or `undo`. */
export function drain(config: Config, nodeName: string, undo: boolean): Promise<string> {
  return withControl(config, async control => {
    await control.drain(nodeName, !undo);
    await until(
      async () => {
        const node = (await control.look()).nodes.find(one => one.name === nodeName);
        if (node === undefined || node.state === 'dead') throw new ServiceError(`node '${nodeName}' has died`);
        return undo ? node.state === 'running' || node.state === 'degraded' : node.state === 'draining';
      },
      `node '${nodeName}' has not ${undo ? 'come back' : 'begun to drain'} within ${DONE_WITHIN_MS / 1000} s; see its log`,
    );
    return undo ? `'${nodeName}' takes clients again` : `'${nodeName}' is drained of its clients; stop it, or take it back with --undo`;
  });
}

/** After the database was set back in a way that nobody could notice: all nodes and clients load everything anew. */
export function newEpoch(config: Config): Promise<string> {
  return withControl(config, async control => `epoch ${await control.newEpoch()}: nodes and clients load everything anew`);
}

async function withControl<T>(config: Config, run: (control: ClusterControl) => Promise<T>): Promise<T> {
  const opened = await openDatabase(config);
  try {
    return await run(createClusterControl(opened.database));
  } finally {
    await opened.close();
  }
}

function untilHolder(control: ClusterControl, name: string): Promise<void> {
  return until(
    async () => (await control.look()).lease?.holder === name,
    `'${name}' has not got the lease within ${DONE_WITHIN_MS / 1000} s; see cluster status`,
  );
}

async function until(isDone: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (const end = performance.now() + DONE_WITHIN_MS; performance.now() < end; await wait(100)) {
    const done = await isDone().catch((error: unknown) => {
      if (troubleOf(error) === undefined) throw error;
      return false; // a switch-over meanwhile
    });
    if (done) return;
  }
  throw new ServiceError(otherwise);
}
