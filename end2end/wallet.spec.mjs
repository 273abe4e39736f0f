// Does money get into the wallet? From sign-up through the sandbox's pay page to the balance, in both languages, on a
// phone and with JavaScript off; and nothing is credited twice, or at all, when the provider's messages go wrong.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';

import { accessible, fits, nothingCut, validHtml } from './support/checks.mjs';
import { keyboard, pointer } from './support/hands.mjs';
import { mailed } from './support/mails.mjs';
import { farebox, person } from './support/servers.mjs';
import { ERROR_PAGE, expect, prefer, signIn, test } from './support/test.mjs';
import { code } from './support/totp.mjs';
import { spaced, t } from './support/words.mjs';

const PASSWORD = 'seven unrelated sparrows';
const ORDER = /\/wallet\/orders\/order_[0-9a-f]{32}$/;
let newcomers = 0;

const form = (page, verb) => page.locator(`form[action="/api/${verb}"]`);
const button = (page, verb) => form(page, verb).locator('button[type=submit]');
const asks = (page) => page.locator('form[action="/wallet/top-up"]');
const toPay = (page) => page.locator('main a.btn.primary[href^="http://127.0.0.1"]');
const id = (page) => page.url().match(/order_[0-9a-f]{32}/)[0];

// Euros cost something here, although no source of rates is asked: set by hand, as an operator may.
test.beforeAll(() => {
  const env = { ...process.env, FAREBOX_DATA: farebox.data };
  execFileSync(process.env.FAREBOX_BIN, ['admin', 'rate', 'set', '--currency', 'EUR', '--per-usd', '0.92', '--json'], { env, cwd: farebox.data });
});

// Dollars as a page or a form writes them, with a point or a comma, in whole nano-dollars.
function nanos(text) {
  const [whole, part = ''] = text.replace(/[^\d.,]/g, '').replace(',', '.').split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0'));
}

// What the wallet holds, exactly.
async function held(page) {
  await page.goto('/wallet');
  return nanos(await page.locator('.balance dl dd').first().innerText());
}

const holds = async (page, amount) => expect(await held(page)).toBe(amount);

const state = (page, locale, name) => expect(page.locator('main .head .pill')).toHaveText(t(locale, `wallet.status.${name}`));

// Orders as many coins, by the offer that is shown; answers what was promised, in nano-dollars.
async function ordered(page, { amount, currency, provider }, hand = pointer(), check = async () => {}) {
  await page.goto(provider ? `/wallet/top-up?provider=${provider}` : '/wallet/top-up');
  await check('a top-up');
  if (currency) {
    // A running server knows a rate that the command line set within five seconds.
    await expect(async () => {
      await page.reload();
      await page.locator('#currency').selectOption(currency, { timeout: 2_000 });
    }).toPass();
  }
  await hand.fill(page.locator('#amount'), amount);
  await hand.press(asks(page).locator('button[type=submit]'));
  await expect(form(page, 'create_order')).toBeVisible();
  await check('an offer');
  const promised = await form(page, 'create_order').locator('[name=shown]').inputValue();
  await hand.press(button(page, 'create_order'));
  await page.waitForURL(ORDER);
  return nanos(promised);
}

// Chooses what goes wrong on the pay page, and presses one of its buttons.
async function press(page, action, faults = {}, hand = pointer()) {
  if (Object.keys(faults).length) await hand.press(page.locator('summary'));
  for (const [name, value] of Object.entries(faults)) await page.locator(`#${name}`).selectOption(value);
  await hand.press(page.locator(`button[value="${action}"]`));
}

async function paid(page, what, faults, action = 'pay') {
  const promised = await ordered(page, what);
  await toPay(page).click();
  await page.waitForURL(/\/pay\/pay_/);
  await press(page, action, faults);
  await page.waitForURL(ORDER);
  return promised;
}

// Signs up, proves the address and signs in.
async function newcomer(page, locale, hand) {
  const prefix = locale === 'en' ? '' : `/${locale}`;
  const email = `payer-${Date.now().toString(36)}${(newcomers += 1)}@e2e.test`;
  await page.goto(`${prefix}/signup`);
  await hand.fill(page.locator('#name'), 'Ada Lovelace');
  await hand.fill(page.locator('#email'), email);
  await hand.fill(page.locator('#password'), PASSWORD);
  await hand.tick(page.locator('#terms'));
  await hand.tick(page.locator('#consent'));
  await hand.press(button(page, 'sign_up'));
  await page.waitForURL('**/check-mail*');
  const { link } = await mailed(farebox, email, '/verify/');
  await page.goto(link);
  await hand.press(button(page, 'verify'));
  await page.waitForURL((url) => !url.pathname.startsWith('/verify/'));
  await page.goto(`${prefix}/login`);
  await hand.fill(page.locator('#email'), email);
  await hand.fill(page.locator('#password'), PASSWORD);
  await hand.press(button(page, 'sign_in'));
  await page.waitForURL('**/overview');
}

