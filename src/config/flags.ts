/** What a node is told by whoever starts it: flags of the command line, and environment variables CHAT_<NAME>. */

import { isServiceLink } from './kubernetes.ts';

/** As typed on the command line; each may also come from the environment. */
export interface Flags {
  readonly listen?: string | undefined;
  readonly port?: string | undefined;
  readonly log_level?: string | undefined;
  readonly node_name?: string | undefined;
  readonly cluster_config?: string | undefined;
  readonly multinode_mode?: string | undefined;
  readonly tls_cert?: string | undefined;
  readonly tls_key?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const FLAGS = ['listen', 'port', 'log_level', 'node_name', 'cluster_config', 'multinode_mode', 'tls_cert', 'tls_key'] as const;

export type FlagName = (typeof FLAGS)[number];

export interface Given {
  readonly value: string;
  readonly origin: 'flag' | 'environment';
  /** As it was written: --port, CHAT_PORT. */
  readonly label: string;
}

/**
 * By name of a flag or a key. A flag wins over the environment; an empty environment variable is not set, and the line end of a file
 * that a value was read from is no part of it.
 */
export type FindGiven = (name: string) => Given | undefined;

export function givenBy(flags: Flags, env: Environment): FindGiven {
  return name => {
    const flag = isFlag(name) ? flags[name] : undefined;
    if (flag !== undefined) return { value: flag, origin: 'flag', label: `--${name}` };
    const variable = `CHAT_${name.toUpperCase()}`;
    const value = env[variable]?.replace(/[\r\n]+$/, '');
    return value === undefined || value === '' || isServiceLink(variable, value)
      ? undefined
      : { value, origin: 'environment', label: variable };
  };
}

function isFlag(name: string): name is FlagName {
  return (FLAGS as readonly string[]).includes(name);
}
