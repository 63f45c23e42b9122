/**
 * `chat-server start`: runs a node until SIGTERM or SIGINT; a second signal ends it at once. SIGHUP reads the
 * configuration again.
 */
import type { Config, LoadedConfig } from '../config/config.ts';
import { createLog, type NodeLog } from '../system/log.ts';
import { type RunningNode, startNode } from '../node/node.ts';
import { EXIT, ServiceError } from './exit.ts';
import { openDatabase } from './open-database.ts';

/** Longer than all deadlines of the parts together. */
const STOP_WITHIN_MS = 30_000;
/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm or a shell. */
const SAME_SIGNAL_MS = 1_000;

/** `load` reads flags, environment and files anew. Resolves with the exit code when the node has stopped. */
export async function start(load: () => LoadedConfig, version: string): Promise<number> {
  const loaded = load();
  const { config } = loaded;
  const log = createLog({ level: config.node.logLevel, node: config.node.name, mode: config.mode });
  for (const warning of loaded.warnings) log.warn('config-warning', { warning });
  const ending = new Ending();
  let node: RunningNode | undefined;
  process.on('SIGHUP', () => void reload(node, load, log));

  const opened = await openDatabase(config, {
    waiting: reason => log.warn('waiting-for-database', { reason }, 'waiting-for-database'),
    signal: ending.signal,
  });
  if (opened === undefined) {
    log.tellRepeats();
    return ending.code;
  }
  const { database, direct, embedded } = opened;
  if (embedded !== undefined) log.info('embedded-postgres', { dataDir: embedded.dataDir, port: embedded.port });
  try {
    node = await startNode({
      loaded,
      version,
      log,
      database,
      direct,
      embedded,
      onFatal(code, sentence) {
        log.error('node-ends', { exitCode: code, reason: sentence });
        ending.begin(code);
      },
    });
    await ending.begun;
    setTimeout(() => process.exit(EXIT.bug), STOP_WITHIN_MS).unref();
    await node.stop();
    await opened.close();
    return ending.code;
  } catch (error) {
    await opened.close().catch(() => undefined);
    throw listenFailure(error, config.node) ?? error;
  } finally {
    log.tellRepeats();
  }
}

/** Another port may help, or another address; one that this host gets later is tried again by systemd. */
function listenFailure(error: unknown, { listen, port }: Config['node']): ServiceError | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const told = (why: string): ServiceError => new ServiceError(why, { cause: error });
  if (code === 'EADDRINUSE')
    return told(`port ${port} on ${listen} is taken by another program: change 'port' in main.ini or start with --port`);
  if (code === 'EACCES')
    return told(`port ${port} on ${listen} may not be used by this user: change 'port' in main.ini or start with --port`);
  if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')
    return told(`${listen} is no address of this host, or not yet: change 'listen' in main.ini or start with --listen`);
  if (code === 'ENOTFOUND' && syscall === 'getaddrinfo')
    return told(`${listen} is no name that this host knows: change 'listen' in main.ini or start with --listen`);
  return undefined;
}

/** How this process comes to its end: by a signal, or because the node says so. From the first line on. */
class Ending {
  readonly #abort = new AbortController();
  readonly begun: Promise<void>;
  code: number = EXIT.ok;

  constructor() {
    this.begun = new Promise(resolve => this.signal.addEventListener('abort', () => resolve(), { once: true }));
    let firstSignalMs: number | undefined;
    const onSignal = (): void => {
      const nowMs = performance.now();
      firstSignalMs ??= nowMs;
      if (nowMs - firstSignalMs > SAME_SIGNAL_MS) process.exit(EXIT.bug);
      this.begin(EXIT.ok);
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  begin(code: number): void {
    if (this.signal.aborted) return;
    this.code = code;
    this.#abort.abort();
  }
}

async function reload(node: RunningNode | undefined, load: () => LoadedConfig, log: NodeLog): Promise<void> {
  if (node === undefined) {
    log.warn('config-not-reloaded', { reason: 'the node is still starting' });
    return;
  }
  try {
    const { live, needRestart } = await node.reload(load());
    log.info('config-reloaded', { live, needRestart });
  } catch (error) {
    log.error('config-not-reloaded', { reason: error instanceof Error ? error.message : String(error) });
  }
}
