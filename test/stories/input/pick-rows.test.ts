/** --limit and --sample: some rows are run, and the output holds those only. */
import { link, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { refusal } from '../worlds/http-server.ts';
import { errorLine, promptOf, usualAnswer } from '../worlds/openai-double.ts';
import { output, useOpenAiWorld } from '../worlds/openai-world.ts';
import { orderOf } from '../worlds/sandbox-world.ts';

const { world, openai } = useOpenAiWorld();

/** The prompts that reached the provider, of live calls and batches. */
function sentPrompts(): string[] {
  const calls = openai.requests
    .filter(({ path }) => path.endsWith('/chat/completions'))
    .map(({ body }) => JSON.parse(body).messages[0].content as string);
  return [...calls, ...openai.batches.flatMap(({ lines }) => lines.map(promptOf))].sort();
}

function forgetSent(): void {
  openai.requests.splice(0);
  openai.batches.splice(0);
}

/** Runs and, where it is a batch, fetches; what the last of them said. */
async function runWhole(mode: string, ...flags: string[]) {
  const run = await world.run(`--${mode}`, '--force', ...flags);
  return mode === 'sync' || !/^Batch submitted/.test(run.stdout) ? run : world.loom('fetch', '--force');
}

/** `<start> 0` and so on, with the answer to each, as lines of a CSV. */
function lines(numbers: readonly number[], answered: boolean): string {
  return numbers
    .map((number) => `${number},Row ${number}${answered ? `,${usualAnswer(`Row ${number}`)}` : ''}\n`)
    .join('');
}

const count = (rows: number) => Array.from({ length: rows }, (_, row) => row);
const rows100 = `id,text\n${lines(count(100), false)}`;
const header = 'id,text,llm_response\n';
/** What --sample 5 takes of 100 rows, in the input's order. */
const sampled = [5, 10, 18, 30, 92];

describe.each(['batch', 'sync'])('--%s', (mode) => {
  test('--limit runs and writes the first rows', async () => {
    await world.write('data.csv', rows100);
    const ended = await runWhole(mode, '--limit', '3');
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('3 rows: 3 answered\n');
    if (mode === 'sync') expect(ended.stdout).toContain('(3 prompts, 0 cache hits, 0 errors)');
    expect(sentPrompts()).toEqual(['Row 0', 'Row 1', 'Row 2']);
    expect(await world.read(output)).toBe(header + lines([0, 1, 2], true));
  });

  test('--sample runs and writes rows from all over the file, in its order, the same each time', async () => {
    await world.write('data.csv', rows100);
    expect((await runWhole(mode, '--sample', '5')).code).toBe(0);
    expect(await world.read(output)).toBe(header + lines(sampled, true));
    forgetSent();
    const again = await runWhole(mode, '--sample', '5', '--sample-seed', '0');
    expect(again.stdout).toContain('(5 prompts, 5 cache hits, 0 errors)');
    expect(sentPrompts()).toEqual([]);
    expect(await world.read(output)).toBe(header + lines(sampled, true));
  });

  test('--sample-seed takes other rows', async () => {
    await world.write('data.csv', rows100);
    await runWhole(mode, '--sample', '5', '--sample-seed', '1');
    expect(await world.read(output)).toBe(header + lines([2, 4, 37, 75, 83], true));
  });

  test.each(['--limit', '--sample'])('%s of more rows than there are takes all of them', async (flag) => {
    expect((await runWhole(mode, flag, '1000000000')).stderr).toContain('2 rows: 2 answered\n');
    expect(await world.read(output)).toContain('1,Hello,');
    expect(await world.read(output)).toContain('2,World,');
  });

  test('a whole run afterwards asks only for the other rows', async () => {
    await world.write('data.csv', `id,text\n${lines(count(10), false)}`);
    await runWhole(mode, '--limit', '8');
    forgetSent();
    await runWhole(mode);
    expect(sentPrompts()).toEqual(['Row 8', 'Row 9']);
    expect(await world.read(output)).toBe(header + lines(count(10), true));
  });

  test('picks of a JSON file are a list of those entries, kept as they are written', async () => {
    const entries = [
      '{"prompt": "a", "n": 1.0}',
      '{"prompt": "b"}',
      '{"prompt": "c", "b": 12345678901234567890, "10": [], "2": 1e5}',
    ];
    await world.write('data.json.gz', gzipSync(`\uFEFF[${entries.join(',')}]\n`));
    const flags = ['-f', 'data.json.gz', '-o', 'out.json'];
    expect((await runWhole(mode, ...flags, '--limit', '1')).code).toBe(0);
    expect(await world.read('out.json')).toBe(
      `\uFEFF[\n  {\n    "prompt": "a",\n    "n": 1.0,\n    "llm_response": "${usualAnswer('a')}"\n  }\n]\n`,
    );
    expect((await runWhole(mode, ...flags, '--sample', '1', '--sample-seed', '1')).code).toBe(0);
    expect(await world.read('out.json')).toBe(
      `\uFEFF[\n  {\n    "prompt": "c",\n    "b": 12345678901234567890,\n    "10": [],\n    "2": 1e5,\n    "llm_response": "${usualAnswer('c')}"\n  }\n]\n`,
    );
  });

  test('picks of a CSV file keep their bytes, and a last line gets its end', async () => {
    await world.write('data.csv', '\uFEFFid,text\r\n"1","a, ""b"""\r\n\r\n2,x\r\n003,"y\nz"');
    expect((await runWhole(mode, '--limit', '1')).code).toBe(0);
    expect(await world.read(output)).toBe(
      `\uFEFFid,text,llm_response\r\n"1","a, ""b""","Answer to a, ""b"""\r\n`,
    );
    expect((await runWhole(mode, '--sample', '1', '--sample-seed', '1')).code).toBe(0);
    expect(await world.read(output)).toBe('\uFEFFid,text,llm_response\r\n003,"y\nz","Answer to y\nz"\r\n');
  });

  test('blank rows count as picked; rows that fail are named by their number in the input', async () => {
    await world.write('data.csv', `id,text\n0,\n1,Hello\n2,Bad\n3,World\n`);
    openai.override = (request) =>
      request.path.endsWith('/chat/completions') && request.body.includes('"Bad"')
        ? refusal(400, 'Not that.', { code: 'content_filter' })
        : undefined;
    openai.onCreate = (batch) => {
      const [, bad] = batch.lines.map((line) => line.custom_id) as [string, string];
      batch.output = batch.output?.replace(/^.*Bad.*\n/m, '');
      batch.errorOutput = errorLine(bad, 400, 'content_filter', 'Not that.');
    };
    const ended = await runWhole(mode, '--limit', '3', '--no-cache');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('3 rows: 1 answered, 1 failed, 1 empty prompt skipped\n');
    expect(JSON.parse(await world.read(`${output}.errors.jsonl`))).toMatchObject({ row: 3 });
    expect(await world.read(output)).toBe(`${header}0,,\n1,Hello,${usualAnswer('Hello')}\n2,Bad,\n`);
  });

  test('the rows that are not picked are checked all the same', async () => {
    await world.write('data.csv', `${rows100}100,one,too many\n`);
    for (const flag of ['--limit', '--sample']) {
      const ended = await world.run(`--${mode}`, flag, '2');
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toContain('data.csv: line 102 has 3 cells, but the header has 2.');
    }
    expect(openai.requests).toEqual([]);
  });

  test('picked rows without a prompt are refused', async () => {
    await world.write('data.csv', 'id,text\n0,\n1," "\n2,Hello\n');
    const ended = await world.run(`--${mode}`, '--limit', '2');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain(
      `Error: none of the picked rows of ${join(world.folder, 'data.csv')} has a prompt. Pick more rows, or others with --sample-seed.\n`,
    );
  });
});

test.each([
  ['--limit 0', '--limit'],
  ['--limit -1', '--limit'],
  ['--sample ten', 'It must be a whole number of at least 1.'],
  ['--sample 2 --sample-seed 1.5', 'It must be a whole number of at least 0.'],
  ['--sample 2 --limit 2', "option '--sample <rows>' cannot be used with option '--limit <rows>'"],
  ['--sample-seed 2', '--sample-seed chooses the rows of a --sample. Pass --sample too.'],
])('%s is a usage error', async (flags, says) => {
  const ended = await world.run(...flags.split(' '));
  expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says) });
});

