// Do the islands wake up, do what they promise, weigh little, and change nothing of what the server wrote?
import { brotliCompressSync, constants } from 'node:zlib';

import { accessible } from './support/checks.mjs';
import { call, farebox, person, pseudo, seen } from './support/servers.mjs';
import { awake, expect, listen, prefer, signIn, test } from './support/test.mjs';
import { t } from './support/words.mjs';

const KB = 1_000;
let ada;

test.beforeAll(async () => {
  ada = person(farebox, 'islands');
  await seen(farebox, ada.key);
  await call(farebox, ada.key, 'Hello');
  await call(farebox, ada.key, 'Hello', 'sandbox-reasoner');
});

test('every island wakes up, and only the overview loads them', async ({ page }) => {
  const loaded = [];
  page.on('response', (answer) => /\.(js|wasm)$/.test(answer.url()) && loaded.push(answer));
  await page.goto('/login');
  expect(loaded).toEqual([]);
  await signIn(page, farebox, ada);
  await awake(page);
  // One chart, one live balance, the shortcuts, the palette, a copy button for the address and each of three examples.
  await expect(page.locator('[data-hydrated="true"]')).toHaveCount(8);
  const kinds = await Promise.all(loaded.map((answer) => answer.headerValue('content-type')));
  expect(kinds.sort()).toEqual(['application/wasm', 'text/javascript; charset=utf-8', 'text/javascript; charset=utf-8']);
  await page.goto('/');
  expect(loaded.length).toBe(3);
  expect(await page.evaluate(() => document.scripts.length)).toBe(0);
});

test('the overview weighs little', async ({ page }) => {
  // Signed in without having seen a page: nothing is in the browser's cache.
  await page.request.post('/api/sign_in', { form: { email: ada.email, password: ada.password }, headers: { origin: farebox.url }, maxRedirects: 0 });
  const answers = [];
  page.on('response', (answer) => answer.request().method() === 'GET' && answers.push(answer));
  await page.goto('/overview');
  await awake(page);
  await page.evaluate(() => document.fonts.ready);
  const bytes = {};
  for (const answer of answers) {
    const kind = /\.(\w+)$/.exec(new URL(answer.url()).pathname)?.[1] ?? 'html';
    if (['css', 'js', 'wasm', 'svg'].includes(kind)) expect(await answer.headerValue('content-encoding'), answer.url()).toBe('br');
    bytes[kind] = (bytes[kind] ?? 0) + (await answer.request().sizes()).responseBodySize;
  }
  const html = brotliCompressSync(await answers[0].body(), { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).length;
  console.log(`     the overview on the wire: ${JSON.stringify(bytes)} bytes in ${answers.length} answers; its html with brotli ${html}`);
  for (const [kind, most] of Object.entries({ css: 12, woff2: 45, svg: 8 })) {
    expect(bytes[kind], kind).toBeGreaterThan(500);
    expect(bytes[kind], kind).toBeLessThanOrEqual(most * KB);
  }
  expect(bytes.wasm).toBeGreaterThan(10 * KB);
  expect(bytes.js + bytes.wasm, 'scripts and wasm').toBeLessThanOrEqual(100 * KB);
  expect(html, 'the page itself, compressed').toBeLessThanOrEqual(14 * KB);
  // The document, the style, three fonts at most, icons, the loader, the module, the wasm, the mark.
  expect(answers.length).toBeLessThanOrEqual(11);
});

test('the copy button copies, says so, and calms down', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signIn(page, farebox, ada);
  await awake(page);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());

  const address = page.locator('.endpoint');
  await expect(address.locator('.idle')).toBeVisible();
  await address.getByRole('button').click();
  await expect(address.locator('.done')).toBeVisible();
  await expect(address.getByRole('status')).toHaveText(t('en', 'copy.copied'));
  expect(await clipboard()).toBe(`${farebox.url}/v1`);
  await expect(address.locator('.idle')).toBeVisible();

  await page.getByText(t('en', 'quickstart.tab_python'), { exact: true }).click();
  const pane = page.locator('.pane:visible');
  await pane.getByRole('button').focus();
  await page.keyboard.press('Enter');
  await expect(pane.locator('.done')).toBeVisible();
  const text = await clipboard();
  expect(text).toBe(await pane.locator('pre').textContent());
  expect(text).toContain(`base_url="${farebox.url}/v1"`);
  // The whole key is never on the page, only how it begins and ends.
  expect(await page.content()).not.toContain(ada.key);
});

test('a copy button that may not copy says that, too', async ({ page }) => {
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  await signIn(page, farebox, ada);
  await awake(page);
  const address = page.locator('.endpoint');
  await address.getByRole('button').click();
  await expect(address.getByRole('status')).toHaveText(t('en', 'copy.failed'));
  await expect(address.locator('.done')).toBeHidden();
});

