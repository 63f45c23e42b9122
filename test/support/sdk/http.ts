/** One HTTP exchange, as bare as it goes: no redirects, no cookies, no retry. */
import http from 'node:http';
import { gunzipSync } from 'node:zlib';

export class ReadTimeout extends Error {}

export interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | undefined;
  readonly timeoutMs: number;
  readonly agent: http.Agent;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Rejects with ReadTimeout, with an AbortError, or with what the network says. */
export function exchange(url: string, { method, headers, body, timeoutMs, agent, signal }: Exchange): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent, signal, headers }, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        clearTimeout(timer);
        const raw = Buffer.concat(chunks);
        try {
          resolve({ status: response.statusCode ?? 0, body: response.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw });
        } catch (error) {
          fail(error as Error);
        }
      });
    });
    const timer = setTimeout(() => request.destroy(new ReadTimeout(`no answer within ${timeoutMs} ms`)), timeoutMs);
    function fail(error: Error): void {
      clearTimeout(timer);
      reject(error);
    }
    request.on('error', fail);
    request.end(body);
  });
}

export interface UploadedPart {
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** The file first, then the fields. iOS gives text parts no content type. */
export function multipart(
  upload: UploadedPart,
  fields: Readonly<Record<string, string>>,
  textType: string | undefined,
): { readonly contentType: string; readonly body: Buffer } {
  const boundary = 'b5f7a3c1-the-boundary-9d20';
  const part = (disposition: string, type: string | undefined): string =>
    `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${type === undefined ? '' : `Content-Type: ${type}\r\n`}\r\n`;
  const head = part(`name="webim_upload_file"; filename="${upload.filename}"`, upload.contentType);
  const rest = Object.entries(fields).map(([name, value]) => `\r\n${part(`name="${name}"`, textType)}${value}`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([Buffer.from(head), upload.bytes, Buffer.from(`${rest.join('')}\r\n--${boundary}--\r\n`)]),
  };
}
