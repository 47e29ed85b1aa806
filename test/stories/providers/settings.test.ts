/** How to generate: each setting in the field that the provider has for it, live and in batches, and wherever it counts. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { hashKey, sandboxOf } from '../worlds/cache-keys.ts';
import { createRecordedWorld, type RecordedWorld } from '../worlds/recorder.ts';
import {
  batchProviders,
  fetchUntilDone,
  orderOf,
  type ProviderName,
  providers,
  submittedId,
} from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createRecordedWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello JSON\n'));

type Mode = 'live' | 'batch';
const ways: [ProviderName, Mode][] = [
  ...providers.map((name): [ProviderName, Mode] => [name, 'live']),
  ...batchProviders.map((name): [ProviderName, Mode] => [name, 'batch']),
];

function run(provider: ProviderName, mode: Mode, ...flags: string[]) {
  return world.run('-p', provider, ...flags, ...(mode === 'live' ? ['--sync', '--force'] : []));
}

/** Runs and, in batch mode, fetches; gives the output. */
async function answer(provider: ProviderName, mode: Mode, ...flags: string[]): Promise<string> {
  const ended = await run(provider, mode, ...flags);
  const last = mode === 'live' ? ended : await fetchUntilDone(world, '--force');
  expect([last.code, last.stderr]).toEqual([0, expect.any(String)]);
  return world.read(`data_results_${provider}_m.csv`);
}

const user = { role: 'user', content: 'Hello JSON' };
const contents = [{ role: 'user', parts: [{ text: 'Hello JSON' }] }];
const common = ['--system', 'Be kind.', '-t', '0.2', '--max-tokens', '500', '--top-p', '.9'];
const stops = ['--stop', 'END', '--stop', '\n\n'];
const more = ['--seed', '-7', '--presence-penalty', '0.5', '--frequency-penalty', '-0.5'];
const chat = {
  model: 'm',
  messages: [{ role: 'system', content: 'Be kind.' }, user],
  ...{ temperature: 0.2, top_p: 0.9, stop: ['END', '\n\n'] },
  ...{ seed: -7, presence_penalty: 0.5, frequency_penalty: -0.5 },
};

const everything: Record<ProviderName, { flags: string[]; body: object }> = {
  openai: {
    flags: [...common, ...stops, ...more, '--param', 'reasoning_effort=low', '--param', 'metadata={"a":"b"}'],
    body: { ...chat, max_completion_tokens: 500, reasoning_effort: 'low', metadata: { a: 'b' } },
  },
  openrouter: {
    flags: [...common, ...stops, ...more, '--top-k', '40', '--param', 'provider={"order":["x"]}'],
    body: { ...chat, max_tokens: 500, top_k: 40, provider: { order: ['x'] } },
  },
  alibaba: {
    flags: [...common, ...stops, ...more, '--top-k', '40', '--param', 'enable_thinking=false'],
    body: { ...chat, max_tokens: 500, top_k: 40, enable_thinking: false },
  },
  anthropic: {
    flags: [...common, '--stop', 'END', '--top-k', '40', '--param', 'thinking={"type":"disabled"}'],
    body: {
      model: 'm',
      messages: [user],
      system: 'Be kind.',
      ...{ temperature: 0.2, max_tokens: 500, top_p: 0.9, top_k: 40, stop_sequences: ['END'] },
      thinking: { type: 'disabled' },
    },
  },
  google: {
    flags: [
      ...[...common, ...stops, ...more, '--top-k', '40', '--param', 'labels={"a":"b"}'],
      ...['--param', 'generationConfig={"thinkingConfig":{"thinkingBudget":0}}'],
    ],
    body: {
      contents,
      systemInstruction: { parts: [{ text: 'Be kind.' }] },
      generationConfig: {
        ...{ temperature: 0.2, maxOutputTokens: 500, topP: 0.9, topK: 40, stopSequences: ['END', '\n\n'] },
        ...{ seed: -7, presencePenalty: 0.5, frequencyPenalty: -0.5 },
        thinkingConfig: { thinkingBudget: 0 },
      },
      labels: { a: 'b' },
    },
  },
};

