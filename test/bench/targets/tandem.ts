/**
 * The product: two dist/main.js processes (more when the shape says so) with the main.ini that is shipped, real
 * sessions, chats assigned by the master and taken by their operators. Visitors' WebSockets are on the slave (A),
 * operators' on the master (B).
 */
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import WebSocket from 'ws';
import { migrate } from '../../../src/postgres/migrate.ts';
import { type VirtualHost, withVirtualHost } from '../../support/broker.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { chatServer, Folder, freePort, type NodeProcess, startNodeProcess } from '../../support/process.ts';
import { listenerPid } from '../processes.ts';
import type { BenchServices } from '../services.ts';
import { type Listener, type Shape, type Target, textOf } from '../target.ts';
import { nodeName, text } from './peers.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** The keys that differ from the shipped main.ini, besides addresses: all visitors come from one. */
export const RAISED = {
  visitor_actions_per_second: 100_000,
  visitor_reads_per_second: 100_000,
  visitor_connections_per_address: 1_000_000,
  visitor_inits_per_second: 100_000,
  visitor_chats_per_minute: 1_000_000,
};
export const MASTER = 'chat-master';
/** Opened at once while chats are made. */
const AT_ONCE = 50;

export interface TandemOptions {
  /** Flags for node, for profiles. */
  readonly nodeFlags?: readonly string[];
  /** Visitors with a connection; the chats of the others are open and silent. */
  readonly connected?: number;
  /** Keys of main.ini that are not as shipped. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface Page {
  readonly pageId: string;
  readonly authToken: string;
  /** As of its full update. */
  readonly revision: string;
}

export class Tandem implements Target {
  readonly name = 'tandem';
  readonly #services: BenchServices;
  readonly #options: TandemOptions;
  readonly #cleanup = new Cleanup();
  readonly nodes: NodeProcess[] = [];
  readonly #visitors: WebSocket[] = [];
  database!: TestDatabase;
  #taken = 0;
  #echoed = 0;
  #refused = 0;

  constructor(services: BenchServices, options: TandemOptions = {}) {
    this.#services = services;
    this.#options = options;
  }

  /** A database with its schema and so many operators; returns the tokens of their logins. */
  async prepare(operators: number, maxChats: number): Promise<string[]> {
    this.database = this.#cleanup.add(await createTestDatabase({ ...this.#services.pg, password: undefined }), it => it.drop());
    const database = this.database.open({ poolSize: 1 });
    await migrate(database);
    await database.end();
    return this.#addOperators(operators, maxChats);
  }

