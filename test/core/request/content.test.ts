/** What a request asks, and by what it is known again: on people's disks, from version to version. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openCache } from '../../../src/cache/cache.ts';
import type { AskedContent, AskedPart } from '../../../src/core/parts.ts';
import {
  contentOf,
  contentText,
  digestContent,
  filesOf,
  fillFiles,
  plainContent,
  textsOf,
} from '../../../src/core/request/content.ts';
import { createCustomId } from '../../../src/orchestrator/dataset/custom-ids.ts';

const prompt = 'Größe \u2028 😀';

test('a plain prompt is one text of one message, and known by itself as it always was', () => {
  const content = plainContent(prompt);
  expect(content).toEqual({ messages: [{ role: 'user', parts: [{ type: 'text', text: prompt }] }] });
  expect([contentOf({ prompt }), contentOf({ prompt: null })]).toEqual([content, null]);
  expect(contentText(content)).toBe(prompt);
  expect(createCustomId(7, digestContent(content))).toBe('row-7-1a4cbf1a');
});

test('its answer lies in the cache where it always did', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loom-content-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  openCache(join(folder, 'cache'), 'openai', 'm').set(contentText(plainContent(prompt)), { text: 'x' });
  expect(await readdir(join(folder, 'cache'))).toContain(
    'ec654ad10f1bd6ed942e39956192a78e06794cd3da73845682c1e9239397baed.json',
  );
});

const text = (text: string) => ({ type: 'text', text }) as const;
const file = { sha256: 'ab'.repeat(32), bytes: 5, place: '/tmp/a.png' };
const image = { type: 'image', mediaType: 'image/png', file } as const;
const link = { type: 'image', url: 'https://example.com/a.png' } as const;

test.each<[string, AskedContent['messages']]>([
  ['a text and an image', [{ role: 'user', parts: [text(prompt), image] }]],
  ['two texts', [{ role: 'user', parts: [text(prompt), text('')] }]],
  ['two messages', [...plainContent(prompt).messages, { role: 'assistant', parts: [text('Yes.')] }]],
  ['a message of another', [{ role: 'assistant', parts: [text(prompt)] }]],
])('%s are another content than a prompt, with a digest of their own', (_, messages) => {
  const content = { messages };
  expect(digestContent(content)).not.toEqual(digestContent(plainContent(prompt)));
  expect(textsOf(content)[0]).toBe(prompt);
});

test('a file is known by its bytes, wherever it lies, and an address by itself', () => {
  const elsewhere = { ...image, file: { ...file, place: 'data:image/png;base64,aW1hZ2U=' } };
  const asked = (part: AskedPart) => contentText({ messages: [{ role: 'user', parts: [text('Hi'), part] }] });
  expect(asked(image)).toBe(
    `\0[{"role":"user","parts":[{"type":"text","text":"Hi"},{"type":"image","mediaType":"image/png","sha256":"${file.sha256}"}]}]`,
  );
  expect(asked(elsewhere)).toBe(asked(image));
  expect(asked(link)).toBe(
    '\0[{"role":"user","parts":[{"type":"text","text":"Hi"},{"type":"image","url":"https://example.com/a.png"}]}]',
  );
});

test('files go out in the places where they were named', () => {
  const content: AskedContent = { messages: [{ role: 'user', parts: [text('Hi'), image, link, image] }] };
  expect(filesOf(content)).toEqual([file, file]);
  expect(fillFiles(content, ({ bytes }, place) => `${bytes} at ${place}`).messages[0]?.parts).toEqual([
    text('Hi'),
    { type: 'image', mediaType: 'image/png', data: '5 at 0' },
    link,
    { type: 'image', mediaType: 'image/png', data: '5 at 1' },
  ]);
});
