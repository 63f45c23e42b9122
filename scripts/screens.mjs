// npm run screens: pictures of every page, light, dark and on a phone, in docs/screens. Starts a cluster of two on an
// embedded PostgreSQL in a temporary folder, lets people talk on it, and takes everything away again.
//   npm run screens -- cluster      only those whose name has this in it
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { DEPARTMENTS, logIn, STAFF, talk } from './demo-talk.mjs';
import { freePort, isReady, MAIN, prepare, ROOT, say, waitUntil } from './prepare.mjs';
import { ensurePrograms, startEmbeddedPostgres } from './services.mjs';

const MAX_BYTES = 150_000;
const PASSWORD = 'correct horse';
const OUT = path.join(ROOT, 'docs/screens');
const VARIANTS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

/** One row for each picture. `as`: who is logged in; `prepare`: what is done before it is taken, and waited for. */
const SCREENS = [
  { name: 'demo', path: '/', prepare: page => page.locator('iframe').last().waitFor() },
  { name: 'login', path: '/cluster', prepare: page => page.locator('input[name=login]').waitFor() },
  { name: 'widget', path: '/demo/visitor', prepare: page => openWidget(page, 'Is there somebody who can help me choose?') },
  {
    name: 'widget-chat',
    path: '/demo/visitor',
    async prepare(page) {
      const words = 'Does the Rain teapot come in blue?';
      await openWidget(page, words);
      await answer(
        new URL(page.url()).origin,
        words,
        'It does: slate is nearly blue, and there is a deep blue one from March on. Shall I put one aside for you?',
      );
      await page.getByText('Shall I put one aside').last().waitFor();
    },
  },
  { name: 'widget-launcher', path: '/demo/visitor', prepare: page => page.evaluate(() => window['tandem'].close()) },
  {
    name: 'desk-queue',
    path: '/operator',
    as: 'anna',
    async prepare(page) {
      await page.getByRole('tab').nth(2).click();
      await page.getByRole('tabpanel').getByRole('option').first().waitFor();
    },
  },
  { name: 'desk', path: '/operator', as: 'anna', prepare: page => openChat(page, '') },
  {
    name: 'desk-why',
    path: '/operator',
    as: 'anna',
    async prepare(page) {
      await openChat(page, '');
      await page.getByLabel('More actions').click();
      await page.getByRole('button', { name: 'Why here?' }).click();
      await page.getByRole('dialog').getByRole('listitem').first().waitFor();
    },
  },
  {
    name: 'desk-team',
    path: '/operator',
    as: 'anna',
    async prepare(page) {
      await page.getByRole('button', { name: 'Team' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'desk-help',
    path: '/operator',
    as: 'anna',
    async prepare(page) {
      await page.getByRole('tab').first().waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
    },
  },
  { name: 'desk-card', path: '/operator', as: 'anna', prepare: page => openChat(page, '/card') },
  {
    name: 'desk-transfer',
    path: '/operator',
    as: 'anna',
    async prepare(page) {
      await openChat(page, '');
      await page.keyboard.press('Alt+R');
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'desk-search',
    path: '/operator',
    as: 'anna',
    async prepare(page) {
      await openChat(page, '');
      await page.keyboard.press('Control+K');
      await page.keyboard.type('boots');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').getByText('Maria Lopez').waitFor({ state: 'attached' });
    },
  },
  {
    name: 'cluster',
    path: '/cluster',
    as: 'anna',
    prepare: async page => {
      await page.getByRole('article').nth(1).waitFor();
      await page.waitForTimeout(40_000); // until the curves are some
    },
  },
  {
    name: 'cluster-make-master',
    path: '/cluster',
    as: 'anna',
    prepare: page => page.getByRole('article', { name: 'chat-slave' }).getByRole('button').first().click(),
  },
];

const wanted = process.argv.slice(2);
const screens = SCREENS.filter(({ name }) => wanted.length === 0 || wanted.some(part => name.includes(part)));
const folder = mkdtempSync(path.join(tmpdir(), 'tandem-screens-'));
/** @type {(() => unknown)[]} */
const stops = [() => rmSync(folder, { recursive: true, force: true })];
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop().then(() => process.exit(1)));

prepare();
try {
  const { chromium: executablePath } = ensurePrograms(['chromium']);
  mkdirSync(OUT, { recursive: true });
  const url = await startHouse();
  const sayMore = await talk(url, PASSWORD);
  const talking = setInterval(() => {
    if (Math.random() < 0.7) void sayMore().catch(error => console.error(error.message));
  }, 250);
  stops.push(() => clearInterval(talking));
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  stops.push(() => browser.close());
  for (const screen of screens) await Promise.all(Object.keys(VARIANTS).map(variant => take(browser, url, screen, variant)));
} finally {
  await stop();
}

/**
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @param {{ name: string, path: string, as?: string, prepare: (page: import('playwright-core').Page) => any }} screen
 * @param {string} variant
 */
async function take(browser, url, { name, path: address, as, prepare: ready }, variant) {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...VARIANTS[variant] });
  if (as !== undefined) await context.addCookies([{ name: 'operator_token', value: (await logIn(url, as, PASSWORD)).token, url }]);
  const page = await context.newPage();
  await page.goto(url + address);
  await ready(page);
  const file = path.join(OUT, `${name}-${variant}.png`);
  await writeSmall(await page.screenshot(), file);
  say(`${path.relative(ROOT, file)} (${Math.ceil(statSync(file).size / 1024)} KiB)`);
  await context.close();
}

/** The first one that Anna has taken: each chat has its address. `screen` of a phone: '' the chat, '/card' who the visitor is. */
async function openChat(page, screen) {
  const chatId = await page.evaluate(async () => (await (await fetch('/l/o/chats?query=waterproof')).json()).data.chats[0].id);
  await page.evaluate(hash => (location.hash = hash), `#${chatId}${screen}`);
  await page
    .getByText(screen === '' ? 'Yes please, that would be lovely' : 'maria@example.org')
    .last()
    .waitFor();
}

/** Anna takes the chats with these words, and answers. */
async function answer(url, words, text) {
  const { token } = await logIn(url, 'anna', PASSWORD);
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const found = await (await fetch(`${url}/l/o/chats?${new URLSearchParams({ query: words, state: 'queue' })}`, { headers })).json();
  const act = values => fetch(`${url}/l/o/action`, { method: 'POST', headers, body: JSON.stringify(values) });
  for (const { id: chatId } of found.data.chats) {
    await act({ action: 'chat.take', chatId, override: true });
    await act({ action: 'chat.message', chatId, message: text, clientSideId: `picture-${chatId}` });
  }
}

/** A visitor's words in the open widget, as sent. */
async function openWidget(page, words) {
  await page.evaluate(() => window['tandem'].open());
  await page.locator('tandem-chat textarea').fill(words);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText(words).last().waitFor();
}

/** With as many colours as fit. */
async function writeSmall(png, file) {
  for (const colours of [256, 128, 64, 32]) {
    const small = await sharp(png).png({ palette: true, colours, effort: 10 }).toBuffer();
    if (small.length > MAX_BYTES) continue;
    writeFileSync(file, small);
    return;
  }
  throw new Error(`${file} has more than ${MAX_BYTES} bytes`);
}

/** Two nodes, the departments and the staff. Returns the master's address. */
async function startHouse() {
  const postgres = await startEmbeddedPostgres(path.join(folder, 'data'));
  stops.push(async () => {
    await postgres.stop();
    rmSync(path.dirname(postgres.dataDir), { recursive: true, force: true }); // elsewhere, where root may not run it here
  });
  const keys = { db_host: postgres.host, db_port: postgres.port, db_name: postgres.database, db_username: postgres.user };
  const lines = Object.entries({
    ...keys,
    db_password: postgres.password,
    visitor_actions_per_second: 1_000,
    visitor_connections_per_address: 10_000,
    visitor_inits_per_second: 1_000,
  });
  writeFileSync(path.join(folder, 'main.ini'), lines.map(([key, value]) => `${key} = ${value}\n`).join(''), { mode: 0o600 });
  writeFileSync(path.join(folder, 'cluster.json'), readFileSync(path.join(ROOT, 'cluster.json')));
  const url = await startNode('chat-master', 'master');
  await startNode('chat-slave', 'slave');
  for (const { key, name } of DEPARTMENTS) run(['department', 'add', '--key', key, '--name', name]);
  for (const person of STAFF) {
    const flags = Object.entries({ ...person, password: PASSWORD }).flatMap(([flag, value]) => [`--${flag}`, value]);
    run(['operator', 'add', ...flags]);
  }
  return url;
}

async function startNode(name, mode) {
  const port = await freePort();
  const log = openSync(path.join(folder, `${name}.log`), 'w');
  const flags = ['--node_name', name, '--cluster_config', 'cluster.json', '--multinode_mode', mode, '--port', String(port)];
  const child = spawn(process.execPath, [MAIN, 'start', ...flags], { cwd: folder, stdio: ['ignore', log, log] });
  const exited = new Promise(resolve => child.once('exit', resolve));
  stops.push(() => {
    child.kill('SIGTERM');
    return exited;
  });
  const url = `http://127.0.0.1:${port}`;
  if (await waitUntil(() => isReady(url), 30_000)) return url;
  throw new Error(`${name} did not start: ${readFileSync(path.join(folder, `${name}.log`), 'utf8')}`);
}

function run(args) {
  execFileSync(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function stop() {
  for (let step = stops.pop(); step !== undefined; step = stops.pop()) await step();
}
