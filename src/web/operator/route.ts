/** Which chat is open, and on a phone which screen: kept in the address, so that back and reload do what they say. */
import { signal } from '@preact/signals';

export type Screen = 'list' | 'chat' | 'card';

export interface Route {
  readonly chatId: number | null;
  readonly screen: Screen;
}

/** The page has made this entry of the history itself. */
const INSIDE = 'inside';

export const route = signal<Route>(readRoute());
for (const event of ['hashchange', 'popstate']) addEventListener(event, () => (route.value = readRoute()));

export function goTo(chatId: number | null, screen: Screen = chatId === null ? 'list' : 'chat'): void {
  const hash = chatId === null ? '' : screen === 'card' ? `#${chatId}/card` : `#${chatId}`;
  if (hash === location.hash) return;
  history.pushState(INSIDE, '', hash === '' ? location.pathname : hash);
  route.value = readRoute();
}

/** One screen up, on a phone: the way he came, so that the browser's own back does not lead through it again. */
export function goUp(): void {
  const { chatId, screen } = route.value;
  if (history.state === INSIDE) history.back();
  else goTo(screen === 'card' ? chatId : null);
}

function readRoute(): Route {
  const found = /^#(\d+)(\/card)?$/.exec(location.hash);
  if (found === null) return { chatId: null, screen: 'list' };
  return { chatId: Number(found[1]), screen: found[2] === undefined ? 'chat' : 'card' };
}
