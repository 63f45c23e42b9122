/**
 * A node's memory and what it tells its operators, on plain objects: changes as commands make them, a database of messages that answers
 * when the test lets it, and clients that see what they are told by the rules of the operators' page.
 */
import { moveChat } from '../../../src/commands/move-chat.ts';
import { poll } from '../../../src/delivery/poll.ts';
import { resumePoint } from '../../../src/delivery/resume.ts';
import { Hub } from '../../../src/delivery/hub.ts';
import { Stream, type StreamView } from '../../../src/delivery/stream.ts';
import { type Change, EPOCH_SIZE } from '../../../src/domain/change.ts';
import { type Chat, isOpenState } from '../../../src/domain/chat.ts';
import { type Move, stateAfter } from '../../../src/domain/chat-states.ts';
import { isFromVisitor, type Message, messageId } from '../../../src/domain/message.ts';
import { lastMessageOf } from '../../../src/domain/state.ts';
import type { Services } from '../../../src/sessions/services.ts';
import { operatorView } from '../../../src/sessions/operators/view.ts';
import type { StoredMessage } from '../../../src/ports/index.ts';
import { Replica } from '../../../src/sync/replica.ts';
import { createMetrics } from '../../../src/system/metrics.ts';
import { applyFrame, type DeskState, EMPTY_DESK } from '../../../src/web/operator/state.ts';
import type { Frame } from '../../../src/web/operator/wire.ts';
import { aChat, aMessage, anOperator } from '../rows.ts';

export const ME = 1;
const OTHER = 2;
const HOLD_MS = 60_000;
const MOVES = [
  'taken',
  'assigned',
  'passed',
  'released',
  'transferred',
  'sent-to-department',
  'held',
  'resumed',
  'closed-by-operator',
] as const;

const metrics = createMetrics();

export class World {
  readonly replica = new Replica();
  readonly #messages: Message[] = [];
  readonly #reads: (() => void)[] = [];
  /** The newest chat of each of those that are spoken of. */
  readonly #chatIds = new Map<number, number>();
  readonly #hub: Hub;
  readonly #services: Services;
  #nowUs = 1_700_000_000_000_000;

  constructor({ ringBytes }: { readonly ringBytes: number }) {
    const messages = { listOfChat: (wanted: Wanted) => this.#later(() => this.#read(wanted)) };
    this.#hub = new Hub({ replica: this.replica, messages, metrics, ringBytes, defaultMaxChats: 5 } as never);
    this.#services = {
      hub: this.#hub,
      replica: this.replica,
      messages,
      derived: { departmentsForOperators: () => [], operatorsSince: () => [] },
      feed: { reached: () => Promise.resolve(false), catchUp: () => Promise.resolve() },
      statuses: [],
      rules: { subjects: [] },
      limits: { defaultMaxChats: 5, maxMessageLength: 100, maxFileBytes: 100 },
      nowUs: () => this.#nowUs,
    } as unknown as Services;
    this.replica.load({
      revision: EPOCH_SIZE,
      batchId: undefined,
      chats: [
        this.#known(1, { state: 'chatting', operatorId: ME, departmentKey: 'sales' }),
        this.#known(2, { departmentKey: 'sales' }),
        this.#known(3, { departmentKey: 'help' }),
      ],
      operators: [
        anOperator({ id: ME, departmentKeys: ['sales'] }),
        anOperator({ id: OTHER, login: 'op2', departmentKeys: ['sales', 'help'] }),
      ],
      departments: [],
    });
  }

