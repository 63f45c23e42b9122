import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

export function writeNginxConfig(options: {
  folder: string;
  site: string;
  port: number;
  nodes: Record<string, number>;
  tls?: boolean;
}): { configFile: string };

export function spawnNginx(nginx: string, configFile: string): ChildProcessByStdio<null, null, Readable>;
