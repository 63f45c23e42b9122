/** Whether the visitor's card is shown beside the chat; remembered by the browser. */
import { effect, signal } from '@preact/signals';

const KEY = 'tandem.card';

export const cardIsShown = signal(localStorage.getItem(KEY) !== 'hidden');
effect(() => localStorage.setItem(KEY, cardIsShown.value ? 'shown' : 'hidden'));
