import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, test } from 'vitest';
import { openTokenizer } from '../../src/cache/tokenizer.ts';

const sentence = 'The quick brown fox — la volpe marrone — 狐は速い — jumps over 13 lazy dogs.\n';

test('a long text counts as it does in one piece', async () => {
  const tokenizer = await openTokenizer('gpt-4o');
  for (const text of [sentence, sentence.repeat(40), sentence.repeat(400)]) {
    expect(tokenizer.count(text)).toBe(countTokens(text));
  }
});

test('a long word, a long blank and a long run of one letter take no time, and count near enough', async () => {
  const tokenizer = await openTokenizer('gpt-4o');
  expect(tokenizer.count('a'.repeat(1_000_000))).toBe(125_000);
  expect(tokenizer.count(' '.repeat(100_000))).toBeGreaterThan(0);
  expect(tokenizer.count('😀'.repeat(10_000))).toBeLessThan(20_000);
});

test.each([
  ['gpt-4', 'cl100k_base'],
  ['openai/gpt-3.5-turbo', 'cl100k_base'],
  ['gpt-4o-mini', 'o200k_base'],
  ['gpt-4.1', 'o200k_base'],
  ['openai/gpt-5', 'o200k_base'],
  ['claude-opus-5', 'o200k_base'],
  ['__proto__', 'o200k_base'],
])('%s is counted with %s', async (model, encoding) => {
  expect((await openTokenizer(model)).encoding).toBe(encoding);
});