describe('a batch of picked rows', () => {
  beforeEach(() => world.write('data.csv', rows100));

  test.each([
    [['--limit', '2'], { limit: 2 }, [0, 1]],
    [['--sample', '5'], { sample: 5, seed: 0, of: 100 }, sampled],
  ])('keeps %j in its record, and is written from that alone', async (flags, pick, picked) => {
    const id = await world.submit(...flags);
    expect(await world.readRecord(id)).toMatchObject({ pick });
    await rm(world.statePath('jobs'), { recursive: true });
    expect((await world.loom('fetch')).stdout).toBe(world.completion(id));
    expect(await world.read(output)).toBe(header + lines(picked, true));
  });

  test('has no pick in its record when all rows are run', async () => {
    expect(Object.keys(await world.readRecord(await world.submit()))).not.toContain('pick');
  });

  test('is cut into parts like any other', async () => {
    const run = await world.run('--sample', '5', '--batch-size', '2');
    expect(run.stdout).toMatch(/^Job submitted\. id=\S+ parts=3 rows=5$/m);
    expect((await world.loom('fetch')).code).toBe(0);
    expect(await world.read(output)).toBe(header + lines(sampled, true));
  });

  test('minds no change of other rows and none that came at the end', async () => {
    const id = await world.submit('--sample', '5');
    const others = rows100.replaceAll(/^(\d+),Row (\d+)$/gm, (line, row) =>
      sampled.includes(Number(row)) ? line : `${row},Changed`,
    );
    await world.write('data.csv', others + lines(count(900), false));
    expect((await world.loom('fetch')).stdout).toBe(world.completion(id));
    expect(await world.read(output)).toBe(header + lines(sampled, true));
  });

  test('is refused when a picked row changed or is gone, and with --partial gets what still matches', async () => {
    const id = await world.submit('--limit', '3');
    await world.write('data.csv', `id,text\n0,Row 0\n1,Moon\n${lines([2, 3], false)}`);
    expect((await world.loom('fetch')).stderr).toContain('the prompt of row 2 is not the one that was sent.');
    await world.write('data.csv', `id,text\n${lines([0, 1], false)}`);
    expect((await world.loom('fetch')).stderr).toContain(
      'has changed since it was submitted: 3 of its rows were picked, and 2 of these are left.',
    );
    expect((await world.loom('fetch', '--id', id, '--partial')).stdout).toBe(world.completion(id));
    expect(await world.read(output)).toBe(header + lines([0, 1], true));
  });

  test('is the same work only with the same pick', async () => {
    await world.submit('--limit', '5');
    expect((await world.run('--limit', '5')).stdout).toContain('Nothing sent: the same work is pending');
    await world.submit('--limit', '6');
    await world.submit('--sample', '5');
    await world.submit('--sample', '5', '--sample-seed', '1');
    await world.submit('--once');
  });

  test('is adopted with the same flags', async () => {
    const id = await world.submit('--sample', '5');
    await rm(join(world.home, '.loom'), { recursive: true });
    expect((await world.loom('adopt', '--id', id, ...orderOf('openai', '--sample', '5'))).code).toBe(0);
    expect(await world.readRecord(id)).toMatchObject({ pick: { sample: 5, seed: 0, of: 100 } });
    expect((await world.loom('fetch')).stdout).toBe(world.completion(id));
    expect(await world.read(output)).toBe(header + lines(sampled, true));
  });

  test('asks equal prompts once, and each picked row gets the answer', async () => {
    await world.write('data.csv', 'id,text\n0,Same\n1,Same\n2,Same\n3,Same\n');
    await world.submit('--limit', '2');
    expect(sentPrompts()).toEqual(['Same']);
    await world.loom('fetch');
    expect(await world.read(output)).toBe(
      `${header}0,Same,${usualAnswer('Same')}\n1,Same,${usualAnswer('Same')}\n`,
    );
  });
});