  get view(): StreamView {
    return operatorView(this.#services, ME);
  }

  get hub(): Hub {
    return this.#hub;
  }

  get revision(): number {
    return this.replica.revision;
  }

  resumePoint(since: number | undefined) {
    return resumePoint(this.#services, since);
  }

  /** One of what may happen to a chat; what may not happen in its state does not. */
  happens(what: number, place: number, which: number): void {
    this.#nowUs += 1_000;
    const changes = this.#changesOf(what, place, which);
    if (changes.length === 0) return;
    const first = this.revision + 1;
    this.replica.apply({ first, last: first + changes.length - 1, batchId: undefined, changes, bytes: 200 * changes.length });
  }

  /** Loaded anew, with something that nobody has told; in a new epoch where revisions begin anew. */
  reload(isNewEpoch: boolean): void {
    const { chats, operators, departments } = this.replica;
    const revision = isNewEpoch ? (this.replica.epoch + 1) * EPOCH_SIZE : this.revision + 1;
    this.replica.load({
      revision,
      batchId: undefined,
      chats: [...chats.values()].map((chat, i) =>
        i === 0 ? { ...chat, category: `loaded at ${this.#nowUs++}`, version: chat.version + 1 } : chat,
      ),
      operators: [...operators.values()],
      departments: [...departments.values()],
    });
  }

  /** The database answers one of its questions. */
  answerRead(which = 0): void {
    this.#reads.splice(which % Math.max(1, this.#reads.length), 1)[0]?.();
  }

  /** Everything that is under way ends. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 5; quiet++) {
      await new Promise(setImmediate);
      while (this.#reads.length > 0) {
        this.answerRead();
        quiet = 0;
      }
    }
  }

  #later<T>(read: () => T): Promise<T> {
    return new Promise(resolve => this.#reads.push(() => resolve(read())));
  }

  #read({ chatId, upToUs, limit }: Wanted): StoredMessage[] {
    const readUs = this.replica.chats.get(chatId)?.readByOperatorUs ?? 0;
    return this.#messages
      .filter(message => message.chatId === chatId && message.tsUs <= upToUs)
      .slice(-limit)
      .map(message => ({ ...message, read: isFromVisitor(message) && message.tsUs <= readUs }));
  }

  #changesOf(what: number, place: number, which: number): Change[] {
    const chatId = this.#chatIds.get(place) ?? place;
    const chat = this.replica.chats.get(chatId);
    if (chat === undefined) {
      if (what % 2 === 1) return [];
      this.#chatIds.set(place, chatId + 100);
      return [this.#open(chatId + 100, which)];
    }
    const operatorId = which % 2 === 0 ? ME : OTHER;
    switch (what % 7) {
      case 0:
        return [this.#say(chat, null)];
      case 1:
        return chat.operatorId === null ? [this.#say(chat, null), this.#say(chat, null)] : [this.#say(chat, chat.operatorId)];
      case 2:
        return this.#move(chat, MOVES[which % MOVES.length]!, operatorId);
      case 3:
        return this.#edit(chat, which);
      case 4:
        return [{ type: 'chat-described', chatId, category: null, subject: `subject ${which}`, offline: false }];
      case 5:
        return [{ type: 'chat-read-by-operator', chatId, upToUs: chat.lastTsUs, messageIds: [] }];
      default:
        if (which % 3 === 0) return [this.#changeOwnDepartments(which)];
        return this.#move(
          chat,
          chat.state === 'queue' ? 'taken' : which % 3 === 1 ? 'released' : 'transferred',
          chat.state === 'queue' ? ME : operatorId,
        );
    }
  }

  /** One of before, whose words only the database has. */
  #known(id: number, overrides: Partial<Chat>): Chat {
    const lastTsUs = this.#nowUs - 1_000;
    for (const tsUs of [lastTsUs - 1, lastTsUs])
      this.#messages.push(
        aMessage({ tsUs, id: messageId(tsUs, `${id}`.padEnd(16, '0')), chatId: id, visitorId: `v${id}`, text: `before ${id} ${tsUs}` }),
      );
    const newest = this.#messages.at(-1)!;
    const times = { createdUs: lastTsUs - 10, queuedUs: lastTsUs - 10, modifiedUs: lastTsUs, lastTsUs };
    return aChat({
      id,
      visitorId: `v${id}`,
      messageCount: 2,
      lastMessage: lastMessageOf(newest),
      unreadByOperatorSinceUs: lastTsUs,
      ...times,
      ...overrides,
    });
  }

  #open(chatId: number, which: number): Change {
    const departmentKey = [null, 'sales', 'help'][which % 3] ?? null;
    const times = { createdUs: this.#nowUs, queuedUs: this.#nowUs, modifiedUs: this.#nowUs };
    return {
      type: 'chat-opened',
      chat: aChat({ id: chatId, visitorId: `v${chatId}`, clientSideId: `c${chatId}-${this.#nowUs}`, departmentKey, ...times }),
      as: 'opened',
    };
  }

