/**
 * The master's job of telling apps that are not looked at: what an operator said is pushed when the visitor has not read it a few
 * seconds later. Follows from the replica alone; what waits here is lost with the node, the message itself never.
 */
import { cutText } from '../domain/text.ts';
import type { Chat } from '../domain/chat.ts';
import { isShownToVisitors, type Message } from '../domain/message.ts';
import type { Counter, LabelledCounter, Log, Metrics, PushGateway, PushNote, PushTarget, PushTargets } from '../ports/index.ts';
import type { AppliedChange, Replica } from '../sync/replica.ts';

/** More are dropped, oldest first: who has so much to read knows it. */
const MAX_WAITING = 10_000;
const MAX_SENDING = 20;
const TRIES = 3;
const RETRY_MS = 2_000;
const TEXT_LENGTH = 200;

export interface PushNotificationsOptions {
  readonly replica: Replica;
  readonly targets: PushTargets;
  readonly gateway: PushGateway;
  readonly leads: () => boolean;
  readonly afterMs: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface Waiting {
  readonly message: Message;
  readonly dueMs: number;
}

export class PushNotifications {
  readonly #options: PushNotificationsOptions;
  readonly #done: LabelledCounter;
  readonly #dropped: Counter;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #sending = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: PushNotificationsOptions) {
    this.#options = options;
    const { metrics, replica } = options;
    this.#done = metrics.labelled('push_notifications_total', 'Push notifications: sent, gone (the token is forgotten), failed', 'outcome');
    this.#dropped = metrics.counter('push_dropped_total', 'Push notifications that were not tried because too many waited');
    metrics.gauge('push_waiting', `Messages that may have to be pushed (at most ${MAX_WAITING})`, () => this.#waiting.length);
    replica.listen({ applied: applied => this.#hear(applied) });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#sending);
  }

  #hear({ change }: AppliedChange): void {
    if (change.type !== 'message-added' || typeOf(change.message) === undefined || !this.#options.leads() || this.#stopped) return;
    this.#waiting.push({ message: change.message, dueMs: performance.now() + this.#options.afterMs });
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#dropped.inc();
    }
    this.#timer ??= setTimeout(() => this.#work(), this.#options.afterMs);
  }

  /** In the order of their coming; as many at once as the service is asked. */
  #work(): void {
    this.#timer = undefined;
    while (this.#sending.size < MAX_SENDING && (this.#waiting[0]?.dueMs ?? Infinity) <= performance.now()) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      const sending = this.#tell(next.message).finally(() => {
        this.#sending.delete(sending);
        if (!this.#stopped) this.#work();
      });
      this.#sending.add(sending);
    }
    const [first] = this.#waiting;
    if (first === undefined || this.#stopped || this.#sending.size >= MAX_SENDING) return;
    this.#timer ??= setTimeout(() => this.#work(), Math.max(10, first.dueMs - performance.now()));
  }

  async #tell(message: Message): Promise<void> {
    const { replica, targets, log } = this.#options;
    const chat = replica.chats.get(message.chatId);
    if (chat === undefined || !isUnread(chat, message)) return;
    try {
      const pages = await targets.pushTargets(message.visitorId);
      await Promise.all(pages.map(page => this.#send(page, noteOf(message, chat, page))));
    } catch (error) {
      log.warn('push-failed', { error });
    }
  }

  async #send(page: PushTarget, note: PushNote): Promise<void> {
    const { gateway, targets, log } = this.#options;
    for (let left = TRIES; ; ) {
      try {
        const outcome = await gateway.send(page.token, note);
        this.#done.inc(outcome);
        if (outcome === 'gone') await targets.setPushToken(page.pageId, null);
        return;
      } catch (error) {
        left -= 1;
        if (left === 0 || this.#stopped) {
          this.#done.inc('failed');
          log.warn('push-failed', { reason: whyNot(error) }, 'push-failed');
          return;
        }
        await new Promise(resolve => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}

function isUnread({ unreadByVisitorSinceUs }: Chat, message: Message): boolean {
  return unreadByVisitorSinceUs !== null && message.tsUs >= unreadByVisitorSinceUs;
}

/** As SDKs know them; undefined: not to be pushed. */
function typeOf({ kind }: Message): PushNote['type'] | undefined {
  if (!isShownToVisitors(kind)) return undefined;
  if (kind === 'operator' || kind === 'keyboard') return 'P.OM';
  if (kind === 'file_operator') return 'P.OF';
  return kind === 'cont_req' ? 'P.CR' : undefined;
}

/** The visitor's id comes last, where SDKs look for it. */
function noteOf(message: Message, chat: Chat, { location }: PushTarget): PushNote {
  const type = typeOf(message) ?? 'P.OM';
  const said = type === 'P.OF' ? filenameOf(message) : cutText(message.text, TEXT_LENGTH);
  const params = type === 'P.CR' ? [message.visitorId] : [message.name, said, message.visitorId];
  return { type, params, location, unread: chat.unreadByVisitorMsgCnt };
}

function filenameOf({ data }: Message): string {
  return (data as { readonly file?: { readonly desc?: { readonly filename?: string } } } | null)?.file?.desc?.filename ?? '';
}

/** The service is somebody else's: its sentence, and what the network says, without a stack of ours. */
function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