test.each(ways)('%s, %s: every setting has its field, and nothing else is sent', async (provider, mode) => {
  const { flags, body } = everything[provider];
  await answer(provider, mode, ...flags);
  expect(world.requestBodies(provider)).toEqual([body]);
});

const thinking: Partial<Record<ProviderName, object>> = {
  openai: { reasoning_effort: 'high' },
  openrouter: { reasoning: { effort: 'high' } },
  anthropic: { output_config: { effort: 'high' } },
  google: { generationConfig: { thinkingConfig: { thinkingLevel: 'HIGH' } } },
};

test.each(ways.filter(([provider]) => provider !== 'alibaba'))(
  '%s, %s: how much a model thinks has a field of its own',
  async (provider, mode) => {
    await answer(provider, mode, '--effort', 'high');
    expect(world.requestBodies(provider)).toEqual([expect.objectContaining(thinking[provider])]);
  },
);

test('the Responses API has another field for it', async () => {
  const flags = ['--effort', 'minimal', '--api', 'responses', '--preview', '1'];
  const { stdout } = await world.loom('run', ...orderOf('openai', ...flags));
  expect(stdout).toMatch(/"reasoning": \{\s+"effort": "minimal"\s+\}/);
});

test.each<[ProviderName, string, string]>([
  ['alibaba', 'low', 'Alibaba has no setting for --effort. Leave it out.'],
  ['anthropic', 'minimal', 'Anthropic does not take --effort: "minimal" is not one of low, medium, high.'],
])('%s refuses --effort %s before anything is sent', async (provider, effort, says) => {
  const ended = await world.loom('run', '--sync', ...orderOf(provider, '--effort', effort));
  expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining(says)]);
});

const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: { answer: { type: 'string', minLength: 2 }, sure: { type: ['integer', 'null'] } },
  required: ['answer', 'sure'],
  additionalProperties: false,
};
const { $schema: _, ...undated } = schema;
const jsonSchema = { type: 'json_schema', json_schema: { name: 'response', strict: true, schema } };
const structured: Record<ProviderName, object> = {
  openai: { model: 'm', messages: [user], response_format: jsonSchema },
  openrouter: { model: 'm', messages: [user], response_format: jsonSchema },
  alibaba: { model: 'm', messages: [user], response_format: jsonSchema },
  anthropic: {
    model: 'm',
    messages: [user],
    max_tokens: 4096,
    output_config: {
      format: {
        type: 'json_schema',
        schema: {
          ...undated,
          properties: { answer: { type: 'string' }, sure: { type: ['integer', 'null'] } },
        },
      },
    },
  },
  google: {
    contents,
    generationConfig: {
      responseMimeType: 'application/json',
      responseSchema: {
        type: 'OBJECT',
        properties: { answer: { type: 'STRING', minLength: 2 }, sure: { type: 'INTEGER', nullable: true } },
        required: ['answer', 'sure'],
        propertyOrdering: ['answer', 'sure'],
      },
    },
  },
};

test.each(ways)(
  '%s, %s: a schema is said in the way of the provider, and the answer fits',
  async (provider, mode) => {
    await world.write('schema.json', JSON.stringify(schema));
    const output = await answer(provider, mode, '--schema', 'schema.json');
    expect(world.requestBodies(provider)).toEqual([structured[provider]]);
    expect(output).toBe(
      'id,text,llm_response\n1,Hello JSON,"{""answer"":""Sandbox answer from m: Hello JSON"",""sure"":1}"\n',
    );
  },
);

test.each(ways.filter(([provider]) => provider !== 'anthropic'))(
  '%s, %s: --json asks for JSON',
  async (provider, mode) => {
    const output = await answer(provider, mode, '--json');
    const [body] = world.requestBodies(provider);
    expect(body).toEqual(
      provider === 'google'
        ? { contents, generationConfig: { responseMimeType: 'application/json' } }
        : { model: 'm', messages: [user], response_format: { type: 'json_object' } },
    );
    expect(output).toBe(
      'id,text,llm_response\n1,Hello JSON,"{""answer"":""Sandbox answer from m: Hello JSON""}"\n',
    );
  },
);

