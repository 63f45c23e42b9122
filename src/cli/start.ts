/** `chat-server start`: runs a node until SIGTERM or SIGINT; a second signal ends it at once. */
import type { LoadedConfig } from '../config/config.ts';
import { createLog } from '../log.ts';
import { startNode } from '../node.ts';
import { EXIT, ServiceError } from './exit.ts';
import { directDatabase, openDatabase } from './open-database.ts';

/** Longer than all deadlines of the parts together. */
const STOP_WITHIN_MS = 30_000;
/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm or a shell. */
const SAME_SIGNAL_MS = 1_000;

/** Resolves with the exit code when the node has stopped. */
export async function start({ config }: LoadedConfig, version: string): Promise<number> {
  const log = createLog({ level: config.node.logLevel, node: config.node.name, mode: config.mode });
  let stop: (code: number) => void = () => undefined;
  const stopped = new Promise<number>(resolve => {
    stop = resolve;
  });
  let firstSignalMs: number | undefined;
  const onSignal = (): void => {
    const nowMs = performance.now();
    firstSignalMs ??= nowMs;
    if (nowMs - firstSignalMs > SAME_SIGNAL_MS) process.exit(EXIT.bug);
    stop(EXIT.ok);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);

  const opened = await openDatabase(config, reason => log.warn('waiting-for-database', { reason }));
  const { database, embedded } = opened;
  if (embedded !== undefined) log.info('embedded-postgres', { dataDir: embedded.dataDir, port: embedded.port });
  const direct = directDatabase(config, database);
  try {
    const node = await startNode({
      config,
      version,
      database,
      direct,
      embedded,
      onFatal(code, sentence) {
        log.error('node-ends', { reason: sentence });
        stop(code);
      },
    });
    const code = await stopped;
    setTimeout(() => process.exit(EXIT.bug), STOP_WITHIN_MS).unref();
    await node.stop();
    return code;
  } catch (error) {
    await opened.close().catch(() => undefined);
    if (error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')) {
      const { listen, port } = config.node;
      const why = error.code === 'EADDRINUSE' ? 'is taken by another program' : 'may not be used by this user';
      throw new ServiceError(`port ${port} on ${listen} ${why}: change 'port' in main.ini or start with --port`, { cause: error });
    }
    throw error;
  } finally {
    if (direct !== database) await direct.end();
  }
}
