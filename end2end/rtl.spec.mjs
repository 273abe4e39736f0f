// Do pages survive a language that runs from right to left, and one that needs much more room? Made from English by
// support/pseudo.mjs, so that what is still plain English on a page is a text that is not in `locales/`.
import { accessible, fits, keep, nothingCut } from './support/checks.mjs';
import { ordered, paid, rooms } from './support/rooms.mjs';
import { call, person, pseudo, seen } from './support/servers.mjs';
import { ERROR_PAGE, awake, expect, prefer, signIn, test } from './support/test.mjs';

test.use({ baseURL: pseudo.url });

const ERRORS = ['/no/such/page', '/claim/nothing'];
const PUBLIC = ['/', '/login', '/signup', '/recover', '/prices', '/prices/sandbox-echo', '/calculator?model=sandbox-echo', '/docs', '/docs/errors', '/status', '/policies', '/policies/privacy', '/search?q=limits', '/shortcuts', ...ERRORS];
const DIRECTIONS = { ar: 'rtl', eo: 'ltr' };
let bea;
let ids;

test.describe.configure({ timeout: 480_000 });

test.beforeAll(async () => {
  bea = person(pseudo, 'rtl');
  await seen(pseudo, bea.key);
  await call(pseudo, bea.key, 'Hello');
  await call(pseudo, bea.key, 'Hello', 'sandbox-lorem');
});

// As a stranger sees it.
async function open(page, locale, path) {
  await page.context().addCookies([{ name: 'prefs', value: `${locale}.EUR.-`, url: pseudo.url }]);
  await page.goto(ERRORS.includes(path) ? path : `/${locale}${path}`);
}

async function comeIn(page, locale) {
  await signIn(page, pseudo, bea, `/${locale}`);
  await prefer(page, pseudo, locale, 'EUR');
}

// Every page there is, one after the other: a stranger's, then a customer's.
async function everywhere(page, locale, check) {
  for (const path of PUBLIC) {
    await open(page, locale, path);
    await check(path);
  }
  await comeIn(page, locale);
  if (!ids) {
    await page.goto('/usage/calls');
    const call = (await page.locator('a[href^="/usage/calls/call_"]').first().getAttribute('href')).split('/').at(-1);
    ids = { call, key: bea.id, revoked: bea.id, order: await ordered(page, 'sandbox'), transfer: await ordered(page, 'manual'), receipt: await paid(page) };
  }
  for (const path of rooms.customer(ids)) {
    await page.goto(path);
    if (path === '/overview') await awake(page);
    await check(path);
  }
}

for (const [locale, dir] of Object.entries(DIRECTIONS)) {
  test(`${locale}: no page is wider than its screen, nothing is cut`, async ({ page, watch }) => {
    watch.tolerate(ERROR_PAGE);
    await everywhere(page, locale, async (path) => {
      await expect(page.locator('html')).toHaveAttribute('dir', dir);
      await expect(page.locator('html')).toHaveAttribute('lang', locale);
      await fits(page, path);
      await keep(page, `${locale}${path}-1280`);
      await page.setViewportSize({ width: 360, height: 800 });
      await nothingCut(page, path);
      await keep(page, `${locale}${path}-360`);
    });
  });

  test(`${locale}: every visible word comes from locales/`, async ({ page, watch }) => {
    watch.tolerate(ERROR_PAGE);
    await everywhere(page, locale, async (path) => {
      const plain = await page.evaluate((email) => {
        // Names, code and amounts are not translated; other languages in the menu are written in themselves.
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const words = (text) => text.replaceAll(email, '').match(/[A-Za-z]{3,}/g) ?? [];
        const found = [];
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          if (node.parentElement.closest('[translate="no"], [lang], code, pre, .num, [data-live], bdi')) continue;
          found.push(...words(node.textContent));
        }
        for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
          if (element.closest('[translate="no"]')) continue;
          for (const name of ['aria-label', 'title', 'placeholder', 'alt']) found.push(...words(element.getAttribute(name) ?? ''));
        }
        return found;
      }, bea.email);
      // Names (of the sessions' browser too), currencies, and what the formatter calls a month in Esperanto.
      const values = /^(Farebox|EUR|USD|sandbox|echo|lorem|reasoner|UTC|laptop|Chrome|Linux|Jan|Feb|Mar|Apr|Maj|May|Jun|Jul|Aŭg|Aug|Sep|Okt|Oct|Nov|Dec)$/i;
      expect.soft([...new Set(plain)].filter((word) => !values.test(word)), path).toEqual([]);
    });
  });
}

test('right to left: accessible in both themes', async ({ page, watch }) => {
  watch.tolerate(ERROR_PAGE);
  await everywhere(page, 'ar', async (path) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await accessible(page, `${path}, ${colorScheme}`);
    }
  });
});

test('right to left: pages are mirrored, code and addresses are not', async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await open(page, 'ar', '/');
  const middle = async (locator) => {
    const { x, width } = await locator.boundingBox();
    return x + width / 2;
  };
  expect(await middle(page.locator('.top .brand')), 'the brand stands at the right').toBeGreaterThan(640);
  expect(await middle(page.locator('.top .end')), 'the choices stand at the left').toBeLessThan(640);
  expect(await middle(page.locator('.hero .words'))).toBeGreaterThan(await middle(page.locator('.hero .sheet')));
  const style = (locator, name) => locator.first().evaluate((element, of) => getComputedStyle(element)[of], name);
  expect(await style(page.locator('pre'), 'direction')).toBe('ltr');
  expect(await style(page.locator('pre'), 'textAlign')).toBe('left');
  expect(await style(page.locator('.ic.flip'), 'scale')).toBe('-1 1');
  expect(await page.evaluate(() => document.fonts.ready.then(() => document.fonts.check('16px Vazirmatn')))).toBe(true);

  await open(page, 'ar', '/login');
  await page.locator('#email').fill('a@b.example');
  expect(await style(page.locator('#email'), 'direction')).toBe('ltr');

  await comeIn(page, 'ar');
  await awake(page);
  expect(await middle(page.locator('.side')), 'the navigation stands at the right').toBeGreaterThan(640);
  expect(await style(page.locator('.chart'), 'direction'), 'time runs from left to right').toBe('ltr');
  expect(await style(page.locator('.ruler'), 'scale')).toBe('-1 1');
  // An amount is in one piece, with its sign where its language puts it.
  expect((await page.locator('[data-live="balance"]').innerText()).length).toBeGreaterThan(4);

  // The tooltip stays beside its day, and within the chart.
  const day = page.locator('[data-day]').last();
  await day.focus();
  const tip = await page.locator('[data-tip]:visible').boundingBox();
  const chart = await page.locator('.chart').boundingBox();
  expect(tip.x).toBeGreaterThanOrEqual(chart.x - 1);
  expect(tip.x + tip.width).toBeLessThanOrEqual(chart.x + chart.width + 1);
});

test('right to left: menus open under their buttons, within a phone', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 800 });
  await open(page, 'ar', '/');
  for (const menu of ['languages', 'currencies', 'themes']) {
    await page.locator(`button[popovertarget="${menu}"]`).click();
    const box = await page.locator(`#${menu}`).boundingBox();
    expect(box.x, menu).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width, menu).toBeLessThanOrEqual(320);
    await page.keyboard.press('Escape');
  }
});