describe('the version of the API that Anthropic is asked by', () => {
  const versions = ({ requests }: RecordedWorld) =>
    requests
      .filter(({ method, path }) => method === 'POST' && /\/messages(\/batches)?$/.test(path))
      .map(({ headers }) => headers['anthropic-version']);

  test.each<[Mode, string, string[]]>([
    ['live', '2023-06-01', ['-t', '0']],
    ['batch', '2023-06-01', ['-t', '0']],
    ['live', '2023-06-01', ['--top-p', '0.5']],
    ['batch', '2023-06-01', ['--top-k', '5']],
    ['live', '2023-06-01', ['--param', 'temperature=0.5']],
    ['live', '2026-10-21', ['--max-tokens', '9', '--system', 'x']],
    ['batch', '2026-10-21', []],
  ])('%s: is %s with %j', async (mode, version, flags) => {
    await run('anthropic', mode, ...flags);
    expect(versions(world)).toEqual([version]);
  });

  describe('when the first run meets a full queue at each of its tries', () => {
    const fault = { operation: 'createBatch', do: 'status', status: 429, retryAfter: 0, times: 4 } as const;
    const world = useWorld(() => createRecordedWorld({ faults: { calls: [fault] } }));

    test('is the same when fetch submits it', async () => {
      await world.write('data.csv', 'id,text\n1,a\n');
      expect((await world.run('-p', 'anthropic', '-t', '0.5')).stderr).toContain('1 of 1 parts wait');
      expect((await fetchUntilDone(world)).stdout).toContain('Fabric complete.');
      expect(versions(world)).toEqual(Array(5).fill('2023-06-01'));
    });
  });
});

