/** What the load generator drives: servers that carry a visitor's message from node A to an operator on node B. */
import type { Watched } from './processes.ts';

export interface Shape {
  readonly chats: number;
  readonly operators: number;
  /** Two carry the load; further ones are idle. */
  readonly nodes: number;
}

/** Ids count messages of one start from 0. */
export interface Listener {
  /** The operator's client has the message. */
  delivered(id: number): void;
  /** The visitor's client knows that it is stored. */
  acknowledged(id: number): void;
}

export interface Target {
  readonly name: string;
  /** Servers, chats, and a connection for each visitor (to A) and each operator (to B). */
  start(shape: Shape, listener: Listener): Promise<void>;
  /** Synchronous: fire and forget. */
  send(chat: number, id: number): void;
  processes(): readonly Watched[];
  /** Messages stored since the start. */
  persisted(): Promise<number>;
  /** What else should be 0 or equal to what was sent, by name. */
  extras?(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const TEXT = 'Hello, I ordered a pair of shoes last week and the parcel still has not arrived, could you please check where it is? ';

/** 150 characters, each different: about 250 bytes as an event. */
export function textOf(id: number): string {
  return `${TEXT}${id}`.padEnd(150, '.');
}
