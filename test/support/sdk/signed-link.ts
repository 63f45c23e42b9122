/** What the apps sign: links to files. */
import { createHmac } from 'node:crypto';
import type { Page } from './session.ts';
import type { Platform } from './wire.ts';

const LIFE_SECONDS = 300;

export interface Link {
  readonly guid: string;
  readonly filename: string;
  /** A picture made smaller. */
  readonly thumb?: boolean;
  /** Android signs only if the account asks for it. */
  readonly isSigned: boolean;
  /** Seconds since 1970 at which it is made. */
  readonly now?: number;
}

export function downloadUrl(url: string, platform: Platform, { pageId, authToken }: Page, link: Link): string {
  const { guid, filename, thumb, isSigned, now = Math.floor(Date.now() / 1_000) } = link;
  const expires = String(now + LIFE_SECONDS);
  const name = platform === 'android' ? encodeURIComponent(filename).replaceAll('%20', '+') : encodeURIComponent(filename);
  const query = new URLSearchParams({
    ...(isSigned
      ? {
          'page-id': pageId,
          expires,
          hash: createHmac('sha256', authToken)
            .update(guid + expires)
            .digest('hex'),
        }
      : {}),
    ...(thumb === true ? { thumb: platform } : {}),
  }).toString();
  return `${url}/l/v/m/download/${guid}/${name}${query === '' ? '' : `?${query}`}`;
}