describe('what a provider does not take is an error before anything is sent:', () => {
  const files = {
    'open.json': '{"type":"object","properties":{"a":{"type":"object","additionalProperties":true}}}',
    'loop.json': '{"$ref":"#/$defs/a","$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/a"}}}}',
    'percent.json': '{"$ref":"#/$defs/100%"}',
    'all.json': '{"allOf":[{"type":"string"}]}',
    'wrong.json': '{"type":"text"}',
    'list.json': '[1]',
    'broken.json': '{"type":',
    'empty.txt': '\n',
  };
  beforeEach(async () => {
    for (const [name, content] of Object.entries(files)) await world.write(name, content);
  });

  const settled = 'loom fills this field, or depends on it. Leave it out.';
  test.each<[ProviderName, flags: string, message: string, code?: number]>([
    ['openai', '--top-k|3', 'OpenAI has no setting for --top-k. Leave it out.'],
    ['anthropic', '--seed|1', 'Anthropic has no setting for --seed. Leave it out.'],
    ['anthropic', '--presence-penalty|1', 'Anthropic has no setting for --presence-penalty. Leave it out.'],
    ['anthropic', '--frequency-penalty|1', 'Anthropic has no setting for --frequency-penalty. Leave it out.'],
    [
      'anthropic',
      '--json',
      'Anthropic has no setting for --json. Leave it out, or say with --schema what the JSON is to be.',
    ],
    ['anthropic', '-t|1.5', 'Anthropic does not take --temperature: 1.5 is not from 0 to 1.'],
    ['anthropic', '--stop| ', "Anthropic does not take --stop: white space alone can't be a stop text."],
    [
      'anthropic',
      '--schema|open.json',
      'Anthropic does not take --schema: additionalProperties must be false at /properties/a.',
    ],
    ['openai', '-t|2.1', 'OpenAI does not take --temperature: 2.1 is not from 0 to 2.'],
    ['openai', '--top-p|-0.1', 'OpenAI does not take --top-p: -0.1 is not from 0 to 1.'],
    [
      'openrouter',
      '--presence-penalty|3',
      'OpenRouter does not take --presence-penalty: 3 is not from -2 to 2.',
    ],
    [
      'openai',
      '--stop|a|--stop|b|--stop|c|--stop|d|--stop|e',
      'OpenAI does not take --stop: 5 are given, and at most 4 are allowed.',
    ],
    ['google', '--top-k|0', 'Google does not take --top-k: 0 is not from 1 to 2147483647.'],
    [
      'google',
      '--seed|3000000000',
      'Google does not take --seed: 3000000000 is not from -2147483648 to 2147483647.',
    ],
    ['google', '--schema|loop.json', 'Google does not take --schema: #/$defs/a points to itself.'],
    ['google', '--schema|percent.json', 'Google does not take --schema: #/$defs/100% leads nowhere.'],
    ['google', '--schema|all.json', 'Google does not take --schema: it has no word for "allOf" at /.'],
    [
      'openai',
      '--json|--schema|open.json',
      '--json and --schema exclude each other. Leave --json out: answers to a schema are JSON.',
    ],
    ['openai', '--param|model=x', `--param can't set model: ${settled}`],
    ['google', '--param|contents=[]', `--param can't set contents: ${settled}`],
    ['openai', '--param|stream=true', `--param can't set stream: ${settled}`],
    [
      'openai',
      '-t|1|--param|temperature=1',
      "--param can't set temperature: another flag sets it already. Leave it out.",
    ],
    [
      'google',
      '-t|1|--param|generationConfig={"temperature":1}',
      "--param can't set generationConfig.temperature: another flag sets it already. Leave it out.",
    ],
    ['openai', '--param|x', "option '--param <key=value>' argument 'x' is invalid. It must be key=value."],
    [
      'openai',
      '--param|a=1|--param|a=2',
      "option '--param <key=value>' argument 'a=2' is invalid. a was given before.",
    ],
    [
      'openai',
      '-t|hot',
      "option '-t, --temperature <number>' argument 'hot' is invalid. It must be a number.",
    ],
    [
      'openai',
      '--max-tokens|1.5',
      "option '--max-tokens <number>' argument '1.5' is invalid. It must be a whole number of at least 1.",
    ],
    ['openai', '--system| ', "option '--system <text>' argument ' ' is invalid. It must not be empty."],
    [
      'openai',
      '--system|@none',
      "can't read the file of --system, FOLDER/none: no such file or folder. For a text that begins with @ itself, write @@.",
      1,
    ],
    [
      'openai',
      '--system|@empty.txt',
      'the file of --system, FOLDER/empty.txt, is empty. Write the text into it.',
      1,
    ],
    ['openai', '--schema|none', "can't read the file of --schema, FOLDER/none: no such file or folder.", 1],
    [
      'openai',
      '--schema|list.json',
      'the file of --schema, FOLDER/list.json, does not hold a JSON object. A JSON Schema looks like {"type": "object", "properties": {…}}.',
      1,
    ],
    [
      'openai',
      '--schema|broken.json',
      'the file of --schema, FOLDER/broken.json, is not JSON: Unexpected end of JSON input.',
      1,
    ],
    [
      'openai',
      '--schema|wrong.json',
      'the file of --schema, FOLDER/wrong.json, is not a valid JSON Schema: schema is invalid: data/type must be equal to one of the allowed values, data/type must be array, data/type must match a schema in anyOf. Mend it; nothing was sent.',
      1,
    ],
  ])('%s with %s', async (provider, flags, message, code = 2) => {
    for (const mode of ['live', 'batch'] as const) {
      if (mode === 'batch' && provider === 'openrouter') continue;
      const ended = await run(provider, mode, ...flags.split('|'));
      expect([ended.code, ended.stderr.split('\n').at(-2)]).toEqual([
        code,
        `Error: ${message.replace('FOLDER', world.folder)}`,
      ]);
    }
    expect(world.requests).toEqual([]);
    expect(await world.listState()).toEqual([]);
  });
});

test.each([
  ['@system.txt', 'Be kind.\nBe brief.'],
  ['@@all Be kind.', '@all Be kind.'],
])(
  '--system %s is a file without the line end that editors add, and @@ begins a text with @',
  async (flag, content) => {
    await world.write('system.txt', '\ufeffBe kind.\nBe brief.\n');
    await answer('openai', 'live', '--system', flag);
    expect(world.requestBodies('openai')).toEqual([
      { model: 'm', messages: [{ role: 'system', content }, user] },
    ]);
  },
);

