// Is anything found from anywhere: with the keyboard alone, as a page without a script, on a phone? And is a low balance
// said?
import { accessible, fits, nothingCut, validHtml } from './support/checks.mjs';
import { farebox, person } from './support/servers.mjs';
import { awake, expect, prefer, signIn, test } from './support/test.mjs';
import { t } from './support/words.mjs';

let ada;

test.beforeAll(() => {
  ada = person(farebox, 'palette');
});

const focused = (page) => page.evaluate(() => document.activeElement.getAttribute('role') || document.activeElement.id || document.activeElement.className);

test('Ctrl+K finds a key by its name, arrows choose, Enter goes', async ({ page }) => {
  await signIn(page, farebox, ada);
  await awake(page);
  const dialog = page.locator('dialog.palette');
  const field = dialog.getByRole('combobox');
  await page.locator('.skip').focus();
  await page.keyboard.press('Control+k');
  await expect(dialog).toBeVisible();
  await expect(field).toBeFocused();
  await expect(field).toHaveAttribute('aria-expanded', 'true');
  await accessible(page, 'the palette');

  await page.keyboard.type('laptop');
  const options = dialog.getByRole('option');
  await expect(options).toHaveCount(1);
  await expect(options.first()).toContainText('laptop');
  await expect(dialog.getByRole('status')).toHaveText(t('en', 'palette.count_one', { count: '1' }));
  await field.fill('settings');
  await expect(options.first()).toContainText(t('en', 'header.settings'));
  const named = () => field.getAttribute('aria-activedescendant');
  const first = await named();
  await expect(page.locator(`#${first}`)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowDown');
  await expect.poll(named).not.toBe(first);
  await page.keyboard.press('ArrowUp');
  await expect.poll(named).toBe(first);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/settings');
});

test('Esc closes it and gives the focus back; a click on the magnifier opens it; a switch switches', async ({ page }) => {
  await signIn(page, farebox, ada);
  await awake(page);
  const dialog = page.locator('dialog.palette');
  await page.locator('.skip').focus();
  await page.keyboard.press('Control+k');
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect.poll(() => focused(page)).toBe('skip');
  // The slash looks in the page's own field, and where there is none, in everything.
  await page.keyboard.press('/');
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(dialog).toBeHidden();
  await page.locator('a.search').click();
  await page.keyboard.type('dark');
  await expect(dialog.getByRole('option').first()).toContainText(t('en', 'theme.dark'));
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(new URL(page.url()).pathname).toBe('/overview');
  await prefer(page, farebox, 'en', 'USD');
});

test('the base URL is copied', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signIn(page, farebox, ada);
  await awake(page);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('base url');
  await expect(page.locator('dialog.palette').getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page.locator('dialog.palette').getByRole('status')).toHaveText(t('en', 'copy.copied'));
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${farebox.url}/v1`);
});

test('with shortcuts off no key does anything, and the magnifier still opens it', async ({ page }) => {
  const bea = person(farebox, 'palette-off');
  await signIn(page, farebox, bea);
  const form = { locale: 'en', currency: 'USD', time_zone: 'UTC', theme: 'system' };
  await page.request.post(`${farebox.url}/api/set_look`, { form, headers: { origin: farebox.url }, maxRedirects: 0 });
  await page.goto('/overview');
  await awake(page);
  for (const key of ['Control+k', '/', '?']) await page.keyboard.press(key);
  await expect(page.locator('dialog[open]')).toHaveCount(0);
  await page.locator('a.search').click();
  await expect(page.locator('dialog.palette')).toBeVisible();
});

for (const [locale, prefix] of [['en', ''], ['ru', '/ru']]) {
  test(`${locale}: the search is a page without a script, on a phone too`, async ({ browser }) => {
    const context = await browser.newContext({ javaScriptEnabled: false, baseURL: farebox.url, viewport: { width: 360, height: 800 } });
    const page = await context.newPage();
    await page.goto(`${prefix}/`);
    // What stands beside the brand at a desk is behind one button here.
    await expect(page.locator('.top .links')).toBeHidden();
    await page.locator('.burger').click();
    await page.locator('#site').getByRole('link', { name: t(locale, 'palette.title') }).click();
    await page.locator('#q').fill('echo');
    await page.keyboard.press('Enter');
    await expect(page.locator('.found a')).toHaveAttribute('href', `${prefix}/prices/sandbox-echo`);
    const answer = await page.goto(`${prefix}/search`);
    await validHtml(await answer.text(), `the search, ${locale}`);
    await expect(page.locator('meta[name="robots"]')).toHaveAttribute('content', 'noindex');
    await context.close();
  });

  test(`${locale}: search and shortcuts are accessible to strangers`, async ({ page }) => {
    for (const path of [`${prefix}/search`, `${prefix}/search?q=theme`, `${prefix}/shortcuts`]) {
      await page.goto(path);
      await accessible(page, path);
      await fits(page, path);
      await page.setViewportSize({ width: 320, height: 800 });
      await nothingCut(page, path);
      await page.setViewportSize({ width: 1280, height: 800 });
      await accessible(page, path);
    }
  });
}

test('a low balance is said, and put away for a day without a script', async ({ browser }) => {
  const cleo = person(farebox, 'palette-low');
  const scripted = await browser.newContext({ baseURL: farebox.url });
  const seen = await scripted.newPage();
  await signIn(seen, farebox, cleo);
  // The rest without a script; axe is one, so it judges the page of the browser that has them.
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL: farebox.url, storageState: await scripted.storageState() });
  const page = await context.newPage();
  await page.goto('/settings');
  await page.locator('form[action="/api/set_low_balance"] input[name=amount]').fill('1000000');
  await page.locator('form[action="/api/set_low_balance"] button[type=submit]').click();
  for (const path of ['/keys', '/usage']) {
    await page.goto(path);
    await expect(page.locator('.note.warn.low')).toContainText('HTTP 429');
  }
  await seen.goto('/usage');
  await accessible(seen, 'a page with a low balance');
  await scripted.close();
  await page.getByRole('button', { name: t('en', 'palette.low.hide') }).click();
  await expect(page).toHaveURL(`${farebox.url}/usage`);
  await expect(page.locator('.low')).toHaveCount(0);
  await context.close();
});
