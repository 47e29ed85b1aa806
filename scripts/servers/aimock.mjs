/** aimock: OpenAI's chat completions and batches, Anthropic's messages and Gemini's answers, as CopilotKit reads their protocols. */
import { join } from 'node:path';
import { findPort, tryServer } from './kit.mjs';

const answers = [
  [{ userMessage: 'busy' }, { error: { message: 'Slow down', type: 'rate_limit_error' }, status: 429 }],
  [
    { userMessage: 'wrong' },
    { error: { message: 'No such thing', type: 'invalid_request_error' }, status: 400 },
  ],
  [{ userMessage: 'tone', responseFormat: 'json_schema' }, { content: '{"tone":"good","score":5}' }],
  [
    { userMessage: 'bye' },
    {
      content: 'Farewell, "friend"\nand more',
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    },
  ],
  [{ userMessage: 'long' }, { content: 'cut', finishReason: 'length' }],
];

await tryServer('aimock', async (trial) => {
  const modules = await trial.installNode(['@copilotkit/aimock@1.43.0']);
  const fixtures = answers.map(([match, response]) => ({ match, response }));
  const port = await findPort();
  const address = `http://127.0.0.1:${port}`;
  await trial.start(
    'aimock',
    process.execPath,
    [
      join(modules, '@copilotkit/aimock/dist/cli.js'),
      '-p',
      port,
      '-f',
      await trial.write('answers.json', JSON.stringify({ fixtures })),
    ],
    { ready: `${address}/v1/models`, environment: { AIMOCK_API_KEYS: 'sk-right' } },
  );
  await trial.write('data.jsonl', '{"text":"bye"}\n{"text":"long"}\n{"text":"wrong"}\n');
  await trial.write('tone.jsonl', '{"text":"tone"}\n');
  await trial.write('busy.jsonl', '{"text":"busy"}\n');

  const vendors = [
    { name: 'openai', base: `${address}/v1`, code: 'invalid_request_error', stop: 'stop', cut: 'length' },
    { name: 'anthropic', base: address, code: 'invalid_request_error', stop: 'end_turn', cut: 'max_tokens' },
    { name: 'google', base: address, code: 'invalid_request_error', stop: 'STOP', cut: 'MAX_TOKENS' },
  ];
  for (const { name, base, code, stop, cut } of vendors) {
    const at = ['-c', 'text', '-p', name, '-m', 'model-1', '--base-url', base];
    const live = await trial.loom(
      'run',
      '-f',
      'data.jsonl',
      ...at,
      '--sync',
      '--with-usage',
      '--with-error',
      '--api-key',
      'sk-right',
      '-o',
      `${name}.jsonl`,
    );
    trial.same(`${name}: a row fails, and the exit code says so`, live.code, 3);
    const rows = await trial.rows(`${name}.jsonl`);
    trial.same(`${name}: each row has its answer, usage and reason`, rows.map(withoutUsageOf(1)), [
      {
        text: 'bye',
        llm_response: 'Farewell, "friend"\nand more',
        llm_input_tokens: 7,
        llm_output_tokens: 3,
        llm_finish_reason: stop,
        llm_error: null,
      },
      { text: 'long', llm_response: 'cut', llm_finish_reason: cut, llm_error: null },
      {
        text: 'wrong',
        llm_response: null,
        llm_input_tokens: null,
        llm_output_tokens: null,
        llm_finish_reason: null,
        llm_error: `${code}: No such thing`,
      },
    ]);
    const refused = await trial.loom(
      'run',
      '-f',
      'data.jsonl',
      ...at,
      '--sync',
      '--no-cache',
      '--api-key',
      'sk-wrong',
      '-o',
      'no.jsonl',
    );
    trial.same(`${name}: a wrong key ends the run`, refused.code, 1);
    trial.like(
      `${name}: and is named`,
      refused.stderr,
      /Error: \w+: Invalid API key\. Check \w+_API_KEY or --api-key\./,
    );
    const busy = await trial.loom(
      'run',
      '-f',
      'busy.jsonl',
      ...at,
      '--sync',
      '--patience',
      '2s',
      '--api-key',
      'sk-right',
      '-o',
      'no.jsonl',
    );
    trial.like(
      `${name}: a rate limit is waited for`,
      busy.stderr,
      /Slow down\. Trying again in 1 s\.\s[\s\S]*waits for at most 2 seconds/,
    );
  }

  const openai = [
    '-c',
    'text',
    '-p',
    'openai',
    '-m',
    'gpt-4o-mini',
    '--base-url',
    `${address}/v1`,
    '--api-key',
    'sk-right',
  ];
  const tone = await trial.loom(
    'run',
    '-f',
    'tone.jsonl',
    ...openai,
    '--sync',
    '--fields',
    'tone: good|bad, score: integer',
    '--no-response',
    '-o',
    'tone-out.jsonl',
  );
  trial.same(
    'openai: an answer by a schema',
    [tone.code, await trial.rows('tone-out.jsonl')],
    [0, [{ text: 'tone', tone: 'good', score: 5 }]],
  );

  // Its batches have one text for every answer.
  const batch = await trial.loom('run', '-f', 'data.jsonl', ...openai, '--no-cache', '-o', 'batch.jsonl');
  trial.like('a batch is submitted', batch.stdout, /^Batch submitted\. id=batch-\S+ provider=openai$/m);
  trial.like('and listed', (await trial.loom('list')).stdout, /openai +gpt-4o-mini +validating/);
  const again = await trial.loom('run', '-f', 'data.jsonl', ...openai, '--no-cache', '-o', 'batch.jsonl');
  trial.same(
    'the same work is not sent twice',
    [again.code, /Batch submitted/.test(again.stdout)],
    [0, false],
  );
  const done = await trial.loom('fetch', '--wait', '--interval', '1s', '--api-key', 'sk-right');
  trial.like('fetched when it ends', done.stdout, /Fabric complete\. id=batch-/);
  trial.same('each row of the batch has its answer', await trial.rows('batch.jsonl'), [
    { text: 'bye', llm_response: 'Mock batch completion' },
    { text: 'long', llm_response: 'Mock batch completion' },
    { text: 'wrong', llm_response: 'Mock batch completion' },
  ]);

  const second = await trial.loom(
    'run',
    '-f',
    'data.jsonl',
    ...openai,
    '--no-cache',
    '-o',
    'cancelled.jsonl',
    '--with-error',
  );
  const id = /id=(\S+)/.exec(second.stdout)?.[1] ?? '';
  trial.same(
    'a batch is cancelled',
    (await trial.loom('cancel', '--id', id, '--yes', '--api-key', 'sk-right')).code,
    0,
  );
  const over = await trial.loom('fetch', '--wait', '--interval', '1s', '--api-key', 'sk-right');
  trial.same('a cancelled batch has no file of results', over.code, 1);
  trial.like(
    'and says what to do',
    `${over.stdout}${over.stderr}`,
    /status=cancelled\n[\s\S]*0 answers are kept\./,
  );
  trial.like('and stays in the list', (await trial.loom('list')).stdout, /gpt-4o-mini +cancelled/);

  const wrong = await trial.loom('run', '-f', 'tone.jsonl', ...openai, '--api-key', 'sk-wrong');
  trial.like(
    'a batch with a wrong key',
    wrong.stderr,
    /Error: OpenAI: Invalid API key\. Check OPENAI_API_KEY or --api-key\./,
  );
  for (const [name, title] of [
    ['anthropic', 'Anthropic'],
    ['google', 'Google'],
  ]) {
    const none = await trial.loom(
      'run',
      '-f',
      'tone.jsonl',
      '-c',
      'text',
      '-p',
      name,
      '-m',
      'm',
      '--base-url',
      address,
      '--api-key',
      'sk-right',
    );
    trial.same(
      `${name}: it has no batches`,
      [none.code, none.stderr.includes(`Error: ${title}: Not found`)],
      [1, true],
    );
  }
});

/** How many tokens it makes up where an answer says none is its own affair. */
function withoutUsageOf(row) {
  return ({ llm_input_tokens, llm_output_tokens, ...rest }, index) =>
    index === row ? rest : { ...rest, llm_input_tokens, llm_output_tokens };
}
