// Is every page behind the door in order? A customer's and an administrator's, in both languages and themes, on a desk
// and on a phone: axe finds nothing, nothing is cut or wider than the screen, the HTML is valid, no text is missing.
import { accessible, fits, fontsHaveWords, keep, nothingCut, still, validHtml, watchShifts } from './support/checks.mjs';
import { ordered, paid, rooms } from './support/rooms.mjs';
import { anotherKey, call, farebox, person, revokeKey, seen } from './support/servers.mjs';
import { expect, prefer, signIn, test } from './support/test.mjs';
import { code } from './support/totp.mjs';

const LOOKS = [
  { locale: 'en', scheme: 'light', width: 1280 },
  { locale: 'en', scheme: 'dark', width: 360 },
  { locale: 'ru', scheme: 'dark', width: 1280 },
  { locale: 'ru', scheme: 'light', width: 360 },
];

async function inOrder(page, who, path, { locale, scheme, width }) {
  const what = `${path} (${locale}, ${scheme}, ${width})`;
  const answer = await page.goto(path);
  expect(answer.status(), what).toBe(200);
  // At once: the browser keeps no answer for long.
  const html = await answer.text();
  expect(new URL(page.url()).pathname, `${what} leads elsewhere`).toBe(path.split('?')[0]);
  await still(page, what, 0.01);
  await expect(page.locator('html')).toHaveAttribute('lang', locale);
  await expect(page.locator('h1'), what).toHaveCount(1);
  await accessible(page, what);
  await fits(page, what, [width]);
  await nothingCut(page, what);
  await fontsHaveWords(page, answer, what);
  const hidden = await page.locator('.tablewrap:has(.lines)').evaluateAll((all) => all.filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth).length);
  expect(hidden, `${what}: a table whose last column, the cost, is out of view`).toBe(0);
  const words = await page.locator('body').innerText();
  expect(words, what).not.toMatch(/%\{|\.\.(?!\d)|\b(admin|usage|keys|settings|sessions|second_factor|wallet|statement|receipts|try_zone)\.[a-z_]+\b/);
  if (locale === 'en' && width === 1280) await validHtml(html, what);
  await keep(page, `${who}${path}-${locale}-${scheme}-${width}`);
}

// Types the password once more where a page wants it.
async function confirm(page, { password }, path) {
  await page.goto(path);
  await page.locator('#password').fill(password);
  await page.locator('form[action="/api/confirm"] button[type=submit]').click();
  await page.waitForURL(`**${path}`);
}

test.describe.configure({ timeout: 480_000 });

let ann;
let ids;

test.beforeAll(async () => {
  ann = person(farebox, 'customer');
  const limits = ['--day-usd', '1', '--total-usd', '20', '--requests-per-minute', '600', '--model', 'sandbox-echo', '--scope', 'chat:write', '--scope', 'models:read'];
  const limited = anotherKey(farebox, ann.email, 'limited robot', limits);
  const gone = anotherKey(farebox, ann.email, 'gone');
  revokeKey(farebox, gone.id);
  await seen(farebox, limited.key);
  await seen(farebox, ann.key);
  for (const model of ['sandbox-echo', 'sandbox-lorem', 'sandbox-reasoner']) await call(farebox, ann.key, 'Hello there', model);
  await call(farebox, limited.key, 'Hello');
  await expect(call(farebox, limited.key, 'Hello', 'sandbox-lorem')).rejects.toThrow(/403|404/);
  ids = { key: limited.id, revoked: gone.id };
});

for (const look of LOOKS) {
  const { locale, scheme, width } = look;
  test(`a customer's: ${locale}, ${scheme}, ${width}`, async ({ page }) => {
    await watchShifts(page);
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await signIn(page, farebox, ann);
    await prefer(page, farebox, locale, locale === 'ru' ? 'RUB' : 'USD');
    await confirm(page, ann, '/settings/email');
    await page.goto('/usage/calls');
    ids.call = (await page.locator('a[href^="/usage/calls/call_"]').first().getAttribute('href')).split('/').at(-1);
    ids.order ??= await ordered(page, 'sandbox');
    ids.transfer ??= await ordered(page, 'manual');
    ids.receipt ??= await paid(page);
    // What was refused is written a second later.
    await expect(async () => {
      await page.goto('/usage/refused');
      await expect(page.locator('main table')).toBeVisible({ timeout: 200 });
    }).toPass();
    for (const path of rooms.customer(ids)) await inOrder(page, 'customer', path, look);
  });
}

test("an administrator's: a second factor first, then every room", async ({ page, watch }) => {
  // Until then the area answers 403.
  watch.tolerate(/Failed to load resource: the server responded with a status of 403/);
  const root = person(farebox, 'root', null, ['--admin']);
  await signIn(page, farebox, root);
  await prefer(page, farebox, 'en', 'USD');
  const shut = await page.goto('/admin');
  expect(new URL(page.url()).pathname === '/admin' && shut.status() === 200, 'the area is open without a second factor').toBe(false);
  await confirm(page, root, '/settings/second-factor');
  await accessible(page, 'the enrolment');
  const secret = await page.locator('.secret code').innerText();
  await page.locator('form[action="/api/finish_second_factor"] input[name=code]').fill(code(secret));
  await page.locator('form[action="/api/finish_second_factor"] button[type=submit]').click();
  await page.waitForURL('**/settings/recovery-codes*');
  await accessible(page, 'the recovery codes');

  await page.goto(`/admin/accounts?q=${encodeURIComponent(ann.email)}`);
  const id = async (kind) => (await page.locator(`a[href^="/admin/${kind}/"]`).first().getAttribute('href')).split('/').at(-1);
  ids.account = await id('accounts');
  await page.goto('/admin/upstreams');
  ids.upstream = await page.locator('main a[href^="/admin/upstreams/"]:not([href$="/new"])').first().getAttribute('href').then((href) => href.split('/').at(-1));
  await watchShifts(page);
  for (const look of LOOKS) {
    await page.emulateMedia({ colorScheme: look.scheme });
    await page.setViewportSize({ width: look.width, height: 900 });
    await prefer(page, farebox, look.locale, 'USD');
    for (const path of rooms.administrator(ids)) await inOrder(page, 'admin', path, look);
  }

  // Credit with a reason reaches the customer, and the log remembers who gave it.
  await prefer(page, farebox, 'en', 'USD');
  await page.goto(`/admin/accounts/${ids.account}`);
  const credit = page.locator('form[action="/api/admin_adjust_credit"]');
  await credit.locator('input[name=amount]').fill('2.50');
  await credit.locator('[name=reason]').fill('INV-4711');
  await credit.locator('button[type=submit]').click();
  await expect(page.locator('main [role=status]').first()).toBeVisible();
  await page.goto('/admin/audit');
  await expect(page.locator('main')).toContainText('INV-4711');
});
