/** Fills a response cache with the answers of the sandbox, a thousand times faster than asking for them. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrompt } from './inputs.mjs';

/** What stands between provider, model and prompt where an entry's name is made. */
const separators = { loom: '|', python: '\0' };

const provider = 'openai';
const model = 'gpt-4o-mini';
const longestEcho = 300;

/** What the sandbox answers to the prompt of a row. */
export function createAnswer(row) {
  return `Sandbox answer from ${model}: ${createPrompt(row).slice(0, longestEcho)}`;
}

export async function fillCache(home, form, rows) {
  const folder = join(home, '.loom', 'cache');
  mkdirSync(folder, { recursive: true });
  const created = new Date().toISOString();
  for (let row = 0; row < rows; row++) {
    const prompt = createPrompt(row);
    const name = createHash('sha256').update([provider, model, prompt].join(separators[form])).digest('hex');
    const entry = { provider, model, response: createAnswer(row), created_at: created };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(entry));
    // Now and then the rest of the benchmark may listen for a Ctrl+C.
    if (row % 1_000 === 0) await new Promise(setImmediate);
  }
}
