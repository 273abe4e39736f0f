// Does a newcomer get from the printed link to a metered call, with a browser as it is and with JavaScript off?
import { accessible, fits, nothingCut, validHtml } from './support/checks.mjs';
import { call, farebox, person, pseudo } from './support/servers.mjs';
import { ERROR_PAGE, awake, choose, expect, test } from './support/test.mjs';
import { spaced, t } from './support/words.mjs';

const EMAIL = 'ada@e2e.test';
const PASSWORD = 'seven unrelated sparrows';
const BRAND = { brand: 'Farebox' };

const submit = (page) => page.locator('main form button[type=submit]').click();
const told = (page) => page.locator('main [role=alert], main [role=status]').first();
const balance = (page) => page.locator('[data-live="balance"]');
const figure = (page, name) => page.locator(`[data-live="${name}"]`);

async function fill(page, email, password) {
  await page.locator('#email').fill(email);
  await page.locator('#password').fill(password);
  await submit(page);
}

const leave = (page, locale = 'en') => page.getByRole('button', { name: t(locale, 'header.sign_out') }).click();

// From the link to the overview, out, and in again. The same for both browsers.
async function claimAndSignIn(page, server) {
  await page.goto(server.claim);
  await expect(page.locator('h1')).toHaveText(t('en', 'account.claim.title', BRAND));

  // What was wrong stands at its field, and the e-mail is still there.
  await fill(page, EMAIL, 'short');
  await expect(page.locator('#password-wrong')).toHaveText(t('en', 'form.password_too_short', { min: '8' }));
  await expect(page.locator('#password')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.locator('#email')).toHaveValue(EMAIL);
  await expect(page.locator('#password')).toHaveValue('');

  await fill(page, EMAIL, PASSWORD);
  await expect(page).toHaveURL(`${server.url}/overview`);
  await expect(told(page)).toContainText(t('en', 'flash.admin_created', BRAND));
  await expect(balance(page)).toHaveText('$5.00');
  await expect(figure(page, 'today')).toHaveText('$0.00');
  await page.reload();
  await expect(page.getByText(t('en', 'flash.admin_created', BRAND)), 'told once').toHaveCount(0);

  await leave(page);
  await expect(page).toHaveURL(`${server.url}/login`);
  await expect(told(page)).toContainText(t('en', 'flash.signed_out'));

  // A known and an unknown e-mail get the same answer.
  for (const email of [EMAIL, 'nobody@e2e.test']) {
    await fill(page, email, 'not my password');
    await expect(page).toHaveURL(`${server.url}/login`);
    await expect(page.getByRole('alert')).toHaveText(t('en', 'sessions.sign_in.wrong'));
    await expect(page.locator('#email')).toHaveValue(email);
    await expect(page.locator('#password')).toHaveValue('');
  }
  await fill(page, EMAIL, PASSWORD);
  await expect(page).toHaveURL(`${server.url}/overview`);
  await expect(balance(page)).toHaveText('$5.00');
}

// Amounts in another currency say that they are approximate, and of which day the rate is.
async function shownIn(page, currency, pattern) {
  await choose(page, 'currencies', currency);
  expect(spaced(await balance(page).innerText())).toMatch(pattern);
  await expect(page.locator('section.balance > .hint')).toContainText(/\d{4}/);
}

test('the link, the first administrator, a metered call, another language and currency', async ({ page, watch }) => {
  watch.tolerate(ERROR_PAGE);
  await page.goto(farebox.claim);
  await accessible(page, 'the claim page');
  await fits(page, 'the claim page');
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'the claim page, dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 800 });
  await validHtml(await (await fetch(farebox.claim, { headers: { accept: 'text/html' } })).text(), 'the claim page');

  await claimAndSignIn(page, farebox);
  await awake(page);
  await expect(page.getByText(t('en', 'calls.empty.title'))).toBeVisible();

  let spent = 0n;
  const ask = async (text) => {
    const { cost, content } = await call(farebox, farebox.key, text);
    expect(content).toContain(text);
    expect(cost).toBeGreaterThan(0n);
    spent += cost;
  };
  // The last step of the first run turns green by itself: the page waits for the first call.
  await ask('Hello');
  await expect(page.getByText(t('en', 'calls.empty.title'))).toHaveCount(0, { timeout: 15_000 });
  await expect(figure(page, 'calls')).toHaveText('1');
  await awake(page);

  // From then on the page is not loaded again: what happens is the live balance.
  await page.evaluate(() => { window.sameDocument = true; });
  const exact = await figure(page, 'exact').innerText();
  await ask('How are you?');
  await expect(figure(page, 'calls')).toHaveText('2', { timeout: 15_000 });
  await expect(figure(page, 'exact')).not.toHaveText(exact);
  await expect(figure(page, 'today')).not.toHaveText('$0.00');
  const left = 5_000_000_000n - spent;
  await expect(figure(page, 'exact')).toContainText(`${left / 1_000_000_000n}.${String(left % 1_000_000_000n).padStart(9, '0').replace(/0+$/, '')}`);
  expect(await page.evaluate(() => window.sameDocument), 'without loading the page again').toBe(true);

  // The spend is there for those who come later, too.
  await page.reload();
  await expect(figure(page, 'calls')).toHaveText('2');
  await expect(page.getByText(t('en', 'calls.empty.title'))).toHaveCount(0);

  await shownIn(page, 'EUR', /^≈ ?€4\.\d\d$/);
  await choose(page, 'languages', 'ru');
  await expect(page).toHaveURL(`${farebox.url}/overview`);
  await expect(page.locator('h1')).toHaveText(t('ru', 'overview.title'));
  await expect(page.locator('html')).toHaveAttribute('lang', 'ru');
  await shownIn(page, 'RUB', /^≈ ?\d{3},\d\d ₽$/);
  // The live balance answers in the reader's language and currency, too.
  await awake(page);
  const answer = page.waitForResponse('**/api/balance', { timeout: 15_000 });
  await call(farebox, farebox.key, 'Привет');
  expect((await (await answer).json()).balance).toContain('₽');
  await expect(figure(page, 'calls')).toHaveText('3', { timeout: 15_000 });
  expect(spaced(await balance(page).innerText())).toMatch(/^≈ ?\d{3},\d\d ₽$/);

  // The link opens nothing any more, and says so.
  expect((await page.goto(farebox.claim)).status()).toBe(410);
  await expect(page.locator('h1')).toHaveText(t('ru', 'account.claim.open_title'));
});

