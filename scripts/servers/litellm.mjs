/**
 * LiteLLM's proxy without a database, in front of aimock: its keys, its way to word errors, headers that it hands on, and
 * OpenAI's files and batches. 1.110.2 can't be installed with its proxy here: it wants a package that is not to be had.
 */
import { join } from 'node:path';
import { ask, findPort, tryServer } from './kit.mjs';

const answers = [
  [{ userMessage: 'busy' }, { error: { message: 'Slow down', type: 'rate_limit_error' }, status: 429 }],
  [
    { userMessage: 'wrong' },
    { error: { message: 'No such thing', type: 'invalid_request_error' }, status: 400 },
  ],
  [{ userMessage: 'tone', responseFormat: 'json_schema' }, { content: '{"tone":"good","score":5}' }],
  [
    { userMessage: 'bye' },
    { content: 'Farewell', usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } },
  ],
];

await tryServer("LiteLLM's proxy", async (trial) => {
  const modules = await trial.installNode(['@copilotkit/aimock@1.43.0']);
  // Without `prisma` its own handling of errors fails, and they come as a plain 500.
  const python = await trial.installPython(['litellm[proxy]==1.106.12', 'prisma==0.15.0']);

  const upstream = `http://127.0.0.1:${await findPort()}`;
  const fixtures = answers.map(([match, response]) => ({ match, response }));
  const file = await trial.write('answers.json', JSON.stringify({ fixtures }));
  const mock = [join(modules, '@copilotkit/aimock/dist/cli.js'), '-p', new URL(upstream).port, '-f', file];
  const environment = { AIMOCK_API_KEYS: 'sk-upstream' };
  await trial.start('aimock', process.execPath, mock, { ready: `${upstream}/v1/models`, environment });

  const address = `http://127.0.0.1:${await findPort()}`;
  const reach = { api_base: `${upstream}/v1`, api_key: 'sk-upstream' };
  const config = {
    model_list: [
      { model_name: 'up', litellm_params: { model: 'openai/gpt-4o-mini', ...reach } },
      {
        model_name: 'mock',
        litellm_params: { model: 'openai/gpt-4o-mini', ...reach, mock_response: "It's a mock." },
      },
    ],
    litellm_settings: { num_retries: 0, telemetry: false },
    general_settings: { master_key: 'sk-master' },
    files_settings: [{ custom_llm_provider: 'openai', ...reach }],
  };
  const program = [
    join(python, '../litellm'),
    '--config',
    await trial.write('config.yaml', JSON.stringify(config)),
  ];
  const [, , port] = address.split(':');
  await trial.start('litellm', python, [...program, '--host', '127.0.0.1', '--port', port], {
    ready: `${address}/health/liveliness`,
    environment: {
      // Batches take their address and key from here, not from `files_settings`.
      OPENAI_BASE_URL: reach.api_base,
      OPENAI_API_KEY: reach.api_key,
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    },
  });

  await trial.write('data.jsonl', '{"text":"bye"}\n{"text":"wrong"}\n');
  await trial.write('tone.jsonl', '{"text":"tone"}\n');
  await trial.write('busy.jsonl', '{"text":"busy"}\n');
  const to = (name, base, model, key = 'sk-master') => [
    ...['-c', 'text', '-p', name, '-m', model, '--base-url', base, '--api-key', key],
  ];
  const openai = (model, key) => to('openai', `${address}/v1`, model, key);

  const doctor = await trial.loom(
    'doctor',
    '-p',
    'openai',
    '--base-url',
    `${address}/v1`,
    '--api-key',
    'sk-master',
  );
  trial.like('the key is taken', doctor.stdout, /openai +the key that was given is taken; 2 models/);

  const noted = "LiteLLM: model group 'up' failed with the error above. No fallback was attempted.";
  const vendors = [
    ['openai', `${address}/v1`, 'stop', `litellm.BadRequestError: OpenAIException - No such thing ${noted}`],
    [
      'anthropic',
      address,
      'end_turn',
      /^invalid_request_error: litellm\.BadRequestError: OpenAIException - .*No such thing/,
    ],
  ];
  for (const [name, base, stop, reason] of vendors) {
    const output = `${name}.jsonl`;
    const live = await trial.loom(
      'run',
      '-f',
      'data.jsonl',
      ...to(name, base, 'up'),
      '--sync',
      '--with-usage',
      '--with-error',
      '-o',
      output,
    );
    trial.same(`${name}: a row fails, and the exit code says so`, live.code, 3);
    const [answered, failed] = await trial.rows(output);
    trial.same(`${name}: a row is answered`, answered, {
      text: 'bye',
      llm_response: 'Farewell',
      llm_input_tokens: 7,
      llm_output_tokens: 3,
      llm_finish_reason: stop,
      llm_error: null,
    });
    if (typeof reason === 'string')
      trial.same(`${name}: the reason`, failed.llm_error, `invalid_request_error: ${reason}`);
    else trial.like(`${name}: the reason`, failed.llm_error, reason);
  }

  const google = await trial.loom(
    'run',
    '-f',
    'data.jsonl',
    ...to('google', address, 'up'),
    '--limit',
    '1',
    '--sync',
    '-o',
    'google.jsonl',
  );
  trial.same(
    'google: a row is answered',
    [google.code, await trial.rows('google.jsonl')],
    [0, [{ text: 'bye', llm_response: 'Farewell' }]],
  );

  await trial.loom('run', '-f', 'data.jsonl', ...openai('mock'), '--sync', '-o', 'mock.jsonl');
  trial.same('its own mocks answer', await trial.rows('mock.jsonl'), [
    { text: 'bye', llm_response: "It's a mock." },
    { text: 'wrong', llm_response: "It's a mock." },
  ]);

  const tone = await trial.loom(
    'run',
    '-f',
    'tone.jsonl',
    ...openai('up'),
    '--sync',
    '--fields',
    'tone: good|bad, score: integer',
    '-o',
    'fields.jsonl',
  );
  trial.same(
    'a schema reaches the model',
    [tone.code, await trial.rows('fields.jsonl')],
    [0, [{ text: 'tone', llm_response: '{"tone":"good","score":5}', tone: 'good', score: 5 }]],
  );

  const busy = await trial.loom(
    'run',
    '-f',
    'busy.jsonl',
    ...openai('up'),
    '--sync',
    '--patience',
    '2s',
    '-o',
    'no.jsonl',
  );
  trial.like(
    'the wait that its upstream asks for is kept',
    busy.stderr,
    /Slow down LiteLLM: .*Trying again in 1 s\./,
  );

  const refusal = await ask(`${address}/v1/chat/completions`, {
    body: {},
    headers: { authorization: 'Bearer sk-wrong' },
  });
  trial.same(
    'without a database, a wrong key is a bad request to it',
    [refusal.status, refusal.body.error.type],
    [400, 'no_db_connection'],
  );
  const wrong = await trial.loom(
    'run',
    '-f',
    'data.jsonl',
    ...openai('up', 'sk-wrong'),
    '--sync',
    '--no-cache',
    '-o',
    'no.jsonl',
  );
  trial.same(
    'which ends the run',
    [wrong.code, await trial.read('no.jsonl').catch(() => 'no output')],
    [1, 'no output'],
  );
  trial.like('and is told', wrong.stderr, /Error: OpenAI: No connected db\./);

  const none = await trial.loom(
    'run',
    '-f',
    'tone.jsonl',
    ...openai('nobody'),
    '--sync',
    '-o',
    'nobody.jsonl',
  );
  trial.same('a model that it does not have', none.code, 1);
  trial.like('ends the run', none.stderr, /Error: OpenAI: .*Invalid model name passed in model=nobody\./);

  const batch = await trial.loom(
    'run',
    '-f',
    'data.jsonl',
    ...openai('up'),
    '--no-cache',
    '-o',
    'batch.jsonl',
  );
  trial.like('a batch is submitted', batch.stdout, /^Batch submitted\. id=batch-\S+ provider=openai$/m);
  const done = await trial.loom('fetch', '--wait', '--interval', '1s', '--api-key', 'sk-master');
  trial.like('and fetched', done.stdout, /Fabric complete\. id=batch-/);
  trial.same('each row of the batch has its answer', await trial.rows('batch.jsonl'), [
    { text: 'bye', llm_response: 'Mock batch completion' },
    { text: 'wrong', llm_response: 'Mock batch completion' },
  ]);
  const second = await trial.loom(
    'run',
    '-f',
    'data.jsonl',
    ...openai('up'),
    '--no-cache',
    '-o',
    'cancelled.jsonl',
  );
  const id = /id=(\S+)/.exec(second.stdout)?.[1] ?? '';
  const cancelled = await trial.loom('cancel', '--id', id, '--yes', '--api-key', 'sk-master');
  trial.same('a batch is cancelled', cancelled.code, 0);
  const over = await trial.loom('fetch', '--id', id, '--api-key', 'sk-master');
  trial.like('which a fetch tells', over.stdout, /status=cancelled/);
  const noBatch = await trial.loom('run', '-f', 'data.jsonl', ...openai('up', 'sk-wrong'), '--no-cache');
  trial.same(
    'a batch with a wrong key',
    [noBatch.code, noBatch.stderr.includes('Error: OpenAI: No connected db.')],
    [1, true],
  );
});
