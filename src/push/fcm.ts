/**
 * Push notifications by Firebase Cloud Messaging, HTTP v1: a service account signs for an access token, which is good for
 * an hour, and each notification is one request. Data only, in the words of the SDKs: the app shows it as it likes.
 */
import { importPKCS8, SignJWT } from 'jose';
import type { PushGateway, PushNote } from '../ports/index.ts';

export interface FcmOptions {
  /** Of the service account's file. */
  readonly projectId: string;
  readonly clientEmail: string;
  readonly privateKey: string;
  readonly tokenUri: string;
  /** https://fcm.googleapis.com */
  readonly url: string;
}

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const TOKEN_SECONDS = 3_600;
/** An access token is renewed so long before it ends. */
const MARGIN_MS = 60_000;
const TIMEOUT_MS = 10_000;

export function createFcm(options: FcmOptions): PushGateway {
  let access: { readonly token: Promise<string>; readonly untilMs: number } | undefined;

  /** One request for all who wait for it; a failed one is not kept. */
  function accessToken(): Promise<string> {
    const nowMs = performance.now();
    if (access === undefined || access.untilMs < nowMs) {
      const token = requestToken(options);
      access = { token, untilMs: nowMs + TOKEN_SECONDS * 1_000 - MARGIN_MS };
      token.catch(() => (access = undefined));
    }
    return access.token;
  }

  return {
    async send(token, note) {
      const response = await fetch(`${options.url}/v1/projects/${options.projectId}/messages:send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await accessToken()}`, 'content-type': 'application/json' },
        body: JSON.stringify({ message: { token, data: dataOf(note), android: { priority: 'high' } } }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const answer = await response.text();
      if (response.ok) return 'sent';
      if (response.status === 401) access = undefined;
      // 404: the app is gone from the device. 400 of that sort: it never was a token.
      if (response.status === 404 || (response.status === 400 && answer.includes('INVALID_ARGUMENT'))) return 'gone';
      throw new Error(`FCM answered ${response.status}: ${answer.slice(0, 200)}`);
    },
  };
}

/** FCM takes texts only. */
function dataOf({ type, params, location, unread }: PushNote): Record<string, string> {
  return { event: 'add', type, params: JSON.stringify(params), location, unread_by_visitor_msg_cnt: String(unread) };
}

async function requestToken({ clientEmail, privateKey, tokenUri }: FcmOptions): Promise<string> {
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(clientEmail)
    .setAudience(tokenUri)
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_SECONDS}s`)
    .sign(await importPKCS8(privateKey, 'RS256'));
  const response = await fetch(tokenUri, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer = (await response.json().catch(() => ({}))) as { access_token?: unknown; error?: unknown };
  if (typeof answer.access_token === 'string') return answer.access_token;
  throw new Error(`the token service answered ${response.status} ${String(answer.error)}`);
}
