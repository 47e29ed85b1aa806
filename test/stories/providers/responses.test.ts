/** Runs through the Responses API, live and in batches. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createRecordedWorld } from '../worlds/recorder.ts';
import { fetchUntilDone, orderOf, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createRecordedWorld);
const order = (...flags: string[]) => [...orderOf('openai'), '--api', 'responses', ...flags];
const schema =
  '{"type":"object","properties":{"mood":{"type":"string"}},"required":["mood"],"additionalProperties":false}';

const sent = () =>
  world.requests
    .filter(({ method, path }) => method === 'POST' && !path.endsWith('/files'))
    .map(({ path, body }) => [path.replace('/openai', ''), JSON.parse(body)] as const);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello JSON\n'));

describe.each(['live', 'batch'] as const)('%s', (mode) => {
  const run = async (...flags: string[]) => {
    const ended = await world.loom('run', ...order(...flags, ...(mode === 'live' ? ['--sync'] : [])));
    return mode === 'live' ? ended : fetchUntilDone(world);
  };
  const askedFor = (body: object) =>
    mode === 'live'
      ? expect(sent()).toEqual([['/v1/responses', body]])
      : expect(world.requestBodies('openai')).toEqual([body]);

  test('every setting that it has stands in its own field', async () => {
    const flags = ['--system', 'Be kind.', '-t', '0.2', '--max-tokens', '500', '--top-p', '.9'];
    const ended = await run(...flags, '--param', 'reasoning={"effort":"low"}');
    expect(ended).toMatchObject({ code: 0 });
    askedFor({
      model: 'm',
      input: 'Hello JSON',
      store: false,
      instructions: 'Be kind.',
      temperature: 0.2,
      max_output_tokens: 500,
      top_p: 0.9,
      reasoning: { effort: 'low' },
    });
    expect(await world.read('data_results_openai_m.csv')).toBe(
      'id,text,llm_response\n1,Hello JSON,Sandbox answer from m: Hello JSON\n',
    );
  });

  test('a schema is said in its form, beside what else is said of the text, and each answer is checked', async () => {
    await world.write('data.csv', 'id,text\n1,Hello JSON\n2,[[sandbox:misfit]]\n');
    const ended = await run('--schema', schema, '--param', 'text={"verbosity":"low"}');
    expect(ended).toMatchObject({ code: 3 });
    const [first] = mode === 'live' ? sent().map(([, body]) => body) : world.requestBodies('openai');
    expect(first).toMatchObject({
      text: {
        verbosity: 'low',
        format: { type: 'json_schema', name: 'response', strict: true, schema: JSON.parse(schema) },
      },
    });
    expect(await world.read('data_results_openai_m.csv')).toBe(
      'id,text,llm_response\n1,Hello JSON,"{""mood"":""Sandbox answer from m: Hello JSON""}"\n2,[[sandbox:misfit]],\n',
    );
  });

  test('what is refused, filtered, empty or cut off is what it is in chat completions', async () => {
    const asked = ['refuse', 'blocked', 'empty', 'length', 'thinking', 'error 400'];
    await world.write('data.csv', `text\n${asked.map((word) => `[[sandbox:${word}]]`).join('\n')}\n`);
    const chat = ['--output', 'chat.csv', '--with-error', '--no-cache'];
    const responses = [...chat, '--output', 'responses.csv'];
    const orders = [
      ['run', ...orderOf('openai', ...chat)],
      ['run', ...order(...responses)],
    ];
    const accounts: string[] = [];
    for (const words of orders) {
      const ended = await world.loom(...words, ...(mode === 'live' ? ['--sync'] : []));
      const { code, stderr } = mode === 'live' ? ended : await fetchUntilDone(world);
      expect(code).toBe(3);
      accounts.push(stderr);
    }
    expect(accounts[0]).toContain('cut off at the token limit');
    expect(accounts[1]).toContain('cut off at the token limit');
    expect(await world.read('responses.csv')).toBe(await world.read('chat.csv'));
    const rows = (await world.read('responses.csv')).split('\n').slice(1);
    expect(rows[0]).toBe(`[[sandbox:refuse]],,"refusal: I'm sorry, I can't assist with that request."`);
    expect(rows[4]).toBe('[[sandbox:thinking]],Sandbox answer from m: [[sandbox:thinking]],');
  });
});

test('a batch has the endpoint of the API, on its lines and in its creation, and its fetch needs no flag', async () => {
  const run = await world.loom('run', ...order());
  const id = submittedId(run);
  const [upload, creation] = world.requests.filter(({ method }) => method === 'POST');
  expect(upload?.body).toContain(
    '"method":"POST","url":"/v1/responses","body":{"model":"m","input":"Hello JSON"',
  );
  expect(JSON.parse(creation?.body ?? '')).toMatchObject({ endpoint: '/v1/responses' });
  const status = await world.loom('status', '--id', id, '--output-format', 'json');
  expect(JSON.parse(status.stdout).job.settings).toEqual({ api: 'responses' });
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
});

test('a tier is asked for in it, and read of its answers', async () => {
  const ended = await world.loom('run', ...order('--sync', '--tier', 'flex', '--call-timeout', '20m'));
  expect(sent()).toEqual([
    ['/v1/responses', { model: 'm', input: 'Hello JSON', store: false, service_tier: 'flex' }],
  ]);
  expect(ended.stderr).toContain('Answers by tier: 1 flex.');
});

test('OpenRouter has batches of it, too', async () => {
  await world.loom('run', ...orderOf('openrouter'), '--api', 'responses', '--batch', '--schema', schema);
  const creation = world.requests.find(({ method, path }) => method === 'POST' && path.endsWith('/batches'));
  const { requests, ...head } = JSON.parse(creation?.body ?? '{}');
  expect(head).toEqual({ endpoint: '/v1/responses', model: 'm', completion_window: '24h' });
  expect(requests).toEqual([
    {
      custom_id: expect.stringMatching(/^row-0-/),
      body: {
        input: 'Hello JSON',
        store: false,
        text: { format: expect.objectContaining({ strict: true }) },
      },
    },
  ]);
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read('data_results_openrouter_m.csv')).toBe(
    'id,text,llm_response\n1,Hello JSON,"{""mood"":""Sandbox answer from m: Hello JSON""}"\n',
  );
});

test('a part that waited for room in the queue is sent to the same endpoint by its fetch', async () => {
  const crowded = await createRecordedWorld({
    faults: { calls: [{ operation: 'createBatch', do: 'status', status: 429, retryAfter: 0, times: 4 }] },
  });
  try {
    await crowded.write('data.csv', 'id,text\n1,a\n');
    expect((await crowded.loom('run', ...order())).stderr).toContain('1 of 1 parts wait');
    expect((await fetchUntilDone(crowded)).stdout).toContain('Fabric complete.');
    const creations = crowded.requests.filter(
      ({ method, path }) => method === 'POST' && path.endsWith('/batches'),
    );
    expect(creations.map(({ body }) => JSON.parse(body).endpoint)).toEqual(Array(5).fill('/v1/responses'));
  } finally {
    await crowded.remove();
  }
});

test('a model without structured output gets the schema in words, live and in a batch', async () => {
  const flags = ['-m', 'no-schemas-1', '--schema', schema, '--no-cache'];
  expect(await world.loom('run', ...order(...flags, '--sync', '-o', 'live.csv'))).toMatchObject({ code: 0 });
  await world.loom('run', ...order(...flags, '-o', 'batch.csv'));
  expect((await fetchUntilDone(world)).code).toBe(0);
  const written =
    'id,text,llm_response\n1,Hello JSON,"{""mood"":""Sandbox answer from no-schemas-1: Hello JSON""}"\n';
  expect([await world.read('live.csv'), await world.read('batch.csv')]).toEqual([written, written]);
});

test('its answers are filed apart; those of chat completions keep the keys that they had before', async () => {
  await world.loom('run', ...order('--sync', '--force'));
  await world.loom('run', ...orderOf('openai', '--sync', '--force'));
  expect(sent().map(([path]) => path)).toEqual(['/v1/responses', '/v1/chat/completions']);
  await world.loom('run', ...orderOf('openai', '--sync', '--force', '--api', 'chat'));
  await world.loom('run', ...order('--sync', '--force'));
  expect(sent()).toHaveLength(2);
});

test('the same work through another API is other work', async () => {
  await world.loom('run', ...order());
  expect((await world.loom('run', ...orderOf('openai'))).stdout).toContain('Batch submitted.');
  expect((await world.loom('run', ...order())).stdout).toContain('Nothing sent: the same work is pending');
});

test('requests are exported in its form, and results in either are imported', async () => {
  await world.write('data.csv', 'text\nHello\nWorld\n');
  await world.loom('export', ...order('-o', 'requests.jsonl'));
  const lines = (await world.read('requests.jsonl'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({
    url: '/v1/responses',
    body: { model: 'm', input: 'Hello', store: false },
  });
  const bodies = [
    { object: 'response', output: [{ type: 'message', content: [{ type: 'output_text', text: 'one' }] }] },
    { choices: [{ message: { content: 'two' } }] },
  ];
  const results = lines.map(({ custom_id }, index) => ({
    custom_id,
    response: { status_code: 200, body: bodies[index] },
  }));
  await world.write('results.jsonl', results.map((result) => JSON.stringify(result)).join('\n'));
  expect(await world.loom('import', 'results.jsonl', ...order('-o', 'out.csv'))).toMatchObject({ code: 0 });
  expect(await world.read('out.csv')).toBe('text,llm_response\nHello,one\nWorld,two\n');
});

test.each([
  ['openai', '--seed|1', 'The Responses API of OpenAI has no setting for --seed. Leave it out.'],
  ['openai', '--stop|END', 'The Responses API of OpenAI has no setting for --stop. Leave it out.'],
  [
    'openrouter',
    '--presence-penalty|1',
    'The Responses API of OpenRouter has no setting for --presence-penalty. Leave it out.',
  ],
  ['openai', '-t|3', 'The Responses API of OpenAI does not take --temperature: 3 is not from 0 to 2.'],
  [
    'openai',
    '--param|background=true',
    "--param can't set background: loom fills this field, or depends on it. Leave it out.",
  ],
  ...(['anthropic', 'google', 'alibaba'] as const).map((name): [string, string, string] => {
    const title = { anthropic: 'Anthropic', google: 'Google', alibaba: 'Alibaba' }[name];
    const hint = 'Leave --api out. OpenAI has that API, OpenRouter, and servers that speak like them.';
    return [name, '', `loom can't ask ${title} through the Responses API. ${hint}`];
  }),
  [
    'openai',
    '--api|assistants',
    "option '--api <api>' argument 'assistants' is invalid. Allowed choices are chat, responses.",
  ],
])('%s with %s is refused before anything is sent', async (provider, flags, message) => {
  for (const mode of ['--sync', '--batch']) {
    if (mode === '--batch' && provider === 'openrouter') continue;
    const order = orderOf(provider as 'openai', '--api', 'responses', ...flags.split('|').filter(Boolean));
    const ended = await world.loom('run', ...order, mode);
    expect([ended.code, ended.stderr.split('\n').at(-2)]).toEqual([2, `Error: ${message}`]);
  }
  expect(world.requests).toEqual([]);
});
