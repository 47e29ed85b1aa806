/** Schemas that were refused are remembered by what was asked of whom, for a month. */
import { expect, it, test, vi } from 'vitest';
import {
  forgetSchemaRefusal,
  loadSchemaRefusal,
  noteSchemaRefusal,
} from '../../src/cache/schema-refusals.ts';
import { createMemoryStore } from '../storage/memory-store.ts';

const asked = {
  provider: 'openai',
  model: 'm',
  server: 'https://api.openai.com/v1',
  settings: { temperature: 0, schema: { type: 'object', required: ['a'] } },
};

it.each([
  ['another provider', { provider: 'alibaba' }],
  ['another model', { model: 'n' }],
  ['another server', { server: 'http://127.0.0.1:1' }],
  ['another schema', { settings: { schema: { type: 'object' } } }],
  ['no schema', { settings: {} }],
])('%s is another matter', async (_, other) => {
  const home = { refusals: createMemoryStore() };
  await noteSchemaRefusal(home, asked, 'No.');
  expect(await loadSchemaRefusal(home, { ...asked, ...other })).toBeUndefined();
});

test('other settings, and the order of members, are not', async () => {
  const home = { refusals: createMemoryStore() };
  await noteSchemaRefusal(home, asked, 'No.');
  const settings = { system: 'Be brief.', schema: { required: ['a'], type: 'object' } };
  expect(await loadSchemaRefusal(home, { ...asked, settings })).toMatchObject({ model: 'm', reason: 'No.' });
});

test('a month later it is asked for again, and a damaged file counts as none', async () => {
  const home = { refusals: createMemoryStore() };
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 31 * 24 * 3_600_000 });
  await noteSchemaRefusal(home, asked, 'No.').finally(() => vi.useRealTimers());
  expect(await loadSchemaRefusal(home, asked)).toBeUndefined();
  await noteSchemaRefusal(home, asked, 'No.');
  const [name = ''] = await home.refusals.list('');
  await home.refusals.write(name, '{"version":1');
  expect(await loadSchemaRefusal(home, asked)).toBeUndefined();
});

test('one that was wrong is forgotten', async () => {
  const home = { refusals: createMemoryStore() };
  await noteSchemaRefusal(home, asked, 'No.');
  await forgetSchemaRefusal(home, asked);
  expect(await loadSchemaRefusal(home, asked)).toBeUndefined();
});

test('a disk that takes nothing stops nothing', async () => {
  const refusals = { ...createMemoryStore(), write: () => Promise.reject(new Error('No space.')) };
  await expect(noteSchemaRefusal({ refusals }, asked, 'No.')).resolves.toBeUndefined();
});
