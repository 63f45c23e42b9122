/** The two peers: what Socket.IO with Redis does, and the least that can be done with PostgreSQL, RabbitMQ and ws. */
import pg from 'pg';
import WebSocket from 'ws';
import { listenerPid } from '../processes.ts';
import { type PeerProcess, startPeer } from '../peer-process.ts';
import type { BenchServices } from '../services.ts';
import { type Listener, type Shape, type Target, textOf } from '../target.ts';

export const TABLE = `drop table if exists bench_message;
  create table bench_message (id bigserial primary key, chat int not null, client_id bigint not null, kind text, name text, body text,
                              created_at timestamptz default now());
  create index on bench_message (chat, id)`;

interface Wire {
  /** The servers in the order A, B, then idle ones. */
  startNode(index: number): Promise<PeerProcess>;
  open(port: number, chats: readonly number[], isOperator: boolean, listener: Listener): Promise<WebSocket>;
  frame(message: object): string;
  readonly brokerPort: number;
}

export function minimalBatch(services: BenchServices): Target {
  return peer('minimal-batch', services, {
    brokerPort: services.mq.port,
    startNode: i =>
      startPeer('minimal.mjs', {
        name: `n${i}`,
        peer: `n${1 - i}`,
        pg: client(services),
        amqp: `amqp://guest:guest@127.0.0.1:${services.mq.port}`,
      }),
    open(port, chats, isOperator, listener) {
      const socket = connect(`ws://127.0.0.1:${port}/${isOperator ? `?operates=${chats.join()}` : ''}`);
      return new Promise((resolve, reject) => {
        socket.on('error', reject).on('message', data => {
          const frame = JSON.parse(text(data)) as { type: 'hello' | 'ack' | 'message'; id: number };
          if (frame.type === 'message') listener.delivered(frame.id);
          else if (frame.type === 'ack') listener.acknowledged(frame.id);
          else resolve(socket);
        });
      });
    },
    frame: message => JSON.stringify(message),
  });
}

/** The client speaks Engine.IO's text protocol over bare ws, so that the generator costs about the same for each target. */
export function socketIo(services: BenchServices): Target {
  let packet = 0;
  return peer('socket-io', services, {
    brokerPort: services.redis.port,
    startNode: () => startPeer('socket-io.mjs', { pg: client(services), redis: `redis://127.0.0.1:${services.redis.port}` }),
    open(port, chats, _isOperator, listener) {
      const socket = connect(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
      return new Promise((resolve, reject) => {
        socket.on('error', reject).on('message', data => {
          const frame = text(data);
          if (frame.startsWith('42')) listener.delivered((JSON.parse(frame.slice(2)) as [string, { id: number }])[1].id);
          else if (frame.startsWith('43')) listener.acknowledged((JSON.parse(frame.slice(frame.indexOf('['))) as [{ id: number }])[0].id);
          else if (frame.startsWith('40')) resolve(socket);
          else if (frame.startsWith('0')) socket.send(`40${JSON.stringify({ chats })}`);
          else if (frame === '2') socket.send('3');
        });
      });
    },
    frame: message => `42${packet++}${JSON.stringify(['message', message])}`,
  });
}

function peer(name: string, services: BenchServices, wire: Wire): Target {
  const nodes: PeerProcess[] = [];
  const visitors: WebSocket[] = [];
  const operators: WebSocket[] = [];
  return {
    name,
    async start(shape: Shape, listener) {
      await sql(services, TABLE);
      for (let i = 0; i < shape.nodes; i++) nodes.push(await wire.startNode(i));
      const [a, b] = nodes;
      if (a === undefined || b === undefined) throw new Error('a peer needs two nodes');
      const chatsOf = Array.from({ length: shape.operators }, (): number[] => []);
      for (let chat = 0; chat < shape.chats; chat++) chatsOf[chat % shape.operators]?.push(chat);
      for (const chats of chatsOf) operators.push(await wire.open(b.port, chats, true, listener));
      for (let chat = 0; chat < shape.chats; chat++) visitors.push(await wire.open(a.port, [chat], false, listener));
    },
    send(chat, id) {
      visitors[chat]?.send(
        wire.frame({
          type: 'message',
          chat,
          id,
          kind: 'visitor',
          name: `Guest ${chat}`,
          created: 1_700_000_000_000 + id,
          text: textOf(id),
        }),
      );
    },
    processes: () => [
      ...nodes.map(({ pid }, i) => ({ name: nodeName(i), pid })),
      { name: 'postgres', pid: listenerPid(services.pg.port) },
      { name: 'broker', pid: listenerPid(wire.brokerPort) },
    ],
    persisted: async () => Number((await sql(services, 'select count(*) from bench_message'))[0]?.['count']),
    async stop() {
      for (const socket of [...visitors, ...operators]) socket.terminate();
      for (const node of nodes) await node.stop();
    },
  };
}

export function nodeName(index: number): string {
  return index < 2 ? 'AB'.charAt(index) : `idle${index - 1}`;
}

export function client({ pg: server }: BenchServices): pg.ClientConfig {
  return { host: server.host, port: server.port, user: server.user, database: 'postgres' };
}

export async function sql(services: BenchServices, statement: string): Promise<Record<string, unknown>[]> {
  const connection = new pg.Client(client(services));
  await connection.connect();
  try {
    return (await connection.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await connection.end();
  }
}

function connect(url: string): WebSocket {
  return new WebSocket(url, { perMessageDeflate: false });
}

export function text(data: WebSocket.RawData): string {
  return (data as Buffer).toString();
}
