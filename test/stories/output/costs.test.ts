/** What an answer cost: tokens and ends in the output, money in the summary, before a run and as its limit. */
import { rm } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

describe.each(['--batch', '--sync'])('--with-usage of a %s run', (mode) => {
  async function runAndFetch(...flags: string[]): Promise<void> {
    const ran = await world.loom('run', mode, '-o', 'out', '--force', '--with-usage', ...flags);
    expect(ran.stderr).not.toContain('Error');
    if (mode === '--batch' && ran.stdout.startsWith('Batch')) await fetchUntilDone(world, '--force');
  }

  test('adds tokens and ends after the meta columns, empty where there are none, also for equal prompts', async () => {
    await world.write('a.csv', 'text\nHello\n" "\n[[sandbox:refuse]]\nHello\n[[sandbox:error 400]]\n');
    await runAndFetch('-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--with-meta', '--with-error');
    expect(await world.read('out')).toBe(
      [
        'text,llm_response,llm_provider,llm_model,llm_input_tokens,llm_output_tokens,llm_finish_reason,llm_error',
        'Hello,Sandbox answer from m: Hello,openai,m,2,7,stop,',
        '" ",,openai,m,,,,',
        '[[sandbox:refuse]],,openai,m,5,11,stop,"refusal: I\'m sorry, I can\'t assist with that request."',
        'Hello,Sandbox answer from m: Hello,openai,m,2,7,stop,',
        '[[sandbox:error 400]],,openai,m,,,,invalid_request_error: The prompt asked the sandbox for error 400.',
        '',
      ].join('\n'),
    );
  });

  test('has numbers in JSON', async () => {
    const prompts = ['Hello', '[[sandbox:length]]', '[[sandbox:thinking]]', null];
    await world.write('a.json', JSON.stringify(prompts.map((prompt) => ({ prompt }))));
    await runAndFetch('-f', 'a.json', '-p', 'openai', '-m', 'm');
    const rows = JSON.parse(await world.read('out')) as Record<string, unknown>[];
    const names = ['prompt', 'llm_response', 'llm_input_tokens', 'llm_output_tokens', 'llm_finish_reason'];
    expect(rows.map((row) => Object.keys(row))).toEqual(rows.map(() => names));
    expect(rows.map((row) => Object.values(row).slice(2))).toEqual([
      [2, 7, 'stop'],
      [5, 6, 'length'],
      [5, 23, 'stop'],
      [null, null, null],
    ]);
  });

  test('knows them also of rows that come from the cache, and of an entry without them nothing', async () => {
    await world.write('a.csv', 'text\nHello\nWorld\n');
    const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm'];
    await runAndFetch(...input);
    const [name] = (await world.listState('cache')).sort();
    const { provider, model, response, created_at } = JSON.parse(await world.readState(name as string));
    await world.writeState(name as string, JSON.stringify({ provider, model, response, created_at }));
    await world.write('a.csv', 'text\nHello\nWorld\nNew\n');
    await runAndFetch(...input);
    const tokens = (await world.read('out'))
      .split('\n')
      .slice(1, 4)
      .map((line) => line.split(',').slice(2));
    expect(tokens.sort()).toEqual([
      ['', '', ''],
      [expect.stringMatching(/^[12]$/), expect.any(String), 'stop'],
      [expect.stringMatching(/^[12]$/), expect.any(String), 'stop'],
    ]);
  });
});

test('--with-usage of adopt is remembered by its fetch', async () => {
  await world.write('a.csv', 'text\nHello\n');
  const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '-o', 'out.csv'];
  const ran = await world.loom('run', ...input);
  const id = /id=(\S+)/.exec(ran.stdout)?.[1] as string;
  for (const folder of ['batches', 'jobs']) await rm(world.statePath(folder), { recursive: true });
  expect((await world.loom('adopt', '-i', id, ...input, '--with-usage')).code).toBe(0);
  await fetchUntilDone(world);
  expect(await world.read('out.csv')).toBe(
    'text,llm_response,llm_input_tokens,llm_output_tokens,llm_finish_reason\nHello,Sandbox answer from m: Hello,2,7,stop\n',
  );
});

