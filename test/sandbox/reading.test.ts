import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { ElementReader } from '../../src/sandbox/http/elements.ts';
import { Call } from '../../src/sandbox/http/http.ts';
import { lineBlocks } from '../../src/sandbox/http/lines.ts';
import { readForm } from '../../src/sandbox/http/multipart.ts';
import { temporaryFolder } from './rehearsal.ts';

/** A buffer cut in two at each place in turn, then into single bytes. */
function* cuts(bytes: Buffer): Generator<Buffer[]> {
  for (let at = 0; at <= bytes.length; at += 1) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, (byte) => Buffer.from([byte]));
}

test('the elements of a list are the same wherever the chunks are cut', () => {
  const elements = [
    { text: 'a "b" \\ [c, {d}] é🧵\u2028 "requests":[', list: [[1, 2], []] },
    { empty: {} },
    'x',
    1,
  ];
  const texts = elements.map((element) => JSON.stringify(element));
  for (const text of [
    `{"requests":[${texts.join(',')}]}`,
    ` {"before": {"requests": [1]}, "requests" : [ ${texts.join(' ,\n')} ] , "after": "]}"}`,
  ]) {
    for (const chunks of cuts(Buffer.from(text))) {
      const reader = new ElementReader('requests');
      const read = chunks.flatMap((chunk) => reader.push(chunk));
      expect(read).toEqual(texts);
      expect(reader.end()).toMatchObject({ requests: [] });
    }
  }
});

test.each(['', '[1]', '{"requests":[1', '{"requests":[1]', '{"requests":[1]}}', '{"requests":["a]}'])(
  'what is no whole object is refused at its end: %s',
  (text) => {
    const reader = new ElementReader('requests');
    reader.push(Buffer.from(text));
    expect(reader.end()).toBe(undefined);
  },
);

test('a form is the same wherever the chunks are cut', async () => {
  const content = '\r\n--B\r\r\n--\r\n--';
  const form = Buffer.from(
    `--BB\r\nContent-Disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\n${content}\r\n` +
      '--BB\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--BB--\r\n',
  );
  for (const chunks of cuts(form)) {
    const written: Buffer[] = [];
    const request = Readable.from(chunks.filter((chunk) => chunk.length > 0)) as IncomingMessage;
    request.headers = { 'content-type': 'multipart/form-data; boundary=BB' };
    const fields = await readForm(new Call(request, '/', '', ''), async (name) => {
      expect(name).toBe('x.jsonl');
      return async (chunk) => void written.push(Buffer.from(chunk));
    });
    expect(Buffer.concat(written).toString()).toBe(content);
    expect(Object.fromEntries(fields)).toEqual({ purpose: 'batch' });
  }
});

test('lines end at LF only, keep their numbers past blank ones, and may be longer than a block', async () => {
  const path = join(await temporaryFolder(), 'lines');
  const long = 'é'.repeat(400_000);
  await writeFile(path, `first\u2028\r\n\n${long}\n  \nlast`);
  const lines = [];
  for await (const block of lineBlocks(path)) lines.push(...block);
  expect(lines.map(({ text, number, index }) => [text.trim(), number, index])).toEqual([
    ['first', 1, 0],
    [long, 3, 1],
    ['last', 5, 2],
  ]);
});
