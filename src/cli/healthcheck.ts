/** `healthcheck`: asks the node on this host. 0 healthy (and in the role), 1 degraded, 2 not. */
import http from 'node:http';
import https from 'node:https';

const ANSWER_WITHIN_MS = 3_000;

export interface Health {
  readonly exitCode: 0 | 1 | 2;
  readonly sentence: string;
}

export async function healthcheck(
  target: { readonly host: string; readonly port: number; readonly tls: boolean },
  role: string | undefined,
): Promise<Health> {
  let status: { state?: unknown; role?: unknown; reason?: unknown };
  try {
    status = JSON.parse(await get(target)) as typeof status;
  } catch (error) {
    return {
      exitCode: 2,
      sentence: `no answer from ${target.host}:${target.port}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const reason = typeof status.reason === 'string' ? ` (${status.reason})` : '';
  const sentence = `${String(status.role)}, ${String(status.state)}${reason}`;
  if (status.state !== 'running' && status.state !== 'degraded') return { exitCode: 2, sentence };
  if (role !== undefined && status.role !== role && !(status.role === 'single'))
    return { exitCode: 2, sentence: `${sentence}: not ${role}` };
  return { exitCode: status.state === 'running' ? 0 : 1, sentence };
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
