// Is every page for strangers in order: in both languages and themes, on a phone and a desk, without any script?
import { accessible, fits, fontsHaveWords, guarded, keep, nothingCut, still, validHtml, watchShifts } from './support/checks.mjs';
import { farebox } from './support/servers.mjs';
import { ERROR_PAGE, choose, expect, test } from './support/test.mjs';
import { frontMatter, spaced, t } from './support/words.mjs';

const LOCALES = { en: '', ru: '/ru' };
const MODEL = 'sandbox-echo';
const PAGES = { landing: '/', prices: '/prices', 'price of a model': `/prices/${MODEL}`, calculator: '/calculator', docs: '/docs', 'docs: curl': '/docs/quickstart/curl', 'docs: errors': '/docs/errors', 'docs: api': '/docs/api', status: '/status', policies: '/policies', 'a policy': '/policies/privacy', 'the cookie policy': '/policies/cookies', 'sign-in': '/login', 'sign-up': '/signup', recover: '/recover', search: '/search?q=limits', shortcuts: '/shortcuts', 'not found': '/no/such/page', 'used link': '/claim/nothing' };
// In every language, and not for search engines.
const UNLISTED = ['/search?q=limits', '/shortcuts'];
const STATUS = { '/no/such/page': 404, '/claim/nothing': 410 };
const BRAND = { brand: 'Farebox' };
// What search engines are told; the other pages say what the landing page does.
const DESCRIPTION = { '/prices': 'prices.meta.description', [`/prices/${MODEL}`]: 'prices.one.description', '/calculator': 'calculator.meta.description', '/status': 'status.description', '/policies': 'policies.meta.description', '/policies/privacy': 'policies.meta.one', '/policies/cookies': 'policies.meta.one' };
const described = (locale, path) => (path.startsWith('/docs') ? frontMatter(locale, path === '/docs' ? '/docs/index' : path, 'description').replaceAll('{{ brand }}', BRAND.brand) : t(locale, DESCRIPTION[path] ?? 'landing.meta.description', { model: MODEL, ...BRAND, policy: path.startsWith('/policies/') ? t(locale, `policies.names.${path.split('/').pop()}`) : '' }));

// The address of a page in a language; pages with one address take the language of the cookie.
const address = (locale, path) => (STATUS[path] ? path : `${LOCALES[locale]}${path}`);

async function open(page, locale, path) {
  await page.context().addCookies([{ name: 'prefs', value: `${locale}.-.-`, url: farebox.url }]);
  const answer = await page.goto(address(locale, path));
  expect(answer.status()).toBe(STATUS[path] ?? 200);
  return answer;
}

