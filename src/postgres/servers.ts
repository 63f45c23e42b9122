/**
 * The servers that a database may be on, and which of them can be written to: hosts in the order of main.ini, a name that has several
 * addresses with each of them. The one that was found last is tried first. Whoever wants a connection asks here; nobody else chooses.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isRefusal, NoServer, sqlState, textOf } from './failures.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface Server {
  /** An address, or the folder of a socket. */
  readonly address: string;
  readonly port: number;
  /** As it stands in main.ini: what its certificate is held against. */
  readonly host: string;
}

export class Servers<C> {
  readonly #hosts: readonly HostPort[];
  readonly #connect: (server: Server) => Promise<C>;
  /** Where the last connection was made. */
  #found: Server | undefined;
  #searching: Promise<Server> | undefined;

  /** `connect` rejects unless the server can be written to. */
  constructor(hosts: readonly HostPort[], connect: (server: Server) => Promise<C>) {
    this.#hosts = hosts;
    this.#connect = connect;
  }

  /** Of the last connection: the best guess for the next one. */
  get found(): Server | undefined {
    return this.#found;
  }

  /** It was lost, or cannot be written to any more: the next one who asks looks for another. */
  forget(server: Server | undefined): void {
    if (server !== undefined && server === this.#found) this.#found = undefined;
  }

  /** A connection to the first that can be written to. Rejects with NoServer, or with what a server itself refuses (a wrong password). */
  async connect(): Promise<C> {
    const failures: [Server | HostPort, unknown][] = [];
    for await (const server of this.#candidates(failures)) {
      try {
        const connection = await this.#connect(server);
        this.#found = server;
        return connection;
      } catch (error) {
        failures.push([server, error]);
        this.forget(server);
      }
    }
    const refusal = failures.find(([, error]) => isRefusal(error));
    if (refusal !== undefined) throw refusal[1];
    const [first] = failures;
    throw new NoServer(failures.map(([server, error]) => `${placeOf(server)}: ${textOf(error)}`).join('; '), {
      cause: first?.[1],
      mayComeSoon: failures.some(([, error]) => mayComeSoon(error)),
    });
  }

  /** One that can be written to; one search for all who ask meanwhile. `close` ends the connection that has proved it. */
  find(close: (connection: C) => void): Promise<Server> {
    if (this.#found !== undefined) return Promise.resolve(this.#found);
    this.#searching ??= this.#search(close).finally(() => (this.#searching = undefined));
    return this.#searching;
  }

  async #search(close: (connection: C) => void): Promise<Server> {
    close(await this.connect());
    if (this.#found === undefined) throw new Error('the server was lost again at once');
    return this.#found;
  }

  async *#candidates(failures: [HostPort, unknown][]): AsyncGenerator<Server> {
    const before = this.#found;
    if (before !== undefined) yield before;
    for (const { host, port } of this.#hosts) {
      try {
        for (const address of await addressesOf(host)) {
          if (address !== before?.address || port !== before.port) yield { address, port, host };
        }
      } catch (error) {
        failures.push([{ host, port }, error]);
      }
    }
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  if (host.startsWith('/') || isIP(host) !== 0) return [host];
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** A name with several addresses may have failed with each of them for a reason of its own. */
function placeOf(server: Server | HostPort): string {
  const { host, port } = server;
  return 'address' in server && server.address !== host ? `${host}:${port} (${server.address})` : `${host}:${port}`;
}

/** It is a standby or maintained, starts up or shuts down: of a switch-over it may be the next primary. */
function mayComeSoon(error: unknown): boolean {
  return error instanceof NoServer || /^57P0[1-3]$/.test(sqlState(error));
}