describe('the cache', () => {
  const key = (settings: string, separator: string) =>
    createHash('sha256').update(['openai', 'm', 'Hello JSON', settings].join(separator)).digest('hex');

  test.each<Mode>(['live', 'batch'])(
    '%s: has an entry under the canonical JSON of the settings, with them in it',
    async (mode) => {
      await answer('openai', mode, '--seed', '3', '--param', 'metadata={"b":"2","a":"1"}', '-t', '0.5');
      const settings = '{"extra":{"metadata":{"a":"1","b":"2"}},"seed":3,"temperature":0.5}';
      const name = hashKey('openai', 'm', 'Hello JSON', settings, `@${sandboxOf(world)}`);
      expect(await world.listState()).toEqual([join('cache', `${name}.json`)]);
      expect(JSON.parse(await world.readState(`cache/${name}.json`))).toEqual({
        ...{ provider: 'openai', model: 'm', response: 'Sandbox answer from m: Hello JSON' },
        created_at: expect.any(String),
        address: sandboxOf(world),
        params: JSON.parse(settings),
      });
    },
  );

  test('answers a run with the same settings in either mode, and no other', async () => {
    await answer('openai', 'batch', '-t', '0.5', '--seed', '3');
    const hits = async (mode: Mode, ...flags: string[]) =>
      / (\d) cache hits/.exec((await run('openai', mode, '--force', ...flags)).stdout)?.[1];
    expect(await hits('live', '--seed', '3', '-t', '.50')).toBe('1');
    expect(await hits('batch', '-t', '0.5', '--seed', '3')).toBe('1');
    expect(await hits('live', '-t', '0.5')).toBe('0');
    expect(await hits('live')).toBe('0');
    expect(await hits('live', '-t', '0.5', '--seed', '3', '--system', 'x')).toBe('0');
  });

  test.each([
    [
      'gives an entry of the Python tool, which writes its fractions with a point',
      '{"temperature":1.0}',
      '\0',
      1.0,
    ],
    ['passes over an entry whose settings are others', '{"temperature":1}', '|', 0.9],
  ])('%s', async (_, settings, separator, temperature) => {
    const entry = {
      provider: 'openai',
      model: 'm',
      response: 'kept',
      created_at: 'x',
      params: { temperature },
    };
    await world.writeState(`cache/${key(settings, separator)}.json`, JSON.stringify(entry));
    expect(await answer('openai', 'live', '-t', '1')).toContain(
      temperature === 1 ? 'kept' : 'Sandbox answer',
    );
  });
});

describe('records', () => {
  const records = async () => {
    const names = [...(await world.listState('batches')), ...(await world.listState('jobs'))];
    return Promise.all(names.map(async (name) => JSON.parse(await world.readState(name))));
  };

  test('hold the settings as params, in the words of the Python tool, and none where nothing was set', async () => {
    await run('openai', 'batch', '-t', '0.5', '--stop', 'a', '--param', 'user=me');
    const params = { temperature: 0.5, stop: ['a'], extra: { user: 'me' } };
    expect(await records()).toMatchObject([{ params }, { params }]);
    await rm(world.statePath(''), { recursive: true });
    await run('openai', 'batch');
    for (const record of await records()) expect(record).not.toHaveProperty('params');
  });

  test('tell two runs apart: the work with other settings is sent', async () => {
    await run('openai', 'batch', '-t', '0.5');
    const same = await run('openai', 'batch', '-t', '0.5');
    expect([same.code, same.stdout]).toEqual([
      0,
      expect.stringContaining('Nothing sent: the same work is pending'),
    ]);
    submittedId(await run('openai', 'batch', '-t', '0.6'));
    submittedId(await run('openai', 'batch'));
  });

  test('that loom adopt rebuilds have the settings it is given', async () => {
    const id = submittedId(await run('openai', 'batch', '-t', '0.5'));
    await rm(world.statePath(''), { recursive: true });
    expect((await world.loom('adopt', '--id', id, ...orderOf('openai', '-t', '0.5'))).code).toBe(0);
    expect((await fetchUntilDone(world)).code).toBe(0);
    expect((await run('openai', 'live', '-t', '0.5')).stdout).toContain('1 cache hits');
  });
});

test.each(['anthropic', 'google'] as const)(
  'loom tokens --system counts it with each prompt at %s',
  async (provider) => {
    const count = (...flags: string[]) => world.loom('tokens', ...orderOf(provider), ...flags);
    expect((await count()).stdout).toContain('Total input tokens: 3 ');
    expect((await count('--system', 'Be kind.')).stdout).toContain('Total input tokens: 5 ');
  },
);
