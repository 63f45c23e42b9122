// People who talk to each other through the public protocols, so that pages have something to show.

/** Staff of the demo house; the first one is an admin too. */
export const STAFF = [
  { login: 'anna', fullname: 'Anna Keller', title: 'Sales', departments: 'sales', roles: 'operator,supervisor,admin' },
  { login: 'tom', fullname: 'Tom Okafor', title: 'Support', departments: 'support', roles: 'operator' },
];
export const DEPARTMENTS = [
  { key: 'sales', name: 'Sales' },
  { key: 'support', name: 'Support' },
];

/** `taken`: by Anna, with these turns; the others wait. */
const CHATS = [
  {
    name: 'Maria Lopez',
    email: 'maria@example.org',
    department: 'sales',
    page: ['https://shop.example/boots/alpine-42', 'Alpine boots, size 42'],
    first: 'Hello! Are the Alpine boots waterproof?',
    taken: [
      ['operator', 'Hello Maria, yes: the membrane keeps water out for a day of rain.'],
      ['visitor', 'Great. And do they come in 42?'],
      ['operator', 'They do, two pairs are left. I can put one aside for you until tomorrow.'],
      ['note', 'Regular customer, ordered twice in spring.'],
      ['visitor', 'Yes please, that would be lovely'],
    ],
  },
  {
    name: 'Jonas Weber',
    email: 'jonas@example.org',
    department: 'sales',
    page: ['https://shop.example/cart', 'Your cart'],
    first: 'The voucher SPRING does not work in my cart.',
    taken: [
      ['operator', 'Hi Jonas, let me look at it.'],
      ['operator', 'It was for orders above 50 €. I have added one for yours: SPRING-J.'],
      ['visitor', 'That was quick, thank you!'],
    ],
  },
  {
    name: 'Priya Nair',
    department: 'support',
    page: ['https://shop.example/orders', 'My orders'],
    first: 'My parcel has been in Leipzig for five days. Can you see why?',
  },
  { name: '', department: 'sales', page: ['https://shop.example/tents', 'Tents'], first: 'Which tent is best for two people and a dog?' },
];

/** Everybody comes, asks and is answered. Returns what lets one more visitor say something. */
export async function talk(url, password) {
  const anna = await logIn(url, STAFF[0].login, password);
  await anna.post('/l/o/set-status', { status: 'online' });
  for (const chat of CHATS) await hold(url, anna, chat);
  const chatter = await arrive(url, { name: 'Sam', page: ['https://shop.example', 'The shop'] });
  let count = 0;
  return () => chatter.act('chat.message', { message: `Question ${++count}`, 'client-side-id': `sam-${count}` });
}

export async function logIn(url, login, password) {
  const { authToken } = await ask(`${url}/l/o/login`, { method: 'POST', body: new URLSearchParams({ login, password }) });
  const headers = { authorization: `Bearer ${authToken}` };
  return {
    token: authToken,
    post: (path, form) => ask(url + path, { method: 'POST', headers, body: new URLSearchParams(form) }),
    get: path => ask(url + path, { headers }),
  };
}

/**
 * @param {string} url
 * @param {any} anna
 * @param {{ name: string, email?: string, department?: string, page: string[], first: string, taken?: string[][] }} chat
 */
async function hold(url, anna, { name, email, department, page, first, taken = [] }) {
  const visitor = await arrive(url, { name, email, page });
  const id = `${department}-${first.length}`;
  await visitor.act('chat.start', { 'client-side-id': id, 'department-key': department, 'first-question': first });
  if (taken.length === 0) return;
  const { chats } = await anna.get(`/l/o/chats?visitorId=${visitor.id}`);
  const chatId = String(chats[0].id);
  await anna.post('/l/o/action', { action: 'chat.take', chatId });
  for (const [i, [who, message]] of taken.entries()) {
    const clientSideId = `${id}-${i}`;
    if (who === 'visitor') await visitor.act('chat.message', { message, 'client-side-id': clientSideId });
    else
      await anna.post('/l/o/action', {
        action: 'chat.message',
        chatId,
        message,
        clientSideId,
        kind: who === 'note' ? 'for_operator' : 'operator',
      });
  }
}

/**
 * @param {string} url
 * @param {{ name: string, email?: string, page: string[] }} visitor
 */
async function arrive(url, { name, email, page: [pageUrl, title] }) {
  const fields = JSON.stringify({ ...(name ? { display_name: name } : {}), ...(email ? { email } : {}) });
  const query = new URLSearchParams({ location: 'demo', url: pageUrl, title, platform: 'web', 'prechat-key-independent-fields': fields });
  const { pageId, authToken, visitor } = (await read(await fetch(`${url}/l/v/m/init?${query}`))).fullUpdate;
  const credentials = { 'page-id': pageId, 'auth-token': authToken };
  return {
    id: visitor.id,
    act: (action, form) => ask(`${url}/l/v/m/action`, { method: 'POST', body: new URLSearchParams({ action, ...credentials, ...form }) }),
  };
}

async function ask(address, request) {
  return (await read(await fetch(address, request))).data;
}

async function read(response) {
  const answer = await response.json();
  if (answer.error !== undefined) throw new Error(`${response.url.split('?')[0]} answered ${JSON.stringify(answer)}`);
  return answer;
}
