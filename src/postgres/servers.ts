/**
 * The servers that a database may be on, and which of them can be written to: hosts in the order of main.ini, a name that has several
 * addresses with each of them. The one that was found last is tried first. Whoever wants a connection asks here; nobody else chooses.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

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

/** No server can be written to. The message says of each what is wrong. */
export class NoServer extends Error {
  override readonly name = 'NoServer';
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
    throw new NoServer(failures.map(([{ host, port }, error]) => `${host}:${port}: ${textOf(error)}`).join('; '), { cause: first?.[1] });
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

/** The server answers and says no: login (class 28), no such database. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(28...|3D000)$/.test(error.code);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.message === '') return 'code' in error ? String(error.code) : 'no answer';
  return error.message;
}