test('a row whose answer fits no schema has cost tokens too', async () => {
  await world.write('schema.json', '{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}}');
  await world.write('a.csv', 'text\n[[sandbox:misfit]]\n');
  const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '-o', 'out.csv', '--with-usage'];
  const ran = await world.loom('run', ...input, '--sync', '--schema', 'schema.json');
  expect(ran.stderr).toContain('schema_mismatch');
  expect(ran.stderr).toMatch(/\nTokens: 5 in, \d+ out; /);
  expect(await world.read('out.csv')).toMatch(/\n\[\[sandbox:misfit\]\],,5,\d+,stop\n$/);
});

describe('the summary of a run', () => {
  const text = `${'x'.repeat(39_999)} `;

  test.each([
    // 40,000 characters are 10,000 tokens in the sandbox, its answer 89, at Google and Anthropic alike.
    ['openai', 'gpt-4o', '--sync', 'cost about $0.0259'],
    ['openai', 'gpt-4o', '--batch', 'cost about $0.0129'],
    ['anthropic', 'claude-opus-4-5', '--sync', 'cost about $0.0522'],
    ['anthropic', 'claude-opus-4-5', '--batch', 'cost about $0.0261'],
    ['google', 'gemini-2.5-pro', '--sync', 'cost about $0.0134'],
    ['google', 'gemini-2.5-pro', '--batch', 'cost about $0.0067'],
    // What OpenRouter says that it charged: in the sandbox a millionth for each token.
    ['openrouter', 'nobody/knows', '--sync', 'cost about $0.0101'],
  ])('at %s with %s and %s tells tokens and the price of that way', async (provider, model, mode, cost) => {
    await world.write('a.csv', `text\n${text}\n${text}\n`);
    const ran = await world.loom('run', mode, '-f', 'a.csv', '-c', 'text', '-p', provider, '-m', model);
    const last = mode === '--batch' ? await fetchUntilDone(world) : ran;
    const told = last.stderr.split('\n').find((line) => line.startsWith('Tokens: '));
    expect(told).toMatch(/^Tokens: 10,000 in, \d\d out; /);
    expect(told).toContain(`; ${cost}.`);
  });

  test('counts of a second run only what is asked anew, and says nothing where that is nothing', async () => {
    const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-5', '--sync', '--force'];
    await world.write('a.csv', 'text\nHello\n');
    const first = await world.loom('run', ...input);
    expect(first.stderr).toContain('\n1 row: 1 answered\nTokens: 2 in, 8 out; cost about $0.000083.\n');
    expect((await world.loom('run', ...input)).stderr).not.toContain('Tokens');
    await world.write('a.csv', 'text\nHello\nHello World\n');
    expect((await world.loom('run', ...input)).stderr).toContain('Tokens: 3 in, 10 out;');
    const batch = await world.loom('run', ...input, '--batch');
    expect(batch.stderr).not.toContain('Tokens');
  });

  test('is told too when the run stops before its end', async () => {
    await world.write('a.csv', 'text\nHello\n[[sandbox:error 402]]\n');
    const ran = await world.loom(
      ...['run', '-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sync', '-w', '1'],
    );
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /\nTokens: 2 in, 7 out; cost unknown: no price is known for m of OpenAI\.\nError: /,
    );
  });
});

