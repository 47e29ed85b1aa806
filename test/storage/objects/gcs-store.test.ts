/** The driver of Google Cloud Storage, with Google's own client, at a stand-in over real HTTP. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGcsStore } from '../../../src/storage/objects/gcs-store.ts';
import type { ObjectStore } from '../../../src/storage/objects/object-store.ts';
import { type GcsServer, startGcsServer } from './gcs-server.ts';
import { listKeys, piecesOf, readAll } from './objects.ts';

let server: GcsServer;
let store: ObjectStore;

beforeEach(async () => {
  server = await startGcsServer();
  store = await openGcsStore('bucket', { environment: { STORAGE_EMULATOR_HOST: server.origin } });
});
afterEach(() => server.close());

test('writes bytes and pieces whole, and gives them back, or a range of them', async () => {
  const version = await store.write('a/b c', Buffer.from('hello'));
  expect(await store.look('a/b c')).toMatchObject({ key: 'a/b c', bytes: 5, version });
  expect(await store.write('a/b c', piecesOf('in ', 'pieces'))).not.toBe(version);
  expect(await readAll(store, 'a/b c')).toBe('in pieces');
  expect(await readAll(store, 'a/b c', { start: 3, end: 5 })).toBe('pi');
  expect(await readAll(store, 'a/b c', { start: 7, end: 500 })).toBe('es');
  expect(await readAll(store, 'a/b c', { start: 9 })).toBe('');
});

test('takes an object of several pieces of the wire as it is', async () => {
  const block = 'x'.repeat(1_000_000);
  await store.write('large', piecesOf(...Array.from({ length: 20 }, () => block), 'end'));
  expect((await store.look('large'))?.bytes).toBe(20_000_003);
  expect(await readAll(store, 'large', { start: 19_999_999 })).toBe('xend');
});

test('writes only where there is nothing, or the version that was seen', async () => {
  const only = 'absent' as const;
  for (const content of [Buffer.from('new'), piecesOf('new')]) {
    server.objects.clear();
    const version = await store.write('a', content, { only });
    await expect(store.write('a', Buffer.from('x'), { only })).rejects.toMatchObject({ fault: 'exists' });
    await expect(store.write('a', piecesOf('x'), { only })).rejects.toMatchObject({ fault: 'exists' });
    await store.write('a', Buffer.from('newer'), { only: { version } });
    await expect(store.write('a', piecesOf('x'), { only: { version } })).rejects.toMatchObject({
      fault: 'changed',
      message: 'gs://bucket/a is another by now.',
    });
    expect(await readAll(store, 'a')).toBe('newer');
  }
});

test('leaves what was there when the pieces throw, however many were sent', async () => {
  server.put('a', 'old');
  const block = 'x'.repeat(9_000_000);
  for (const before of [['some'], [block, block]]) {
    const pieces = piecesOf(...before, new Error('the disk is gone'));
    await expect(store.write('a', pieces)).rejects.toThrow(/^the disk is gone$/);
  }
  expect(await readAll(store, 'a')).toBe('old');
});

test('lists all pages of a prefix by their keys', async () => {
  for (const key of ['b', 'a/3', 'a/1', 'a/2', 'a/10', 'c']) server.put(key, key);
  expect(await listKeys(store, 'a/')).toEqual(['a/1', 'a/10', 'a/2', 'a/3']);
  expect(await listKeys(store, 'none/')).toEqual([]);
});

test('says what is not there, and deletes it without an error', async () => {
  expect(await store.look('a')).toBeUndefined();
  await expect(readAll(store, 'a')).rejects.toMatchObject({
    fault: 'missing',
    message: 'There is no gs://bucket/a.',
  });
  await store.delete('a');
  server.put('a', 'x');
  await store.delete('a');
  expect(await store.look('a')).toBeUndefined();
});

test('never mixes two versions of an object', async () => {
  server.put('a', 'old');
  server.beforeDownload = () => server.put('a', 'new');
  await expect(readAll(store, 'a')).rejects.toMatchObject({
    fault: 'unavailable',
    message: 'gs://bucket/a was replaced while it was read.',
  });
  expect(await readAll(store, 'a')).toBe('new');
});

test('tells a download that breaks off', async () => {
  server.put('a', 'x'.repeat(100_000));
  server.cutAfter = 50_000;
  store = await openGcsStore('bucket', { environment: {}, endpoint: server.origin, silenceMs: 200 });
  await expect(readAll(store, 'a')).rejects.toMatchObject({
    fault: 'unavailable',
    message: 'The connection broke off while gs://bucket/a was read.',
  });
});

test.each([
  [401, 'refused'],
  [403, 'refused'],
  [429, 'unavailable'],
  [503, 'unavailable'],
])('asks once where the store says %i, which is %s', async (status, fault) => {
  server.refuse = () => status;
  await expect(store.write('a', Buffer.from('x'))).rejects.toMatchObject({ fault, status });
  await expect(store.write('a', piecesOf('x'))).rejects.toMatchObject({ fault, status });
  expect(server.calls).toHaveLength(2);
});

test('ends with the reason of a signal that is aborted', async () => {
  server.put('a', 'x');
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(store.look('a', signal)).rejects.toThrow('enough');
  await expect(store.write('a', Buffer.from('y'), { signal })).rejects.toThrow('enough');
  expect(await readAll(store, 'a')).toBe('x');
});
