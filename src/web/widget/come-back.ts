/**
 * Keeps `<tandem-chat>` on a page that replaces all it has (a framework that draws the whole document anew, document.open). Called by
 * embed.ts. It does not fight: with a page that removes it again and again it gives up, and says so.
 */
import { ofDocument, tell } from './site.ts';

const MOST_RETURNS = 10;
const WITHIN_MS = 30_000;
/** Behind what the page does at one go. */
const RETURN_AFTER_MS = 50;

/** `put` puts `host` on the page; now, and whenever it is gone. */
export function comeBack(host: HTMLElement, put: () => void): void {
  let returns = 0;
  let sinceMs = 0;
  let isDue = false;
  const observer = new MutationObserver(() => lookAfter());
  const putAndWatch = (): void => {
    put();
    const page = ofDocument('documentElement') as HTMLElement | null;
    observer.observe(document, { childList: true });
    if (page !== null) observer.observe(page, { childList: true });
  };
  const comeBackNow = (): void => {
    isDue = false;
    if (host.isConnected) return;
    if (performance.now() - sinceMs > WITHIN_MS) [returns, sinceMs] = [0, performance.now()];
    returns += 1;
    if (returns <= MOST_RETURNS) {
      putAndWatch();
      return;
    }
    observer.disconnect();
    tell('warn', `the page has removed <tandem-chat> ${returns} times: it stays away`);
  };
  const lookAfter = (): void => {
    if (isDue || host.isConnected) return;
    isDue = true;
    setTimeout(comeBackNow, RETURN_AFTER_MS);
  };
  putAndWatch();
}
