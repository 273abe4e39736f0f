// What does a page say in a language? The texts of `locales/`, so that a reworded sentence breaks no test.
import { readFileSync } from 'node:fs';

const folders = { en: new URL('../../locales/', import.meta.url), ru: new URL('../../locales/', import.meta.url) };
const read = {};

function texts(locale) {
  const folder = folders[locale] ?? new URL(`file://${process.env.PSEUDO_LOCALES}/`);
  return (read[locale] ??= JSON.parse(readFileSync(new URL(`${locale}.json`, folder), 'utf8')));
}

// The text of a key, with `%{name}` filled in. A key that does not exist is a mistake in the test.
export function t(locale, key, values = {}) {
  const text = key.split('.').reduce((at, part) => at?.[part], texts(locale));
  if (typeof text !== 'string') throw new Error(`locales/${locale}.json has no text "${key}"`);
  return text.replace(/%\{(\w+)\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`"${key}" wants a value for ${name}`);
    return values[name];
  });
}

// Text with every kind of space made the same, for comparing.
export const spaced = (text) => text.replace(/[\s\u00a0\u202f\u2009]+/g, ' ').trim();

// A value of the front matter of a long text: of `content/<locale>/docs/limits.md` for the page `/docs/limits`.
export function frontMatter(locale, page, key) {
  const text = readFileSync(new URL(`content/${locale}${page}.md`, folders[locale]), 'utf8');
  const line = text.split('\n---')[0].split('\n').find((one) => one.startsWith(`${key}: `));
  if (!line) throw new Error(`content/${locale}${page}.md has no ${key}`);
  return line.slice(key.length + 2);
}
