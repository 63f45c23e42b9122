/** The two that visitors speak to by HTTP: one node of the product (of two), and a bare express server. */
import type { HttpTarget } from '../http-load.ts';
import { type PeerProcess, startPeer } from '../peer-process.ts';
import { listenerPid } from '../processes.ts';
import type { BenchServices } from '../services.ts';
import { client, sql, TABLE } from './peers.ts';
import { inTurns, openPage, Tandem, type TandemOptions } from './tandem.ts';

export function tandemByHttp(services: BenchServices, options: TandemOptions = {}): HttpTarget {
  const cluster = new Tandem(services, options);
  return {
    name: 'tandem',
    actionPath: '/l/v/m/action',
    deltaPath: '/l/v/m/delta',
    async start(visitors) {
      await cluster.prepare(0, 1);
      await cluster.startNodes(2);
      const [a] = cluster.nodes;
      if (a === undefined) throw new Error('there is no node');
      const pages = await inTurns(Array.from({ length: visitors }), () => openPage(a.url));
      return {
        port: a.port,
        pages: pages.map(({ pageId, authToken, revision }) => ({
          credentials: new URLSearchParams({ 'page-id': pageId, 'auth-token': authToken }).toString(),
          since: revision,
        })),
      };
    },
    processes: () => cluster.processes(),
    persisted: () => cluster.persisted(),
    stop: () => cluster.stop(),
  };
}

export function bareExpress(services: BenchServices): HttpTarget {
  let server: PeerProcess | undefined;
  return {
    name: 'bare-express',
    actionPath: '/action',
    deltaPath: '/delta',
    async start(visitors) {
      await sql(services, TABLE);
      server = await startPeer('bare-express.mjs', { pg: client(services) });
      return { port: server.port, pages: Array.from({ length: visitors }, (_, i) => ({ credentials: `page-id=${i}`, since: '0' })) };
    },
    processes: () => [
      { name: 'A', pid: server?.pid ?? 0 },
      { name: 'postgres', pid: listenerPid(services.pg.port) },
    ],
    persisted: async () => Number((await sql(services, 'select count(*) from bench_message'))[0]?.['count']),
    async stop() {
      await server?.stop();
    },
  };
}
