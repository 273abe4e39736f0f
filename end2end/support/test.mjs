// What is every test watched for? A console message, an error in a page, a request to another host: each fails it.
import { expect, test as plain } from '@playwright/test';

export { expect };

// What is no fault of a page: Chromium tells whoever signs out that it has obeyed; and whoever leaves or types quickly, or has
// a slow machine, that a page did not fade, that the focus was somewhere already when a page first wanted to set it (who types
// before that is not disturbed), and that a font came too late to be shown (whether a page has words for it: `fontsHaveWords`).
const HARMLESS = [
  /^info: Clear-Site-Data header .* Cleared data types/,
  /InvalidStateError: Transition was aborted/,
  /AbortError: Transition was skipped/,
  /^info: Autofocus processing was blocked because a document already has a focused element/,
  /^warning: The resource \S+\.woff2 was preloaded using link preload but not used within a few seconds/,
];

// Listens to the pages of a context from now on; the answer says what they complained about, without what is harmless and
// without what `tolerated` names.
export function listen(context) {
  const heard = [];
  context.on('console', (message) => heard.push(`${message.type()}: ${message.text()}`));
  context.on('weberror', (error) => heard.push(`error in the page: ${error.error().stack || error.error()}`));
  context.on('request', (request) => {
    const url = new URL(request.url());
    const local = url.hostname === '127.0.0.1' || ['data:', 'blob:', 'about:'].includes(url.protocol);
    if (!local) heard.push(`request to another host: ${request.url()}`);
  });
  return (tolerated = []) => heard.filter((message) => ![...HARMLESS, ...tolerated].some((pattern) => pattern.test(message)));
}

export const test = plain.extend({
  // `watch.tolerate(/words/)` for a message that the test itself provokes.
  watch: [
    async ({ context }, use) => {
      const complaints = listen(context);
      const tolerated = [];
      await use({ tolerate: (pattern) => tolerated.push(pattern) });
      expect(complaints(tolerated), 'what the browser complained about').toEqual([]);
    },
    { auto: true },
  ],
});

// The browser says so in its console when a page answers with an error status.
export const ERROR_PAGE = /Failed to load resource: the server responded with a status of 4\d\d/;

// Signs in through the form.
export async function signIn(page, server, { email, password }, prefix = '') {
  await page.goto(`${server.url}${prefix}/login`);
  await expect(page.locator('#email')).toBeFocused();
  await page.locator('#email').fill(email);
  await page.locator('#password').fill(password);
  await page.locator('form[action="/api/sign_in"] button[type=submit]').click();
  await page.waitForURL('**/overview');
}

// Chooses language and currency for a signed-in account: from then on its choice counts, whatever a browser's cookie says.
export async function prefer(page, server, locale, currency) {
  const form = { locale, currency, back: '/overview' };
  const answer = await page.request.post(`${server.url}/api/set_prefs`, { form, headers: { origin: server.url }, maxRedirects: 0 });
  expect(answer.status()).toBe(303);
  await page.goto(`${server.url}/overview`);
}

// Waits until every island of the page is awake.
export async function awake(page) {
  await expect(page.locator('leptos-island').first()).toBeAttached();
  await expect(page.locator('leptos-island:not(:has([data-hydrated="true"]))')).toHaveCount(0);
}

// Chooses an entry of a menu in the header: language, currency or theme.
export async function choose(page, menu, value) {
  await page.locator(`button[popovertarget="${menu}"]`).click();
  await page.locator(`#${menu} button[value="${value}"]`).click();
  await expect(page.locator(`#${menu} button[value="${value}"]`)).toHaveAttribute('aria-pressed', 'true');
}
