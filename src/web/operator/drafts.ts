/** Texts that were written and not sent, by chat: they survive a reload, and are forgotten after a week. */

import type { WordsKind } from './wire.ts';

/** A note has a draft of its own: it must never come back as an answer. */
export type DraftKey = number | `note ${number}`;

export function draftKey(chatId: number, kind: WordsKind): DraftKey {
  return kind === 'for_operator' ? `note ${chatId}` : chatId;
}

export interface Drafts {
  read(key: DraftKey): string;
  /** '' forgets it. */
  write(key: DraftKey, text: string): void;
}

const KEPT_MS = 7 * 86_400_000;

type Stored = Record<string, { readonly text: string; readonly atMs: number }>;

/** Each operator of this browser has his own. */
export function openDrafts(operatorId: number, storage: Storage = localStorage): Drafts {
  const key = `tandem.drafts.${operatorId}`;
  const load = (): Stored => {
    try {
      return (JSON.parse(storage.getItem(key) ?? '{}') ?? {}) as Stored;
    } catch {
      return {};
    }
  };
  return {
    read: chatKey => load()[chatKey]?.text ?? '',
    write(chatKey, text) {
      const oldestMs = Date.now() - KEPT_MS;
      const kept = Object.entries(load()).filter(([id, { atMs }]) => id !== String(chatKey) && atMs > oldestMs);
      if (text !== '') kept.push([String(chatKey), { text, atMs: Date.now() }]);
      try {
        storage.setItem(key, JSON.stringify(Object.fromEntries(kept)));
      } catch {
        // The storage is full or forbidden: the text is still on the page.
      }
    },
  };
}
