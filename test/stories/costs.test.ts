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