describe('--dry-run', () => {
  const noKeys = { OPENAI_API_KEY: '', ANTHROPIC_API_KEY: '', GOOGLE_API_KEY: '', OPENROUTER_API_KEY: '' };
  const rows = 'id,text\n1,Hello\n2,\n3,World\n4,Hello\n5,Hello <|endoftext|> World\n';

  test.each([
    ['openai', 'gpt-4o', '--batch', 32, '$0.00004 for the input, at the price of a batch'],
    ['openai', 'gpt-4o', '--sync', 32, '$0.00008 for the input, at the price of live calls'],
    ['anthropic', 'claude-opus-4-5', '--batch', 32, '$0.00008 for the input, at the price of a batch'],
    ['google', 'gemini-2.5-flash', '--batch', 11, '$0.0000016 for the input, at the price of a batch'],
    ['google', 'gemini-2.5-flash', '--sync', 11, '$0.0000033 for the input, at the price of live calls'],
    ['openrouter', 'openai/gpt-4o', '--sync', 32, '$0.00008 for the input, at the price of live calls'],
  ])(
    'at %s with %s and %s tells what would be sent, without a key',
    async (provider, model, mode, tokens, cost) => {
      Object.assign(world.environment, noKeys);
      await world.write('a.csv', rows);
      const input = ['-f', 'a.csv', '-c', 'text', '-p', provider, '-m', model];
      const ran = await world.loom('run', mode, ...input, '--dry-run');
      expect(ran).toEqual({
        code: 0,
        stdout: [
          'Dry run: nothing was sent, and nothing was written.',
          '  Rows: 5',
          '  Empty prompts, which are skipped: 1',
          '  Answered from the cache: 0',
          '  Equal to an earlier prompt: 1',
          '  Requests to send: 3',
          ...(mode === '--batch' ? ['  Batches: 1'] : []),
          `  Input tokens: about ${tokens} (an estimate with the tokenizer o200k_base)`,
          `  Cost: about ${cost}; the output comes on top, and is not known before the run`,
          '  The prompt of row 1: Hello',
          '',
        ].join('\n'),
        stderr: '',
      });
      expect(await world.listFolder()).toEqual(['a.csv']);
      expect(await world.listState()).toEqual([]);
      expect(await world.countCalls(provider as 'openai')).toEqual({});
    },
  );

  test('sees the cache, cuts as the run will, and takes each equal prompt with --no-cache', async () => {
    await world.write('a.csv', rows);
    const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o'];
    await world.loom('run', ...input, '--sync', '-o', 'out.csv');
    await world.write('a.csv', `${rows}6,New\n7,Newer\n8,Newest\n`);
    const [folder, state] = [await world.listFolder(), await world.listState()];
    const ran = await world.loom('run', ...input, '--dry-run', '--batch-size', '2');
    expect(ran.stdout).toMatch(
      /cache: 3\n {2}Equal to an earlier prompt: 1\n {2}Requests to send: 3\n {2}Batches: 2\n/,
    );
    const anew = await world.loom('run', ...input, '--dry-run', '--batch-size', '2', '--no-cache');
    expect(anew.stdout).toMatch(
      /cache: 0\n {2}Equal to an earlier prompt: 0\n {2}Requests to send: 7\n {2}Batches: 4\n/,
    );
    expect([await world.listFolder(), await world.listState()]).toEqual([folder, state]);
  });

  test.each([
    ['--limit', 'Rows: 2', 'Requests to send: 1'],
    ['--sample', 'Rows: 2', 'Requests to send: 2'],
  ])('takes the rows of %s, filled into a --prompt', async (flag, picked, requests) => {
    await world.write('a.csv', rows);
    const input = ['-f', 'a.csv', '-p', 'openai', '-m', 'gpt-4o', '--prompt', '{{text}}', flag, '2'];
    for (const mode of ['--batch', '--sync']) {
      const { stdout } = await world.loom('run', ...input, mode, '--dry-run', '--no-cache');
      expect(stdout).toContain(`\n  ${picked}\n`);
      expect(stdout).toContain(`\n  ${requests}\n`);
    }
    const tokens = await world.loom('tokens', ...input, '--estimate');
    expect(tokens.stdout).toContain(' across 2 prompts ');
  });

  test('counts what goes out with each prompt, and knows the most that the answers can cost', async () => {
    await world.write('a.csv', rows);
    await world.write('schema.json', '{"type":"object","properties":{"a":{"type":"string"}}}');
    const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o', '--dry-run'];
    const settings = ['--system', 'Be very brief.', '--schema', 'schema.json', '--max-tokens', '100'];
    const { stdout } = await world.loom('run', ...input, ...settings);
    // 3 times 4 tokens of the system text, and 14 of the schema.
    expect(stdout).toContain('\n  Input tokens: about 86 (');
    expect(stdout).toMatch(
      /\n {2}Cost: about \$0\.00011 for the input, at the price of a batch; at most \$0\.0016 with the output \(--max-tokens 100\)\n/,
    );
  });

  test('reads stdin and leaves nothing of it', async () => {
    const input = ['-f', '-', '--format', 'csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o'];
    const ran = await world.pipe(rows, 'run', ...input, '--sync', '--dry-run');
    expect(ran).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('\n  Requests to send: 3\n'),
    });
    const counted = await world.pipe(rows, 'tokens', ...input, '--estimate');
    expect(counted.stdout).toMatch(/^Total input tokens: 40 across 5 prompts /);
    expect(await world.listState()).toEqual([]);
  });

  test('refuses settings as the run does', async () => {
    await world.write('a.csv', rows);
    const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o', '--dry-run'];
    expect(await world.loom('run', ...input, '--top-k', '1')).toMatchObject({ code: 2, stdout: '' });
    await world.write('schema.json', '{"type":7}');
    const ran = await world.loom('run', ...input, '--schema', 'schema.json');
    expect(ran).toMatchObject({ code: 1, stdout: '' });
  });

  test('finds what is wrong with the input and with the place of the output', async () => {
    await world.write('a.csv', 'text\n"x\n');
    const input = ['-p', 'openai', '-m', 'm', '-c', 'text', '--dry-run'];
    expect(await world.loom('run', '-f', 'a.csv', ...input)).toMatchObject({ code: 1, stdout: '' });
    await world.write('a.csv', 'text\nx\n');
    const nowhere = await world.loom('run', '-f', 'a.csv', ...input, '-o', 'no/such/out.csv');
    expect(nowhere).toMatchObject({ code: 1, stdout: '' });
    expect(nowhere.stderr).toContain('does not exist');
    await world.write('out.csv', 'precious');
    const inTheWay = await world.loom('run', '-f', 'a.csv', ...input, '--sync', '-o', 'out.csv');
    expect(inTheWay).toMatchObject({
      code: 0,
      stderr: `Warning: output file ${world.folder}/out.csv already exists: the run needs --force.\n`,
    });
    expect(inTheWay.stdout).toContain('\n  Cost: unknown, no price is known for m of OpenAI\n');
    expect(await world.read('out.csv')).toBe('precious');
  });

  test('leaves out what an interrupted run without the cache has been answered', async () => {
    await world.write('a.csv', 'text\nHello\n[[sandbox:error 402]]\nHello\n');
    const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sync', '--no-cache', '-w', '1'];
    expect((await world.loom('run', ...input)).code).toBe(1);
    const state = await world.listState();
    const ran = await world.loom('run', ...input, '--dry-run');
    expect(ran.stdout).toMatch(/Kept from a run that was cut off: 1\n.*\n {2}Requests to send: 2\n/);
    expect(await world.listState()).toEqual(state);
  });
});

