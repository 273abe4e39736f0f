// Does somebody who was never here get from sign-up to a first call and what it cost? In English and Russian, on a desk
// and on a phone, light and dark, with JavaScript and without, and by keyboard alone. axe finds nothing on the way.
import { accessible, fits } from './support/checks.mjs';
import { keyboard, pointer } from './support/hands.mjs';
import { mailed } from './support/mails.mjs';
import { farebox } from './support/servers.mjs';
import { ERROR_PAGE, expect, test } from './support/test.mjs';
import { t } from './support/words.mjs';

const PASSWORD = 'seven unrelated sparrows';
let newcomers = 0;

const form = (page, verb) => page.locator(`form[action="/api/${verb}"]`);
const button = (page, verb) => form(page, verb).locator('button[type=submit]');
const told = (page) => page.locator('main [role=status]').first();

// A call from outside with a key; the status, and what it cost.
async function call(key, text = 'Hello') {
  const answer = await fetch(`${farebox.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sandbox-echo', messages: [{ role: 'user', content: text }] }),
  });
  const cost = answer.headers.get('x-cost-nusd');
  return { status: answer.status, cost: cost && BigInt(cost), body: await answer.json() };
}

// Nano-dollars as the exact decimal that pages and files show.
const dollars = (nanos) => `${nanos / 1_000_000_000n}.${String(nanos % 1_000_000_000n).padStart(9, '0')}`.replace(/0+$/, '');

async function choose(page, hand, menu, value) {
  await hand.press(page.locator(`button[popovertarget="${menu}"]`));
  await hand.press(page.locator(`#${menu} button[value="${value}"]`));
  await expect(page.locator(`#${menu} button[value="${value}"]`)).toHaveAttribute('aria-pressed', 'true');
}

async function journey(page, { locale, width, scheme, hand, look }) {
  const person = { name: 'Ada Lovelace', email: `new-${Date.now().toString(36)}${(newcomers += 1)}@e2e.test` };
  const prefix = locale === 'en' ? '' : `/${locale}`;
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme: scheme });
  const check = async (what) => {
    if (!look) return;
    await accessible(page, `${what} (${locale}, ${scheme}, ${width})`);
    await fits(page, `${what} (${locale})`, [width]);
  };

  // Sign up. The boxes are not ticked beforehand, and what was typed is still there when one is missing.
  await page.goto(`${prefix}/signup`);
  await check('sign-up');
  await expect(page.locator('#terms')).not.toBeChecked();
  await expect(page.locator('#consent')).not.toBeChecked();
  const fill = async () => {
    await hand.fill(page.locator('#name'), person.name);
    await hand.fill(page.locator('#email'), person.email);
    await hand.fill(page.locator('#password'), PASSWORD);
  };
  await fill();
  await hand.press(button(page, 'sign_up'));
  await expect(page.locator('#terms')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.locator('#email')).toHaveValue(person.email);
  await check('sign-up with what is missing');
  await fill();
  await hand.tick(page.locator('#terms'));
  await hand.tick(page.locator('#consent'));
  await hand.press(button(page, 'sign_up'));
  await page.waitForURL('**/check-mail*');
  await check('check your mail');

  // Verify: looking at the link uses nothing up, the button does.
  const { link } = await mailed(farebox, person.email, '/verify/');
  await page.goto(link);
  await page.goto(link);
  await check('the link');
  await hand.press(button(page, 'verify'));
  await page.waitForURL((url) => !url.pathname.startsWith('/verify/'));
  await page.goto(link);
  await expect(page.locator('h1')).toHaveText(t(locale, 'verify.closed.title'));

  // Sign in.
  await page.goto(`${prefix}/login`);
  await hand.fill(page.locator('#email'), person.email);
  await hand.fill(page.locator('#password'), PASSWORD);
  await hand.press(button(page, 'sign_in'));
  await page.waitForURL('**/overview');
  await expect(page.locator('html')).toHaveAttribute('lang', locale);
  await check('the overview of a newcomer');

  // Make a key, and see it once.
  await page.goto('/keys');
  await check('no keys yet');
  await page.goto('/keys/new');
  await check('a new key');
  await hand.fill(page.locator('#name'), 'laptop');
  await hand.press(button(page, 'create_key'));
  await page.waitForURL('**/keys/key_*/secret');
  await check('the key, once');
  const key = await page.locator('#secret').inputValue();
  expect(key).toMatch(/^sk-fb_live_[0-9A-Za-z]{49}$/);
  await expect(page.locator('.pane pre').first()).toContainText(key);
  const id = page.url().match(/key_[0-9a-f]{32}/)[0];

  // Call. A running server knows the key at once: it made it.
  const first = await call(key);
  expect(first.status, JSON.stringify(first.body)).toBe(200);
  expect(first.cost).toBeGreaterThan(0n);

  // The call with its exact cost and the formula behind it.
  await page.goto('/usage');
  await check('usage');
  await page.goto('/usage/calls');
  await check('the calls');
  await hand.press(page.locator('a[href^="/usage/calls/call_"]').first());
  await page.waitForURL('**/usage/calls/call_*');
  const exact = dollars(first.cost);
  const shown = locale === 'ru' ? exact.replace('.', ',') : exact;
  await expect(page.locator('main')).toContainText(shown);
  const sum = [first.body.usage.prompt_tokens, first.body.usage.completion_tokens];
  for (const tokens of sum) await expect(page.locator('main')).toContainText(String(tokens));
  await check('one call');

  // Another language and currency on the way.
  const other = locale === 'en' ? 'ru' : 'en';
  await choose(page, hand, 'currencies', 'EUR');
  await choose(page, hand, 'languages', other);
  await expect(page.locator('html')).toHaveAttribute('lang', other);
  await page.goto('/overview');
  await expect(page.locator('[data-live="balance"]')).toContainText('€');
  await check('the overview after a call');

  // They are the account's, not only this browser's.
  await page.goto('/settings');
  await check('settings');

  // Revoke: within five seconds it is over.
  await page.goto(`/keys/${id}`);
  await check('a key');
  await hand.press(page.locator('button[commandfor="revoke"]').first());
  await expect(page.locator('dialog#revoke')).toBeVisible();
  await check('the question before revoking');
  await hand.press(page.locator('dialog#revoke form[action="/api/revoke_key"] button[type=submit]'));
  const revoked = Date.now();
  await expect(told(page)).toBeVisible();
  let status = 200;
  while (status === 200 && Date.now() - revoked < 5_000) ({ status } = await call(key));
  expect(status, 'five seconds after it was revoked').toBe(401);
  await page.goto('/keys');
  await check('the keys');

  await hand.press(page.getByRole('button', { name: t(other, 'header.sign_out') }));
  await page.waitForURL('**/login');
  await page.goto('/overview');
  await page.waitForURL('**/login');
}

