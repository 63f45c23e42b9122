/** Short words about what did not work, or what did; each goes by itself. */
import { signal } from '@preact/signals';
import { explain } from './words.ts';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isError: boolean;
}

const SHOWN_MS = 7_000;
const MOST = 4;

export const toasts = signal<readonly Toast[]>([]);
let nextId = 1;

export function say(text: string, isError = false): void {
  const toast = { id: nextId++, text, isError };
  toasts.value = [...toasts.value.filter(other => other.text !== text), toast].slice(-MOST);
  setTimeout(() => dismiss(toast.id), SHOWN_MS);
}

export function sayError(error: unknown): void {
  say(explain(error), true);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter(toast => toast.id !== id);
}
