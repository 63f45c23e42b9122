/**
 * One keep-alive connection of HTTP/1.1 with one request at a time, and nothing else: node:http would use more CPU for
 * asking than some servers for answering. Answers must be 200 with a Content-Length.
 */
import net from 'node:net';

const HEAD_END = '\r\n\r\n';

export class LeanHttp {
  readonly #socket: net.Socket;
  /** One character per byte, so that lengths agree; what is compared is ASCII. */
  #received = '';
  #waiting: { readonly resolve: (body: string) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(port: number) {
    this.#socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket
      .on('data', chunk => this.#hear(chunk.toString('latin1')))
      .on('error', error => this.#fail(error))
      .on('close', () => this.#fail(new Error('the connection was closed')));
  }

  get(pathAndQuery: string): Promise<string> {
    return this.#ask(`GET ${pathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1${HEAD_END}`);
  }

  /** `form` is URL-encoded and thereby ASCII. */
  post(path: string, form: string): Promise<string> {
    const type = 'Content-Type: application/x-www-form-urlencoded';
    return this.#ask(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${type}\r\nContent-Length: ${form.length}${HEAD_END}${form}`);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #ask(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#waiting !== undefined || this.#socket.destroyed) return reject(new Error('busy or closed'));
      this.#waiting = { resolve, reject };
      this.#socket.write(request, 'latin1');
    });
  }

  #hear(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(this.#received.slice(0, headEnd + 2))?.[1];
    const bodyAt = headEnd + HEAD_END.length;
    if (length !== undefined && this.#received.length < bodyAt + Number(length)) return;
    const answer = this.#received;
    this.#received = '';
    if (length === undefined || !answer.startsWith('HTTP/1.1 200 ')) return this.#fail(new Error(answer));
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(answer.slice(bodyAt));
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
