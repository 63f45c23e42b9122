/**
 * A visitor is about to do something that leaves rows: his page gets its own if it has none yet, and what begins is counted
 * for the address that it comes from. Called before actions and uploads.
 */
import type { Page } from '../../domain/visitor.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import type { Services } from '../services.ts';

/** Who acts: on which page, and from where (as `addressKey`). */
export interface Actor {
  readonly page: Page;
  readonly address: string;
}

/** The page with its rows. A node that lags may count a chat once more, which does not know yet that it is open. Throws ChatError: `rate-limited`, `reinit-required`, `visitor-banned`. */
export async function actingPage(
  { pages, replica, newcomers, addressPaces }: Services,
  { page, address }: Actor,
  { mayBeginChat }: { readonly mayBeginChat: boolean },
): Promise<Page> {
  const hasRows = pages.hasRows(page);
  if (!hasRows || (mayBeginChat && replica.openChatOf(page.visitorId) === undefined)) addressPaces.beginning(address);
  const { page: written, newcomer } = await pages.write(page);
  if (newcomer !== undefined) newcomers.add(newcomer);
  return written;
}

/** With `url` and `title` a client says where on the site he is by now: pages that change their address (pushState) are not opened anew. */
export function whereHeIs(page: Page, parameters: Parameters): Page {
  const url = parameters.optionalText('url', { max: 2_000 });
  return url === undefined ? page : { ...page, url, title: parameters.optionalText('title', { max: 500 }) ?? page.title };
}
