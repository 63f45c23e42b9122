/** Floods that a test runs against a node: sockets that ask and never read, WebSockets without end, uploads that trickle. Each ends by `stop`. */
import net from 'node:net';
import WebSocket from 'ws';

export interface Flood {
  stop(): void;
}

/** `count` connections, each opened again when it is closed, a moment later. */
function keepOpen(count: number, connect: (i: number, again: () => void) => { destroy(): void }): Flood {
  let stopped = false;
  const open = new Map<number, { destroy(): void }>();
  const start = (i: number): void => {
    if (stopped) return;
    let isOver = false;
    open.set(
      i,
      connect(i, () => {
        if (isOver) return;
        isOver = true;
        setTimeout(() => start(i), 200 + Math.random() * 300);
      }),
    );
  };
  for (let i = 0; i < count; i++) start(i);
  return {
    stop() {
      stopped = true;
      for (const socket of open.values()) socket.destroy();
    },
  };
}

/** Asks again and again, and reads nothing of what is answered. `heads`: requests up to their last line, taken in turns. */
export function unreadAnswers(port: number, count: number, heads: readonly string[]): Flood {
  return keepOpen(count, (i, again) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined).once('close', again);
    socket.pause();
    // More than one: what the kernel takes of the first leaves the next ones to the node.
    socket.write(`${heads[i % heads.length] ?? ''}\r\n`.repeat(8));
    setTimeout(() => socket.destroy(), 20_000 + Math.random() * 5_000).unref();
    return socket;
  });
}

export function webSockets(
  count: number,
  connect: (i: number) => { readonly url: string; readonly headers: Record<string, string> },
): Flood {
  return keepOpen(count, (i, again) => {
    const { url, headers } = connect(i);
    const socket = new WebSocket(url, { headers });
    socket.on('error', () => undefined).once('close', again);
    return { destroy: () => socket.terminate() };
  });
}

/** Uploads that send a few bytes twice a second, `from` of each. */
export function trickles(port: number, count: number, from: (i: number) => string): Flood {
  return keepOpen(count, (i, again) => {
    const socket = net.connect(port, '127.0.0.1');
    const timer = setInterval(() => socket.write('x'.repeat(1_000)), 500);
    socket
      .on('error', () => undefined)
      .resume()
      .once('close', () => {
        clearInterval(timer);
        again();
      });
    socket.write(
      `POST /l/v/m/upload HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${from(i)}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000\r\n\r\n` +
        '--b\r\nContent-Disposition: form-data; name="webim_upload_file"; filename="a.txt"\r\n\r\n',
    );
    return socket;
  });
}
