/** Keys that work everywhere on the desk. Those without Alt or Ctrl are left alone while somebody types or chooses. */
import { closeChat, mayClose, openNeighbour, takeOldest, toggleNotes } from './actions.ts';
import type { Store } from './store.ts';
import { goTo, route } from './route.ts';

/** As they stand in the help, by the names of `words.keys`. */
export const KEYS = [
  ['previous', ['Alt', '↑']],
  ['next', ['Alt', '↓']],
  ['take', ['Alt', 'T']],
  ['close', ['Alt', 'C']],
  ['transfer', ['Alt', 'R']],
  ['note', ['Alt', 'N']],
  ['canned', ['/']],
  ['search', ['Ctrl', 'K']],
  ['send', ['Enter']],
  ['line', ['Shift', 'Enter']],
  ['help', ['?']],
  ['back', ['Esc']],
] as const;

/** By `code`, so that they are the same keys in every layout. */
const WITH_ALT: Readonly<Record<string, (store: Store) => void>> = {
  ArrowUp: store => openNeighbour(store, -1),
  ArrowDown: store => openNeighbour(store, 1),
  KeyT: store => void takeOldest(store),
  KeyC(store) {
    const chat = store.selected.value;
    if (chat !== undefined && mayClose(store, chat)) void closeChat(store, chat);
  },
  KeyR(store) {
    const chat = store.selected.value;
    if (chat !== undefined && mayClose(store, chat)) store.dialog.value = 'transfer';
  },
  KeyN: toggleNotes,
};

/** Returns how to take them away. */
export function listenForShortcuts(store: Store): () => void {
  const onKey = (event: KeyboardEvent): void => {
    const run = find(event, store);
    if (run === undefined) return;
    event.preventDefault();
    run(store);
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}

function find(event: KeyboardEvent, store: Store): ((store: Store) => void) | undefined {
  const { altKey, ctrlKey, metaKey, shiftKey, code, key } = event;
  // A dialog has its own keys; Esc closes it by itself.
  if (event.defaultPrevented || store.dialog.value !== null || document.querySelector('dialog[open]') !== null) return undefined;
  if ((ctrlKey || metaKey) && !altKey && !shiftKey && code === 'KeyK') return () => (store.dialog.value = 'search');
  if (altKey && !ctrlKey && !metaKey && !shiftKey) return WITH_ALT[code];
  if (altKey || ctrlKey || metaKey || isTyping(event.target)) return undefined;
  if (key === '?') return () => (store.dialog.value = 'help');
  if (key === 'Escape' && route.value.chatId !== null) return goBack;
  return undefined;
}

function goBack(): void {
  const { chatId, screen } = route.value;
  goTo(screen === 'card' ? chatId : null);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');
}
