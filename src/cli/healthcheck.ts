/** `healthcheck`: asks the node on this host. 0 healthy (and in the role), 1 degraded, 2 not. */
import http from 'node:http';
import https from 'node:https';
import { isIPv6 } from 'node:net';

const ANSWER_WITHIN_MS = 3_000;

export interface Health {
  readonly exitCode: 0 | 1 | 2;
  readonly sentence: string;
}

/** Where a node listens, as its configuration says. */
export interface Listening {
  readonly listen: string;
  readonly port: number;
  readonly tls: boolean;
}

export async function healthcheck({ listen, port, tls }: Listening, role: string | undefined): Promise<Health> {
  if (port === 0) return { exitCode: 2, sentence: 'port = 0 lets a node take any free one: name the one that it took, with --port' };
  const failures: string[] = [];
  let status: { state?: unknown; role?: unknown; reason?: unknown } | undefined;
  for (const host of hostsToAsk(listen)) {
    try {
      status = JSON.parse(await get({ host, port, tls })) as NonNullable<typeof status>;
      break;
    } catch (error) {
      const place = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
      failures.push(`no answer from ${place}: ${error instanceof Error && error.message !== '' ? error.message : String(error)}`);
    }
  }
  if (status === undefined) return { exitCode: 2, sentence: failures.join('; ') };
  const reason = typeof status.reason === 'string' ? ` (${status.reason})` : '';
  const sentence = `${String(status.role)}, ${String(status.state)}${reason}`;
  if (status.state !== 'running' && status.state !== 'degraded') return { exitCode: 2, sentence };
  if (role !== undefined && status.role !== role && !(status.role === 'single'))
    return { exitCode: 2, sentence: `${sentence}: not ${role}` };
  return { exitCode: status.state === 'running' ? 0 : 1, sentence };
}

/** A node that listens on all addresses is asked at this host's own. On :: it may hear both families or one, as the host is set up. */
export function hostsToAsk(listen: string): readonly string[] {
  if (!isIPv6(listen)) return [/^0+(\.0+){0,3}$/.test(listen) ? '127.0.0.1' : listen];
  const [address = ''] = listen.split('%');
  const { hostname } = new URL(`http://[${address}]`); // in its shortest form
  if (hostname === '[::]') return ['::1', '127.0.0.1'];
  return [hostname === '[::ffff:0:0]' ? '127.0.0.1' : listen];
}

/** A certificate made for the public name does not matter on the way to one's own host. */
function get({ host, port, tls }: { readonly host: string; readonly port: number; readonly tls: boolean }): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host, port, path: '/status', timeout: ANSWER_WITHIN_MS, agent: false as const, rejectUnauthorized: false };
    const request = (tls ? https : http).get(options, response => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
    request.on('error', reject);
  });
}
