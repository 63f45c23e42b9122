// Runs Nginx with one of nginx-sites in a folder of its own: the published file with other addresses and, for a local
// run, without TLS to the nodes. Used by `npm run cluster` and by the tests.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const SITES = path.resolve(import.meta.dirname, '../nginx-sites');

/**
 * @param {{ folder: string, site: string, port: number, nodes: Record<string, number>, tls?: boolean, https?: { port: number, cert: string, key: string } }} options
 *   nodes: port by the number that the published file has (8260, 8261, …); https: as docs/two-hosts.md says, step 7
 * @returns {{ configFile: string }}
 */
export function writeNginxConfig({ folder, site, port, nodes, tls = false, https }) {
  mkdirSync(path.join(folder, 'temp'), { recursive: true });
  copyFileSync(path.join(SITES, 'chat-proxy.inc'), path.join(folder, 'chat-proxy.inc'));
  let text = readSite(site).replaceAll('/var/log/nginx/', `${quotable(folder)}/`);
  text = text.replaceAll(/127\.0\.0\.1:(826\d)/g, (address, number) =>
    nodes[number] === undefined ? address : `127.0.0.1:${nodes[number]}`,
  );
  text = text.replace('listen 80;', `listen 127.0.0.1:${port};`).replace('listen [::]:80;', `listen [::1]:${port};`);
  if (https !== undefined) {
    text = text.replaceAll('#https# ', '').replace('listen 443 ', `listen 127.0.0.1:${https.port} `);
    text = text.replace('listen [::]:443 ', `listen [::1]:${https.port} `);
    text = text
      .replace(/\/etc\/ssl\/certs\/[^;]+/, `"${quotable(https.cert)}"`)
      .replace(/\/etc\/ssl\/private\/[^;]+/, `"${quotable(https.key)}"`);
  }
  if (!tls) text = text.replaceAll('proxy_pass https://', 'proxy_pass http://');
  // In a folder with a blank in its name, paths need quotes.
  text = text.replaceAll(/^(\s*(?:access_log|error_log)\s+)(.*?\.log)/gm, '$1"$2"');
  writeFileSync(path.join(folder, 'site.conf'), text);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `  ${kind}_temp_path "${folder}/temp/${kind}";`).join('\n');
  const configFile = path.join(folder, 'nginx.conf');
  writeFileSync(
    configFile,
    `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;\nmaster_process on;\nworker_processes 1;\npid "${folder}/nginx.pid";\nerror_log "${folder}/error.log" warn;\n` +
      `events { worker_connections 16384; }\nhttp {\n${temp}\n  include "${folder}/site.conf";\n}\n`,
  );
  return { configFile };
}

/** Of an .inc, a site of somebody else's that includes it, as docs/two-hosts.md says. */
function readSite(name) {
  const text = readFileSync(path.join(SITES, name), 'utf8');
  if (!name.endsWith('.inc')) return text;
  const [beforeServer] = readFileSync(path.join(SITES, 'chat.conf'), 'utf8').split(/^server \{/m);
  return `${beforeServer}server {\n    listen 80;\n    listen [::]:80;\n    location / { return 200 "the shop"; }\n${text}}\n`;
}

/** Starts it in the foreground as a child in a process group of its own; the caller ends it by its pid. */
export function spawnNginx(nginx, configFile) {
  const folder = path.dirname(configFile);
  return spawn(nginx, ['-c', configFile, '-p', folder, '-e', path.join(folder, 'error.log')], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function quotable(folder) {
  if (/["$\\]/.test(folder)) throw new Error(`Nginx cannot run in a folder with this name: ${folder}`);
  return folder;
}
