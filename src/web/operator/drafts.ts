/** Texts that were written and not sent, by chat: they survive a reload, and are forgotten after a week. */

export interface Drafts {
  read(chatId: number): string;
  /** '' forgets it. */
  write(chatId: number, text: string): void;
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
    read: chatId => load()[chatId]?.text ?? '',
    write(chatId, text) {
      const oldestMs = Date.now() - KEPT_MS;
      const kept = Object.entries(load()).filter(([id, { atMs }]) => id !== String(chatId) && atMs > oldestMs);
      if (text !== '') kept.push([String(chatId), { text, atMs: Date.now() }]);
      try {
        storage.setItem(key, JSON.stringify(Object.fromEntries(kept)));
      } catch {
        // The storage is full or forbidden: the text is still on the page.
      }
    },
  };
}
