// Worker of faults/init-flood: inits at a rate from some addresses, and a first message by each that is let in. Tells what came
// of it when it is told to stop. A thread of its own: its work is not to be taken for the server's.
import http from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const { url, addresses, perSecond } = workerData;
const agent = new http.Agent({ keepAlive: true, maxSockets: 200 });
const report = { inits: 0, accepted: 0, refused: 0, statuses: {} };
let pending = 0;
let sent = 0;
let isOver = false;
const startedAt = performance.now();

function ask(path, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}${path}`, { agent, method: body === undefined ? 'GET' : 'POST', headers }, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', chunk => (text += chunk));
      response.on('end', () => {
        report.statuses[response.statusCode] = (report.statuses[response.statusCode] ?? 0) + 1;
        resolve(text);
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function visit(n) {
  const base = addresses[n % addresses.length];
  const address = base.endsWith('::') ? `${base}${(n % 0xffff).toString(16)}` : base;
  const headers = { 'x-forwarded-for': address };
  const { fullUpdate } = JSON.parse(await ask('/l/v/m/init?event=init&title=x', headers));
  report.inits += 1;
  if (fullUpdate === undefined) {
    report.refused += 1;
    return;
  }
  report.accepted += 1;
  const said = { 'page-id': fullUpdate.pageId, 'auth-token': fullUpdate.authToken, action: 'chat.message', message: 'x', 'client-side-id': 'c' };
  await ask('/l/v/m/action', { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, new URLSearchParams(said).toString());
}

const timer = setInterval(() => {
  const due = ((performance.now() - startedAt) / 1_000) * perSecond;
  for (; sent < due && pending < 2 * perSecond; sent++) {
    pending += 1;
    visit(sent)
      .catch(() => undefined)
      .finally(() => {
        pending -= 1;
        if (isOver && pending === 0) end();
      });
  }
}, 10);

function end() {
  agent.destroy();
  parentPort.postMessage({ ...report, seconds: (performance.now() - startedAt) / 1_000 });
}

parentPort.once('message', () => {
  isOver = true;
  clearInterval(timer);
  if (pending === 0) end();
});
