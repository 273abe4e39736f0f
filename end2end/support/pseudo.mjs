// Which languages does nobody speak? A folder of locale files with English and Russian as they are, and two made from
// English: `ar` in Arabic letters, for pages that run from right to left, and `eo`, accented and 40 % longer, for
// layouts that must take it. What is still plain English on such a page is not in `locales/`.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const PLAIN = 'abcdefghijklmnopqrstuvwxyz';
const ARABIC = 'ابتثجحخدذرزسشصضطظعغفقكلمنه';
const ACCENTED = 'åƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž';

// Every letter that is in no placeholder and no `<0>` mark.
const disguise = (text, letter) =>
  text.split(/(%\{\w+\}|<[^>]*>)/).map((part, at) => (at % 2 ? part : [...part].map(letter).join(''))).join('');

const by = (alphabet) => (c) => {
  const at = PLAIN.indexOf(c.toLowerCase());
  return at < 0 ? c : [...alphabet][at];
};

const arabic = (text) => disguise(text, by(ARABIC));
const long = (text) => `[${disguise(text, by(ACCENTED))}${' ·····'.repeat(Math.ceil((text.length * 0.4) / 6))}]`;

const change = (node, how) =>
  typeof node === 'string' ? how(node) : Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value, how)]));

const from = new URL('../../locales/', import.meta.url).pathname;
const to = process.argv[2];
mkdirSync(to, { recursive: true });
for (const file of ['en.json', 'ru.json']) copyFileSync(`${from}${file}`, `${to}/${file}`);
const { _meta, ...texts } = JSON.parse(readFileSync(`${from}en.json`, 'utf8'));
const write = (code, autonym, how) =>
  writeFileSync(`${to}/${code}.json`, JSON.stringify({ _meta: { ..._meta, autonym }, ...change(texts, how) }, null, 2));
write('ar', 'العربية', arabic);
write('eo', 'Esperanto', long);
