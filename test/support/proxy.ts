/** A TCP proxy that can be cut and closed: a network between a node and a service. */
import net from 'node:net';
import { freePort } from './process.ts';

export interface Proxy {
  readonly port: number;
  /** Cuts all connections and refuses new ones. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
  const port = await freePort();
  const sockets = new Set<net.Socket>();
  let server: net.Server | undefined;
  const proxy: Proxy = {
    port,
    open: () =>
      new Promise(resolve => {
        server = net.createServer(inner => {
          const outer = net.connect(target);
          for (const [from, to] of [
            [inner, outer],
            [outer, inner],
          ] as const) {
            sockets.add(from);
            from.on('error', () => to.destroy());
            from.on('close', () => {
              sockets.delete(from);
              to.destroy();
            });
            from.pipe(to);
          }
        });
        server.listen(port, '127.0.0.1', resolve);
      }),
    async close() {
      const closing = server;
      server = undefined;
      for (const socket of sockets) socket.destroy();
      await new Promise<void>(resolve => (closing === undefined ? resolve() : closing.close(() => resolve())));
    },
  };
  await proxy.open();
  return proxy;
}
