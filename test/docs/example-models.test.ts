/** A model that is proposed to users has a price in the lists: their first estimate says what it costs. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { openPriceBook } from '../../src/cache/prices/price-book.ts';
import type { ProviderName } from '../../src/core/names.ts';
import { builtInNames, isProvider, providerEntry } from '../../src/providers/registry.ts';
import { readPage } from '../pages.ts';
import { providers } from '../stories/worlds/sandbox-world.ts';

const root = resolve(import.meta.dirname, '../..');

function listTexts(folder: string, names: RegExp): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return files.filter((name) => names.test(name)).map((name) => join(folder, name));
}

const texts = [
  'README.md',
  ...listTexts('docs', /\.md$/),
  ...listTexts('examples', /\.mjs$/),
  ...listTexts('recipes', /\.(md|sh|yml|service)$/),
  ...listTexts('src/cli', /(flags|example-command)\.ts$/),
];

/** Each way in which a provider stands before a model of its own, and not before a server's. */
const ways = [
  /(?:-p|--provider)[ =](\w+)\b(?:(?!--base-url)[^\n])*?(?:-m|--model)[ =]([\w./:-]+)(?![^\n]*--base-url)/g,
  /^\| [^|]+ \| `(\w+)` \| `([a-z][^`]*)` \|/gm,
  /provider: '(\w+)', model: '([^']+)'/g,
  /^ {2}(\w+): '([a-z][\w./-]+)',$/gm,
];

const examples = texts.flatMap((path) => {
  const text = readPage(path).replace(/\\\n\s*/g, '');
  const found = ways.flatMap((way) => [...text.matchAll(way)]);
  return found.flatMap(([, provider = '', model = '']) =>
    // At Azure a model is what people call a deployment of it.
    builtInNames.includes(provider as ProviderName) && !providerEntry(provider).needsAddress
      ? [{ path, provider: provider as ProviderName, model }]
      : [],
  );
});

test('every model of an example has a price in the lists, and the main providers have examples', async () => {
  expect(examples.map(({ provider }) => provider)).toEqual(expect.arrayContaining([...providers]));
  expect(examples.length).toBeGreaterThan(40);
  const book = await openPriceBook({ base: '/nowhere' }, isProvider);
  const unpriced = examples.filter(({ provider, model }) => !book.find(providerEntry(provider), model));
  expect(unpriced).toEqual([]);
});