  #say(chat: Chat, authorId: number | null): Change {
    this.#nowUs += 1;
    const tsUs = this.#nowUs;
    const who = authorId === null ? {} : { kind: 'operator' as const, authorId, sender: `o:${authorId}`, name: 'Operator' };
    const message = aMessage({
      tsUs,
      id: messageId(tsUs, '0123456789abcdef'),
      chatId: chat.id,
      visitorId: chat.visitorId,
      text: `said ${tsUs}`,
      ...who,
    });
    this.#messages.push(message);
    return { type: 'message-added', message };
  }

  #edit(chat: Chat, which: number): Change[] {
    const said = this.#messages
      .map((message, i) => ({ message, i }))
      .filter(({ message }) => message.chatId === chat.id && message.tsUs > chat.createdUs);
    const one = said[which % Math.max(1, said.length)];
    if (one === undefined) return [];
    const message: Message = {
      ...one.message,
      text: `edited ${this.#nowUs}`,
      edited: true,
      deleted: which % 5 === 0,
      changedUs: this.#nowUs,
    };
    this.#messages[one.i] = message;
    return [{ type: 'message-edited', message }];
  }

  #move(chat: Chat, move: Move, operatorId: number): Change[] {
    const state = stateAfter(chat.state, move);
    if (state === undefined) return [];
    const keepsAssigned = move === 'assigned' || (move === 'transferred' && state === 'queue');
    if (!keepsAssigned && move === 'passed' && chat.assignedOperatorId === null) return [];
    const has = state === 'chatting' || state === 'hold' || !isOpenState(state);
    const keeps = move === 'held' || move === 'resumed' || !isOpenState(state);
    return [
      moveChat(chat, move, {
        atUs: this.#nowUs,
        by: null,
        operatorId: has ? (keeps ? chat.operatorId : operatorId) : null,
        assignedOperatorId: keepsAssigned ? operatorId : null,
        ...(move === 'sent-to-department' ? { departmentKey: operatorId === ME ? 'help' : 'sales' } : {}),
      }),
    ];
  }

  #changeOwnDepartments(which: number): Change {
    const me = this.replica.operators.get(ME)!;
    return { type: 'operator-saved', operator: { ...me, departmentKeys: which % 2 === 0 ? ['sales'] : ['help'] } };
  }
}

interface Wanted {
  readonly chatId: number;
  readonly upToUs: number;
  readonly limit: number;
}

/** By WebSocket. */
export class SocketClient {
  readonly #world: World;
  #stream: Stream | undefined;
  state: DeskState = EMPTY_DESK;
  /** Why it was closed by the server. */
  readonly failures: unknown[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  async connect(): Promise<void> {
    if (this.#stream !== undefined) return;
    const stream: Stream = new Stream(this.#world.hub, this.#world.view, {
      isSlow: false,
      send: frame => {
        if (this.#stream === stream) this.state = applyFrame(this.state, JSON.parse(frame) as Frame, 0);
      },
      fail: reason => {
        this.failures.push(reason);
        this.drop();
      },
      end: () => this.drop(),
    });
    this.#stream = stream;
    const { since, resync } = await this.#world.resumePoint(sinceOf(this.state));
    await stream.open(since, resync);
  }

  /** Told where it stands, as with each ping. */
  ping(): void {
    this.#stream?.idle();
  }

  drop(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }
}

/** By long polls. */
export class PollingClient {
  readonly #world: World;
  #giveUp: () => void = () => undefined;
  #polling: Promise<void> | undefined;
  state: DeskState = EMPTY_DESK;

  constructor(world: World) {
    this.#world = world;
  }

  get isPolling(): boolean {
    return this.#polling !== undefined;
  }

  start(): void {
    this.#polling ??= this.#poll().finally(() => (this.#polling = undefined));
  }

  /** A held poll is answered; its time is over. */
  giveUp(): void {
    this.#giveUp();
  }

  async #poll(): Promise<void> {
    const { since, resync } = await this.#world.resumePoint(sinceOf(this.state));
    const answer = await poll({
      hub: this.#world.hub,
      view: this.#world.view,
      since,
      resync,
      holdMs: HOLD_MS,
      whileHeld: giveUp => {
        this.#giveUp = giveUp;
        return () => (this.#giveUp = () => undefined);
      },
      ended: () => undefined,
    });
    this.state = applyFrame(this.state, JSON.parse(answer) as Frame, 0);
  }
}

function sinceOf({ revision }: DeskState): number | undefined {
  return revision === '' ? undefined : Number(revision);
}