describe('--max-cost', () => {
  const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o'];
  const prompts = ['Hello', 'World', 'Again'];

  beforeEach(() => world.write('a.csv', `text\n${prompts.join('\n')}\n`));

  test.each([
    ['--batch', '$0.00003'],
    ['--sync', '$0.00006'],
  ])('refuses a %s run whose input costs more, before anything is sent', async (mode, cost) => {
    const ran = await world.loom('run', ...input, mode, '--max-cost', '0.00001');
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toBe(
      `Error: the input alone costs about ${cost}, and --max-cost is $0.00001; nothing was sent. Take fewer rows, another model, or a higher --max-cost.\n`,
    );
    expect(await world.countCalls('openai')).toEqual({});
    expect(await world.listState()).toEqual([]);
  });

  test('lets a batch pass whose input costs less', async () => {
    const ran = await world.loom('run', ...input, '--max-cost', '0.01');
    expect(ran.stdout).toMatch(/^Batch submitted\. /);
  });

  test('refuses a batch whose longest answers cost more, which nothing could stop', async () => {
    const limit = ['--max-cost', '0.01', '--max-tokens', '1000'];
    const ran = await world.loom('run', ...input, ...limit);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toBe(
      'Error: with answers of 1000 tokens the batch costs about $0.0150, and --max-cost is $0.0100; nothing was sent. Take fewer rows, another model, or a higher --max-cost.\n',
    );
    expect((await world.loom('run', ...input, ...limit, '--sync')).code).toBe(0);
  });

  test.each(['--batch', '--sync'])('refuses a %s run with a model whose price is not known', async (mode) => {
    const ran = await world.loom('run', ...input, '-m', 'no-price', mode, '--max-cost', '100');
    expect(ran).toEqual({
      code: 1,
      stdout: '',
      stderr:
        "Error: no price is known for no-price of OpenAI, so --max-cost can't be kept; nothing was sent. Run without --max-cost, or set a limit at the provider.\n",
    });
    expect(await world.countCalls('openai')).toEqual({});
  });

  test.each([[], ['--no-cache']])(
    'stops a live run that reaches it; a higher one goes on from there (%s)',
    async (...flags: string[]) => {
      const live = [...input, '--sync', '-w', '1', ...flags];
      const ran = await world.loom('run', ...live, '--max-cost', '0.0001');
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr.split('\n').slice(1)).toEqual([
        'Tokens: 4 in, 18 out; cost about $0.00019.',
        'Error: --max-cost $0.0001 is reached: this run has spent about $0.00019. The answers so far are kept, and no output is written: the same command with a higher --max-cost goes on from there.',
        '',
      ]);
      expect(await world.listFolder()).toEqual(['a.csv']);
      expect(await world.countCalls('openai')).toEqual({ generate: 2 });
      const again = await world.loom('run', ...live, '--max-cost', '1');
      expect(again.code).toBe(0);
      expect(again.stderr).toContain('\nTokens: 2 in, 9 out; ');
      expect(await world.countCalls('openai')).toEqual({ generate: 3 });
    },
  );

  test('writes the output when the last answer reaches it: there is nothing left to stop', async () => {
    const ran = await world.loom('run', ...input, '--sync', '-w', '1', '--max-cost', '0.0002');
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('cost about $0.00029.');
    expect(await world.countCalls('openai')).toEqual({ generate: 3 });
  });

  test('is a number above 0', async () => {
    for (const value of ['0', '-1', 'x', '$5', '1e3', '']) {
      const ended = await world.loom('run', ...input, `--max-cost=${value}`);
      expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--max-cost') });
    }
  });
});

