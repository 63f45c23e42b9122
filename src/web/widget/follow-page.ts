/** Notices that the visitor has gone to another page of a site that loads none (pushState, an address behind #). Called by store.ts. */
import { whereHeIs } from './site.ts';

/** Looking costs nothing, and no router has to be known or changed. */
const LOOK_MS = 1_000;

/**
 * `tell` is called once for each page on which he stays for a moment, the first one too; false: not yet. What fails is told with the next
 * page.
 */
export function followPage(tell: () => Promise<void> | false): void {
  let told = '';
  let before = '';
  setInterval(() => {
    const { url } = whereHeIs();
    const stays = url === before;
    before = url;
    if (!stays || url === told) return;
    const telling = tell();
    if (telling === false) return;
    told = url;
    telling.catch(() => undefined);
  }, LOOK_MS);
}
