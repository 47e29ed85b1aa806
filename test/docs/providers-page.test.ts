/** The table of providers says what the program knows of each. */
import { expect, test } from 'vitest';
import type { ProviderEntry } from '../../src/providers/provider.ts';
import { builtInNames, providerEntry } from '../../src/providers/registry.ts';
import { readPage } from '../pages.ts';

const count = (number: number) => number.toLocaleString('en-US');

async function describeBatches(entry: ProviderEntry): Promise<string[]> {
  const connection = { apiKey: 'a-key-0123456789', timeoutMs: 1_000, environment: {} };
  const provider = await entry.openBatch?.(connection);
  if (!provider) return ['live only', '', ''];
  const { requests, bytes } = provider.limits;
  const { batchPriceShare: share, completionWindowHours: hours } = entry;
  return [
    `${count(requests)} rows, ${count(bytes / 1_000_000)} MB`,
    hours === undefined ? '–' : `${hours} h`,
    typeof share === 'number' ? `${share * 100} %` : 'by model',
  ];
}

async function describeRow(entry: ProviderEntry): Promise<string> {
  const { name, title, keyVariable, otherKeyVariables = [], unverified = '' } = entry;
  const keys = [keyVariable, ...otherKeyVariables].map((variable) => `\`${variable}\``).join(', ');
  const cells = [title, `\`${name}\``, keys, ...(await describeBatches(entry)), unverified];
  return `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |').replaceAll('|  |', '| |');
}

test('the page has a row for each provider that is built in, with its figures', async () => {
  const rows = await Promise.all(builtInNames.map((name) => describeRow(providerEntry(name))));
  const shown = readPage('docs/guide/providers.md')
    .split('\n')
    .filter((line) => /^\| [^|]+ \| `\w+` \|/.test(line));
  expect(shown).toEqual(rows);
});
