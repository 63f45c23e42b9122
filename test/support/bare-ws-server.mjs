// The least that a WebSocket server can do: accepts, sends one frame of so many bytes. What a storm is measured against.
import { WebSocketServer } from 'ws';

const frame = JSON.stringify({ revision: '1', fullUpdate: 'x'.repeat(Number(process.argv[2])) });
const options = { host: '127.0.0.1', port: 0, backlog: 4096, perMessageDeflate: false };
const server = new WebSocketServer(options, () => console.log(server.address().port));
server.on('connection', socket => {
  socket.on('error', () => {});
  socket.send(frame.slice()); // rendered for each, like a snapshot
});
