// Can somebody else's page, link, name or cookie do something here? Tried from a browser and byte by byte.
import http from 'node:http';

import { guarded, validHtml } from './support/checks.mjs';
import { call, farebox, person, pseudo, seen } from './support/servers.mjs';
import { ERROR_PAGE, awake, expect, signIn, test } from './support/test.mjs';
import { t } from './support/words.mjs';

const FUNCTIONS = ['balance', 'claim', 'set_prefs', 'sign_in', 'sign_out'];
const FORM = 'application/x-www-form-urlencoded';
let ada;

test.beforeAll(() => {
  ada = person(farebox, 'safety');
});

// A request with exactly these headers, also those that `fetch` keeps to itself.
function raw(path, { method = 'GET', headers = {}, body = '', server = farebox } = {}) {
  const { hostname, port, host } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const length = body ? { 'content-length': Buffer.byteLength(body) } : {};
    const request = http.request({ hostname, port, path, method, setHost: false, headers: { host, ...length, ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const post = (name, form, headers = {}) =>
  raw(`/api/${name}`, { method: 'POST', body: new URLSearchParams(form).toString(), headers: { 'content-type': FORM, 'sec-fetch-site': 'same-origin', accept: 'text/html', ...headers } });

const cookieOf = (answer, name) => answer.headers['set-cookie']?.find((line) => line.startsWith(`${name}=`));
const value = (line) => line.split(';')[0].split('=').slice(1).join('=');

async function session(who = ada) {
  const answer = await post('sign_in', { email: who.email, password: who.password });
  expect(answer.status).toBe(303);
  expect(answer.headers.location).toBe('/overview');
  return value(cookieOf(answer, 'sid'));
}

const overview = (sid) => raw('/overview', { headers: { cookie: `sid=${sid}` } });

test('a form that comes from elsewhere, or does not say from where, is refused', async () => {
  const sid = await session();
  const elsewhere = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: farebox.url },
    { 'sec-fetch-site': 'none' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${farebox.url}.evil.example` },
    {},
  ];
  for (const name of FUNCTIONS) {
    for (const headers of elsewhere) {
      const answer = await raw(`/api/${name}`, { method: 'POST', body: 'locale=ru', headers: { cookie: `sid=${sid}`, 'content-type': FORM, ...headers } });
      expect(answer.status, `${name} from ${JSON.stringify(headers)}`).toBe(403);
      expect(answer.headers['set-cookie'], name).toBeUndefined();
      expect(answer.headers['access-control-allow-origin'], name).toBeUndefined();
    }
    for (const type of ['text/plain', 'multipart/form-data; boundary=x']) {
      expect((await post(name, { locale: 'ru' }, { 'content-type': type, cookie: `sid=${sid}` })).status, `${name} as ${type}`).toBe(415);
    }
    const link = await raw(`/api/${name}`, { headers: { cookie: `sid=${sid}` } });
    expect([404, 405], `${name} by a link`).toContain(link.status);
  }
  expect((await overview(sid)).status, 'the session has survived all that').toBe(200);
  // Somebody whose browser is odd reads why, in their language.
  const told = await raw('/api/sign_in', { method: 'POST', headers: { origin: 'null', accept: 'text/html', 'accept-language': 'ru' } });
  expect(told.text).toContain(t('ru', 'errors.forbidden.title'));
  await validHtml(told.text, 'the page of a refusal');
});

test('a page of somebody else cannot sign out, switch or read for the one who visits it', async ({ page, watch }) => {
  watch.tolerate(/status of 40[0-9]|CORS|ERR_FAILED|request to another host: http:\/\/localhost:|ERR_BLOCKED|frame|NotSameOrigin/i);
  await signIn(page, farebox, ada);
  const trap = (action) => `<!doctype html><title>trap</title><form method="post" action="${farebox.url}${action}"><input name="theme" value="dark"></form>
    <iframe src="${farebox.url}/overview"></iframe><script>document.forms[0].submit()</script>`;
  const evil = http.createServer((request, answer) => {
    answer.setHeader('content-type', 'text/html');
    answer.end(request.url === '/read' ? '<!doctype html><title>read</title>' : trap(request.url));
  });
  await new Promise((ready) => evil.listen(0, '127.0.0.1', ready));
  const { port } = evil.address();
  try {
    // Another site, and another port of the same one.
    for (const site of [`http://localhost:${port}`, `http://127.0.0.1:${port}`]) {
      for (const action of ['/api/sign_out', '/api/set_prefs']) {
        const answered = page.waitForResponse((answer) => answer.url() === `${farebox.url}${action}`);
        await page.goto(`${site}${action}`, { waitUntil: 'commit' });
        expect((await answered).status(), `${action} from ${site}`).toBe(403);
        await page.waitForURL(`${farebox.url}${action}`);
      }
      await page.goto(`${site}/read`);
      const read = await page.evaluate(
        (url) => fetch(url, { method: 'POST', credentials: 'include' }).then((answer) => answer.text(), () => 'refused'),
        `${farebox.url}/api/balance`,
      );
      expect(read).toBe('refused');
    }
  } finally {
    evil.close();
    evil.closeAllConnections();
  }
  await page.goto(`${farebox.url}/overview`);
  await expect(page).toHaveURL(`${farebox.url}/overview`);
  await expect(page.locator('html')).not.toHaveAttribute('data-theme', 'dark');
});

test('no form and no link leads away from here', async () => {
  const away = ['//evil.example', 'https://evil.example', '/\\evil.example', '\\\\evil.example', '/%2f%2fevil.example', '/%5cevil.example', 'javascript:alert(1)',
    '/\t/evil.example', '\t//evil.example', '/\r\nlocation: https://evil.example', 'http:evil.example', '///evil.example', '/.//evil.example', '@evil.example', '/x@evil.example', '', ' /overview', '/é', `/${'a'.repeat(3_000)}`];
  const sid = await session();
  const here = new URL(farebox.url);
  const stays = (location, why) => {
    const to = new URL(location, farebox.url);
    expect([to.origin, to.username], `${why} leads to ${location}`).toEqual([here.origin, '']);
    // Nor would it after a proxy has decoded and tidied the path once.
    expect(decodeURIComponent(to.pathname), why).not.toMatch(/^\/[/\\]|evil.*@/);
  };
  for (const next of away) {
    const query = `/login?${new URLSearchParams({ next })}`;
    const signedIn = await raw(query, { headers: { cookie: `sid=${sid}` } });
    expect(signedIn.status).toBe(303);
    stays(signedIn.headers.location, query);
    const form = await raw(query);
    expect(form.text, query).not.toContain('name="next"');
    const after = await post('sign_in', { email: ada.email, password: ada.password, next });
    expect(after.headers.location, JSON.stringify(next)).toBe('/overview');
    const chosen = await post('set_prefs', { theme: 'dark', back: next });
    expect(chosen.status).toBe(303);
    stays(chosen.headers.location, `back=${next}`);
  }
  // Where one wanted to go is kept when it is a place of ours.
  expect((await raw('/login?next=%2Fru%2F', { headers: { cookie: `sid=${sid}` } })).headers.location).toBe('/ru/');
  // Referer decides nothing.
  const chosen = await post('set_prefs', { theme: 'dark', back: '/login' }, { referer: 'https://evil.example/' });
  expect(chosen.headers.location).toBe('/login');
});

test('a request for another host is answered 421, and links are never made from the host', async () => {
  const { port } = new URL(farebox.url);
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', '127.0.0.1:1', `127.0.0.1:${port}.evil.example`, `x@127.0.0.1:${port}`, '192.168.0.1', '']) {
    for (const path of ['/', '/login', '/overview', '/no/such/page', '/claim/x']) {
      const answer = await raw(path, { headers: { host, accept: 'text/html' } });
      expect([421, 400], `${host}${path}`).toContain(answer.status);
      expect(answer.text, host).not.toContain('evil.example');
    }
  }
  expect((await raw('/login', { headers: { host: `localhost:${port}` } })).status, 'every name of loopback is ours').toBe(200);
  const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example', 'x-original-url': '/overview' };
  const page = await raw('/', { headers: forwarded });
  expect(page.status).toBe(200);
  expect(page.text).not.toContain('evil.example');
  expect(page.text).toContain(`<link rel="canonical" href="${farebox.url}/"`);
});

test('cookies are out of reach for scripts and for other sites, and tell nothing', async ({ page }) => {
  const answer = await post('sign_in', { email: ada.email, password: ada.password });
  const sid = cookieOf(answer, 'sid');
  expect(sid).toMatch(/; HttpOnly/);
  expect(sid).toMatch(/; SameSite=Lax/);
  expect(sid).toMatch(/; Path=\//);
  expect(sid).not.toMatch(/Domain=/);
  // 128 bits at least, and nothing of the account.
  expect(Buffer.from(value(sid), 'base64url').length).toBeGreaterThanOrEqual(16);
  const wrong = await post('sign_in', { email: ada.email, password: 'wrong' });
  expect(cookieOf(wrong, 'sid')).toBeUndefined();
  const flash = cookieOf(wrong, 'flash');
  expect(flash).toMatch(/; HttpOnly; SameSite=Lax; Path=\/; Max-Age=60$/);
  expect(Buffer.from(value(flash), 'base64url').toString('latin1')).not.toContain('e2e.test');
  await signIn(page, farebox, ada);
  expect(await page.evaluate(() => document.cookie)).toBe('');
});

test('signing in gives a session that nobody could know before', async ({ page, context }) => {
  const planted = await session(person(farebox, 'planted'));
  const known = 'AAAAAAAAAAAAAAAAAAAAAA';
  for (const before of [planted, known]) {
    await context.clearCookies();
    await context.addCookies([{ name: 'sid', value: before, url: farebox.url }]);
    const answer = await post('sign_in', { email: ada.email, password: ada.password }, { cookie: `sid=${before}` });
    const after = value(cookieOf(answer, 'sid'));
    expect(after).not.toBe(before);
    expect((await overview(after)).text).toContain(ada.email);
    const left = await overview(before);
    expect(left.status, 'the session from before leads nowhere').toBe(303);
  }
  await context.clearCookies();
  await page.goto('/login');
  expect(await context.cookies(), 'a stranger gets no session').toEqual([]);
});

test('after signing out the session is dead, here and for whoever kept its cookie', async ({ page, context }) => {
  await signIn(page, farebox, ada);
  await awake(page);
  const sid = (await context.cookies()).find(({ name }) => name === 'sid').value;
  const other = await session();
  expect((await overview(sid)).status).toBe(200);
  await page.getByRole('button', { name: t('en', 'header.sign_out') }).click();
  await page.waitForURL('**/login');
  expect((await context.cookies()).map(({ name }) => name)).not.toContain('sid');
  expect((await overview(sid)).status).toBe(303);
  expect((await overview(other)).status, 'another browser stays signed in').toBe(200);
  // The page is in no cache: the way back asks to sign in.
  await page.goBack();
  await page.waitForURL('**/login*');
  await expect(page.locator('body')).not.toContainText(ada.email);
});

test('the overview is for the signed-in alone, and only their own', async ({ page }) => {
  await page.goto('/overview');
  await expect(page).toHaveURL(`${farebox.url}/login`);
  for (const cookie of ['sid=', 'sid=nonsense', 'sid=AAAAAAAAAAAAAAAAAAAAAA', `sid=${'A'.repeat(5_000)}`, 'sid=%00', "sid=' or 1=1"]) {
    const answer = await raw('/overview', { headers: { cookie } });
    expect(answer.status, cookie.slice(0, 40)).toBe(303);
    expect(answer.headers.location).toBe('/login');
  }
  const refused = await raw('/api/balance', { method: 'POST', headers: { origin: farebox.url } });
  expect(refused.status).toBe(401);
  expect(refused.headers['content-type']).toContain('application/json');

  const eve = person(farebox, 'eve');
  await seen(farebox, eve.key);
  await call(farebox, eve.key, 'Hello');
  const seenByAda = (await overview(await session())).text;
  expect(seenByAda).not.toContain(eve.email);
  expect(seenByAda).not.toContain(eve.key.slice(-4));
  await signIn(page, farebox, ada);
  await expect(page.locator('[data-live="calls"]')).toHaveText('0');
  await expect(page.locator('[data-live="balance"]')).toHaveText('$5.00');
});

test('no page can be framed, whatever it answers', async () => {
  const sid = await session();
  // What each answers a stranger, but for the overview.
  const pages = { '/': 200, '/ru/': 200, '/login': 200, '/ru/login': 200, '/claim/x': 410, '/nothing': 404, '/api/sign_out': 405, '/api/nothing': 405, '/no/such/page': 404, '/overview': 200 };
  for (const [path, status] of Object.entries(pages)) {
    const cookie = path === '/overview' ? { cookie: `sid=${sid}` } : {};
    const answer = await raw(path, { headers: { accept: 'text/html', ...cookie } });
    expect(answer.status, path).toBe(status);
    guarded(new Headers(Object.entries(answer.headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))), path, { islands: path === '/overview' });
  }
  for (const answer of [await raw('/overview'), await post('sign_in', { email: 'x', password: 'y' })]) {
    expect(answer.status).toBe(303);
    expect(answer.headers['x-frame-options']).toBe('DENY');
    expect(answer.headers['cache-control']).toBe('no-store');
  }
});

test('the metered API answers JSON, takes keys and never cookies', async () => {
  const sid = await session();
  for (const [path, method] of [['/v1', 'GET'], ['/v1/nothing', 'GET'], ['/v1/../login', 'GET'], ['/v1/nothing', 'POST']]) {
    const answer = await raw(path, { method, headers: { accept: 'text/html', cookie: `sid=${sid}` } });
    expect(answer.status, path).toBe(404);
    expect(answer.headers['content-type'], path).toContain('application/json');
    expect(JSON.parse(answer.text).error.code, path).toBe('path_not_found');
    expect(answer.headers['set-cookie'], path).toBeUndefined();
  }
  const body = JSON.stringify({ model: 'sandbox-echo', messages: [{ role: 'user', content: 'Hello' }] });
  const answer = await raw('/v1/chat/completions', { method: 'POST', body, headers: { 'content-type': 'application/json', cookie: `sid=${sid}`, origin: farebox.url } });
  expect(answer.status).toBe(401);
  expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
});

test('a form that is too large or not readable is answered calmly', async () => {
  const large = await post('sign_in', { email: 'a'.repeat(70_000), password: 'x' });
  expect([400, 413]).toContain(large.status);
  expect(large.headers['content-type']).toContain('text/html');
  const broken = await raw('/api/sign_in', { method: 'POST', body: 'email=%ff%fe&%%%', headers: { 'content-type': FORM, 'sec-fetch-site': 'same-origin', accept: 'text/html' } });
  expect([303, 400]).toContain(broken.status);
  const script = await post('sign_in', { email: '"><script>alert(1)</script>', password: 'x' });
  const page = await raw('/login', { headers: { cookie: `flash=${value(cookieOf(script, 'flash'))}` } });
  expect(page.text).not.toContain('<script');
  expect(page.text).toContain('alert(1)');
});

// Last, and on the other server: it slows this whole machine down there.
test('guessing is slowed down, and says for how long', async ({ page, watch }) => {
  watch.tolerate(ERROR_PAGE);
  const bea = person(pseudo, 'guessed');
  await page.goto(`${pseudo.url}/login`);
  const wait = page.getByRole('alert').filter({ hasText: /\d+/ });
  // Until the wait is longer than a slow machine needs for the next try; shorter ones are waited out.
  let seconds = 0;
  for (let guesses = 0; guesses < 15 && seconds < 4; guesses += 1) {
    await page.waitForTimeout(seconds * 1_000);
    await page.locator('#email').fill(bea.email);
    await page.locator('#password').fill(`guess number ${guesses}`);
    await page.locator('main form button[type=submit]').click();
    await expect(page.getByRole('alert')).toBeVisible();
    seconds = Number((await page.getByRole('alert').innerText()).match(/\d+/)?.[0] ?? 0);
  }
  await expect(wait).toHaveText(/Too many attempts\. Wait \d+ seconds?, then try again\./);
  // Then the right password has to wait, too.
  await page.locator('#password').fill(bea.password);
  await page.locator('main form button[type=submit]').click();
  await expect(wait).toBeVisible();
});
