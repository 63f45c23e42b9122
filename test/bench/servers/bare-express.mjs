// What a team would write first: express, one insert per message from a pool, long polls held in a map.
//   POST /action (form: page-id, client-side-id, message) → row → {"result":"ok"}, and wakes the visitor's poll
//   GET /delta?page-id=&since= → what is newer than since, or held up to 25 s
// No sessions, no rights, no chats, no other node. Arguments as JSON: { pg }. Prints its port.
import express from 'express';
import pg from 'pg';

const { pg: database } = JSON.parse(process.argv[2]);
const [POOL, HOLD_MS, REMEMBERED] = [10, 25_000, 100];
const INSERT = 'insert into bench_message (chat, client_id, kind, name, body) values ($1, $2, $3, $4, $5) returning id';

const pool = new pg.Pool({ ...database, max: POOL });
for (const client of await Promise.all(Array.from({ length: POOL }, () => pool.connect()))) client.release();
const visitors = new Map();

function visitorOf(id) {
  if (!visitors.has(id)) visitors.set(id, { messages: [], held: undefined });
  return visitors.get(id);
}

function answer(response, messages, since) {
  const deltaList = messages.map(data => ({ objectType: 'CHAT_MESSAGE', event: 'add', id: data.id, data }));
  response.json({ revision: messages.at(-1)?.id ?? since, deltaList });
}

const app = express();
app.disable('x-powered-by');
app.disable('etag');

app.post('/action', express.urlencoded({ extended: false }), async (request, response) => {
  const { 'page-id': page, 'client-side-id': clientSideId, message: text } = request.body;
  const { rows } = await pool.query({ name: 'insert', text: INSERT, values: [Number(page), Number(clientSideId), 'visitor', 'Guest', text] });
  const visitor = visitorOf(page);
  const message = { id: rows[0].id, clientSideId, kind: 'visitor', name: 'Guest', text, ts: Date.now() / 1_000, read: false };
  visitor.messages.push(message);
  if (visitor.messages.length > REMEMBERED) visitor.messages.shift();
  response.json({ result: 'ok' });
  visitor.held?.([message]);
});

app.get('/delta', (request, response) => {
  const since = Number(request.query.since);
  const visitor = visitorOf(request.query['page-id']);
  const missed = visitor.messages.filter(({ id }) => Number(id) > since);
  if (missed.length > 0) return answer(response, missed, since);
  const end = messages => {
    clearTimeout(timer);
    visitor.held = undefined;
    answer(response, messages, since);
  };
  const timer = setTimeout(end, HOLD_MS, []);
  visitor.held = end;
  response.once('close', () => clearTimeout(timer));
});

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
