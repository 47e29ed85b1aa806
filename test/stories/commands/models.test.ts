/** `loom models`: what models cost by the lists, and which ones a provider has. */
import { describe, expect, test } from 'vitest';
import { models, modelsDocumentSchema } from '../../../src/index.ts';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { startHttpServer } from '../worlds/http-server.ts';
import { createSandboxWorld, keyVariables, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const note = 'Prices are US dollars for a million tokens.\n';

function forgetKeys(): void {
  for (const variable of Object.values(keyVariables)) delete world.environment[variable];
}

const linesOf = (stdout: string) => stdout.trimEnd().split('\n');

describe('without --live', () => {
  test('lists what the words name, with prices of batches and the context, asks nobody and writes nothing', async () => {
    forgetKeys();
    const listed = await world.loom('models', 'GPT-4o-mini', 'openai/gpt', '-p', 'openai');
    expect(listed.stderr).toBe(note);
    const [head, ...rows] = linesOf(listed.stdout);
    expect(head).toMatch(/^model +provider +input +output +batch_in +batch_out +context$/);
    expect(rows[0]?.split(/ +/)).toEqual([
      'gpt-4o-mini',
      'openai',
      '0.15',
      '0.60',
      '0.075',
      '0.30',
      '128,000',
    ]);
    expect(rows.every((row) => row.includes('gpt-4o-mini'))).toBe(true);
    expect(await world.listState()).toEqual([]);
    for (const provider of providers) expect(await world.countCalls(provider)).toEqual({});
  });

  test('marks prices that rise with the input, and says what the mark is', async () => {
    const { stdout, stderr } = await world.loom('models', 'gemini-2.5-pro', '-p', 'google');
    expect(stderr).toBe('Prices are US dollars for a million tokens; + is more for long inputs.\n');
    expect(stdout).toMatch(/^gemini-2\.5-pro +google +1\.25\+ +10\.00\+ +0\.625\+ +5\.00\+ /m);
  });

  test.each([
    ['openai', 'gpt-4o-mini', true],
    ['anthropic', 'claude-haiku-4-5', true],
    ['google', 'gemini-2.5-flash', true],
    ['openrouter', 'openai/gpt-4o-mini', false],
    ['alibaba', 'qwen-plus', true],
    ['xai', 'grok-4.3', true],
  ] as const)('knows models of %s', async (provider, model, hasBatches) => {
    const { stdout } = await world.loom('models', '-p', provider);
    const row = linesOf(stdout).find((line) => line.startsWith(`${model} `));
    const [, named, input, , batchIn] = row?.split(/ +/) ?? [];
    expect([named, batchIn !== '-']).toEqual([provider, hasBatches]);
    expect(Number.parseFloat(input as string)).toBeGreaterThan(0);
  });

  test('lists all providers together, and several with commas', async () => {
    const { stdout } = await world.loom('models', 'mini');
    const named = new Set(linesOf(stdout).map((line) => line.split(/ +/)[1]));
    expect(named).toContain('openai');
    expect(named).toContain('openrouter');
    const two = await world.loom('models', '-p', 'anthropic', '-p', 'alibaba,anthropic', 'e');
    expect(
      new Set(
        linesOf(two.stdout)
          .slice(1)
          .map((line) => line.split(/ +/)[1]),
      ),
    ).toEqual(new Set(['anthropic', 'alibaba']));
  });

  test('has the prices of one’s own first', async () => {
    await world.writeState(
      'prices.json',
      '{"openai": {"gpt-4o-mini": {"input": 0.1, "output": 0.2, "batch": 1}, "house-*": {"input": 1, "output": 2, "context": 9000}}}',
    );
    const { stdout } = await world.loom('models', '-p', 'openai');
    const [, mini, house] = linesOf(stdout).map((line) => line.split(/ +/));
    expect(mini?.slice(0, 6)).toEqual(['gpt-4o-mini', 'openai', '0.10', '0.20', '0.10', '0.20']);
    expect(house).toEqual(['house-*', 'openai', '1.00', '2.00', '0.50', '1.00', '9,000']);
    await world.writeState('prices.json', '{');
    const broken = await world.loom('models', '-p', 'openai');
    expect(broken).toMatchObject({ code: 1, stdout: '' });
    expect(broken.stderr).toContain(
      'prices.json: it is not JSON: something is wrong on line 1, at column 2.',
    );
  });

  test('says that there is none, with 0', async () => {
    expect(await world.loom('models', 'nobody knows', '-p', 'openai')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'There is no model of openai with "nobody knows" in its name in the price list.\n',
    });
  });

  test('fits a terminal of 80 columns, whatever the names are', async () => {
    world.environment.TERM = 'xterm';
    const { text } = await atTerminalHere(world, ['models']);
    const widths = text.split('\n').map((line) => line.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(80);
    expect(text).toMatch(/\ngpt-4o-mini +.*0\.15 +0\.60/);
  });

  test('is a document with --output-format json', async () => {
    const { code, stdout } = await world.loom(
      'models',
      'gemini-2.5-pro',
      '-p',
      'google',
      '--output-format',
      'json',
    );
    const document = modelsDocumentSchema.parse(JSON.parse(stdout));
    expect(code).toBe(0);
    expect(document.models.find(({ model }) => model === 'gemini-2.5-pro')).toEqual({
      provider: 'google',
      model: 'gemini-2.5-pro',
      context: null,
      prices: [
        { above: 0, input: 1.25, output: 10, cached_input: 0.125 },
        { above: 200_000, input: 2.5, output: 15, cached_input: 0.25 },
      ],
      batch_prices: [
        { above: 0, input: 0.625, output: 5, cached_input: 0.0625 },
        { above: 200_000, input: 1.25, output: 7.5, cached_input: 0.125 },
      ],
    });
  });
});

describe('with --live', () => {
  test.each([
    [
      'openai',
      ['gpt-4o', '2.50', '10.00', '1.25', '5.00', '128,000'],
      ['gpt-4o-mini', '0.15', '0.60', '0.075', '0.30', '128,000'],
    ],
    ['anthropic', ['claude-haiku-4-5', '1.00', '5.00', '0.50', '2.50', '200,000']],
    ['google', ['gemini-2.5-flash', '0.30', '2.50', '0.15', '1.25', '1,048,576']],
    [
      'alibaba',
      ['qwen-max', '1.60', '6.40', '0.80', '3.20', '32,768'],
      ['qwen-plus', '0.40+', '1.20+', '0.20+', '0.60+', '1,000,000'],
    ],
  ] as const)('asks %s, in rehearsals with the prices of its models', async (provider, ...rows) => {
    const { code, stdout } = await world.loom('models', '--live', '-p', provider, '--sandbox');
    expect(code).toBe(0);
    const cells = linesOf(stdout)
      .slice(1)
      .map((line) => line.split(/ +/).filter((cell) => cell !== provider));
    expect(cells.slice(0, rows.length)).toEqual(rows);
  });

  test('has OpenRouter’s own prices where the list has none', async () => {
    const { stdout } = await world.loom('models', '--live', '-p', 'openrouter');
    expect(stdout).toMatch(/^openai\/gpt-4o-mini +openrouter +1\.00 +1\.00 +- +- +128,000$/m);
    expect(await world.countCalls('openrouter')).toEqual({ listModels: 1 });
  });

  test.each(['openai', 'anthropic', 'google', 'alibaba'] as const)(
    'knows no price of %s behind another address, but those of one’s own',
    async (provider) => {
      const { stdout } = await world.loom('models', '--live', '-p', provider);
      const cells = linesOf(stdout)
        .slice(1)
        .map((line) => line.split(/ +/));
      expect(cells.length).toBeGreaterThan(1);
      expect(cells.every((row) => row.slice(2, 6).join() === '-,-,-,-')).toBe(true);
      await world.writeState('prices.json', JSON.stringify({ [provider]: { '*': { input: 1, output: 2 } } }));
      const own = await world.loom('models', '--live', '-p', provider);
      expect(linesOf(own.stdout)[1]).toMatch(/ 1\.00 +2\.00 +0\.50 +1\.00 /);
    },
  );

  test('needs the key, and tells a refused one', async () => {
    const refused = await world.loom('models', '--live', '-p', 'anthropic', '--api-key', 'bad-key-12345678');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toBe(
      'Error: Anthropic: invalid x-api-key. Check ANTHROPIC_API_KEY or --api-key.\n',
    );
    forgetKeys();
    const keyless = await world.loom('models', '--live', '-p', 'google');
    expect(keyless).toMatchObject({ code: 1, stdout: '' });
    expect(keyless.stderr).toContain('GOOGLE_API_KEY');
  });

  test.each([
    ['no provider', []],
    ['two', ['-p', 'openai,google']],
  ])('with %s is a mistake', async (_, flags) => {
    expect(await world.loom('models', '--live', ...flags)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'Error: --live takes one --provider: it is asked for its models. Name it, as in loom models --live -p openai.\n',
    });
  });

  test('works without a key on this machine, and tells a server without such a list', async () => {
    forgetKeys();
    const server = await startHttpServer(({ path }) =>
      path === '/v1/models'
        ? { body: { object: 'list', data: [{ id: 'llama3.2', max_model_len: 8192 }] } }
        : { status: 404, body: { error: { message: 'no such address', type: 'invalid_request_error' } } },
    );
    try {
      const listed = await world.loom('models', '--live', '-p', 'openai', '--base-url', `${server.url}/v1`);
      expect(linesOf(listed.stdout)[1]).toMatch(/^llama3\.2 +openai +- +- +- +- +8,192$/);
      const gone = await world.loom('models', '--live', '-p', 'openai', '--base-url', server.url);
      expect(gone).toMatchObject({ code: 1, stdout: '' });
      expect(gone.stderr).toBe(
        'Error: OpenAI: no such address. Is the address right? See --base-url and OPENAI_BASE_URL.\n',
      );
    } finally {
      await server.close();
    }
  });
});

test('the library lists them, too', async () => {
  const home = world.statePath('');
  const known = await models({ home, provider: ['openai'], search: 'gpt-4o-mini' });
  expect(known.find(({ model }) => model === 'gpt-4o-mini')).toEqual({
    provider: 'openai',
    model: 'gpt-4o-mini',
    levels: [{ above: 0, input: 0.15, output: 0.6, cachedInput: 0.075 }],
    batchLevels: [{ above: 0, input: 0.075, output: 0.3, cachedInput: 0.0375 }],
    context: 128_000,
  });
  const live = await models({ home, provider: ['openai'], live: true, environment: world.environment });
  expect(live.map(({ model }) => model)).toContain('gpt-4o');
  await expect(models({ home, live: true })).rejects.toMatchObject({ code: 'live_of_several' });
});
