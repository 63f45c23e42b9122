/** An operator's connection that hears whom chats are assigned to: counted while it is measured, read afterwards. */
import type { OperatorFrame } from './targets/tandem.ts';

const MARK = '"assignedOperatorId":';
const [ZERO, NINE] = ['0'.charCodeAt(0), '9'.charCodeAt(0)];

export class Witness {
  readonly #operatorId: number;
  #frames: Buffer[] = [];
  #missing = Number.POSITIVE_INFINITY;
  #done: (atMs: number) => void = () => undefined;

  constructor(operatorId: number) {
    this.#operatorId = operatorId;
  }

  /** Resolves with the time (ms since 1970) at which the last one of so many was heard. */
  expect(assignments: number, withinMs: number): Promise<number> {
    this.#frames = [];
    this.#missing = assignments;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`operator ${this.#operatorId} waits for ${this.#missing} assignments`)), withinMs);
      this.#done = atMs => {
        clearTimeout(late);
        resolve(atMs);
      };
    });
  }

  hear(frame: Buffer): void {
    let count = 0;
    for (let at = frame.indexOf(MARK); at !== -1; at = frame.indexOf(MARK, at + MARK.length)) {
      const next = frame[at + MARK.length] ?? 0;
      if (next >= ZERO && next <= NINE) count += 1;
    }
    if (count === 0) return;
    this.#frames.push(frame);
    this.#missing -= count;
    if (this.#missing <= 0) this.#done(Date.now());
  }

  /** Throws unless it has heard of each of these once, and got those with their messages that are its own. */
  refuseUnlessHeard(operatorOf: ReadonlyMap<number, number>): void {
    const heard = new Set<number>();
    for (const frame of this.#frames) {
      const { deltaList = [] } = JSON.parse(frame.toString()) as OperatorFrame;
      for (const { objectType, id, data } of deltaList) {
        const operatorId = data?.assignedOperatorId ?? undefined;
        if (operatorId === undefined) continue;
        const isHis = operatorId === this.#operatorId;
        const asExpected = isHis ? objectType === 'CHAT' && data?.messages?.length === 1 : objectType === 'CHAT_STATE';
        if (!asExpected || heard.has(id) || operatorOf.get(id) !== operatorId) {
          throw new Error(`operator ${this.#operatorId} heard of chat ${id} as ${objectType} of ${operatorId}, again or wrongly`);
        }
        heard.add(id);
      }
    }
    if (heard.size !== operatorOf.size) throw new Error(`operator ${this.#operatorId} heard of ${heard.size} chats of ${operatorOf.size}`);
  }
}
