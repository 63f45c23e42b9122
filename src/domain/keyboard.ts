/** Buttons that an operator offers instead of a question: the `data` of a message of kind `keyboard`. */
import type { Message } from './message.ts';

export interface Button {
  readonly id: string;
  readonly text: string;
}

export interface KeyboardData {
  readonly state: 'pending' | 'completed' | 'cancelled';
  /** Rows of buttons. */
  readonly buttons: readonly (readonly Button[])[];
  readonly response?: { readonly buttonId: string; readonly messageId: string };
}

/** Only operators' keyboards are of this kind, and they are checked before they are sent. */
export function isKeyboard(message: Message): message is Message & { readonly data: KeyboardData } {
  return message.kind === 'keyboard' && !message.deleted;
}

export function buttonOf(buttons: KeyboardData['buttons'], id: string): Button | undefined {
  return buttons.flat().find(button => button.id === id);
}
