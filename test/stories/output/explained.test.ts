/** Every row is accounted for: the counts on stderr, the reasons in `<output>.errors.jsonl` and in `llm_error`. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Ended } from '../../program.ts';
import { refusal } from '../worlds/http-server.ts';
import { answerLine, errorLine, promptOf, usualAnswer } from '../worlds/openai-double.ts';
import { output, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

beforeEach(async () => {
  openai.onCreate = (batch) => {
    const good = batch.lines.filter((line) => !failures.has(promptOf(line)));
    batch.output = good.map((line) => answerLine(line.custom_id, usualAnswer(promptOf(line)))).join('\n');
    batch.errorOutput = batch.lines
      .flatMap((line) => {
        const failure = failures.get(promptOf(line));
        return failure ? [errorLine(line.custom_id, ...failure)] : [];
      })
      .join('\n');
  };
  openai.override = ({ path, body }) => {
    if (!path.endsWith('/chat/completions')) return undefined;
    const [status, code, message] = failures.get(promptOf({ body: JSON.parse(body) } as never)) ?? [];
    return status === undefined ? undefined : refusal(status, message as string, { code });
  };
});

type Failure = [status: number, code: string, message: string];

const failures = new Map<string, Failure>([
  ['Long', [400, 'context_length_exceeded', 'This is "too" long, really.']],
  ['Longer', [400, 'context_length_exceeded', 'This is longer.']],
  ['Bad', [400, 'content_filter', 'Not\nfor us.']],
]);

const errors = `${output}.errors.jsonl`;

/** Runs and, where it is a batch, fetches; what the last of them said. */
async function runAndFetch(mode: string, ...flags: string[]): Promise<Ended> {
  const run = await world.run(`--${mode}`, '--force', ...flags);
  return mode === 'sync' || !/^Batch submitted/.test(run.stdout) ? run : world.loom('fetch', '--force');
}

const mixed = 'id,text\na,Hello\nb,Long\nc,Bad\nd,\ne,Longer\n';

