/** Names that lie on people's disks, and go on to mean what they meant. */
import { expect, test } from 'vitest';
import { describeDataset } from '../../../src/orchestrator/dataset/dataset.ts';
import { nameCachedRun, nameUncachedRun } from '../../../src/orchestrator/journals/run-names.ts';
import { isSameWork, nameWork, workOf } from '../../../src/orchestrator/orders/same-work.ts';

const plain = {
  dataset: describeDataset('/in/data.csv', { column: 'text' }),
  provider: 'openai',
  model: 'm',
  outputPath: '/out/data.csv',
  columns: { groups: [] },
  useCache: true,
  server: 'https://api.openai.com/v1',
} as const;
const full = {
  ...plain,
  dataset: {
    ...describeDataset('/in/data.csv', { template: 'Say {a}' }),
    pick: { sample: 3, seed: 1, of: 9 },
    rowId: 'key',
  },
  settings: { temperature: 1, stop: ['b', 'a'], extra: { z: 1, a: 2 } },
  columns: { groups: ['meta', 'usage'] },
  baseUrl: 'http://127.0.0.1:9/v1',
  server: 'http://127.0.0.1:9/v1',
} as const;

test.each([
  [plain, '6ec448aa07083176f960146e'],
  [full, '9c527caf8e9bc92467cd6e03'],
])('a live run has the names of its journals that it always had', (order, hash) => {
  expect([nameCachedRun(order), nameUncachedRun(order)]).toEqual([`live_${hash}`, `sync_${hash}`]);
});

const settle = (order: Parameters<typeof workOf>[0]) => ({ ...workOf(order), input_sha256: 'a1' });

test.each([
  [plain, '93abf04bccb2777576dbb5f3'],
  [full, 'dea45b247b6cf1bf2815f986'],
])('a batch run has the name of its lock that it always had', (order, hash) => {
  expect(nameWork(settle(order))).toBe(`work_${hash}`);
});

test.each<[string, Partial<Parameters<typeof workOf>[0]>]>([
  ['a column', { columns: { groups: ['error'] } }],
  ['a setting', { settings: { seed: 1 } }],
  ['a server', { server: 'http://127.0.0.1:9/v1' }],
  ['an output', { outputPath: '/out/other.csv' }],
  ['no cache', { useCache: false }],
  ['a pick', { dataset: { ...plain.dataset, pick: { limit: 1 } } }],
])('work with %s more, or another, is other work', (_, change) => {
  expect(isSameWork(settle(plain), settle({ ...plain, ...change }))).toBe(false);
  expect(isSameWork(settle(plain), settle(plain))).toBe(true);
});
