// What a Node team would build instead: Socket.IO on two nodes with its Redis adapter, one insert per message from a pool.
// Arguments as JSON: { pg, redis }. Prints its port.
import http from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import pg from 'pg';
import { createClient } from 'redis';
import { Server } from 'socket.io';

const { pg: database, redis } = JSON.parse(process.argv[2]);
const POOL = 10;
const INSERT = 'insert into bench_message (chat, client_id, kind, name, body) values ($1, $2, $3, $4, $5) returning id';

const pool = new pg.Pool({ ...database, max: POOL });
for (const client of await Promise.all(Array.from({ length: POOL }, () => pool.connect()))) client.release();
const publisher = await createClient({ url: redis }).connect();
const subscriber = await publisher.duplicate().connect();

const server = http.createServer();
const io = new Server(server, { adapter: createAdapter(publisher, subscriber), transports: ['websocket'], serveClient: false });
io.on('connection', socket => {
  for (const chat of socket.handshake.auth.chats) socket.join(`chat:${chat}`);
  socket.on('message', async (message, acknowledge) => {
    const values = [message.chat, message.id, message.kind, message.name, message.text];
    const { rows } = await pool.query({ name: 'insert', text: INSERT, values });
    message.seq = Number(rows[0].id);
    socket.to(`chat:${message.chat}`).emit('message', message);
    acknowledge({ id: message.id, seq: message.seq });
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