test.describe('from sign-up to the first call and what it cost', () => {
  test('English, light, on a desk', async ({ page, watch }) => {
    watch.tolerate(ERROR_PAGE);
    await journey(page, { locale: 'en', width: 1280, scheme: 'light', hand: pointer(), look: true });
  });

  test('English, dark, on a phone, by keyboard alone', async ({ page, watch }) => {
    watch.tolerate(ERROR_PAGE);
    await journey(page, { locale: 'en', width: 360, scheme: 'dark', hand: keyboard(page), look: false });
  });

  // Their browser speaks their language: a mailed link has none in its address.
  test.describe('in a Russian browser', () => {
    test.use({ locale: 'ru-RU' });

    test('dark, on a phone', async ({ page, watch }) => {
      watch.tolerate(ERROR_PAGE);
      await journey(page, { locale: 'ru', width: 360, scheme: 'dark', hand: pointer(), look: true });
    });

    test('light, on a desk, by keyboard alone', async ({ page, watch }) => {
      watch.tolerate(ERROR_PAGE);
      await journey(page, { locale: 'ru', width: 1280, scheme: 'light', hand: keyboard(page), look: true });
    });
  });

  test.describe('with JavaScript off', () => {
    test.use({ javaScriptEnabled: false });

    test('English, on a phone', async ({ page, watch }) => {
      watch.tolerate(ERROR_PAGE);
      await journey(page, { locale: 'en', width: 360, scheme: 'light', hand: pointer(), look: false });
    });

    test.describe('in a Russian browser', () => {
      test.use({ locale: 'ru-RU' });

      test('on a desk', async ({ page, watch }) => {
        watch.tolerate(ERROR_PAGE);
        await journey(page, { locale: 'ru', width: 1280, scheme: 'dark', hand: pointer(), look: false });
      });
    });
  });
});