describe('tokens --estimate', () => {
  const told = (live: string, batch: string) =>
    `about $${live} live, about $${batch} as a batch (an estimate)`;

  test.each([
    ['openai', 'gpt-4o', 46, told('0.00012', '0.000058'), 'o200k_base'],
    ['openai', 'gpt-4', 46, told('0.0014', '0.00069'), 'cl100k_base'],
    ['openrouter', 'openai/gpt-4', 46, 'about $0.0014 live (an estimate)', 'cl100k_base'],
    ['anthropic', 'claude-opus-4-5', 46, told('0.00023', '0.00012'), 'o200k_base'],
    ['google', 'gemini-2.5-flash', 11, told('0.0000033', '0.0000017'), 'o200k_base'],
    ['openai', 'm', 46, 'unknown, no price is known for m of OpenAI', 'o200k_base'],
  ])('counts for %s and %s on this machine', async (provider, model, tokens, cost, encoding) => {
    world.environment.OPENAI_API_KEY = '';
    await world.write('a.csv', 'text\nHello\n<|endoftext|>\nHello\n\nHello\n"  "\nHello\n');
    const input = ['-f', 'a.csv', '-c', 'text', '-p', provider, '-m', model];
    expect(await world.loom('tokens', ...input, '--estimate')).toEqual({
      code: 0,
      stdout: `Total input tokens: ${tokens} across 6 prompts (provider=${provider}, model=${model}, errors=0), an estimate with the tokenizer ${encoding}\nInput cost: ${cost}\n`,
      stderr: 'Skipped 1 row without a prompt.\n',
    });
    expect(await world.countCalls(provider as 'openai')).toEqual({});
  });
});