test.each([
  ['batch', 'data.csv'],
  ['sync', 'data.csv'],
  ['sync', 'link.csv'],
])(
  '--%s of picked rows is refused where the output %s is the input, also with --force',
  async (mode, name) => {
    await world.write('data.csv', rows100);
    await link(join(world.folder, 'data.csv'), join(world.folder, 'link.csv'));
    const ended = await world.run(`--${mode}`, '--force', '--limit', '3', '--output', name);
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: the output of --limit can't replace its input, ${join(world.folder, 'data.csv')}. The rows that are not picked would be lost. Choose another path with --output.\n`,
    });
    expect(await world.read('data.csv')).toBe(rows100);
    expect(sentPrompts()).toEqual([]);
  },
);

test('a sync run without the cache goes on only from one with the same pick', async () => {
  await world.write('data.csv', rows100);
  openai.override = (request) => (request.body.includes('Row 1"') ? refusal(401, 'no') : undefined);
  const flags = ['--sync', '--no-cache', '--force', '-w', '1'];
  expect(await world.run(...flags, '--limit', '2')).toMatchObject({ code: 1 });
  openai.override = () => undefined;
  forgetSent();
  await world.run(...flags, '--limit', '3');
  expect(sentPrompts()).toEqual(['Row 0', 'Row 1', 'Row 2']);
  forgetSent();
  await world.run(...flags, '--limit', '2');
  expect(sentPrompts()).toEqual(['Row 1']);
  expect(await world.read(output)).toBe(header + lines([0, 1], true));
});

test('loom tokens counts the picked rows only', async () => {
  await world.write('data.csv', rows100);
  Object.assign(world.environment, {
    ANTHROPIC_API_KEY: 'a',
    ANTHROPIC_BASE_URL: new URL(openai.url).origin,
  });
  openai.override = ({ path }) =>
    path.endsWith('/count_tokens') ? { body: { input_tokens: 7 } } : undefined;
  for (const pick of ['--limit', '--sample']) {
    expect((await world.loom('tokens', ...orderOf('anthropic'), pick, '4')).stdout).toBe(
      'Total input tokens: 28 across 4 prompts (provider=anthropic, model=m, errors=0)\n',
    );
  }
});
