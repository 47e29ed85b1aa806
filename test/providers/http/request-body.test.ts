/** What SDKs give as a body, as it goes over the wire. */
import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { openRequestBody, type RequestBody } from '../../../src/providers/http/request-body.ts';

async function send(body: RequestBody) {
  const { bytes, stream, length, type } = openRequestBody(body);
  const sent = stream ? await buffer(stream) : Buffer.from(bytes ?? '');
  return { sent, text: sent.toString('utf8'), length, type };
}

it.each<[string, RequestBody, object]>([
  ['nothing', undefined, { text: '', length: 0, type: undefined }],
  ['a text', 'Grüße', { text: 'Grüße', length: 7, type: undefined }],
  ['bytes', new Uint8Array([104, 105]), { text: 'hi', length: 2, type: undefined }],
  ['a part of bytes', new Uint8Array([0, 104, 105]).subarray(1), { text: 'hi', length: 2 }],
  ['a buffer', new Uint8Array([104, 105]).buffer, { text: 'hi', length: 2 }],
  ['a query', new URLSearchParams({ a: 'ü' }), { text: 'a=%C3%BC', length: 8, type: /urlencoded/ }],
  ['a blob', new Blob(['Grüße'], { type: 'text/plain' }), { text: 'Grüße', length: 7, type: 'text/plain' }],
  ['a stream', new Blob(['hi']).stream(), { text: 'hi', length: undefined }],
  ['pieces', Readable.from([Buffer.from('h'), Buffer.from('i')]), { text: 'hi', length: undefined }],
])('sends %s', async (_, body, { type, ...expected }: { type?: string | RegExp }) => {
  const sent = await send(body);
  expect(sent).toMatchObject(expected);
  if (type) expect(sent.type).toMatch(type);
});

it('sends a form as every server reads it, with its length', async () => {
  const form = new FormData();
  const bytes = randomBytes(700_000);
  form.append('purpose', 'batch\r\nof "mine"');
  form.append('na"me\n', 'x');
  form.append('file', new File([bytes], 'Grüße "1".jsonl'));
  const { sent, length, type = '' } = await send(form);
  expect(sent.length).toBe(length);
  const read = await new Response(sent, { headers: { 'content-type': type } }).formData();
  expect([read.get('purpose'), read.get('na"me\n')]).toEqual(['batch\r\nof "mine"', 'x']);
  const file = read.get('file') as File;
  expect(file.name).toBe('Grüße "1".jsonl');
  expect(Buffer.from(await file.arrayBuffer()).equals(bytes)).toBe(true);
});

it('holds a piece of a file at a time, and no more than are taken', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loom-body-'));
  const path = join(folder, 'requests.jsonl');
  await writeFile(path, '');
  await truncate(path, 64 * 1024 * 1024);
  const form = new FormData();
  form.append('file', new File([await openAsBlob(path)], 'requests.jsonl'));
  const { stream } = openRequestBody(form);
  const pieces = (stream as Readable)[Symbol.asyncIterator]();
  for (let piece = 0; piece < 4; piece++)
    expect((await pieces.next()).value.length).toBeLessThanOrEqual(256 * 1024);
  expect((stream as Readable).readableLength).toBeLessThan(20);
  await pieces.return?.();
  await rm(folder, { recursive: true });
});