for (const locale of ['en', 'ru']) {
  for (const scheme of ['light', 'dark']) {
    test(`${locale}, ${scheme}: accessible`, async ({ page, watch }) => {
      watch.tolerate(ERROR_PAGE);
      await page.emulateMedia({ colorScheme: scheme });
      // Colours do not depend on the width, so one of the two is enough for the second theme.
      for (const width of scheme === 'light' ? [1280, 360] : [360]) {
        await page.setViewportSize({ width, height: 800 });
        for (const [name, path] of Object.entries(PAGES)) {
          await open(page, locale, path);
          await accessible(page, `${name} at ${width} px`);
          await keep(page, `public ${name} ${locale} ${scheme} ${width}`);
        }
      }
    });
  }

  test(`${locale}: no page is wider than its screen, nothing is cut, nothing moves while it arrives`, async ({ page, watch }) => {
    watch.tolerate(ERROR_PAGE);
    await watchShifts(page);
    for (const [name, path] of Object.entries(PAGES)) {
      await open(page, locale, path);
      // None that anybody sees: a font that comes late is not swapped in.
      await still(page, name, 0.001);
      await fits(page, name);
      await page.setViewportSize({ width: 320, height: 800 });
      await nothingCut(page, name);
    }
  });

  test(`${locale}: the document says its language, and where it is in the others`, async ({ page, watch }) => {
    watch.tolerate(ERROR_PAGE);
    for (const path of Object.values(PAGES)) {
      const answer = await open(page, locale, path);
      await fontsHaveWords(page, answer, path);
      await expect(page.locator('html')).toHaveAttribute('lang', locale);
      await expect(page.locator('html')).toHaveAttribute('dir', 'ltr');
      const links = await page.locator('link[rel="alternate"][hreflang]').evaluateAll((all) => all.map((link) => [link.hreflang, link.getAttribute('href')]));
      if (STATUS[path] || UNLISTED.includes(path)) {
        expect(links).toEqual([]);
        await expect(page.locator('meta[name="robots"]')).toHaveAttribute('content', 'noindex');
      } else {
        const absolute = (prefix) => `${farebox.url}${prefix}${path}`;
        expect(links).toEqual([['en', absolute('')], ['ru', absolute('/ru')], ['x-default', absolute('')]]);
        await expect(page.locator('link[rel="canonical"]')).toHaveAttribute('href', absolute(LOCALES[locale]));
        await expect(page.locator('meta[name="description"]')).toHaveAttribute('content', described(locale, path));
      }
      // A key that is shown instead of its text, or a place in a text that was not filled in.
      const words = await page.locator('body').innerText();
      expect(words).not.toMatch(/%\{|\b(landing|prices|calculator|errors|sessions|account|header|form|theme|currency|locale)\.[a-z_]+\b/);
    }
    await open(page, locale, '/');
    await expect(page).toHaveTitle(t(locale, 'landing.meta.title', BRAND));
    await expect(page.locator('h1')).toHaveText(t(locale, 'landing.hero.title'));
    await open(page, locale, '/no/such/page');
    await expect(page.locator('h1')).toHaveText(t(locale, 'errors.not_found.title'));
  });
}

test('strangers get no script and no wasm, and little of everything else', async ({ page, watch }) => {
  watch.tolerate(ERROR_PAGE);
  const kinds = [];
  page.on('request', (request) => kinds.push([request.resourceType(), new URL(request.url()).pathname]));
  for (const path of Object.values(PAGES)) {
    kinds.length = 0;
    await open(page, 'en', path);
    await page.evaluate(() => document.fonts.ready);
    expect(await page.evaluate(() => document.scripts.length), path).toBe(0);
    const loaders = page.locator('link[rel="modulepreload"], link[rel="preload"][as="script"], link[type="application/wasm"]');
    await expect(loaders).toHaveCount(0);
    expect(kinds.filter(([kind, file]) => kind === 'script' || kind === 'fetch' || /\.(js|wasm)$/.test(file)), path).toEqual([]);
    await expect(page.locator('[style], style, [onclick]')).toHaveCount(0);
  }
});

test('no page asks anybody else for anything', async ({ page, watch }) => {
  watch.tolerate(ERROR_PAGE);
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  for (const locale of Object.keys(LOCALES)) {
    for (const path of Object.values(PAGES)) {
      asked.length = 0;
      await open(page, locale, path);
      await page.evaluate(() => document.fonts.ready);
      expect(asked.length, path).toBeGreaterThan(0);
      const elsewhere = asked.filter((url) => !url.startsWith('data:') && new URL(url).origin !== new URL(farebox.url).origin);
      expect(elsewhere, `${locale}: ${path}`).toEqual([]);
    }
  }
});

test('a policy is read by its contents, and its versions are compared', async ({ page }) => {
  await page.goto('/');
  await page.locator('.foot').getByRole('link', { name: t('en', 'policies.names.terms'), exact: true }).click();
  await expect(page).toHaveURL(`${farebox.url}/policies/terms`);
  const entry = page.locator('.contents a').nth(2);
  const target = await entry.getAttribute('href');
  await entry.click();
  await expect(page.locator(target)).toBeInViewport();
  await page.goto('/policies/terms/1');
  await expect(page.locator('#history')).toBeVisible();
  await page.goto('/policies/terms/compare');
  await accessible(page, 'a comparison');
  await expect(page.getByText(t('en', 'policies.compare.same'))).toBeVisible();
  await page.emulateMedia({ media: 'print' });
  await page.goto('/policies/terms');
  await expect(page.locator('.contents')).toBeHidden();
  await expect(page.locator('.policy-text')).toBeVisible();
});

test('every page, also a failed one, is guarded by its headers and is valid HTML', async () => {
  for (const locale of Object.keys(LOCALES)) {
    for (const [name, path] of Object.entries(PAGES)) {
      const answer = await fetch(`${farebox.url}${address(locale, path)}`, { headers: { accept: 'text/html', cookie: `prefs=${locale}.EUR.dark` } });
      expect(answer.status).toBe(STATUS[path] ?? 200);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(answer.headers.get('content-language')).toBe(locale);
      expect(answer.headers.get('set-cookie'), `${name} sets no cookie for a stranger`).toBeNull();
      guarded(answer.headers, name);
      await validHtml(await answer.text(), `${name}, ${locale}`);
    }
  }
});

test('a file of the bundle is kept for ever, comes compressed, and its neighbours do not exist', async ({ page }) => {
  await page.goto('/');
  const style = await page.locator('link[rel="stylesheet"]').getAttribute('href');
  const answer = await fetch(`${farebox.url}${style}`, { headers: { 'accept-encoding': 'br' } });
  expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(answer.headers.get('content-encoding')).toBe('br');
  expect(answer.headers.get('content-type')).toContain('text/css');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  for (const path of ['/assets/', '/assets/../Cargo.toml', '/pkg/nothing.js', `${style}.br`, '/manifest.json']) {
    expect((await fetch(`${farebox.url}${path}`)).status, path).toBe(404);
  }
});

test('the first page speaks the language of the browser, and offers it where it does not', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'ru-RU', baseURL: farebox.url });
  const page = await context.newPage();
  await page.goto('/');
  await expect(page.locator('html')).toHaveAttribute('lang', 'ru');
  await page.goto('/no/such/page');
  await expect(page.locator('html')).toHaveAttribute('lang', 'ru');
  await choose(page, 'languages', 'en');
  await page.goto('/');
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.getByRole('link', { name: t('ru', 'locale.offer') }).click();
  await expect(page).toHaveURL(`${farebox.url}/ru/`);
  await context.close();
});

