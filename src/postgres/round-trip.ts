/**
 * Several statements for one round trip and one answer: the server sends nothing before the last of them is done. node-pg
 * ends every statement with a Sync, which the server answers at once: on a machine where waking a process is dear (a
 * VM), the five answers of a batch cost as much as its work. Given to `client.query` as pg-cursor's are.
 *
 * Transactions are begun and ended by statements of their own: what a message without them commits differs by version.
 */
import pg from 'pg';

/** Kept by a connection: names are few, but which columns of a row change together is up to the world. */
const MAX_PREPARED = 200;

export interface Statement {
  /** Prepared once for each connection; '' is parsed each time. */
  readonly name: string;
  readonly text: string;
  /** As PostgreSQL reads them; a Buffer is text in UTF-8, or bytes. */
  readonly values: readonly (string | Buffer | null)[];
  /** By default only what begins with `select` returns some. */
  readonly returnsRows?: boolean;
}

export type Row = Record<string, unknown>;

/** A result column's text → its value. */
export type ParserOf = (typeOid: number) => (text: string) => unknown;

export interface RoundTripOptions {
  readonly statements: readonly Statement[];
  /**
   * A simple query behind them. It is executed and committed as one message: the server never waits for the client
   * while it holds what this takes.
   */
  readonly last?: string;
  /** Names of the connection's prepared statements; kept up to date. */
  readonly prepared: Set<string>;
  readonly parserOf: ParserOf;
}

/** The rows of each statement, `last` included. Rejects with the first error; the others were skipped then. */
export function roundTrip(client: pg.ClientBase, options: RoundTripOptions): Promise<Row[][]> {
  return new Promise((resolve, reject) => {
    client.query(new RoundTrip(options, (error, rows) => (error === null ? resolve(rows) : reject(error))));
  });
}

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

type Callback = (error: Error | null, rows: Row[][]) => void;

/** The parts of node-pg's connection that its types leave out. */
interface Connection {
  readonly stream: { readonly writable: boolean; cork(): void; uncork(): void };
  parse(statement: { readonly name: string; readonly text: string; readonly types: number[] }): void;
  bind(portal: { readonly statement: string; readonly values: readonly (string | Buffer | null)[] }): void;
  describe(portal: { readonly type: 'P'; readonly name: string }): void;
  execute(portal: { readonly portal: string }): void;
  close(statement: { readonly type: 'S'; readonly name: string }): void;
  query(text: string): void;
  sync(): void;
}

class RoundTrip implements pg.Submittable {
  /** node-pg wraps it in its time-out. */
  callback: Callback;
  readonly #options: RoundTripOptions;
  readonly #rows: Row[][] = [[]];
  #columns: readonly Column[] = [];

  constructor(options: RoundTripOptions, callback: Callback) {
    this.#options = options;
    this.callback = callback;
  }

  submit(given: pg.Connection): void {
    const connection = given as unknown as Connection;
    const { statements, last, prepared } = this.#options;
    connection.stream.cork();
    for (const { name: wanted, text, values, returnsRows = text.startsWith('select') } of statements) {
      const name = this.#preparedName(wanted);
      if (name === '' || !prepared.has(name)) {
        if (name !== '') connection.close({ type: 'S', name }); // an earlier try may have come so far
        connection.parse({ name, text, types: [] });
      }
      connection.bind({ statement: name, values });
      if (returnsRows) connection.describe({ type: 'P', name: '' });
      connection.execute({ portal: '' });
    }
    if (last === undefined) connection.sync();
    else connection.query(last);
    connection.stream.uncork();
  }

  handleRowDescription({ fields }: { readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: this.#options.parserOf(dataTypeID) }));
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const row: Row = {};
    this.#columns.forEach(({ name, parse }, i) => {
      const text = fields[i];
      row[name] = text === null || text === undefined ? null : parse(text);
    });
    this.#rows.at(-1)?.push(row);
  }

  handleCommandComplete(): void {
    const { statements, prepared } = this.#options;
    const name = this.#preparedName(statements[this.#rows.length - 1]?.name ?? '');
    if (name !== '') prepared.add(name);
    this.#rows.push([]);
    this.#columns = [];
  }

  #preparedName(name: string): string {
    const { prepared } = this.#options;
    return prepared.has(name) || prepared.size < MAX_PREPARED ? name : '';
  }

  handleReadyForQuery(): void {
    this.callback(null, this.#rows);
  }

  handleError(error: Error, given: pg.Connection): void {
    // Behind an error the server skips all messages, `last` too, until it is told to go on.
    const connection = given as unknown as Connection;
    const wasSkipped = this.#options.last !== undefined && this.#rows.length <= this.#options.statements.length;
    if (wasSkipped && error instanceof pg.DatabaseError && connection.stream.writable) connection.sync();
    this.callback(error, this.#rows);
  }
}
