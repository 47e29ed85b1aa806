/** Requests as bytes are, byte for byte, what the provider's own `encode` makes of them. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { ProviderName } from '../../../../src/core/models.ts';
import type { Content } from '../../../../src/core/parts.ts';
import { plainContent } from '../../../../src/core/request/content.ts';
import { openRequestEncoder } from '../../../../src/orchestrator/batch/parts/request-encoder.ts';
import type { BatchProvider } from '../../../../src/providers/provider.ts';
import { providerEntry } from '../../../../src/providers/registry.ts';
import { makeRandom, pickFrom } from '../../../formats/files.ts';

const names: readonly ProviderName[] = ['openai', 'anthropic', 'google', 'alibaba'];

function makePrompts(): string[] {
  const random = makeRandom(3);
  const pieces = [
    'a',
    '"',
    '\\',
    '\n',
    '\r',
    '\t',
    '\b',
    '\f',
    '\0',
    '\x1f',
    '\x7f',
    'é',
    '\u2028',
    '日本',
    '🎈',
    '\ufffd',
  ];
  const halves = ['\ud83c', '\udf88', '\udf88\ud83c'];
  return Array.from({ length: 500 }, (_, round) =>
    Array.from({ length: 1 + Math.floor(random() * 20) }, () =>
      pickFrom(random, round % 5 === 0 ? [...pieces, ...halves] : pieces),
    ).join(''),
  );
}

const conversation = {
  messages: [
    { role: 'user', parts: [{ type: 'text', text: 'one' }] },
    { role: 'assistant', parts: [{ type: 'text', text: 'two' }] },
    { role: 'user', parts: [{ type: 'text', text: 'three' }] },
  ],
} as const satisfies Content;

describe.each(names)('%s', (name) => {
  let provider: BatchProvider;
  beforeAll(async () => {
    const connection = { apiKey: 'key', baseUrl: 'http://127.0.0.1:9', timeoutMs: 1_000, environment: {} };
    provider = (await providerEntry(name).openBatch?.(connection)) as BatchProvider;
  });

  it.each([
    ['without settings', undefined],
    ['with settings', { system: 'Be "short"\n', temperature: 0.5, max_tokens: 7 }],
  ])('encodes prompts of any characters, %s', (_what, settings) => {
    const encode = openRequestEncoder(provider);
    for (const [index, prompt] of [...makePrompts(), 'x"\n'.repeat(100_000), 'short'].entries()) {
      const request = {
        customId: `row-${index}-0a1b2c3d`,
        model: 'a-"model"',
        content: plainContent(prompt),
        settings,
      };
      expect(encode(request).toString()).toBe(provider.encode(request));
    }
  });

  it('leaves what is not one text to the provider, and encodes anew for other settings', async () => {
    const encode = openRequestEncoder(provider);
    const request = { customId: 'row-0-0a1b2c3d', model: 'm', content: plainContent('a') };
    for (const change of [
      {},
      { content: conversation },
      { settings: { max_tokens: 5 } },
      { model: 'n' },
      {},
    ]) {
      const changed = { ...request, ...change };
      expect((await encode(changed)).toString()).toBe(provider.encode(changed));
    }
  });
});

it.each([
  ['writes the prompt twice', (id: string, text: string) => [id, text, text]],
  ['writes the prompt first', (id: string, text: string) => [text, id]],
  ['changes the prompt', (id: string, text: string) => [id, text.toUpperCase()]],
])('has each request encoded by a provider that %s', (_what, write) => {
  const provider: Pick<BatchProvider, 'encode'> = {
    encode: ({ customId, content }) => {
      const [part] = content.messages[0]?.parts ?? [];
      return JSON.stringify(write(customId, part?.type === 'text' ? part.text : ''));
    },
  };
  const encode = openRequestEncoder(provider);
  for (const text of ['one', 'two']) {
    const request = { customId: 'row-0', model: 'm', content: plainContent(text) };
    expect(encode(request).toString()).toBe(provider.encode(request));
  }
});