test('the chart tells of a day on hover and on focus', async ({ page }) => {
  await signIn(page, farebox, ada);
  await awake(page);
  const day = page.locator('[data-day]').last();
  const tip = page.locator(`[data-tip="${await day.getAttribute('data-day')}"]`);
  await expect(tip).toBeHidden();

  await day.scrollIntoViewIfNeeded();
  await day.hover();
  await expect(tip).toBeVisible();
  await expect(tip).toContainText('sandbox-reasoner');
  await expect(tip).toContainText(t('en', 'calls.count_other', { count: '2' }));
  for (const row of await tip.locator('dl > div').all()) expect((await row.boundingBox()).height, 'a model and its amount on one line').toBeLessThan(32);
  expect(await tip.locator('dl > div').count()).toBe(2);
  await page.mouse.move(2, 2);
  await expect(tip).toBeHidden();

  await day.focus();
  await expect(tip).toBeVisible();
  await accessible(page, 'the overview with a tooltip');
  await page.keyboard.press('Escape');
  await expect(tip).toBeHidden();
  await expect(day).toBeFocused();

  // On a phone it stays within the screen.
  await page.setViewportSize({ width: 360, height: 800 });
  await day.blur();
  await day.focus();
  const box = await tip.boundingBox();
  expect(box.x).toBeGreaterThanOrEqual(0);
  expect(box.x + box.width).toBeLessThanOrEqual(360);
  // Screen readers hear the day as one sentence.
  await expect(day).toHaveAttribute('aria-label', /sandbox-reasoner \$[\d.]+; .*2 calls/);
});

test('the live balance asks while it is looked at, and stops when nobody is signed in', async ({ page, context, watch }) => {
  watch.tolerate(/status of 401/);
  // Time passes when the test says so; the journey waits for real.
  await page.clock.install();
  await signIn(page, farebox, ada);
  await awake(page);
  const asked = [];
  page.on('request', (request) => request.url().endsWith('/api/balance') && asked.push(request));
  const next = async () => {
    // The page sets its clock again when it has read the answer before, which takes as long as it takes.
    let answered = false;
    const answer = page.waitForResponse('**/api/balance').finally(() => { answered = true; });
    while (!answered) {
      await page.clock.fastForward(4_100);
      await page.waitForTimeout(100);
    }
    return answer;
  };
  const first = await next();
  expect(first.status()).toBe(200);
  expect(await first.headerValue('cache-control')).toBe('no-store');
  await first.finished();
  const before = await page.locator('[data-live="exact"]').innerText();
  // Ended elsewhere, as from another browser.
  const { cookies } = await context.storageState();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  await fetch(`${farebox.url}/api/sign_out`, { method: 'POST', headers: { cookie, origin: farebox.url } });
  await page.waitForTimeout(200);
  expect((await next()).status()).toBe(401);
  await page.waitForTimeout(200);
  const soFar = asked.length;
  for (let times = 0; times < 10; times += 1) await page.clock.fastForward(30_000);
  await page.waitForTimeout(200);
  expect(asked.length, 'no more questions').toBe(soFar);
  await expect(page.locator('[data-live="exact"]')).toHaveText(before);
});

test('without its wasm the page still works', async ({ page, watch }) => {
  watch.tolerate(/ERR_FAILED|Failed to fetch|TypeError/);
  await page.route('**/*.wasm', (route) => route.abort());
  await signIn(page, farebox, ada);
  await expect(page.locator('[data-live="balance"]')).toContainText('$');
  await expect(page.locator('[data-hydrated]')).toHaveCount(0);
  await expect(page.locator('.copy button:visible')).toHaveCount(0);
  await page.getByRole('button', { name: t('en', 'header.sign_out') }).click();
  await expect(page).toHaveURL(`${farebox.url}/login`);
});

// The text of the page in the order of the document, without what islands add on purpose: the browser's own tooltip
// goes when ours comes, and a status is spoken when something happens.
const content = (page) =>
  page.evaluate(() => {
    const copy = document.body.cloneNode(true);
    for (const added of copy.querySelectorAll('[data-day] > title, .copy [role="status"]')) added.remove();
    return copy.textContent;
  });

for (const [server, locale, currency, zone] of [
  [farebox, 'en', 'USD', 'Asia/Kolkata'],
  [farebox, 'ru', 'RUB', 'America/St_Johns'],
  [pseudo, 'ar', 'EUR', 'UTC'],
  [pseudo, 'eo', 'USD', 'UTC'],
]) {
  test(`waking up changes no word: ${locale}, ${currency}, ${zone}`, async ({ browser }) => {
    const bea = server === farebox ? ada : person(server, `words-${locale}`);
    // Whoever has not called yet waits for the first call, with a script or with a link.
    if (bea !== ada) await seen(server, bea.key).then(() => call(server, bea.key, 'Hello'));
    const complaints = [];
    const read = async (javaScriptEnabled) => {
      const context = await browser.newContext({ javaScriptEnabled, timezoneId: zone, baseURL: server.url });
      await context.addCookies([{ name: 'prefs', value: `${locale}.${currency}.-`, url: server.url }]);
      const heard = listen(context);
      const page = await context.newPage();
      await signIn(page, server, bea, locale === 'en' ? '' : `/${locale}`);
      await prefer(page, server, locale, currency);
      await expect(page.locator('html')).toHaveAttribute('lang', locale);
      if (javaScriptEnabled) await awake(page);
      const words = await content(page);
      complaints.push(...heard());
      await context.close();
      return words;
    };
    // Once more where the page itself has moved on in between: a key was used "just now", and a minute later no more.
    await expect(async () => {
      const [asleep, woken] = [await read(false), await read(true)];
      expect(asleep.length).toBeGreaterThan(500);
      expect(woken).toBe(asleep);
    }).toPass({ timeout: 60_000 });
    expect(complaints).toEqual([]);
  });
}
