// The least that does the work, as fast as these parts go: no sessions, no rights, no states, no recovery.
//   visitor's WebSocket → group commit (a chat always in the same lane, so its order holds) → acknowledgement
//   → one AMQP message per commit → the operator's WebSocket on the other node
// Arguments as JSON: { name, peer, pg, amqp }. Prints its port.
import http from 'node:http';
import amqp from 'amqplib';
import pg from 'pg';
import { WebSocketServer } from 'ws';

const { name, peer, pg: database, amqp: broker } = JSON.parse(process.argv[2]);
const [LANES, MAX_BATCH] = [2, 200];
const EXCHANGE = 'bench.nodes';
const INSERT =
  'insert into bench_message (chat, client_id, kind, name, body) select * from unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::text[]) returning id';

const operatorOf = new Map();

const connection = await amqp.connect(broker);
const publisher = await connection.createConfirmChannel();
const consumer = await connection.createChannel();
await consumer.assertExchange(EXCHANGE, 'direct', { durable: false });
const { queue } = await consumer.assertQueue('', { exclusive: true, autoDelete: true });
await consumer.bindQueue(queue, EXCHANGE, name);
await consumer.consume(
  queue,
  ({ content }) => {
    const corked = new Set();
    for (const message of JSON.parse(content)) {
      const socket = operatorOf.get(message.chat);
      if (socket === undefined) continue;
      if (!corked.has(socket)) socket._socket.cork();
      corked.add(socket);
      socket.send(JSON.stringify(message));
    }
    for (const socket of corked) socket._socket.uncork();
  },
  { noAck: true },
);

const lanes = await Promise.all(
  Array.from({ length: LANES }, async () => {
    const client = new pg.Client(database);
    await client.connect();
    return { client, waiting: [], isBusy: false };
  }),
);

async function drain(lane) {
  while (lane.waiting.length > 0) {
    const batch = lane.waiting.splice(0, MAX_BATCH);
    const columns = ['chat', 'id', 'kind', 'name', 'text'].map(key => batch.map(({ message }) => message[key]));
    const { rows } = await lane.client.query({ name: 'insert', text: INSERT, values: columns });
    batch.forEach(({ socket, message }, i) => {
      message.seq = Number(rows[i].id);
      socket.send(JSON.stringify({ type: 'ack', id: message.id, seq: message.seq }));
    });
    publisher.publish(EXCHANGE, peer, Buffer.from(JSON.stringify(batch.map(({ message }) => message))), {}, () => undefined);
  }
  lane.isBusy = false;
}

const server = http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket, request) => {
  const query = new URL(request.url, 'http://localhost').searchParams;
  socket.on('error', () => undefined);
  for (const chat of query.get('operates')?.split(',') ?? []) operatorOf.set(Number(chat), socket);
  socket.on('message', data => {
    const message = JSON.parse(data);
    const lane = lanes[message.chat % LANES];
    lane.waiting.push({ socket, message });
    if (lane.isBusy) return;
    lane.isBusy = true;
    setImmediate(drain, lane);
  });
  socket.send('{"type":"hello"}');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
