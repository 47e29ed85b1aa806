/** The driver of Amazon S3, with Amazon's own client, at the sandbox's buckets over real HTTP. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Refused } from '../../../src/sandbox/http/http.ts';
import type { ObjectStore } from '../../../src/storage/objects/object-store.ts';
import { openS3Store } from '../../../src/storage/objects/s3-store.ts';
import { listKeys, piecesOf, readAll } from './objects.ts';
import { type S3Server, startS3Server } from './s3-server.ts';

const credentials = { accessKeyId: 'made-up', secretAccessKey: 'made-up-secret' };
/** More than a part holds. */
const large = Buffer.alloc(17_000_000, 'x');

let server: S3Server;
let store: ObjectStore;

beforeEach(async () => {
  server = await startS3Server();
  const environment = { AWS_ENDPOINT_URL_S3: server.origin, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
  store = await openS3Store('bucket', { environment, credentials });
});
afterEach(() => server.close());

test('writes bytes and pieces whole, and gives them back, or a range of them', async () => {
  const version = await store.write('a/b c+ü', Buffer.from('hello'), { contentType: 'text/plain' });
  expect(await store.look('a/b c+ü')).toEqual({
    key: 'a/b c+ü',
    bytes: 5,
    version,
    modified: expect.any(Date),
  });
  expect(await store.write('a/b c+ü', piecesOf('in ', 'pieces'))).not.toBe(version);
  expect(await readAll(store, 'a/b c+ü')).toBe('in pieces');
  expect(await readAll(store, 'a/b c+ü', { start: 3, end: 5 })).toBe('pi');
  expect(await readAll(store, 'a/b c+ü', { start: 7, end: 500 })).toBe('es');
  expect(await readAll(store, 'a/b c+ü', { start: 7 })).toBe('es');
  expect(await readAll(store, 'a/b c+ü', { start: 9 })).toBe('');
  expect(await readAll(store, 'a/b c+ü', { start: 3, end: 3 })).toBe('');
  await store.write('empty', piecesOf());
  expect(await readAll(store, 'empty')).toBe('');
});

test('asks by path, and says no sum that stores of others do not know', async () => {
  await store.write('a', Buffer.from('hello'));
  expect(server.calls).toEqual(['PUT /bucket/a']);
  const sums = Object.keys(server.headers).filter((name) => /checksum|trailer/.test(name));
  expect(sums).toEqual([]);
});

test('sends an object that is larger than a part in parts', async () => {
  const version = await store.write('large', piecesOf(large, 'middle', large, 'end'));
  expect(await store.look('large')).toMatchObject({ bytes: 34_000_009, version });
  expect(await readAll(store, 'large', { start: 16_999_999, end: 17_000_007 })).toBe('xmiddlex');
  expect(await readAll(store, 'large', { start: 34_000_005 })).toBe('xend');
  expect(server.calls.slice(0, 5)).toEqual([
    'POST /bucket/large?uploads',
    ...Array(3).fill('PUT /bucket/large?partNumber&uploadId'),
    'POST /bucket/large?uploadId',
  ]);
});

test.each([
  ['bytes', () => Buffer.from('new')],
  ['pieces', () => piecesOf('new')],
  ['parts', () => piecesOf(large, 'new')],
])('writes %s only where there is nothing, or the version that was seen', async (_, open) => {
  const only = 'absent' as const;
  const version = await store.write('a', open(), { only });
  await expect(store.write('a', open(), { only })).rejects.toMatchObject({
    fault: 'exists',
    status: 412,
    message: 'There is a s3://bucket/a already.',
  });
  const newer = await store.write('a', Buffer.from('newer'), { only: { version } });
  const changed = { fault: 'changed', message: 's3://bucket/a is another by now.' };
  await expect(store.write('a', open(), { only: { version } })).rejects.toMatchObject(changed);
  expect(await readAll(store, 'a')).toBe('newer');
  await store.delete('a');
  await expect(store.write('a', open(), { only: { version: newer } })).rejects.toMatchObject(changed);
  expect(await store.look('a')).toBeUndefined();
});

test('gives exactly one of many that write at once only where there is nothing', async () => {
  const writes = Array.from({ length: 8 }, (_, index) =>
    store.write('lock', Buffer.from(String(index)), { only: 'absent' }),
  );
  const ends = await Promise.allSettled(writes);
  const winners = ends.flatMap(({ status }, index) => (status === 'fulfilled' ? [String(index)] : []));
  expect(winners).toEqual([await readAll(store, 'lock')]);
});

test('leaves what was there when the pieces throw, and no parts of them', async () => {
  await store.write('a', Buffer.from('old'));
  for (const before of [['some'], [large, large]]) {
    const pieces = piecesOf(...before, new Error('the disk is gone'));
    await expect(store.write('a', pieces)).rejects.toThrow(/^the disk is gone$/);
  }
  expect(await readAll(store, 'a')).toBe('old');
  expect(server.calls.filter((call) => call.startsWith('DELETE'))).toEqual(['DELETE /bucket/a?uploadId']);
});

test.each(['PUT /bucket/a?partNumber&uploadId', 'POST /bucket/a?uploadId'])(
  'gives its parts up, and asks once, where %s fails',
  async (failing) => {
    const slow = new Refused(503, 'Please reduce your request rate.', { code: 'SlowDown' });
    server.refuse = (call) => (call === failing ? slow : undefined);
    await expect(store.write('a', piecesOf(large, large))).rejects.toMatchObject({
      fault: 'unavailable',
      status: 503,
      message: 's3://bucket/a: Please reduce your request rate.',
    });
    expect(server.calls.filter((call) => call === failing)).toHaveLength(1);
    expect(server.calls.at(-1)).toBe('DELETE /bucket/a?uploadId');
    expect(await store.look('a')).toBeUndefined();
  },
);

test('lets go of what brings the pieces where nothing can be put there', async () => {
  let isOpen = true;
  async function* bring() {
    try {
      for (let piece = 0; piece < 9; piece += 1) yield large;
    } finally {
      isOpen = false;
    }
  }
  server.refuse = (call) =>
    call.endsWith('?uploads') ? new Refused(403, 'No.', { code: 'AccessDenied' }) : undefined;
  await expect(store.write('a', bring())).rejects.toMatchObject({ fault: 'refused' });
  expect(isOpen).toBe(false);
});

test('lists all pages of a prefix by the bytes of their keys', async () => {
  for (const key of ['b', 'a/3', 'a/1&', 'a/2', 'a/ü', 'a/10', 'c']) await store.write(key, Buffer.from(key));
  expect(await listKeys(store, 'a/')).toEqual(['a/1&', 'a/10', 'a/2', 'a/3', 'a/ü']);
  expect(await listKeys(store, 'none/')).toEqual([]);
  expect(server.calls.filter((call) => call.startsWith('GET'))).toHaveLength(4);
});

test('says what is not there, and deletes it without an error', async () => {
  expect(await store.look('a')).toBeUndefined();
  await expect(readAll(store, 'a')).rejects.toMatchObject({
    fault: 'missing',
    message: 'There is no s3://bucket/a.',
  });
  await store.delete('a');
  await store.write('a', Buffer.from('x'));
  await store.delete('a');
  expect(await store.look('a')).toBeUndefined();
  const nowhere = await openS3Store('nowhere', { environment: {}, endpoint: server.origin, credentials });
  await expect(nowhere.write('a', Buffer.from('x'))).rejects.toMatchObject({
    fault: 'missing',
    message: 's3://nowhere/a: The specified bucket does not exist',
  });
});

test('tells a download that breaks off', async () => {
  await store.write('a', Buffer.alloc(100_000, 'x'));
  server.cutAfter = 50_000;
  await expect(readAll(store, 'a')).rejects.toMatchObject({
    fault: 'unavailable',
    message: 'The connection broke off while s3://bucket/a was read.',
  });
});

test.each([
  [401, 'InvalidToken', 'refused', 's3://bucket/a: No.'],
  [403, 'AccessDenied', 'refused', 's3://bucket/a: No.'],
  [400, 'ExpiredToken', 'refused', 's3://bucket/a: No. Sign in with: aws sso login'],
  [301, 'PermanentRedirect', 'refused', 's3://bucket/a lies in another region: set AWS_REGION to it.'],
  [409, 'ConditionalRequestConflict', 'unavailable', 's3://bucket/a: No.'],
  [400, 'RequestTimeout', 'unavailable', 's3://bucket/a: No.'],
  [400, 'BadDigest', 'unavailable', 's3://bucket/a: No.'],
  [400, 'InvalidBucketName', 'unsupported', 's3://bucket/a: No.'],
  [429, 'TooManyRequests', 'unavailable', 's3://bucket/a: No.'],
  [500, 'InternalError', 'unavailable', 's3://bucket/a: No.'],
  [501, 'NotImplemented', 'unsupported', 's3://bucket/a: No.'],
])('asks once where the store says %i %s, which is %s', async (status, code, fault, message) => {
  server.refuse = () => new Refused(status, 'No.', { code });
  const wanted = { fault, status, message };
  await expect(store.write('a', Buffer.from('x'), { only: 'absent' })).rejects.toMatchObject(wanted);
  await expect(readAll(store, 'a')).rejects.toMatchObject(wanted);
  expect(server.calls).toHaveLength(2);
});

test('tells a store that is out of reach', async () => {
  await server.close();
  await expect(store.look('a')).rejects.toMatchObject({ fault: 'unavailable', status: undefined });
  server = await startS3Server();
});

test('ends with the reason of a signal that is aborted, before a call and in the middle of one', async () => {
  await store.write('a', large);
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(store.look('a', aborted)).rejects.toThrow('enough');
  await expect(store.write('a', Buffer.from('y'), { signal: aborted })).rejects.toThrow('enough');
  const stop = new AbortController();
  const reading = async () => {
    for await (const _ of store.read('a', { signal: stop.signal })) stop.abort(new Error('enough'));
  };
  await expect(reading()).rejects.toThrow('enough');
  const writing = new AbortController();
  server.refuse = (call) => {
    if (call.startsWith('PUT')) writing.abort(new Error('enough'));
    return undefined;
  };
  await expect(store.write('a', piecesOf(large, 'new'), { signal: writing.signal })).rejects.toThrow(
    'enough',
  );
  expect(server.calls.at(-1)).toBe('DELETE /bucket/a?uploadId');
  expect((await store.look('a'))?.bytes).toBe(large.length);
});