test('signing in with the keyboard alone', async ({ page }) => {
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
  const { email, password } = person(farebox, 'keys');
  await page.goto('/login');
  // The first field waits for typing.
  await expect.poll(focused).toBe('email');
  await page.keyboard.type(email);
  await page.keyboard.press('Tab');
  await expect.poll(focused).toBe('password');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/overview');

  // The skip link comes first and leads past the header.
  await page.keyboard.press('Tab');
  await expect(page.locator('.skip')).toBeFocused();
  await expect(page.locator('.skip')).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect.poll(focused).toBe('main');

  // A language from the menu; each step shows where it is.
  await page.reload();
  const button = page.locator('button[popovertarget="languages"]');
  for (let steps = 0; steps < 10 && !(await button.evaluate((it) => it === document.activeElement)); steps += 1) await page.keyboard.press('Tab');
  await expect(button).toBeFocused();
  expect(await button.evaluate((it) => getComputedStyle(it).outlineStyle)).toBe('solid');
  await page.keyboard.press('Enter');
  await expect(page.locator('#languages')).toBeVisible();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expect(page.locator('#languages button[value="ru"]')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('h1')).toHaveText(t('ru', 'overview.title'));

  // Everything of the page can be reached, each thing once, nothing holds the focus.
  const reached = [];
  for (let steps = 0; steps < 80; steps += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const it = document.activeElement;
      if (it === document.body) return null;
      const box = it.getBoundingClientRect();
      return { name: it.outerHTML.slice(0, 60), top: box.top + scrollY, seen: box.width > 0 && box.height > 0 && it.checkVisibility() };
    });
    if (at === null) break;
    reached.push(at);
  }
  expect(reached.length).toBeGreaterThan(10);
  expect(reached.length, 'the focus leaves the page in the end').toBeLessThan(80);
  expect(reached.filter((at) => !at.seen && !at.name.includes('type="radio"'))).toEqual([]);

  const out = page.getByRole('button', { name: t('ru', 'header.sign_out') });
  await out.focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/ru/login');
});

test.describe('with JavaScript off', () => {
  test.use({ javaScriptEnabled: false, baseURL: pseudo.url });

  test('the same from the link to the metered call', async ({ page, watch }) => {
    watch.tolerate(ERROR_PAGE);
    await claimAndSignIn(page, pseudo);
    // What needs a script does not pretend to work.
    await expect(page.locator('.copy button:visible')).toHaveCount(0);

    await call(pseudo, pseudo.key, 'Hello');
    await expect.poll(async () => {
      await page.reload();
      return figure(page, 'calls').innerText();
    }).toBe('1');
    await expect(figure(page, 'today')).not.toHaveText('$0.00');

    // Tabs and the table behind the chart are the browser's own.
    await page.getByText(t('en', 'quickstart.tab_python'), { exact: true }).click();
    await expect(page.locator('.pane:visible pre')).toContainText('from openai import OpenAI');
    await page.getByText(t('en', 'spend.chart.show_table')).click();
    await expect(page.locator('details.more tbody tr')).toHaveCount(1);
    await expect(page.locator('details.more tbody tr')).toContainText('1');

    await shownIn(page, 'RUB', /^≈ ?RUB ?\d{3}\.\d\d$|^≈ ?₽\d{3}\.\d\d$/);
    await choose(page, 'languages', 'ru');
    await expect(page.locator('h1')).toHaveText(t('ru', 'overview.title'));
    await choose(page, 'themes', 'dark');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    await leave(page, 'ru');
    await expect(page).toHaveURL(`${pseudo.url}/ru/login`);
    await expect(told(page)).toContainText(t('ru', 'flash.signed_out'));

    // Nothing typed: each field says so, in the reader's language.
    await submit(page);
    await expect(page.locator('#email-wrong')).toHaveText(t('ru', 'form.email_required'));
    await expect(page.locator('#password-wrong')).toHaveText(t('ru', 'form.password_required'));
  });
});
