// The least that a WebSocket server can do: accepts, says one small thing. Prints its port.
import { WebSocketServer } from 'ws';

const options = { host: '127.0.0.1', port: 0, backlog: 4096, perMessageDeflate: false };
const server = new WebSocketServer(options, () => console.log(server.address().port));
const { frameBytes } = JSON.parse(process.argv[2]);
const frame = JSON.stringify({ revision: '1', fullUpdate: 'x'.repeat(Math.max(0, frameBytes - 33)) });
server.on('connection', socket => {
  socket.on('error', () => {});
  socket.send(frame.slice()); // rendered for each, like a snapshot
});
process.stdin.on('end', () => process.exit(0)).resume();