async function journey(page, { locale, width, scheme, hand, currency, amount, look }) {
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme: scheme });
  const check = async (what) => {
    if (!look) return;
    await accessible(page, `${what} (${locale}, ${scheme}, ${width})`);
    await fits(page, `${what} (${locale})`, [width]);
    await nothingCut(page, `${what} (${locale})`);
  };
  await newcomer(page, locale, hand);

  // Whoever is new here has been given a little for a first look.
  const before = await held(page);
  await check('the wallet of a newcomer');

  // From the balance to the top-up, the offer, the order.
  await page.goto('/overview');
  await hand.press(page.locator('.balance a[href="/wallet/top-up"]'));
  await page.waitForURL('**/wallet/top-up');
  const promised = await ordered(page, { amount, currency }, hand, check);
  await state(page, locale, 'pending');
  await check('an order');
  const address = page.url();

  // The provider's page, and back: the result survives a reload.
  await hand.press(toPay(page));
  await page.waitForURL(/\/pay\/pay_/);
  await expect(page.locator('html')).toHaveAttribute('lang', locale);
  await check('the pay page');
  await press(page, 'pay', {}, hand);
  await page.waitForURL(ORDER);
  expect(page.url()).toBe(address);
  await state(page, locale, 'credited');
  await check('a paid order');
  await page.reload();
  await state(page, locale, 'credited');
  await holds(page, before + promised);
  await check('the wallet');
  await expect(page.locator(`main a[href="/wallet/orders/${id({ url: () => address })}"]`)).toBeVisible();
  await page.goto('/wallet/orders');
  await check('the orders');
}

test.describe('from sign-up to the balance', () => {
  test('English, light, on a desk, in euros', async ({ page }) => {
    await journey(page, { locale: 'en', width: 1280, scheme: 'light', hand: pointer(), currency: 'EUR', amount: '25', look: true });
  });

  test('English, dark, on a phone, by keyboard alone', async ({ page }) => {
    await journey(page, { locale: 'en', width: 360, scheme: 'dark', hand: keyboard(page), amount: '12.50', look: false });
  });

  test.describe('in a Russian browser', () => {
    test.use({ locale: 'ru-RU' });

    test('dark, on a phone, in euros', async ({ page }) => {
      await journey(page, { locale: 'ru', width: 360, scheme: 'dark', hand: pointer(), currency: 'EUR', amount: '25,5', look: true });
    });
  });

  test.describe('with JavaScript off', () => {
    test.use({ javaScriptEnabled: false });

    test('English, on a phone, in euros', async ({ page }) => {
      await journey(page, { locale: 'en', width: 360, scheme: 'light', hand: pointer(), currency: 'EUR', amount: '25', look: false });
    });

    test.describe('in a Russian browser', () => {
      test.use({ locale: 'ru-RU' });

      test('on a desk', async ({ page }) => {
        await journey(page, { locale: 'ru', width: 1280, scheme: 'dark', hand: pointer(), amount: '25', look: false });
      });
    });
  });
});

test.describe("the provider's messages go wrong", () => {
  for (const webhook of ['lost', 'repeated', 'reordered', 'early', 'forged', 'stale']) {
    test(`${webhook}: what was paid is credited once`, async ({ page }) => {
      await signIn(page, farebox, person(farebox, 'payer', null));
      const promised = await paid(page, { amount: '25' }, { webhook });
      await state(page, 'en', 'credited');
      await holds(page, promised);
    });
  }

  for (const object of ['wrong_amount', 'wrong_currency', 'live']) {
    test(`${object}: nothing is credited`, async ({ page }) => {
      await signIn(page, farebox, person(farebox, 'payer', null));
      await paid(page, { amount: '25' }, { object });
      await expect(page.locator('main .head .pill')).not.toHaveText(t('en', 'wallet.status.credited'));
      await holds(page, 0n);
    });
  }

  test('forged by somebody: an order that is not paid stays so', async ({ page }) => {
    await signIn(page, farebox, person(farebox, 'payer', null));
    await ordered(page, { amount: '25' });
    const payment = (await toPay(page).getAttribute('href')).match(/pay_[0-9a-f]+/)[0];
    const body = JSON.stringify({ id: 'evt_forged', type: 'payment.paid', object: payment });
    const now = Math.floor(Date.now() / 1000);
    const v1 = createHmac('sha256', 'a guessed secret').update(`${now}.${body}`).digest('hex');
    for (const signature of [`t=${now},v1=${v1}`, `t=${now},v1=`, '']) {
      const answer = await fetch(`${farebox.url}/hooks/sandbox`, { method: 'POST', headers: { 'content-type': 'application/json', 'sandbox-signature': signature }, body });
      expect(answer.status, signature).toBeGreaterThanOrEqual(400);
      expect(answer.status, signature).toBeLessThan(500);
    }
    await page.locator('main a[href$="/return"]').click();
    await page.waitForURL(ORDER);
    await state(page, 'en', 'pending');
    await holds(page, 0n);
  });

  test('a payment that takes its time is credited by looking again', async ({ page }) => {
    await signIn(page, farebox, person(farebox, 'payer', null));
    const promised = await ordered(page, { amount: '25' });
    const url = await toPay(page).getAttribute('href');
    const payment = url.match(/pay_[0-9a-f]+/)[0];
    const slow = await page.request.post(new URL('/control', url).href, { data: { payment, webhook: 'lost', late_ms: 1500 } });
    expect(slow.status()).toBe(200);
    await toPay(page).click();
    await page.waitForURL(/\/pay\/pay_/);
    await press(page, 'pay_late');
    await page.waitForURL(ORDER);
    await state(page, 'en', 'processing');
    await expect(async () => {
      await page.locator('main a[href$="/return"]').click();
      await page.waitForURL(ORDER);
      await expect(page.locator('main .head .pill')).toHaveText(t('en', 'wallet.status.credited'), { timeout: 200 });
    }).toPass();
    await holds(page, promised);
  });

  test('declined, canceled and given up: each says so, and nothing is credited', async ({ page }) => {
    await signIn(page, farebox, person(farebox, 'payer', null));
    for (const [action, name] of [['decline', 'failed'], ['cancel', 'canceled'], ['expire', 'expired']]) {
      await paid(page, { amount: '25' }, {}, action);
      await state(page, 'en', name);
      await accessible(page, `an order that is ${name}`);
      await page.reload();
      await state(page, 'en', name);
    }
    await ordered(page, { amount: '25' });
    await button(page, 'cancel_order').click();
    await state(page, 'en', 'canceled');
    await holds(page, 0n);
  });
});

