/** A throw-away folder with configuration files, loaded as a node in that folder would. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type ConfigInput, type LoadedConfig, loadConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/fault.ts';

export type Files = Readonly<Record<string, string>>;

export const CLUSTER_JSON = JSON.stringify(
  { cluster_name: 'chat', chat_server_node_names: ['chat-master', 'chat-slave'], chat_server_master_node_name: 'chat-master' },
  null,
  2,
);

/** The flags of the slave of CLUSTER_JSON. */
export const SLAVE = { node_name: 'chat-slave', cluster_config: 'cluster.json', multinode_mode: 'slave' };

/** Lines that a node of a cluster needs. */
export const SERVERS = 'mq_host = mq.example.org\ndb_host = db.example.org\n';

export function folderWith(t: TestContext, files: Files): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tandem-config-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  return folder;
}

export function load(t: TestContext, files: Files, input: Partial<ConfigInput> = {}): LoadedConfig {
  return loadConfig({ flags: {}, env: {}, cwd: folderWith(t, files), ...input });
}

/** The lines of the ConfigError that loading ends in. */
export function faultsOf(t: TestContext, files: Files, input: Partial<ConfigInput> = {}): string[] {
  const error = errorOf(() => load(t, files, input));
  return error.message.split('\n');
}

export function errorOf(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  assert.fail('the configuration was accepted');
}

export function originOf(loaded: LoadedConfig, key: string): string | undefined {
  return loaded.origins.find(origin => origin.key === key)?.origin;
}
