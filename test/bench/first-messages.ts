/**
 * G13: visitors begin chats at a steady rate with the master, by HTTP; operators are connected to the slave. Open loop: times
 * count from when a message should have been sent.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Histogram } from './histogram.ts';
import { LeanHttp } from './lean-http.ts';
import { loadAverage, ProcessWatch } from './processes.ts';
import type { BenchContext } from './scenario.ts';
import { textOf } from './target.ts';
import { inTurns, type OperatorFrame, openOperator, openPage, setOnline, Tandem } from './targets/tandem.ts';
import { usageBetween } from './usage.ts';

const RATE = 200;
const OPERATORS = 50;
const MAX_CHATS = 1_000;
const WARM_UP_MS = 3_000;
const DRAIN_MS = 10_000;
/** In those frames only are chats that have become an operator's own. */
const WITH_MESSAGES = '"messages":[';
/** Nobody takes his chats. */
const SETTINGS = { assignment_timeout_seconds: 3_600 };

export async function runFirstMessages(context: BenchContext): Promise<void> {
  const { services, seconds } = context;
  const cluster = new Tandem(services, { settings: SETTINGS });
  try {
    const tokens = await cluster.prepare(OPERATORS, MAX_CHATS);
    await cluster.startNodes(2);
    const [slave, master] = cluster.nodes;
    if (slave === undefined || master === undefined) throw new Error('two nodes are needed');
    const load = new FirstMessages(master.port);
    await inTurns(tokens, async token => {
      await openOperator(slave, token, frame => load.hear(frame));
      await setOnline(slave, token);
    });
    const count = Math.floor((RATE * (WARM_UP_MS + seconds * 1_000)) / 1_000);
    const pages = await inTurns(Array.from({ length: count }), () => openPage(master.url));
    const forms = pages.map(({ pageId, authToken }, i) => {
      const form = { 'page-id': pageId, 'auth-token': authToken, action: 'chat.message', 'client-side-id': String(i), message: textOf(i) };
      return new URLSearchParams(form).toString();
    });
    context.record('assignment', `tandem ${RATE}/s`, await load.run(forms, new ProcessWatch(cluster.processes()), seconds));
  } finally {
    await cluster.stop();
  }
}

class FirstMessages {
  readonly #port: number;
  readonly #free: LeanHttp[] = [];
  readonly #all: LeanHttp[] = [];
  readonly #told = new Histogram();
  readonly #answered = new Histogram();
  readonly #seen = new Set<number>();
  #startMs = Number.POSITIVE_INFINITY;
  #doubled = 0;
  #failure: unknown;

  constructor(port: number) {
    this.#port = port;
  }

  /** A frame of any operator. */
  hear(frame: Buffer): void {
    if (!frame.includes(WITH_MESSAGES)) return;
    const now = performance.now();
    const { deltaList = [] } = JSON.parse(frame.toString()) as OperatorFrame;
    for (const { objectType, data } of deltaList) {
      const message = objectType === 'CHAT' && data?.assignedOperatorId != null ? data.messages?.[0] : undefined;
      if (message === undefined) continue;
      const id = Number(message.clientSideId);
      if (this.#seen.has(id)) this.#doubled += 1;
      else if (this.#isMeasured(id)) this.#told.add(now - this.#dueMs(id));
      this.#seen.add(id);
    }
  }

  /** Each form is a chat's first message. */
  async run(forms: readonly string[], watch: ProcessWatch, seconds: number): Promise<object> {
    this.#startMs = performance.now() + 10;
    const fromMs = this.#startMs + WARM_UP_MS;
    const measured = usageBetween(watch, fromMs, fromMs + seconds * 1_000);
    for (let id = 0; id < forms.length && this.#failure === undefined; await wait(1)) {
      for (const now = performance.now(); id < forms.length && this.#dueMs(id) <= now; id++) this.#send(id, forms[id] ?? '');
    }
    const { cores } = await measured;
    for (const end = performance.now() + DRAIN_MS; this.#seen.size < forms.length && performance.now() < end; ) await wait(20);
    for (const connection of this.#all) connection.destroy();
    if (this.#failure !== undefined) throw new Error('a first message was not taken', { cause: this.#failure });
    return {
      operators: OPERATORS,
      sent: forms.length,
      lost: forms.length - this.#seen.size,
      doubled: this.#doubled,
      told: this.#told.percentiles(),
      answered: this.#answered.percentiles(),
      cores,
      load: loadAverage(),
    };
  }

  #send(id: number, form: string): void {
    let connection = this.#free.pop();
    if (connection === undefined) this.#all.push((connection = new LeanHttp(this.#port)));
    const used = connection;
    used.post('/l/v/m/action', form).then(
      answer => {
        if (answer !== '{"result":"ok"}') this.#failure ??= answer;
        if (this.#isMeasured(id)) this.#answered.add(performance.now() - this.#dueMs(id));
        this.#free.push(used);
      },
      (error: unknown) => (this.#failure ??= error),
    );
  }

  #isMeasured(id: number): boolean {
    return this.#dueMs(id) >= this.#startMs + WARM_UP_MS;
  }

  #dueMs(id: number): number {
    return this.#startMs + (id * 1_000) / RATE;
  }
}
