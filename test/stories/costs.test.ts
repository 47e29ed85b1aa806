/** What an answer cost: tokens and ends in the output, money in the summary, before a run and as its limit. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone, type SandboxWorld } from './sandbox-world.ts';

let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
});

afterEach(() => world.remove());

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

  test.each([
    ['openai', 'stop', 'length'],
    ['anthropic', 'end_turn', 'max_tokens'],
    ['google', 'STOP', 'MAX_TOKENS'],
  ])('has numbers in JSON, and the word of %s', async (provider, whole, cut) => {
    const prompts = ['Hello', '[[sandbox:length]]', '[[sandbox:thinking]]', null];
    await world.write('a.json', JSON.stringify(prompts.map((prompt) => ({ prompt }))));
    await runAndFetch('-f', 'a.json', '-p', provider, '-m', 'm');
    const rows = JSON.parse(await world.read('out')) as Record<string, unknown>[];
    expect(rows.map((row) => Object.keys(row))).toEqual(
      rows.map(() => [
        'prompt',
        'llm_response',
        'llm_input_tokens',
        'llm_output_tokens',
        'llm_finish_reason',
      ]),
    );
    expect(rows.map((row) => Object.values(row).slice(2))).toEqual([
      [2, 7, whole],
      [5, 6, cut],
      [5, 23, whole],
      [null, null, null],
    ]);
  });

  test('knows them also of rows that come from the cache, and of an entry without them nothing', async () => {
    await world.write('a.csv', 'text\nHello\nWorld\n');
    const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm'];
    await runAndFetch(...input);
    const [name] = (await world.listState()).filter((entry) => entry.startsWith('cache/')).sort();
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

  test('overwrites columns of these names where they stand', async () => {
    await world.write('a.csv', 'llm_output_tokens,text,llm_finish_reason\nx,Hello,y\n');
    await runAndFetch('-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm');
    expect(await world.read('out')).toBe(
      'llm_output_tokens,text,llm_finish_reason,llm_response,llm_input_tokens\n7,Hello,stop,Sandbox answer from m: Hello,2\n',
    );
  });
});

test('--with-usage of adopt is remembered by its fetch', async () => {
  await world.write('a.csv', 'text\nHello\n');
  const input = ['-f', 'a.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '-o', 'out.csv'];
  const ran = await world.loom('run', ...input);
  const id = /id=(\S+)/.exec(ran.stdout)?.[1] as string;
  await world.shell('rm -r ~/.loom/batches ~/.loom/jobs');
  expect((await world.loom('adopt', '-i', id, ...input, '--with-usage')).code).toBe(0);
  await fetchUntilDone(world);
  expect(await world.read('out.csv')).toBe(
    'text,llm_response,llm_input_tokens,llm_output_tokens,llm_finish_reason\nHello,Sandbox answer from m: Hello,2,7,stop\n',
  );
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
    expect(first.stderr).toContain('\n1 rows: 1 answered\nTokens: 2 in, 8 out; cost about $0.0001.\n');
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
