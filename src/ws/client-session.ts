/**
 * A client on a WebSocket: its stream of deltas, and its actions, each answered under the id that the client gave.
 * The same for operators and visitors; what differs is handed in.
 */
import { randomUUID } from 'node:crypto';
import type { Revision } from '../domain/change.ts';
import { ChatError } from '../domain/error.ts';
import { type Log, severityOf } from '../ports/index.ts';
import { parseJsonObject } from '../protocol/body.ts';
import { CLOSE, type CloseCode } from '../protocol/close-codes.ts';
import { type ErrorBody, internalErrorBody } from '../protocol/error-codes.ts';
import { Parameters } from '../protocol/parameters.ts';
import type { Hub } from '../delivery/hub.ts';
import { type Resync, Stream, type StreamClient, type StreamView } from '../delivery/stream.ts';
import type { Connection } from './connection.ts';

/** Actions of one client that wait for their answer; more are refused, so that no client fills the queue. */
const MAX_ACTIONS_IN_FLIGHT = 100;

export interface ClientKind {
  readonly hub: Hub;
  readonly view: StreamView;
  readonly log: Log;
  readonly isOperator: boolean;
  /** Somebody is connected. Returns what to call when not any more. */
  enter(): () => void;
  runAction(parameters: Parameters): Promise<object>;
  errorBody(error: ChatError): ErrorBody;
  /** How to close when the page or login with this token hash has ended; undefined when it is not this client's. */
  whenEnded(tokenHash: string | null | undefined): CloseCode | undefined;
  /** How to close for a ChatError that concerns the whole session. */
  closeFor(error: ChatError): CloseCode | undefined;
}

export class ClientSession implements StreamClient {
  readonly connection: Connection;
  readonly #kind: ClientKind;
  readonly #stream: Stream;
  #inFlight = 0;

  constructor(connection: Connection, kind: ClientKind) {
    this.connection = connection;
    this.#kind = kind;
    this.#stream = new Stream(kind.hub, kind.view, this);
    connection.onFrame(text => void this.#receive(text));
    const leave = kind.enter();
    connection.onClose(() => {
      this.#stream.close();
      leave();
    });
  }

  get isOperator(): boolean {
    return this.#kind.isOperator;
  }

  get isSlow(): boolean {
    return this.connection.isSlow;
  }

  /** The stream speaks once per tick, behind the answers of that tick. */
  send(frame: string): void {
    this.connection.sendLast(frame);
  }

  fail(reason: 'too-slow' | { readonly error: unknown }): void {
    if (reason !== 'too-slow') this.#kind.log[severityOf(reason.error)]('stream-failed', reason);
    this.connection.close(reason === 'too-slow' ? CLOSE.tooSlow : CLOSE.goingAway);
  }

  end(tokenHash: string | null | undefined): void {
    const code = this.#kind.whenEnded(tokenHash);
    if (code !== undefined) this.connection.close(code);
  }

  async open(since: Revision | undefined, resync: Resync | undefined): Promise<void> {
    await this.#stream.open(since, resync);
  }

  ping(): void {
    this.#stream.idle();
    this.connection.ping();
  }

  /** Called when a pong must have come: a client without one is gone. */
  checkPong(): void {
    if (this.connection.awaitsPong) this.connection.terminate();
  }

  async #receive(text: string): Promise<void> {
    let id: string | number;
    let parameters: Parameters;
    try {
      const frame = parseJsonObject(text);
      if (!isFrameId(frame['id']) || typeof frame['action'] !== 'string') throw new Error('no id or action');
      id = frame['id'];
      parameters = new Parameters(frame);
    } catch {
      this.connection.close(CLOSE.badFrame);
      return;
    }
    this.connection.send(JSON.stringify({ id, ...(await this.#answer(parameters)) }));
  }

  async #answer(parameters: Parameters): Promise<object> {
    if (this.#inFlight >= MAX_ACTIONS_IN_FLIGHT) {
      return this.#kind.errorBody(new ChatError('rate-limited', 'rate-limited', `at most ${MAX_ACTIONS_IN_FLIGHT} actions at once`));
    }
    this.#inFlight += 1;
    try {
      return await this.#kind.runAction(parameters);
    } catch (error) {
      if (error instanceof ChatError) {
        const code = this.#kind.closeFor(error);
        if (code !== undefined) this.connection.close(code);
        return this.#kind.errorBody(error);
      }
      const errorId = randomUUID();
      this.#kind.log.error('action-failed', { errorId, error });
      return internalErrorBody(errorId);
    } finally {
      this.#inFlight -= 1;
    }
  }
}

function isFrameId(id: unknown): id is string | number {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= 100);
}
