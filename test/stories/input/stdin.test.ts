/** Inputs from stdin and outputs to stdout. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { startHttpServer } from '../worlds/http-server.ts';
import { until } from '../worlds/openai-world.ts';
import { createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const answerTo = (prompt: string) => `Sandbox answer from m: ${prompt}`;
const csv = 'id,text\r\n007,"a, b"\r\n2,Hello\r\n';
const answered = `id,text,llm_response\r\n007,"a, b","${answerTo('a, b')}"\r\n2,Hello,${answerTo('Hello')}\r\n`;
const model = ['-p', 'openai', '-m', 'm'];
const fromStdin = ['run', '-f', '-', '--format', 'csv', '-c', 'text', ...model];

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', csv));

describe('a live run', () => {
  test('from stdin writes the rows to stdout, everything else to stderr, and leaves nothing behind', async () => {
    expect(await world.pipe(csv, ...fromStdin, '--sync', '--output', '-')).toEqual({
      code: 0,
      stdout: answered,
      stderr:
        'Weaving live... provider=openai model=m workers=8 cache=on\n2 rows: 2 answered\nTokens: 3 in, 14 out; cost unknown: no price is known for m of OpenAI.\nDone. wrote to stdout (2 prompts, 0 cache hits, 0 errors)\n',
    });
    expect(await world.listLeft()).toEqual([]);
    expect(await world.listFolder()).toEqual(['data.csv']);
  });

  test('from stdin writes to stdout when no output is named, also without the cache', async () => {
    expect(await world.pipe(csv, ...fromStdin, '--sync', '--no-cache')).toMatchObject({
      code: 0,
      stdout: answered,
    });
    expect(await world.listLeft()).toEqual([]);
  });

  test('writes what the cache has to stdout', async () => {
    await world.pipe(csv, ...fromStdin, '--sync');
    expect(await world.pipe(csv, ...fromStdin, '--sync')).toMatchObject({
      code: 0,
      stdout: answered,
      stderr: expect.stringContaining('Done. wrote to stdout (2 prompts, 2 cache hits, 0 errors)\n'),
    });
    expect(await world.listLeft()).toEqual([]);
  });

  test('from a file writes to stdout', async () => {
    expect(await world.run('--sync', '-o', '-')).toMatchObject({ code: 0, stdout: answered });
    expect(await world.listFolder()).toEqual(['data.csv']);
  });

  const parquet = join(import.meta.dirname, '../../data/airports-polars.parquet');
  test.each([
    [
      'json',
      '[{"prompt":"Hello"}]',
      `[\n  {\n    "prompt": "Hello",\n    "llm_response": "${answerTo('Hello')}"\n  }\n]`,
    ],
    ['jsonl', '{"prompt":"Hello"}\n', `{"prompt":"Hello","llm_response":"${answerTo('Hello')}"}\n`],
    ['tsv -c text', 'text\tb\nHello\t1\n', `text\tb\tllm_response\nHello\t1\t${answerTo('Hello')}\n`],
    ['csv -c text', gzipSync('text\nHello\n'), `text,llm_response\nHello,${answerTo('Hello')}\n`],
    ['parquet -c name', readFileSync(parquet), /^PAR1.*Livingston Municipal.*llm_response.*PAR1$/s],
  ])('takes --format %s', async (format, content, expected) => {
    const flags = ['--format', ...format.split(' '), ...model];
    const ended = await world.pipe(content, 'run', '-f', '-', ...flags, '--sync');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
  });

  test('with gaps says why on stderr, and names no file of reasons', async () => {
    const ended = await world.pipe('text\nHello\n[[sandbox:refuse]]\n', ...fromStdin, '--sync');
    expect(ended).toMatchObject({
      code: 3,
      stdout: `text,llm_response\nHello,${answerTo('Hello')}\n[[sandbox:refuse]],\n`,
    });
    expect(ended.stderr).toContain('Warning: 1 of 2 rows have no response: 1 × refusal.');
    expect(ended.stderr).toMatch(
      /Pass --with-error to have the reasons in the rows\.\nTokens: .*\nDone\. wrote to stdout/,
    );
    expect(await world.listLeft()).toEqual([]);
  });

  test.each([
    [
      'a bad row',
      'text,b\n1\n',
      'stdin: line 2 has 1 cell, but the header has 2. Quote each cell that holds a comma, and leave no cell out; pass --pad-rows for rows that lack empty cells at their end.',
    ],
    ['nothing', '', 'stdin: the file is empty. Pass a file that holds prompts.'],
    ['no prompts', 'text\n""\n', 'Input file contains no prompts. Check stdin and its column "text".'],
  ])('of %s says so, and leaves nothing behind', async (_, content, message) => {
    const ended = await world.pipe(content, ...fromStdin, '--sync');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr.split(/^(?=Error: )/m).at(-1)).toBe(`Error: ${message}\n`);
    expect(await world.listLeft()).toEqual([]);
  });
});

describe('a batch from stdin', () => {
  const submit = (...flags: string[]) => world.pipe(csv, ...fromStdin, '-o', 'out.csv', ...flags);

  test('keeps its input until it is fetched, and is named by it in the list', async () => {
    const id = submittedId(await submit());
    expect(await world.listState('inputs')).toEqual([expect.stringMatching(/^inputs\/[0-9a-f]{64}\.csv$/)]);
    expect((await world.loom('list')).stdout).toMatch(/ stdin\n$/);
    expect(await fetchUntilDone(world)).toMatchObject({
      code: 0,
      stdout: `Fabric complete. id=${id} -> ${join(world.folder, 'out.csv')} (metadata removed)\n`,
    });
    expect(await world.read('out.csv')).toBe(answered);
    expect(await world.listLeft()).toEqual([]);
  });

  test('with --keep keeps it for another fetch', async () => {
    const id = submittedId(await submit());
    await fetchUntilDone(world, '--keep');
    expect(await world.listState('inputs')).toHaveLength(1);
    await world.write('out.csv', '');
    expect(await world.loom('fetch', '--id', id, '--force')).toMatchObject({ code: 0 });
    expect(await world.read('out.csv')).toBe(answered);
    expect(await world.listLeft()).toEqual([]);
  });

  test('is the same work when the same comes through stdin again', async () => {
    const id = submittedId(await submit());
    expect(await submit()).toMatchObject({
      code: 0,
      stdout: `Nothing sent: the same work is pending already as ${id}.\n`,
    });
    expect((await world.pipe(csv + csv, ...fromStdin, '-o', 'out.csv')).stdout).toContain('Batch submitted.');
    expect(await world.listState('inputs')).toHaveLength(2);
  });

  test('shares its input with another one that has the same, until both are fetched', async () => {
    const first = submittedId(await submit());
    await submit('-p', 'anthropic', '-o', 'other.csv');
    expect(await world.listState('inputs')).toHaveLength(1);
    await fetchUntilDone(world, '--id', first);
    expect(await world.listState('inputs')).toHaveLength(1);
    await fetchUntilDone(world);
    expect(await world.read('other.csv')).toBe(answered);
    expect(await world.listState('inputs')).toEqual([]);
  });

  test('that is refused leaves nothing behind', async () => {
    const ended = await submit('--api-key', 'bad-key');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(await world.listLeft()).toEqual([]);
  });

  test('whose record is deleted by hand goes on, and loses its input once the output is written', async () => {
    const id = submittedId(await submit());
    await rm(world.statePath(`batches/openai_${id}.json`));
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    expect(await world.read('out.csv')).toBe(answered);
    expect(await world.listLeft()).toEqual([]);
  });

  test('whose input is gone can be fetched with another file', async () => {
    const id = submittedId(await submit());
    await rm(world.statePath('inputs'), { recursive: true });
    expect(await fetchUntilDone(world)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is gone.'),
    });
    expect(await world.loom('fetch', '--id', id, '--file', 'data.csv')).toMatchObject({ code: 0 });
    expect(await world.read('out.csv')).toBe(answered);
  });

  test('can be adopted from stdin', async () => {
    const id = submittedId(await submit());
    await rm(world.statePath(''), { recursive: true });
    const adopt = ['adopt', '--id', id, '-f', '-', '--format', 'csv', '-c', 'text', ...model];
    expect(await world.pipe(csv, ...adopt)).toMatchObject({ code: 2 });
    expect(await world.pipe(csv, ...adopt, '-o', 'out.csv')).toMatchObject({ code: 0 });
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    expect(await world.read('out.csv')).toBe(answered);
    expect(await world.listState('inputs')).toEqual([]);
  });
});

describe('kept inputs', () => {
  const orphan = `inputs/${'0'.repeat(64)}.csv`;

  test('that nobody names are swept', async () => {
    await world.writeState(orphan, csv);
    await world.writeState('inputs/0123456789abcdef.part', csv);
    await world.loom('fetch');
    expect(await world.listLeft()).toEqual([]);
  });

  test('of another name stay: the library of the Python tool keeps inputs and outputs there too', async () => {
    const others = ['inputs/openai_batch_1.json', 'inputs/openai_batch_1_results_openai_m.json'];
    for (const name of others) await world.writeState(name, '[]');
    await world.loom('fetch');
    expect(await world.listState('inputs')).toEqual(others);
  });

  test('stay while a record that may name them is damaged', async () => {
    await world.writeState(orphan, csv);
    await world.writeState('batches/openai_x.json', '{');
    await world.loom('fetch');
    expect(await world.listState('inputs')).toEqual([orphan]);
  });

  test('stay while another command works on them', async () => {
    const [end, tail] = [openGate(), openGate()];
    const server = await startHttpServer(async () => {
      await end.passed;
      return { body: { choices: [{ message: { content: 'fine' } }] } };
    });
    world.environment.OPENAI_BASE_URL = server.url;
    async function* slowRows() {
      yield 'text\n';
      await tail.passed;
      yield 'Hello\n';
    }
    const slow = world.pipe(slowRows(), ...fromStdin, '--sync', '-o', 'slow.csv');
    await until(async () => (await world.listState('inputs')).length > 0);
    expect(await world.listState('inputs')).toEqual([expect.stringMatching(/^inputs\/[0-9a-f]{16}\.part$/)]);
    await world.loom('fetch');
    expect(await world.listState('inputs')).toHaveLength(1);
    tail.open();
    await until(async () => /\.csv$/.test((await world.listState('inputs'))[0] ?? ''));
    await world.loom('fetch');
    expect(await world.listState('inputs')).toHaveLength(1);
    end.open();
    expect(await slow).toMatchObject({ code: 0 });
    expect(await world.listLeft()).toEqual([]);
    await server.close();
  });
});

test('loom tokens counts what comes through stdin', async () => {
  const ended = await world.pipe(csv, 'tokens', ...fromStdin.slice(1), '-p', 'anthropic');
  expect(ended).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Total input tokens: \d+ across 2 prompts /),
  });
  expect(await world.listState()).toEqual([]);
});

describe('is refused, before anything is read or sent:', () => {
  test.each([
    [
      'stdin without --format',
      `run -f - -c text ${model.join(' ')}`,
      '--file - needs --format. Say what stdin holds: --format csv, tsv, json, jsonl or parquet.',
    ],
    [
      '--format for a file',
      `run -f data.csv --format csv -c text ${model.join(' ')}`,
      '--format is about stdin; a file says by its name what it is. Pass --file -, or leave --format out.',
    ],
    [
      'a format that there is not',
      `run -f - --format xml ${model.join(' ')}`,
      "option '--format <name>' argument 'xml' is invalid. Allowed choices are csv, tsv, json, jsonl, parquet.",
    ],
    [
      'a batch from stdin without an output',
      `run -f - --format csv -c text ${model.join(' ')}`,
      'a batch from stdin needs --output. Pass the path to which loom fetch is to write, or --sync.',
    ],
    [
      'a batch to stdout',
      `run -f data.csv -c text ${model.join(' ')} -o -`,
      "a batch can't be written to stdout: loom fetch writes it, later. Pass a path to --output, or --sync.",
    ],
    [
      'fetch from stdin',
      'fetch --id x --file -',
      "loom fetch can't take the input from stdin. What came through stdin is kept until it is fetched; for any other input pass its path.",
    ],
  ])('%s', async (_, args, message) => {
    expect(await world.loom(...args.split(' '))).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: ${message}\n`,
    });
    expect(await world.listState()).toEqual([]);
  });
});

/** Something to wait for until the test goes on. */
function openGate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}