describe.each(['batch', 'sync'])('failed rows of a --%s run', (mode) => {
  test('are grouped on stderr, the first named; all are in <output>.errors.jsonl; exit 3', async () => {
    await world.write('data.csv', mixed);
    const ended = await runAndFetch(mode);
    expect(ended.code).toBe(3);
    const told = ended.stderr.slice(ended.stderr.indexOf('5 rows:'));
    expect(told).toBe(
      [
        '5 rows: 1 answered, 3 failed, 1 empty prompt skipped\n',
        'Warning: 3 of 5 rows have no response: 2 × context_length_exceeded, 1 × content_filter.\n',
        '  context_length_exceeded (rows 2, 5): This is "too" long, really.\n',
        '  content_filter (rows 3): Not for us.\n',
        `All of them, with their reasons: ${join(world.folder, errors)}\n`,
      ].join(''),
    );
    const lines = (await world.read(errors)).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { row: 2, line: 3, id: 'b', kind: 'context_length_exceeded', message: 'This is "too" long, really.' },
      { row: 3, line: 4, id: 'c', kind: 'content_filter', message: expect.stringMatching(/^Not\sfor us\.$/) },
      { row: 5, line: 6, id: 'e', kind: 'context_length_exceeded', message: 'This is longer.' },
    ]);
    expect(await world.listFolder()).toEqual(['data.csv', output, errors]);
  });

  test('of an output whose name is as long as a disk takes are told beside it, under a shorter one', async () => {
    await world.write('data.csv', mixed);
    const longest = `${'€'.repeat(83)}xx.csv`;
    expect((await runAndFetch(mode, '-o', longest)).code).toBe(3);
    const reasons = `${'€'.repeat(80)}.errors.jsonl`;
    expect(await world.listFolder()).toEqual(['data.csv', reasons, longest].sort());
    expect(await world.read(longest)).toContain(`a,Hello,${usualAnswer('Hello')}\n`);
    expect((await world.read(reasons)).split('\n')).toHaveLength(4);
  });

  test('are named by their ids in JSON', async () => {
    await world.write(
      'data.json',
      '[{"id":"x-1","prompt":"Bad"},{"prompt":"Long"},{"id":3,"prompt":"Hello"}]',
    );
    const ended = await runAndFetch(mode, '-f', 'data.json');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('  content_filter (rows 1): Not for us.\n');
    const lines = (await world.read('data_results_openai_m.json.errors.jsonl')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { row: 1, kind: 'content_filter', message: expect.any(String), id: 'x-1' },
      { row: 2, kind: 'context_length_exceeded', message: expect.any(String) },
    ]);
  });

  test('leave no errors file behind once a later run has none', async () => {
    await world.write('data.csv', mixed);
    await runAndFetch(mode);
    expect(await world.listFolder()).toContain(errors);
    await world.write('data.csv', 'id,text\na,Hello\n');
    expect((await runAndFetch(mode)).code).toBe(0);
    expect(await world.listFolder()).toEqual(['data.csv', output]);
  });

  test('say why in llm_error with --with-error, after the meta columns, in a CSV', async () => {
    await world.write('data.csv', mixed);
    expect((await runAndFetch(mode, '--with-error', '--with-meta')).code).toBe(3);
    expect(await world.read(output)).toMatch(
      new RegExp(
        [
          '^id,text,llm_response,llm_provider,llm_model,llm_error\n',
          `a,Hello,${usualAnswer('Hello')},openai,m,\n`,
          'b,Long,,openai,m,"context_length_exceeded: This is ""too"" long, really\\."\n',
          'c,Bad,,openai,m,"?content_filter: Not\\sfor us\\."?\n',
          'd,,,openai,m,\n',
          'e,Longer,,openai,m,context_length_exceeded: This is longer\\.\n$',
        ].join(''),
      ),
    );
  });

  test('say why in llm_error with --with-error in JSON, where the others have null', async () => {
    await world.write('data.json', '[{"id":"x","prompt":"Longer"},{"id":"y","prompt":"Hello"}]');
    await runAndFetch(mode, '-f', 'data.json', '--with-error');
    const rows = JSON.parse(await world.read('data_results_openai_m.json'));
    expect(rows).toEqual([
      {
        id: 'x',
        prompt: 'Longer',
        llm_response: null,
        llm_error: 'context_length_exceeded: This is longer.',
      },
      { id: 'y', prompt: 'Hello', llm_response: usualAnswer('Hello'), llm_error: null },
    ]);
    expect(rows.map((row: object) => Object.keys(row))).toEqual(
      Array(2).fill(['id', 'prompt', 'llm_response', 'llm_error']),
    );
  });
});

test('of many failed rows the first five are named, and all are in the file', async () => {
  await world.write('data.csv', `id,text\n${'x,Bad\n'.repeat(1_200)}y,Hello\n`);
  const ended = await runAndFetch('batch');
  expect(ended.stderr.split('\n').slice(0, 3)).toEqual([
    '1,201 rows: 1 answered, 1,200 failed',
    'Warning: 1200 of 1201 rows have no response: 1200 × content_filter.',
    '  content_filter (rows 1, 2, 3, 4, 5, …): Not for us.',
  ]);
  const lines = (await world.read(errors)).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).row)).toEqual(
    Array.from({ length: 1_200 }, (_, row) => row + 1),
  );
});

test('a run that writes its output from the cache alone accounts for its rows too', async () => {
  await world.write('data.csv', 'id,text\na,Hello\nb,\n');
  await runAndFetch('batch');
  const ended = await runAndFetch('batch');
  expect(ended.stdout).toMatch(/^Done\. wrote /);
  expect(ended.stderr.split('\n').at(-2)).toBe('2 rows: 1 answered, 1 empty prompt skipped');
});

describe("a provider's own count", () => {
  test.each([
    ['more', { total: 2, completed: 3, failed: 0 }, 3],
    ['fewer', { total: 2, completed: 0, failed: 1 }, 1],
  ])('that is %s than its files hold is a warning', async (_, counts, counted) => {
    openai.onCreate = (batch) => {
      batch.counts = counts;
    };
    const id = await world.submit();
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: world.completion(id),
      stderr: `Warning: batch ${id}: the provider counts ${counted} results, and its files hold 2.\n2 rows: 2 answered\n`,
    });
  });
});
