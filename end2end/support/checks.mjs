// When is a page in order? Accessible, no wider than the screen, valid HTML, with the headers that protect it.
import { mkdirSync } from 'node:fs';

import AxeBuilder from '@axe-core/playwright';
import { HtmlValidate } from 'html-validate';

import { expect } from './test.mjs';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export async function accessible(page, what) {
  // Colours are judged as they are in the end, not in the middle of a fade; what never ends is not waited for.
  await page.evaluate(() => Promise.all([...document.getAnimations()].filter((animation) => animation.effect.getComputedTiming().endTime !== Infinity).map((animation) => animation.finished.catch(() => {}))));
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} (${node.any[0]?.message ?? node.failureSummary})`).slice(0, 3).join(' | ')}`);
  expect(told, `axe on ${what}`).toEqual([]);
}

// A font that is fetched before it is asked for has words to show on the page.
export async function fontsHaveWords(page, answer, what) {
  const preloaded = [...(answer.headers().link ?? '').matchAll(/\/([^/>]+\.woff2)>; rel=preload/g)].map(([, file]) => file);
  expect(preloaded.length, `fonts that ${what} preloads`).toBeGreaterThan(0);
  const idle = await page.evaluate((preloaded) => {
    const all = (rules) => [...rules].flatMap((rule) => (rule.cssRules?.length ? all(rule.cssRules) : [rule]));
    const faces = [...document.styleSheets].flatMap((sheet) => all(sheet.cssRules)).filter((rule) => rule instanceof CSSFontFaceRule);
    const text = [...document.body.innerText].map((character) => character.codePointAt(0));
    const shows = (file) => {
      const range = faces.find((face) => face.style.getPropertyValue('src').includes(file))?.style.getPropertyValue('unicode-range') ?? '';
      const parts = [...range.matchAll(/U\+([0-9A-F]+)(?:-([0-9A-F]+))?/gi)].map(([, from, to]) => [parseInt(from, 16), parseInt(to ?? from, 16)]);
      return text.some((code) => parts.some(([from, to]) => from <= code && code <= to));
    };
    return preloaded.filter((file) => !shows(file));
  }, preloaded);
  expect(idle, `fonts without words on ${what}`).toEqual([]);
}

// WCAG asks for 320 pixels without a horizontal scroll bar.
export const WIDTHS = [320, 360, 768, 1280];

export async function fits(page, what, widths = WIDTHS) {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    const wide = await page.evaluate(() => {
      const root = document.documentElement;
      if (root.scrollWidth <= root.clientWidth) return null;
      const out = [...document.body.querySelectorAll('*')].filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && (box.right > root.clientWidth + 0.5 || box.left < -0.5);
      });
      const name = (element) => `${element.localName}${element.id && `#${element.id}`}${[...element.classList].map((c) => `.${c}`).join('')}`;
      return { over: root.scrollWidth - root.clientWidth, elements: out.slice(0, 8).map(name) };
    });
    expect(wide, `${what} is wider than ${width} px`).toBeNull();
  }
}

// Words that stick out of a button, a pill or a cell, or lie one over the other there, are cut or unreadable.
export async function nothingCut(page, what) {
  const cut = await page.evaluate(() => {
    const boxes = document.querySelectorAll('button, .btn, .pill, .quiet, label, h1, h2, h3, dt, dd, .nav a');
    const seen = [...boxes].filter((element) => element.checkVisibility() && !element.closest('.vh'));
    return seen
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline')
      .map((element) => `${element.localName}.${element.className}: ${element.textContent.trim().slice(0, 40)}`);
  });
  expect(cut, `words cut on ${what}`).toEqual([]);
}

const validator = new HtmlValidate({
  root: true,
  extends: ['html-validate:recommended', 'html-validate:document'],
  // Every file comes from the page's own host; `hidden=""` means the same as `hidden`.
  rules: { 'require-sri': 'off', 'attribute-empty-style': 'off' },
});

export async function validHtml(html, what) {
  const { results } = await validator.validateString(html);
  const told = results.flatMap((result) => result.messages).map(({ ruleId, message, line, column, selector }) => `${ruleId}: ${message} (${selector ?? `${line}:${column}`})`);
  expect(told, `html-validate on ${what}`).toEqual([]);
}

// What every page answers, whoever asks, whether it went well or not. `headers` as `fetch` gives them.
export function guarded(headers, what, { islands = false } = {}) {
  const policy = (headers.get('content-security-policy') ?? '').split(';').map((part) => part.trim());
  const script = islands ? ["script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'"] : [];
  const wanted = ["default-src 'none'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"];
  expect(policy.sort(), `content policy of ${what}`).toEqual([...wanted, ...script].sort());
  const fixed = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
  const got = Object.fromEntries(Object.keys(fixed).map((name) => [name, headers.get(name)]));
  expect(got, `headers of ${what}`).toEqual(fixed);
  expect(headers.get('permissions-policy'), what).toContain('camera=()');
  expect(headers.get('cache-control'), what).toMatch(/no-store|no-cache/);
  for (const telling of ['server', 'x-powered-by']) expect(headers.get(telling), `${telling} of ${what}`).toBeNull();
}

// How much does a page move while it arrives and wakes up? The sum of its layout shifts, as Chromium reports them.
// Call `watchShifts` before the page is opened.
export const watchShifts = (page) =>
  page.addInitScript(() => {
    window.shifted = 0;
    window.moved = [];
    const place = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ');
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (entry.hadRecentInput) continue;
        window.shifted += entry.value;
        const name = ({ node }) => `${node?.localName ?? node?.parentElement?.localName}.${(node?.className ?? node?.parentElement?.className) || ''}`;
        for (const source of entry.sources) window.moved.push(`${name(source)} from ${place(source.previousRect)} to ${place(source.currentRect)}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });

// A machine that stalls may paint before all of a page is there, so one that moved is opened once more: what moves twice is the page's fault.
export async function still(page, what, most) {
  const first = await movements(page);
  if (first.shifted <= most) return first.shifted;
  await page.reload();
  const again = await movements(page);
  expect(again.shifted, `${what} moves while it arrives: ${again.moved.join(', ')}`).toBeLessThanOrEqual(most);
  return again.shifted;
}

async function movements(page) {
  await page.evaluate(() => document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))));
  return page.evaluate(() => ({ shifted: window.shifted, moved: window.moved }));
}

// SHOTS=folder keeps a picture of every page that is checked, for people to look at.
export async function keep(page, name) {
  const folder = process.env.SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const file = name.replace(/_?[0-9a-f]{32}/g, '').replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '');
  await page.screenshot({ path: `${folder}/${file}.png`, fullPage: true });
}
