/** What a request asks, and by what it is known again: on people's disks, from version to version. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openCache } from '../../../src/cache/cache.ts';
import {
  type Content,
  contentOf,
  contentText,
  digestContent,
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
const image = { type: 'image', mediaType: 'image/png', data: 'aW1hZ2U=' } as const;

test.each<[string, Content['messages']]>([
  ['a text and an image', [{ role: 'user', parts: [text(prompt), image] }]],
  ['two texts', [{ role: 'user', parts: [text(prompt), text('')] }]],
  ['two messages', [...plainContent(prompt).messages, { role: 'assistant', parts: [text('Yes.')] }]],
  ['a message of another', [{ role: 'assistant', parts: [text(prompt)] }]],
])('%s are another content than a prompt, with a digest of their own', (_, messages) => {
  const content = { messages };
  expect(contentText(content)).toBe(`\0${JSON.stringify(messages)}`);
  expect(digestContent(content)).not.toEqual(digestContent(plainContent(prompt)));
  expect(textsOf(content)[0]).toBe(prompt);
});
