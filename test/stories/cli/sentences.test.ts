/** What the program says, word for word: to stdout what scripts look for, to stderr its own voice; and its exit codes. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import packageInfo from '../../../package.json' with { type: 'json' };
import { createSandboxWorld, fetchUntilDone, orderOf, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n007,Hello\n008,World\n'));

function answerTo(prompt: string, model = 'm'): string {
  return `Sandbox answer from ${model}: ${prompt}`;
}

test.each(['--version', '-V'])('%s prints the version and nothing else', async (flag) => {
  expect(await world.loom(flag)).toEqual({ code: 0, stdout: `${packageInfo.version}\n`, stderr: '' });
});

describe('loom run', () => {
  test('says that a batch is submitted, where its record is, and what to do later', async () => {
    const run = await world.run();
    const id = submittedId(run);
    expect(run).toEqual({
      code: 0,
      stdout: [
        `Batch submitted. id=${id} provider=openai\n`,
        `Metadata saved to ~/.loom/batches/. Run loom fetch --id ${id} later.\n`,
      ].join(''),
      stderr: 'Spinning the threads... submitting batch.\n',
    });
  });

  const live = (workers: number, cache: string) =>
    `Weaving live... provider=openai model=m workers=${workers} cache=${cache}\n2 rows: 2 answered\nTokens: 4 in, 14 out; cost unknown: no price is known for m of OpenAI.\n`;

  test.each([
    ['--sync --batch', 'Spinning the threads... submitting batch.\n'],
    ['--batch --sync', live(8, 'on')],
    ['--batch --no-cache --force', 'Spinning the threads... submitting batch.\n'],
    ['--sync -w 3 --no-cache', live(3, 'off')],
  ])('%s says %j', async (flags, stderr) => {
    expect(await world.run(...flags.split(' '))).toMatchObject({ code: 0, stderr });
  });

  test('--sync says what it wrote, and the output is beside the input', async () => {
    await mkdir(join(world.folder, 'deep'));
    await world.write(join('deep', 'data.csv'), 'id,text\n007,Hello\n');
    const run = await world.loom(
      'run',
      '--sync',
      ...['--file', join('deep', 'data.csv'), '--col', 'text', '--provider', 'anthropic', '--model', 'm'],
    );
    const output = join('deep', 'data_results_anthropic_m.csv');
    expect(run).toEqual({
      code: 0,
      stdout: `Done. wrote ${join(world.folder, output)} (1 prompts, 0 cache hits, 0 errors)\n`,
      stderr:
        'Weaving live... provider=anthropic model=m workers=8 cache=on\n1 row: 1 answered\nTokens: 2 in, 7 out; cost unknown: no price is known for m of Anthropic.\n',
    });
    expect(await world.read(output)).toBe(`id,text,llm_response\n007,Hello,${answerTo('Hello')}\n`);
  });

  test.each<[string, string, string, string]>([
    ['data.csv', 'openrouter', 'openai/gpt-4o-mini', 'data_results_openrouter_openai_gpt-4o-mini.csv'],
    ['data.csv', 'openai', ' ft:gpt 4o::acme//x! ', 'data_results_openai_ft_gpt_4o_acme_x.csv'],
    ['data.csv', 'openai', '__é_v1.5-a_', 'data_results_openai_v1.5-a.csv'],
    ['some.data.v2.csv', 'openai', 'm', 'some.data.v2_results_openai_m.csv'],
    ['DATA.CSV', 'openai', 'm', 'DATA_results_openai_m.csv'],
    ['data.csv.gz', 'openai', 'm', 'data_results_openai_m.csv'],
    ['data.CSV.GZ', 'openai', 'm', 'data_results_openai_m.csv'],
    ['data.json', 'google', 'gemini-2.0-flash', 'data_results_google_gemini-2.0-flash.json'],
    ['data.json.gz', 'anthropic', 'm', 'data_results_anthropic_m.json'],
  ])('of %s at %s with model "%s" writes %s', async (input, provider, model, output) => {
    const isGzip = input.toLowerCase().endsWith('.gz');
    const content = /json/.test(input) ? '[{"text":"Hello"}]' : 'text\nHello\n';
    await world.write(input, isGzip ? gzipSync(content) : content);
    const run = await world.loom('run', '--sync', '-f', input, '-c', 'text', '-p', provider, '-m', model);
    expect(run.stdout).toBe(
      `Done. wrote ${join(world.folder, output)} (1 prompts, 0 cache hits, 0 errors)\n`,
    );
    expect(await world.listFolder()).toContain(output);
  });

  test('--output overrides the name, in both modes', async () => {
    const live = await world.run('--sync', '-o', 'live.out');
    expect(live.stdout).toContain(`Done. wrote ${join(world.folder, 'live.out')} (`);
    const path = join(world.folder, 'batch.out');
    await world.run('--output', path, '--no-cache');
    expect((await fetchUntilDone(world)).stdout).toMatch(/-> (.*) \(metadata removed\)\n$/);
    expect(await world.read('batch.out')).toBe(await world.read('live.out'));
    expect(await world.listFolder()).toEqual(['batch.out', 'data.csv', 'live.out']);
  });

  test.each(['batch', 'sync'])(
    '--with-meta sets llm_provider and llm_model in each JSON object, by --%s',
    async (mode) => {
      await world.write('data.json', '[{"id":7,"text":"Hello"}]');
      const flags = [
        '-f',
        'data.json',
        '-c',
        'text',
        '-p',
        'anthropic',
        '-m',
        'org/m',
        '--with-meta',
        '-o',
        'out',
      ];
      expect((await world.run(...flags, `--${mode}`)).code).toBe(0);
      if (mode === 'batch') await fetchUntilDone(world);
      const row = { id: 7, text: 'Hello', llm_response: answerTo('Hello', 'org/m') };
      const expected = [{ ...row, llm_provider: 'anthropic', llm_model: 'org/m' }];
      expect(await world.read('out')).toBe(JSON.stringify(expected, null, 2));
    },
  );
});

describe('loom fetch', () => {
  test('removes the record of a batch that is in, and says so', async () => {
    const id = await world.submit('-p', 'google');
    expect(id).toMatch(/^batches\//);
    expect(await world.listState()).toContain(join('batches', `google_${id.replace('/', '_')}.json`));
    expect(await fetchUntilDone(world, '-i', id)).toEqual({
      code: 0,
      stdout: `Fabric complete. id=${id} -> ${join(world.folder, 'data_results_google_m.csv')} (metadata removed)\n`,
      stderr: '2 rows: 2 answered\nTokens: 4 in, 14 out; cost unknown: no price is known for m of Google.\n',
    });
    expect((await world.loom('list')).stdout).toBe('No batches stored under ~/.loom/batches/.\n');
  });

  test('with nothing pending does nothing and exits with 0, also with --all', async () => {
    for (const flags of [[], ['--all'], ['-a']])
      expect(await world.loom('fetch', ...flags)).toMatchObject({ code: 0, stdout: '' });
  });

  test('--no-all without --id is an error', async () => {
    const ended = await world.loom('fetch', '--no-all');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^Error: .*--id.*\n$/);
  });
});

describe('loom tokens', () => {
  test.each(['anthropic', 'google'])('of %s says the sum, grouped by thousands', async (provider) => {
    const rows = Array.from({ length: 30 }, (_, index) => `${index},"${'word '.repeat(400)}"\n`).join('');
    await world.write('long.csv', `id,text\n${rows}`);
    const counted = await world.loom('tokens', '-f', 'long.csv', '-c', 'text', '-p', provider, '-m', 'm');
    expect(counted).toEqual({
      code: 0,
      stdout: `Total input tokens: 15,000 across 30 prompts (provider=${provider}, model=m, errors=0)\n`,
      stderr: '',
    });
    expect(await world.countCalls(provider as 'google')).toEqual({ countTokens: 30 });
    expect(await world.listState()).toEqual([]);
  });

  test.each(['openai', 'openrouter'])(
    'of %s is not available: exit 2, before the file is read',
    async (provider) => {
      const counted = await world.loom('tokens', '-f', 'gone.csv', '-c', 'text', '-p', provider, '-m', 'm');
      expect(counted).toEqual({
        code: 2,
        stdout: `Token counting not available: Provider '${provider}' does not expose a token-counting API. Pass --estimate to count on this machine.\n`,
        stderr: '',
      });
    },
  );
});

test('loom tokens with a refused key is an error, exit 1', async () => {
  const counted = await world.loom('tokens', ...orderOf('google'), '--api-key', 'bad-key-1234');
  expect(counted).toMatchObject({ code: 1, stdout: '' });
  expect(counted.stderr).toMatch(/^Error: [^\n]*GOOGLE_API_KEY[^\n]*\n$/);
});

describe('tokens of a provider that refuses some', () => {
  const fault = {
    provider: 'google',
    operation: 'countTokens',
    times: 1,
    do: 'status',
    status: 400,
  } as const;
  const world = useWorld(() => createSandboxWorld({ faults: { calls: [fault] } }));

  test('exits with 3 and counts the rest', async () => {
    await world.write('data.csv', 'id,text\n1,Hello\n2,Hello\n3,\n');
    const counted = await world.loom('tokens', ...orderOf('google'), '-w', '1');
    expect(counted.stdout).toBe(
      'Total input tokens: 2 across 3 prompts (provider=google, model=m, errors=1)\n',
    );
    expect(counted.stderr).toContain('1 of 3 prompts could not be counted');
    expect(counted.code).toBe(3);
  });
});

describe('what is piped', () => {
  test('has no colour codes, even where colours are asked for by the terminal', async () => {
    world.environment.TERM = 'xterm-256color';
    world.environment.COLORTERM = 'truecolor';
    await world.write('bad.csv', 'id,text\n1,Hello\n2,[[sandbox:refuse]]\n');
    const ended = [
      await world.loom(),
      await world.loom('run', '-f', 'gone.csv', '-c', 'text', '-p', 'openai', '-m', 'm'),
      await world.loom('run', '-f', 'bad.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sync'),
      await world.run(),
      await world.loom('fetch'),
      await world.loom('list'),
    ];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what this test looks for
    for (const { stdout, stderr } of ended) expect(stdout + stderr).not.toMatch(/\x1b/);
  });
});
