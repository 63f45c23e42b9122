/** Which chat is open, and on a phone which screen: kept in the address, so that back and reload do what they say. */
import { signal } from '@preact/signals';

export type Screen = 'list' | 'chat' | 'card';

export interface Route {
  readonly chatId: number | null;
  readonly screen: Screen;
}

export const route = signal<Route>(readRoute());
for (const event of ['hashchange', 'popstate']) addEventListener(event, () => (route.value = readRoute()));

export function goTo(chatId: number | null, screen: Screen = chatId === null ? 'list' : 'chat'): void {
  const hash = chatId === null ? '' : screen === 'card' ? `#${chatId}/card` : `#${chatId}`;
  if (hash === location.hash) return;
  history.pushState(null, '', hash === '' ? location.pathname : hash);
  route.value = readRoute();
}

function readRoute(): Route {
  const found = /^#(\d+)(\/card)?$/.exec(location.hash);
  if (found === null) return { chatId: null, screen: 'list' };
  return { chatId: Number(found[1]), screen: found[2] === undefined ? 'chat' : 'card' };
}
