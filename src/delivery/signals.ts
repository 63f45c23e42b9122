/**
 * What is told to who is connected now, on this node and the others: typing, and apps that start again. No revision, not stored, may
 * be lost. Whoever types says so again and again; when nothing is heard for a while every node ends it for its own clients,
 * so that nobody types for ever whose app, network or node has gone.
 */
import { deviceTopic, hearersOf, pageTopic, visitorTopic } from '../domain/audience.ts';
import type { ClientSignal } from '../domain/signal.ts';
import type { Clock } from '../ports/index.ts';
import { render } from '../protocol/delta.ts';
import { operatorTypingDelta, visitorTypingDelta } from '../protocol/operator-deltas.ts';
import { operatorTypingDelta as operatorTypingForVisitor } from '../protocol/visitor-deltas.ts';
import type { Replica } from '../sync/replica.ts';
import type { Hub } from './hub.ts';

type TypingSignal = Exclude<ClientSignal, { readonly type: 'page-opened' }>;

/** Clients repeat it each second, and end it themselves after some seconds. */
const SILENCE_MS = 10_000;
/** The oldest of more is ended at once. */
const MAX_TYPING = 20_000;

export interface SignalsOptions {
  readonly hub: Pick<Hub, 'tell' | 'answerOthers'>;
  readonly replica: Pick<Replica, 'chats' | 'operators'>;
  readonly clock: Clock;
}

export class Signals {
  readonly #options: SignalsOptions;
  /** In the order in which they were heard last. */
  readonly #typing = new Map<string, { readonly signal: TypingSignal; readonly heardMs: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SignalsOptions) {
    this.#options = options;
  }

  /** Tells the sessions of this node. */
  hear(signal: ClientSignal): void {
    const { hub, clock } = this.#options;
    if (signal.type === 'page-opened') {
      hub.answerOthers(deviceTopic(signal.visitorId, signal.deviceId), pageTopic(signal.pageId));
      return;
    }
    const who = signal.type === 'visitor-typing' ? 'visitor' : signal.operatorId;
    const key = `${signal.chatId} ${who}`;
    this.#typing.delete(key);
    if (signal.typing) {
      this.#typing.set(key, { signal, heardMs: clock.nowMs() });
      this.#endSilent();
    }
    this.#tell(signal);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#typing.clear();
  }

  #endSilent(): void {
    const { clock } = this.#options;
    for (const [key, { signal, heardMs }] of this.#typing) {
      if (clock.nowMs() - heardMs < SILENCE_MS && this.#typing.size <= MAX_TYPING) break;
      this.#typing.delete(key);
      this.#tell(signal.type === 'visitor-typing' ? { ...signal, typing: false, draft: null } : { ...signal, typing: false });
    }
    const [oldest] = this.#typing.values();
    clearTimeout(this.#timer);
    if (oldest === undefined) return;
    this.#timer = setTimeout(() => this.#endSilent(), Math.max(1, oldest.heardMs + SILENCE_MS - clock.nowMs())).unref();
  }

  #tell(signal: TypingSignal): void {
    const { hub, replica } = this.#options;
    const chat = replica.chats.get(signal.chatId);
    if (chat === undefined) return;
    const operators = hearersOf(chat, chat, replica.operators).map(hearer => hearer.topic);
    if (signal.type === 'visitor-typing') {
      hub.tell(operators, [render(visitorTypingDelta(chat.id, signal.typing, signal.draft))]);
    } else {
      hub.tell(operators, [render(operatorTypingDelta(chat.id, signal.operatorId, signal.typing))]);
      hub.tell([visitorTopic(chat.visitorId)], [render(operatorTypingForVisitor(chat.visitSessionId, signal.typing))]);
    }
  }
}
