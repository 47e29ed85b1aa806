/** What a provider says of its models: all pages, in the forms of each vendor and of servers that speak like it. */
import { describe, expect, it, test } from 'vitest';
import type { ProviderName } from '../../src/core/names.ts';
import type { ListedModel, SyncProvider } from '../../src/providers/provider.ts';
import { builtInNames, providerEntry } from '../../src/providers/registry.ts';
import { apiKey, failureOf, never, useServer } from './conformance.ts';

const server = useServer();

function open(name: ProviderName): Promise<SyncProvider> {
  return providerEntry(name).openSync({ apiKey, baseUrl: server().url, timeoutMs: 20_000, environment: {} });
}

const list = async (name: ProviderName): Promise<readonly ListedModel[]> =>
  (await open(name)).listModels(never);

/** Plays pages one after the other, the last of them again and again. */
function playPages(...pages: (object | string)[]): void {
  let asked = 0;
  server().play(() => ({ body: pages[Math.min(asked++, pages.length - 1)] as object }));
}

const seen = () => server().arrived.map(({ method, path }) => `${method} ${path}`);

describe.each(['openai', 'alibaba', 'openrouter'] as const)('%s:', (name) => {
  it('lists the models of one page, with the key', async () => {
    playPages({ object: 'list', data: [{ id: 'b', object: 'model' }, { id: 'a' }, {}, { id: '' }, 'odd'] });
    expect((await list(name)).map(({ id }) => id)).toEqual(['b', 'a']);
    expect(seen()).toEqual(['GET /models']);
    expect(server().arrived[0]?.headers.authorization).toBe(`Bearer ${apiKey}`);
  });

  it('goes on where a server has more, and takes each model once', async () => {
    playPages(
      { object: 'list', data: [{ id: 'a' }, { id: 'b' }], has_more: true },
      { object: 'list', data: [{ id: 'b' }, { id: 'c' }], has_more: false },
    );
    expect((await list(name)).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(seen()).toEqual(['GET /models', 'GET /models?after=b']);
  });

  it.each([
    ['null', { object: 'list', data: null }],
    ['an empty list', { data: [] }],
  ])('takes %s for no models', async (_, page) => {
    playPages(page);
    expect(await list(name)).toEqual([]);
  });

  it.each([
    ['Groq', { id: 'm', context_window: 131_072 }, { id: 'm', context: 131_072 }],
    ['vLLM', { id: 'm', max_model_len: 4_096 }, { id: 'm', context: 4_096 }],
    ['Mistral', { id: 'm', max_context_length: 32_768 }, { id: 'm', context: 32_768 }],
    [
      'OpenRouter',
      {
        id: 'm',
        context_length: 1_000,
        pricing: { prompt: '0.00000015', completion: '0.0000006', input_cache_read: '0.000000075' },
      },
      { id: 'm', context: 1_000, price: { input: 0.15, output: 0.6, cachedInput: 0.075 } },
    ],
    [
      'OpenRouter, free of charge',
      { id: 'm', pricing: { prompt: '0', completion: '0' } },
      { id: 'm', price: { input: 0, output: 0 } },
    ],
    [
      'OpenRouter, of a price not known ahead',
      { id: 'm', pricing: { prompt: '-1', completion: '-1' } },
      { id: 'm' },
    ],
    ['nobody', { id: 'm', context_length: -5, pricing: { prompt: {}, completion: '' } }, { id: 'm' }],
  ])('reads what an entry says as %s says it', async (_, entry, model) => {
    playPages({ data: [entry] });
    expect(await list(name)).toEqual([model]);
  });
});

test('Anthropic’s list is asked for a thousand at once, and to its end', async () => {
  playPages(
    {
      data: [{ type: 'model', id: 'claude-a', max_input_tokens: 200_000 }],
      has_more: true,
      last_id: 'claude-a',
    },
    { data: [{ type: 'model', id: 'claude-b' }], has_more: false, last_id: 'claude-b' },
  );
  expect(await list('anthropic')).toEqual([{ id: 'claude-a', context: 200_000 }, { id: 'claude-b' }]);
  expect(seen()).toEqual(['GET /v1/models?limit=1000', 'GET /v1/models?limit=1000&after_id=claude-a']);
});

describe('google:', () => {
  it('lists what generates content, by the names that requests have, to the end', async () => {
    playPages(
      {
        models: [
          {
            name: 'models/gemini-a',
            inputTokenLimit: 1_048_576,
            supportedGenerationMethods: ['generateContent'],
          },
          { name: 'models/embedding', supportedGenerationMethods: ['embedContent'] },
        ],
        nextPageToken: 'more/of it',
      },
      // An empty token is the end, too.
      { models: [{ name: 'tunedModels/mine' }], nextPageToken: '' },
    );
    expect(await list('google')).toEqual([
      { id: 'gemini-a', context: 1_048_576 },
      { id: 'tunedModels/mine' },
    ]);
    expect(seen()).toEqual([
      'GET /v1beta/models?pageSize=1000',
      'GET /v1beta/models?pageSize=1000&pageToken=more%2Fof+it',
    ]);
    expect(server().arrived[0]?.headers['x-goog-api-key']).toBe(apiKey);
  });

  it('takes an answer without a field for no models', async () => {
    playPages({});
    expect(await list('google')).toEqual([]);
  });
});

describe.each(builtInNames)('%s:', (name) => {
  const refused = () => failureOf(list(name));

  it('tells a refused key, an odd answer and a circle', async () => {
    server().play(() => ({
      status: 401,
      body: { error: { type: 'authentication_error', message: 'No such key.' } },
    }));
    expect(await refused()).toMatchObject({ scope: 'run', status: 401, message: 'No such key.' });
    for (const body of [{ object: 'list' }, { data: 'none' }, 'fine', '<html>Welcome</html>']) {
      playPages(body);
      expect(await refused()).toMatchObject({ code: 'unreadable' });
    }
    const page =
      name === 'google'
        ? { models: [{ name: 'm' }], nextPageToken: 'm' }
        : { data: [{ id: 'm' }], has_more: true };
    playPages(page);
    expect(await refused()).toMatchObject({
      ...{ scope: 'run', code: 'list_unread' },
      message: "The provider's list of models gives the same page again and again.",
    });
  });

  it('says nothing of the key, and steers no terminal, by the name of a model', async () => {
    const id = `m-${apiKey}\u001b[31m`;
    playPages({ data: [{ id }], models: [{ name: id }] });
    expect(await list(name)).toEqual([{ id: 'm-[key] [31m' }]);
  });
});
