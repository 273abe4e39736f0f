// Is the overview in order, for somebody who has spent something, and for somebody who has nothing yet?
import { accessible, fits, guarded, nothingCut, validHtml } from './support/checks.mjs';
import { anotherKey, call, farebox, person, revokeKey, seen } from './support/servers.mjs';
import { awake, expect, prefer, signIn, test } from './support/test.mjs';
import { spaced, t } from './support/words.mjs';

let ada;

test.beforeAll(async () => {
  ada = person(farebox, 'overview');
  await seen(farebox, ada.key);
  for (const model of ['sandbox-echo', 'sandbox-lorem', 'sandbox-reasoner']) await call(farebox, ada.key, 'Hello', model);
});

async function open(page, who, locale, currency) {
  await signIn(page, farebox, who);
  await prefer(page, farebox, locale, currency);
  await awake(page);
}

for (const [locale, currency] of [['en', 'USD'], ['ru', 'RUB']]) {
  test(`${locale}, ${currency}: accessible in both themes, at a desk and on a phone, nothing cut`, async ({ page }) => {
    await open(page, ada, locale, currency);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      for (const width of colorScheme === 'light' ? [1280, 360] : [360]) {
        await page.setViewportSize({ width, height: 800 });
        await accessible(page, `the overview, ${colorScheme}, ${width} px`);
      }
    }
    await page.getByText(t(locale, 'spend.chart.show_table')).click();
    await fits(page, 'the overview');
    await page.setViewportSize({ width: 320, height: 800 });
    await nothingCut(page, 'the overview');
    const words = await page.locator('body').innerText();
    expect(words, 'a date that brings its own full stop').not.toContain('..');
    expect(words).not.toMatch(/%\{|\b(overview|wallet|spend|keys|calls|tokens|quickstart|copy)\.[a-z_]+\b/);
  });
}

test('it shows what was spent, on which models, and the key without showing it', async ({ page }) => {
  await open(page, ada, 'en', 'USD');
  await expect(page.locator('[data-live="calls"]')).toHaveText('3');
  for (const name of ['today', 'week', 'month']) expect(await page.locator(`[data-live="${name}"]`).innerText()).toMatch(/^\$0\.\d+$/);
  for (const model of ['sandbox-echo', 'sandbox-lorem', 'sandbox-reasoner']) await expect(page.locator('.legend')).toContainText(model);
  const row = page.locator('table.keys tbody tr');
  await expect(row).toHaveCount(1);
  await expect(row).toContainText('laptop');
  await expect(row).toContainText(t('en', 'keys.status.active'));
  await expect(row.locator('.mono')).toHaveText(new RegExp(`^${ada.key.slice(0, 6)}.*…${ada.key.slice(-4)}$`));
  expect(await page.content()).not.toContain(ada.key);
  // The table says the same as the bars.
  await page.getByText(t('en', 'spend.chart.show_table')).click();
  const cells = await page.locator('details.more tbody tr').first().locator('td').allInnerTexts();
  expect(cells.map(spaced).at(-2)).toBe('3');
  expect(cells.length).toBe(6);
});

test('with nothing yet it says how to begin', async ({ page }) => {
  const bob = person(farebox, 'begins');
  await open(page, bob, 'en', 'USD');
  await expect(page.locator('[data-live="balance"]')).toHaveText('$5.00');
  await expect(page.getByText(t('en', 'calls.empty.title'))).toBeVisible();
  await expect(page.locator('[data-live="left"]')).toHaveText(t('en', 'wallet.days_left.unknown'));
  await accessible(page, 'an overview without calls');
  await fits(page, 'an overview without calls');
});

test('with no money yet it says that this is the next step, and calls stop', async ({ page }) => {
  const poor = person(farebox, 'poor', null);
  await seen(farebox, poor.key);
  await expect(call(farebox, poor.key, 'Hello')).rejects.toThrow(/429.*insufficient_quota/);
  await open(page, poor, 'en', 'USD');
  const steps = page.locator('.first-run');
  await expect(steps.locator('li.done')).toContainText([t('en', 'first_run.verify'), t('en', 'first_run.key')]);
  await expect(steps.locator('li:not(.done)')).toContainText([t('en', 'first_run.money'), t('en', 'first_run.call')]);
  await expect(steps.getByRole('button')).toHaveCount(0);
  await expect(page.locator('[data-live="balance"]')).toHaveText('$0.00');
  // Only an administrator can add credit with a command, so nobody else is told one.
  await expect(page.locator('main')).not.toContainText('credit grant');
  await accessible(page, 'an overview with an empty wallet');
});

test('long names and many keys fit a phone', async ({ page }) => {
  const busy = person(farebox, `with-a-very-long-name-before-the-sign-${'x'.repeat(20)}`, '1234567.89');
  for (const name of ['Rechtsschutzversicherungsgesellschaftenschlüssel für alle', 'ключ', '<b>bold</b> & "quoted"']) anotherKey(farebox, busy.email, name);
  revokeKey(farebox, anotherKey(farebox, busy.email, 'retired').id);
  await open(page, busy, 'en', 'USD');
  await expect(page.locator('table.keys tbody tr')).toHaveCount(5);
  await expect(page.locator('table.keys')).toContainText('<b>bold</b> & "quoted"');
  await expect(page.locator('table.keys tr', { hasText: 'retired' })).toContainText(t('en', 'keys.status.revoked'));
  await expect(page.locator('[data-live="balance"]')).toHaveText('$1,234,567.89');
  await fits(page, 'a crowded overview');
  await page.setViewportSize({ width: 360, height: 800 });
  await nothingCut(page, 'a crowded overview');
  await accessible(page, 'a crowded overview');
});

test('it is guarded by its headers, kept by nobody, and valid HTML', async ({ page }) => {
  await open(page, ada, 'ru', 'EUR');
  const answer = await page.request.get('/overview', { headers: { accept: 'text/html' } });
  expect(answer.status()).toBe(200);
  guarded(new Headers(answer.headers()), 'the overview', { islands: true });
  expect(answer.headers()['cache-control']).toBe('no-store');
  expect(answer.headers()['set-cookie'], 'rendering changes no session').toBeUndefined();
  await validHtml(await answer.text(), 'the overview');
});
