/** What the program says, word for word: to stdout what scripts look for, to stderr its own voice; and its exit codes. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import packageInfo from '../../package.json' with { type: 'json' };
import { createSandboxWorld, fetchUntilDone, submittedId } from './sandbox-world.ts';
import { useWorld } from './use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n007,Hello\n008,World\n'));

const data = ['-f', 'data.csv', '-c', 'text'];

function answerTo(prompt: string, model = 'm'): string {
  return `Sandbox answer from ${model}: ${prompt}`;
}

describe('help', () => {
  const levels = [
    '',
    'run',
    'fetch',
    'adopt',
    'status',
    'cancel',
    'forget',
    'list',
    'tokens',
    'cache',
  ].concat(['cache stats', 'cache clear']);

  test.each(levels)(
    'of "loom %s" is the same for -h, --help and -?, on stdout, with exit 0',
    async (level) => {
      const words = level.split(' ').filter(Boolean);
      const help = await world.loom(...words, '--help');
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout.split('\n')[0]).toContain(`Usage: ${['loom', ...words].join(' ')}`);
      expect(await world.loom(...words, '-h')).toEqual(help);
      expect(await world.loom(...words, '-?')).toEqual(help);
    },
  );

  test('of the program is what bare loom prints, and it names every command', async () => {
    const bare = await world.loom();
    expect(bare).toEqual(await world.loom('--help'));
    for (const command of ['run', 'fetch', 'adopt', 'list', 'tokens', 'cache', 'sandbox']) {
      expect(bare.stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
    }
  });

  test('of cache is what bare loom cache prints', async () => {
    const bare = await world.loom('cache');
    expect(bare).toEqual(await world.loom('cache', '--help'));
    expect(bare.stdout).toMatch(/^ {2}clear\b/m);
  });

  test.each<[string, string[]]>([
    [
      'run',
      [
        '-f, --file',
        '-p, --provider',
        '-m, --model',
        '-c, --col',
        '--api-key',
        '--base-url',
        '-o, --output',
        '--sync',
        '--batch',
        '-w, --workers',
        '--no-cache',
        '--server-name',
        '--force',
        '--again',
        '--once',
        '--batch-size',
        '--dry-run',
        '--max-cost',
        '--with-meta',
        '--with-usage',
        '--with-error',
      ],
    ],
    [
      'fetch',
      [
        '-i, --id',
        '-a, --all',
        '--no-all',
        '--api-key',
        '--base-url',
        '-k, --keep',
        '--force',
        '--partial',
        '-f, --file',
      ],
    ],
    [
      'adopt',
      [
        '-i, --id',
        '-f, --file',
        '-p, --provider',
        '-m, --model',
        '-c, --col',
        '-o, --output',
        '--api-key',
        '--base-url',
        '--no-cache',
        '--server-name',
        '--with-meta',
        '--with-usage',
        '--with-error',
      ],
    ],
    ['sandbox', ['--port', '--latency', '--turnaround', '--faults']],
    [
      'tokens',
      [
        '-f, --file',
        '-p, --provider',
        '-m, --model',
        '-c, --col',
        '--api-key',
        '--base-url',
        '-w, --workers',
        '--estimate',
      ],
    ],
    ['list', ['-s, --status', '-p, --provider']],
    ['status', ['-i, --id', '--offline', '--api-key', '--base-url']],
    ['cancel', ['-i, --id', '-y, --yes', '--api-key', '--base-url']],
    ['forget', ['-i, --id', '-s, --status', '-y, --yes']],
    ['cache stats', ['--cache-dir']],
    ['cache clear', ['-y, --yes', '--older-than', '-p, --provider', '-m, --model']],
  ])('of %s shows every flag, with its short form', async (command, flags) => {
    const { stdout } = await world.loom(...command.split(' '), '--help-all');
    for (const flag of flags) expect(stdout).toMatch(new RegExp(`^ {2}${flag}\\b`, 'm'));
  });
});

test.each(['--version', '-V'])('%s prints the version and nothing else', async (flag) => {
  expect(await world.loom(flag)).toEqual({ code: 0, stdout: `${packageInfo.version}\n`, stderr: '' });
});

describe('loom run', () => {
  test('says that a batch is submitted, where its record is, and what to do later', async () => {
    const run = await world.loom('run', ...data, '-p', 'openai', '-m', 'm');
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

  test.each<[string[], string]>([
    [['--sync', '--batch'], 'Spinning the threads... submitting batch.\n'],
    [
      ['--batch', '--sync'],
      'Weaving live... provider=openai model=m workers=8 cache=on\n2 rows: 2 answered\nTokens: 4 in, 14 out; cost unknown: no price is known for m of OpenAI.\n',
    ],
    [['--batch', '--no-cache', '--force'], 'Spinning the threads... submitting batch.\n'],
    [
      ['--sync', '-w', '3', '--no-cache'],
      'Weaving live... provider=openai model=m workers=3 cache=off\n2 rows: 2 answered\nTokens: 4 in, 14 out; cost unknown: no price is known for m of OpenAI.\n',
    ],
  ])('%j says %j', async (flags, stderr) => {
    const run = await world.loom('run', ...data, '-p', 'openai', '-m', 'm', ...flags);
    expect(run).toMatchObject({ code: 0, stderr });
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
    const live = await world.loom('run', ...data, '-p', 'openai', '-m', 'm', '--sync', '-o', 'live.out');
    expect(live.stdout).toContain(`Done. wrote ${join(world.folder, 'live.out')} (`);
    const path = join(world.folder, 'batch.out');
    await world.loom('run', ...data, '-p', 'openai', '-m', 'm', '--output', path, '--no-cache');
    expect((await fetchUntilDone(world)).stdout).toMatch(/-> (.*) \(metadata removed\)\n$/);
    expect(await world.read('batch.out')).toBe(await world.read('live.out'));
    expect(await world.listFolder()).toEqual(['batch.out', 'data.csv', 'live.out']);
  });

  describe.each(['batch', 'sync'])('--with-meta, by --%s,', (mode) => {
    async function run(file: string): Promise<void> {
      const flags = ['-c', 'text', '-p', 'anthropic', '-m', 'org/m', '--with-meta', '-o', 'out'];
      expect((await world.loom('run', '-f', file, ...flags, `--${mode}`)).code).toBe(0);
      if (mode === 'batch') await fetchUntilDone(world);
    }

    test('appends llm_response, llm_provider and llm_model to a CSV', async () => {
      await run('data.csv');
      expect(await world.read('out')).toBe(
        [
          'id,text,llm_response,llm_provider,llm_model\n',
          `007,Hello,${answerTo('Hello', 'org/m')},anthropic,org/m\n`,
          `008,World,${answerTo('World', 'org/m')},anthropic,org/m\n`,
        ].join(''),
      );
    });

    test('sets them in each JSON object', async () => {
      await world.write('data.json', '[{"id":7,"text":"Hello"}]');
      await run('data.json');
      expect(await world.read('out')).toBe(
        [
          '[',
          '  {',
          '    "id": 7,',
          '    "text": "Hello",',
          `    "llm_response": ${JSON.stringify(answerTo('Hello', 'org/m'))},`,
          '    "llm_provider": "anthropic",',
          '    "llm_model": "org/m"',
          '  }',
          ']',
        ].join('\n'),
      );
    });
  });

  test.each(['batch', 'sync'])('--%s counts on stderr the blank rows that it never sends', async (mode) => {
    await world.write('data.csv', 'id,text\n1,Hello\n2,\n3,"  "\n4,World\n');
    const run = await world.loom('run', ...data, '-p', 'openai', '-m', 'm', `--${mode}`);
    expect(run.code).toBe(0);
    if (mode === 'batch') expect(run.stderr.split('\n')).toContain('Skipped 2 rows without a prompt.');
    const last = mode === 'batch' ? await fetchUntilDone(world) : run;
    expect(last.code).toBe(0);
    expect(last.stderr.split('\n').at(-3)).toBe('4 rows: 2 answered, 2 empty prompts skipped');
    if (mode === 'sync') expect(run.stdout).toContain('(4 prompts, 0 cache hits, 0 errors)');
    expect(await world.read('data_results_openai_m.csv')).toBe(
      `id,text,llm_response\n1,Hello,${answerTo('Hello')}\n2,,\n3,"  ",\n4,World,${answerTo('World')}\n`,
    );
  });

  test.each(['batch', 'sync'])(
    '--%s exits with 3 when a row that was sent has no response, and says which and why',
    async (mode) => {
      await world.write(
        'data.csv',
        'id,text\n1,Hello\n2,[[sandbox:error 400]]\n3,[[sandbox:refuse]]\n4,[[sandbox:empty]]\n5,[[sandbox:blocked]]\n',
      );
      const run = await world.loom('run', ...data, '-p', 'openai', '-m', 'm', `--${mode}`);
      const last = mode === 'batch' ? await fetchUntilDone(world) : run;
      expect(last.code).toBe(3);
      if (mode === 'sync') expect(last.stdout).toContain('(5 prompts, 0 cache hits, 4 errors)');
      else expect(last.stdout).toMatch(/^Fabric complete\. /m);
      expect(last.stderr).toContain('Warning: 4 of 5 rows have no response');
      expect(last.stderr).toContain('The prompt asked the sandbox for error 400.');
      expect(await world.read('data_results_openai_m.csv')).toBe(
        [
          `id,text,llm_response\n1,Hello,${answerTo('Hello')}\n`,
          '2,[[sandbox:error 400]],\n3,[[sandbox:refuse]],\n4,[[sandbox:empty]],\n5,[[sandbox:blocked]],\n',
        ].join(''),
      );
    },
  );

  test.each(['batch', 'sync'])(
    '--%s exits with 1 when every row failed, but writes the output, with null for each in JSON',
    async (mode) => {
      await world.write('data.json', '[{"prompt":"[[sandbox:error 400]]"},{"prompt":"[[sandbox:refuse]]"}]');
      const run = await world.loom('run', '-f', 'data.json', '-p', 'openai', '-m', 'm', `--${mode}`);
      const last = mode === 'batch' ? await fetchUntilDone(world) : run;
      expect(last.code).toBe(1);
      expect(last.stderr).toContain('2 of 2 rows have no response');
      const output = JSON.parse(await world.read('data_results_openai_m.json'));
      expect(output).toEqual([
        { prompt: '[[sandbox:error 400]]', llm_response: null },
        { prompt: '[[sandbox:refuse]]', llm_response: null },
      ]);
    },
  );

  test('a prompt that is neither a string nor null is sent as its JSON text', async () => {
    const prompts = ['{"b": 1.0,  "a": [1e2]}', '12345678901234567890', 'true', '["x"]', '0'];
    await world.write('data.json', `[${prompts.map((prompt) => `{"prompt": ${prompt}}`).join(',')}]`);
    await world.loom('run', '-f', 'data.json', '-p', 'openai', '-m', 'm', '--sync');
    const output = JSON.parse(await world.read('data_results_openai_m.json')) as { llm_response: string }[];
    expect(output.map((row) => row.llm_response.replaceAll(/\s/g, ''))).toEqual(
      prompts.map((prompt) => answerTo(prompt).replaceAll(/\s/g, '')),
    );
  });

  test('every cell and every value comes out as it went in', async () => {
    const header = '\uFEFFid,text,"we,ird",n,llm_response';
    const rows = ['007,Hello,"a ""b""",1.0,old', '12345678901234567890,World,NA,,"old, too"'];
    await world.write('odd.csv', `${header}\r\n${rows.join('\r\n\r\n')}`);
    await world.loom(
      'run',
      '-f',
      'odd.csv',
      '-c',
      'text',
      '-p',
      'openai',
      '-m',
      'm, "x"',
      '--sync',
      '-o',
      'a',
    );
    const answers = ['Hello', 'World'].map((prompt) => `"${answerTo(prompt, 'm, ""x""')}"`);
    expect(await world.read('a')).toBe(
      [
        `${header}\r\n`,
        `007,Hello,"a ""b""",1.0,${answers[0]}\r\n`,
        `\r\n12345678901234567890,World,NA,,${answers[1]}\r\n`,
      ].join(''),
    );

    const members = [
      '"10": 1.0',
      '"__proto__": {"x": [ ]}',
      '"id": 12345678901234567890',
      '"prompt": "H\\u00e9"',
    ];
    await world.write('odd.json', `[ {${members.join(' ,')}} ]`);
    await world.loom('run', '-f', 'odd.json', '-p', 'openai', '-m', 'm', '--sync', '-o', 'b');
    expect(await world.read('b')).toBe(
      `[\n  {\n    ${members.join(',\n    ').replace('{"x": [ ]}', '{\n      "x": []\n    }')},\n    "llm_response": ${JSON.stringify(answerTo('Hé'))}\n  }\n]`,
    );
  });
});

describe('loom fetch', () => {
  test('removes the record of a batch that is in, and says so', async () => {
    const id = submittedId(await world.loom('run', ...data, '-p', 'google', '-m', 'm'));
    expect(id).toMatch(/^batches\//);
    expect(await world.listState()).toContain(join('batches', `google_${id.replace('/', '_')}.json`));
    expect(await fetchUntilDone(world, '-i', id)).toEqual({
      code: 0,
      stdout: `Fabric complete. id=${id} -> ${join(world.folder, 'data_results_google_m.csv')} (metadata removed)\n`,
      stderr: '2 rows: 2 answered\nTokens: 4 in, 14 out; cost unknown: no price is known for m of Google.\n',
    });
    expect((await world.loom('list')).stdout).toBe('No batches stored under ~/.loom/batches/.\n');
  });

  test.each(['--keep', '-k'])('%s keeps it, completed and with its output', async (flag) => {
    const id = submittedId(await world.loom('run', ...data, '-p', 'openai', '-m', 'm'));
    const output = join(world.folder, 'data_results_openai_m.csv');
    expect((await fetchUntilDone(world, flag)).stdout).toBe(`Fabric complete. id=${id} -> ${output}\n`);
    expect(JSON.parse(await world.readState(`batches/openai_${id}.json`))).toMatchObject({
      batch_id: id,
      status: 'completed',
      output_path: output,
    });
    expect((await world.loom('list')).stdout).toMatch(new RegExp(`^${id} .* completed `, 'm'));
  });

  test('with nothing pending does nothing and exits with 0', async () => {
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
  });

  test.each(['--all', '-a'])('%s is what it does anyway', async (flag) => {
    const id = submittedId(await world.loom('run', ...data, '-p', 'openai', '-m', 'm'));
    expect((await fetchUntilDone(world, flag)).stdout).toContain(`Fabric complete. id=${id} -> `);
  });

  test('--no-all without --id is an error', async () => {
    const ended = await world.loom('fetch', '--no-all');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^Error: .*--id.*\n$/);
  });
});

describe('loom list', () => {
  test('without batches says so', async () => {
    expect(await world.loom('list')).toEqual({
      code: 0,
      stdout: 'No batches stored under ~/.loom/batches/.\n',
      stderr: '',
    });
  });

  test('shows every batch, newest first, aligned and uncut', async () => {
    const long = `a-model-with-a-name-of-${'many-'.repeat(30)}letters`;
    await world.write('other.json', '[{"prompt":"Hello"}]');
    const first = submittedId(await world.loom('run', ...data, '-p', 'openai', '-m', long));
    const second = submittedId(await world.loom('run', '-f', 'other.json', '-p', 'google', '-m', 'm'));
    const listed = await world.loom('list');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    const lines = listed.stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['batch_id', 'provider', 'model', 'status', 'created_at', 'file'],
      [
        second,
        'google',
        'm',
        'validating',
        expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        'other.json',
      ],
      [first, 'openai', long, 'validating', expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), 'data.csv'],
    ]);
    for (const [column, cell] of [
      ['provider', 'google'],
      ['status', 'validating'],
      ['file', 'other.json'],
    ] as const) {
      expect(lines[1]?.indexOf(cell)).toBe(lines[0]?.indexOf(column));
    }
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
  const counted = await world.loom('tokens', ...data, '-p', 'google', '-m', 'm', '--api-key', 'bad-key-1234');
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
    const counted = await world.loom('tokens', ...data, '-p', 'google', '-m', 'm', '-w', '1');
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
      await world.loom('run', ...data, '-p', 'openai', '-m', 'm'),
      await world.loom('fetch'),
      await world.loom('list'),
    ];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what this test looks for
    for (const { stdout, stderr } of ended) expect(stdout + stderr).not.toMatch(/\x1b/);
  });
});