test("somebody else's order is not there", async ({ page, browser, watch }) => {
  watch.tolerate(ERROR_PAGE);
  await signIn(page, farebox, person(farebox, 'payer', null));
  await ordered(page, { amount: '25' });
  const address = page.url();
  const other = await browser.newContext();
  const eve = await other.newPage();
  await signIn(eve, farebox, person(farebox, 'eve', null));
  for (const path of [address, `${address}/return`]) expect((await eve.goto(path)).status()).toBe(404);
  await other.close();
});

test('a transfer that an administrator confirms is credited', async ({ page, browser }) => {
  const payer = person(farebox, 'payer', null);
  await signIn(page, farebox, payer);
  const promised = await ordered(page, { amount: '40', provider: 'manual' });
  await expect(page.locator('main')).toContainText('DE02 1203 0000 0000 2020 51');
  await accessible(page, 'a bank transfer');
  await fits(page, 'a bank transfer');
  const reference = spaced(await page.locator('main h1').innerText()).match(/[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{3}/)[0];
  await expect(page.locator('[data-copy]').first()).toContainText(reference);

  const room = await browser.newContext();
  const desk = await room.newPage();
  const root = person(farebox, 'root', null, ['--admin']);
  await signIn(desk, farebox, root);
  await desk.goto(`${farebox.url}/settings/second-factor`);
  await desk.locator('form[action="/api/confirm"] input[name=password]').fill(root.password);
  await desk.locator('form[action="/api/confirm"] button[type=submit]').click();
  const secret = await desk.locator('.secret code').innerText();
  await desk.locator('form[action="/api/finish_second_factor"] input[name=code]').fill(code(secret));
  await desk.locator('form[action="/api/finish_second_factor"] button[type=submit]').click();
  await desk.waitForURL('**/settings/recovery-codes*');

  for (const locale of ['en', 'ru']) {
    await prefer(desk, farebox, locale, 'USD');
    await desk.goto(`${farebox.url}/admin/orders?q=${encodeURIComponent(payer.email)}`);
    await accessible(desk, `orders (${locale})`);
    await fits(desk, `orders (${locale})`);
    await desk.goto(`${farebox.url}/admin/orders?q=${reference.toLowerCase()}`);
    await desk.locator('main a[href^="/admin/orders/order_"]').click();
    await accessible(desk, `an order (${locale})`);
    await fits(desk, `an order (${locale})`);
  }
  await validHtml(await desk.content(), 'an order of the administration');
  const confirm = form(desk, 'admin_confirm_order');
  // Another amount than was ordered is not credited by mistake.
  await confirm.locator('#received').fill('39');
  await confirm.locator('#confirm_note').fill('statement 7');
  await confirm.locator('button[type=submit]').click();
  await expect(desk.locator('#received')).toHaveAttribute('aria-invalid', 'true');
  await expect(desk.locator('#confirm_note')).toHaveValue('statement 7');
  await desk.locator('#received').fill('40');
  await form(desk, 'admin_confirm_order').locator('button[type=submit]').click();
  await state(desk, 'ru', 'credited');
  await room.close();

  await page.reload();
  await state(page, 'en', 'credited');
  await holds(page, promised);
});