  /** A (a slave), B (the master) and further slaves. */
  async startNodes(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, i) => (i === 0 ? 'chat-slave' : i === 1 ? MASTER : `chat-slave-${i}`));
    const startNode = await this.place(names);
    const nodes = new Map<string, NodeProcess>();
    for (const name of [MASTER, ...names.filter(it => it !== MASTER)]) nodes.set(name, await startNode(name));
    this.nodes.push(...names.flatMap(name => nodes.get(name) ?? []));
  }

  /** A place for the nodes of one cluster; returns what starts one of them and waits until it is ready. */
  async place(names: readonly string[]): Promise<(name: string) => Promise<NodeProcess>> {
    const vhost = this.#cleanup.add(await withVirtualHost(), it => it.delete());
    const folder = this.#cleanup.add(new Folder(), it => it.remove());
    folder.write(
      'cluster.json',
      JSON.stringify({ cluster_name: 'bench', chat_server_node_names: names, chat_server_master_node_name: MASTER }),
    );
    return name => this.#startNode(name, folder, vhost);
  }

  /** A command of an administrator: `department`, `set`, … */
  async administer(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await chatServer(args, { env: this.#environment() });
    if (code !== 0) throw new Error(`chat-server ${args.join(' ')} ended with ${code ?? 'a signal'}: ${stderr}`);
  }

  #environment(): Record<string, string> {
    const { host, port, name, user } = this.database;
    const settings = Object.entries({ ...RAISED, ...this.#options.settings });
    return {
      CHAT_DB_HOST: host,
      CHAT_DB_PORT: String(port),
      CHAT_DB_NAME: name,
      CHAT_DB_USERNAME: user,
      ...Object.fromEntries(settings.map(([key, value]) => [`CHAT_${key.toUpperCase()}`, String(value)])),
    };
  }

  async #startNode(name: string, folder: Folder, vhost: VirtualHost): Promise<NodeProcess> {
    const node = await startNodeProcess(
      [
        ...['--config', path.join(ROOT, 'main.ini'), '--cluster_config', path.join(folder.path, 'cluster.json')],
        ...['--node_name', name, '--multinode_mode', name === MASTER ? 'master' : 'slave'],
      ],
      {
        cwd: folder.path,
        port: await freePort(),
        nodeFlags: this.#options.nodeFlags ?? [],
        readyWithin: 60_000,
        env: {
          ...this.#environment(),
          CHAT_MQ_HOST: '127.0.0.1',
          CHAT_MQ_PORT: String(this.#services.mq.port),
          CHAT_MQ_VIRTUAL_HOST: vhost.name,
        },
      },
    );
    return this.#cleanup.add(node, it => it.stop());
  }

  async start(shape: Shape, listener: Listener): Promise<void> {
    const tokens = await this.prepare(shape.operators, Math.ceil(shape.chats / shape.operators));
    await this.startNodes(shape.nodes);
    const [a, b] = this.nodes;
    if (a === undefined || b === undefined) throw new Error('two nodes are needed');
    await inTurns(tokens, token => this.#connectOperator(b, token, listener));
    const numbers = Array.from({ length: shape.chats }, (_, chat) => chat);
    const pages = await inTurns(numbers, async () => openPage(a.url));
    const connected = this.#options.connected ?? shape.chats;
    await inTurns(numbers, async chat => {
      const page = pages[chat];
      if (page === undefined) return;
      const start = { action: 'chat.start', 'client-side-id': `chat-${chat}`, 'first-question': textOf(chat) };
      if (chat >= connected) await act(a.url, page, start);
      else {
        const socket = await openVisitor(a, page, data => this.#hearVisitor(data, listener));
        this.#visitors[chat] = socket;
        socket.send(JSON.stringify({ id: 'start', ...start }));
      }
    });
    await eventually(() => this.#taken === shape.chats, { within: 180_000, every: 50 });
  }

  send(chat: number, id: number): void {
    this.#visitors[chat]?.send(`{"id":${id},"action":"chat.message","client-side-id":"${id}","message":${JSON.stringify(textOf(id))}}`);
  }

  processes() {
    return [
      ...this.nodes.map(({ pid }, i) => ({ name: nodeName(i), pid })),
      { name: 'postgres', pid: listenerPid(this.#services.pg.port) },
      { name: 'broker', pid: listenerPid(this.#services.mq.port) },
    ];
  }

  async persisted(): Promise<number> {
    const [row] = await this.database.query<{ count: string }>('select count(*) from message');
    return Number(row?.count);
  }

  /** Sent back to their visitors, who see their own messages as deltas too; and refused. */
  extras() {
    return { echoed: this.#echoed, refused: this.#refused };
  }

  async stop(): Promise<void> {
    for (const socket of this.#visitors) socket.terminate();
    await this.#cleanup.run();
  }

  /** Without passwords, which take 50 ms each: their sessions are as a login makes them. */
  async #addOperators(count: number, maxChats: number): Promise<string[]> {
    const tokens = Array.from({ length: count }, () => randomBytes(32).toString('base64url'));
    await this.database.query(
      `with added as (
         insert into operator (id, login, fullname, title, status, status_sort, status_us, status_reason, load, max_chats, department_keys, langs, roles, disabled)
         select nextval('operator_id'), 'op' || i, 'Operator ' || i, '', 'offline', 'offline', 0, 'manual', 0, $1, '[]', '[]', '["operator"]', false
         from generate_series(1, $2) i returning id)
       insert into operator_session (token_hash, operator_id, expires_at)
       select hash, id, clock_timestamp() + interval '12 hours' from unnest($3::text[]) with ordinality t(hash, place)
       join (select id, row_number() over (order by id) as place from added) a using (place)`,
      [maxChats, count, tokens.map(token => createHash('sha256').update(token).digest('hex'))],
    );
    return tokens;
  }

  async #connectOperator(node: NodeProcess, token: string, listener: Listener): Promise<void> {
    let actions = 0;
    const socket = await openOperator(node, token, data => {
      const frame = JSON.parse(data.toString()) as OperatorFrame;
      for (const { objectType, event, data: object } of frame.deltaList ?? []) {
        if (objectType === 'CHAT_MESSAGE' && event === 'add') listener.delivered(Number(object?.message?.clientSideId));
        else if (objectType === 'CHAT' && object?.assignedOperatorId != null && object.messages !== undefined) {
          socket.send(JSON.stringify({ id: `take-${actions++}`, action: 'chat.take', chatId: object.id }));
        }
      }
      if (typeof frame.id === 'string' && frame.id.startsWith('take-')) {
        if (frame.result !== 'ok') throw new Error(`chat.take: ${data.toString()}`);
        this.#taken += 1;
      }
    });
    this.#cleanup.add(socket, it => it.terminate());
    await setOnline(node, token);
  }

  #hearVisitor(frame: string, listener: Listener): void {
    if (frame.startsWith('{"id":')) {
      const answer = JSON.parse(frame) as { id: number | string; result?: string };
      if (answer.result !== 'ok') this.#refused += 1;
      else if (typeof answer.id === 'number') listener.acknowledged(answer.id);
      return;
    }
    const added = '"CHAT_MESSAGE","event":"add"';
    for (let at = frame.indexOf(added); at !== -1; at = frame.indexOf(added, at + added.length)) this.#echoed += 1;
  }
}

export interface OperatorFrame {
  readonly id?: string;
  readonly result?: string;
  readonly deltaList?: readonly {
    readonly objectType: string;
    readonly event: string;
    readonly id: number;
    readonly data: {
      readonly id: number;
      readonly assignedOperatorId?: number | null;
      readonly messages?: readonly { readonly clientSideId: string }[];
      readonly message?: { readonly clientSideId: string };
    } | null;
  }[];
}

export async function openPage(url: string): Promise<Page> {
  const query = new URLSearchParams({ event: 'init', since: '0', platform: 'web', location: 'bench', title: 'Bench' });
  const response = await fetch(`${url}/l/v/m/init?${query.toString()}`);
  const { revision, fullUpdate } = (await response.json()) as { revision: string; fullUpdate?: Omit<Page, 'revision'> };
  if (fullUpdate === undefined) throw new Error(`init answered ${response.status}`);
  return { pageId: fullUpdate.pageId, authToken: fullUpdate.authToken, revision };
}

export async function openVisitor(node: NodeProcess, { pageId, authToken }: Page, hear: (frame: string) => void): Promise<WebSocket> {
  const query = new URLSearchParams({ 'page-id': pageId, 'auth-token': authToken });
  const socket = new WebSocket(`${node.url.replace('http', 'ws')}/ws/v/delta?${query.toString()}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => {
    socket.once('message', resolve).on('error', reject);
  });
  socket.on('message', data => hear(text(data)));
  return socket;
}

/** Open when the first frame has come: a full update, or with `since` what he has missed. `hear` gets those behind it. */
export async function openOperator(node: NodeProcess, token: string, hear: (frame: Buffer) => void, since?: string): Promise<WebSocket> {
  const query = since === undefined ? '' : `?since=${since}`;
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${node.url.replace('http', 'ws')}/ws/o/delta${query}`, { perMessageDeflate: false, headers });
  let isOpen = false;
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject).on('message', data => {
      if (isOpen) return hear(data as Buffer);
      isOpen = true;
      resolve();
    });
  });
  return socket;
}

export async function setOnline(node: NodeProcess, token: string): Promise<void> {
  const response = await fetch(`${node.url}/l/o/set-status`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams({ status: 'online' }),
  });
  if (!response.ok) throw new Error(`set-status answered ${response.status}: ${await response.text()}`);
}

export async function act(url: string, { pageId, authToken }: Page, parameters: Record<string, string>): Promise<void> {
  const response = await fetch(`${url}/l/v/m/action`, {
    method: 'POST',
    body: new URLSearchParams({ 'page-id': pageId, 'auth-token': authToken, ...parameters }),
  });
  const answer = await response.text();
  if (answer !== '{"result":"ok"}') throw new Error(`${parameters['action'] ?? ''} answered ${response.status} ${answer}`);
}

/** In the order given, some at once. */
export async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += AT_ONCE) results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(work))));
  return results;
}
