/**
 * The page of a visitor who has done nothing yet: its id says all that its rows would, so that none are written before he acts.
 * `<32 random hex digits>x<base64url of JSON>`. Nobody can change it or make one up: whoever shows it must have its token, which
 * is derived from the whole id with the installation's secret (visitor-pages.ts). Such an id is good for a day; then the client
 * inits again, as the same visitor.
 */
import { cutText } from '../../domain/text.ts';
import type { Microseconds } from '../../domain/time.ts';
import type { Page } from '../../domain/visitor.ts';
import { parseJson } from '../../protocol/json.ts';

/** Of a page id in a request: the longest that is made here is about 1,700. */
export const MAX_PAGE_ID = 2_000;

const FORM = /^[0-9a-f]{32}x([A-Za-z0-9_-]{1,1900})$/;
const DAY_US = 86_400_000_000;
/** Bytes as JSON, so that an id has a bound whatever a title is made of. */
const ROOM = { location: 202, platform: 52, title: 202, url: 502, deviceId: 202 };

export type RowlessPage = Page & Required<Pick<Page, 'rowless'>>;

/** `id`: 32 random hex digits. What is too long is cut. */
export function rowlessPage(page: Omit<Page, 'secretGeneration' | 'rowless'>, nowUs: Microseconds): RowlessPage {
  const { id, visitorId, visitSessionId } = page;
  const [location, platform, title, url, deviceId] = [
    fitted(page.location, ROOM.location),
    fitted(page.platform, ROOM.platform),
    fitted(page.title, ROOM.title),
    fitted(page.url, ROOM.url),
    fitted(page.deviceId, ROOM.deviceId),
  ] as const;
  const facts = [visitorId, visitSessionId, Math.floor(nowUs / 1_000_000), location, platform, title, url, deviceId];
  const said = Buffer.from(JSON.stringify(facts)).toString('base64url');
  return { id: `${id}x${said}`, visitorId, visitSessionId, location, platform, title, url, deviceId, secretGeneration: 0, rowless: true };
}

/** Of an id whose token was right; undefined: it is none of these, or too old. */
export function readRowlessPage(id: string, nowUs: Microseconds): RowlessPage | undefined {
  const [, said] = FORM.exec(id) ?? [];
  if (said === undefined) return undefined;
  const [visitorId, visitSessionId, seconds, location, platform, title, url, deviceId] = parseJson(
    Buffer.from(said, 'base64url').toString(),
  ) as [string, string, number, string, string, string, string, string];
  if (nowUs - seconds * 1_000_000 > DAY_US) return undefined;
  return { id, visitorId, visitSessionId, location, platform, title, url, deviceId, secretGeneration: 0, rowless: true };
}

function fitted(text: string, bytes: number): string {
  let kept = text;
  while (Buffer.byteLength(JSON.stringify(kept)) > bytes) kept = cutText(kept, Math.floor(kept.length * 0.9));
  return kept;
}
