/** Nodes as people are told of them. */

export type NodeRole = 'single' | 'master' | 'slave' | 'standby';

/** A node that has not been heard of for this long is shown as dead. */
export const DEAD_AFTER_SECONDS = 5;

/** standby: the configured master while another node leads. */
export function roleOf(mode: string, leads: boolean): NodeRole {
  if (mode === 'single') return 'single';
  if (leads) return 'master';
  return mode === 'master' ? 'standby' : 'slave';
}

/** As it said itself with its last heartbeat, unless it is silent. */
export function stateOf(state: string, seenSecondsAgo: number): string {
  return seenSecondsAgo > DEAD_AFTER_SECONDS ? 'dead' : state;
}