test('theme, language and currency are chosen in the header and kept', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await choose(page, 'themes', 'dark');
  expect(await paper()).not.toBe(light);
  await choose(page, 'currencies', 'RUB');
  await expect(page.locator('#models .hint')).toBeVisible();
  const prices = await page.locator('#models td.num').allInnerTexts();
  expect(prices.length).toBeGreaterThan(2);
  for (const price of prices.filter((price) => /[₽$€]/.test(price))) expect(spaced(price)).toMatch(/^≈.*₽|≈.*RUB/);
  await choose(page, 'languages', 'ru');
  await expect(page).toHaveURL(`${farebox.url}/ru/`);
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(page.locator('#currencies-face')).toHaveText('RUB');
  await page.getByRole('link', { name: t('ru', 'header.sign_in') }).first().click();
  await expect(page).toHaveURL(`${farebox.url}/ru/login`);
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('open menus are accessible, fit a phone, and close with Escape', async ({ page }) => {
  for (const width of [1280, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto('/');
    for (const menu of ['languages', 'currencies', 'themes']) {
      await page.locator(`button[popovertarget="${menu}"]`).click();
      const box = await page.locator(`#${menu}`).boundingBox();
      const face = await page.locator(`button[popovertarget="${menu}"]`).boundingBox();
      expect(box.x, `${menu} at ${width} px`).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width, `${menu} at ${width} px`).toBeLessThanOrEqual(width);
      expect(box.y, `${menu} opens under its button`).toBeGreaterThanOrEqual(face.y + face.height - 1);
      if (width === 1280) await accessible(page, `the open menu ${menu}`);
      await page.keyboard.press('Escape');
      await expect(page.locator(`#${menu}`)).toBeHidden();
      await expect(page.locator(`button[popovertarget="${menu}"]`)).toBeFocused();
    }
  }
});

test('wider spaced text, as WCAG 1.4.12 wants it, is not cut', async ({ page }) => {
  for (const path of ['/', '/login', '/prices', '/calculator']) {
    await page.goto(path);
    await page.evaluate(() => {
      const wide = new CSSStyleSheet();
      wide.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-block-end: 2em !important }');
      document.adoptedStyleSheets = [wide];
    });
    await fits(page, `${path} with wide text`, [360, 1280]);
    await nothingCut(page, `${path} with wide text`);
  }
});

test('models are found and sorted by links, and what a model costs is worked out', async ({ page }) => {
  await page.goto('/prices');
  const names = () => page.locator('table.sortable tbody th bdi').allInnerTexts();
  const all = await names();
  expect(all.length).toBeGreaterThan(1);
  expect(all).toEqual([...all].sort());
  const heading = page.getByRole('columnheader', { name: t('en', 'landing.models.model') });
  await expect(heading).toHaveAttribute('aria-sort', 'ascending');
  await heading.getByRole('link').click();
  await expect(page).toHaveURL(`${farebox.url}/prices?sort=-model`);
  await expect.poll(names).toEqual([...all].reverse());
  await page.getByLabel(t('en', 'prices.filter.name')).fill(MODEL.toUpperCase());
  await page.getByRole('button', { name: t('en', 'prices.filter.submit') }).click();
  await expect(page).toHaveURL(/[?&]sort=-model/);
  await expect.poll(names).toEqual([MODEL]);
  const [input] = await page.locator('table.sortable tbody td').allInnerTexts();
  await choose(page, 'languages', 'ru');
  await expect(page).toHaveURL(/\/ru\/prices\?.*sort=-model/);
  await choose(page, 'languages', 'en');
  await page.getByRole('link', { name: MODEL, exact: true }).click();
  await expect(page.locator('h1')).toHaveText(MODEL);
  await page.getByRole('link', { name: t('en', 'prices.one.calculate') }).click();
  await page.getByLabel(t('en', 'calculator.form.input')).first().fill('1,000,000');
  await page.getByLabel(t('en', 'calculator.form.output')).fill('');
  await page.getByRole('button', { name: t('en', 'calculator.form.submit') }).click();
  // A million tokens cost what a million tokens cost.
  await expect(page.locator('.costs dd').first()).toHaveText(input);
  await page.getByLabel(t('en', 'calculator.form.calls')).fill('many');
  await page.getByRole('button', { name: t('en', 'calculator.form.submit') }).click();
  await expect(page.locator('[aria-invalid="true"]')).toHaveAttribute('name', 'calls');
});
