/** `loom report` on outputs whose columns have other names, fields, or no answer: with what the run noted, and without. */
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { readFigures, readRows } from '../worlds/report-reader.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n2,World [[sandbox:misfit]]\n3,\n'));

const order = ['data.csv', '-c', 'text', '-p', 'openai', '-m', 'm'];
const fields = ['--fields', 'tone: good|bad, score: integer, note?', '--prefix', 'x_'];
const note = 'Sandbox answer from m: Hello';
const answer = `{"tone":"good","score":1,"note":"${note}"}`;
const reason = 'schema_mismatch: The answer is not JSON.';

async function runInto(output: string, ...flags: string[]): Promise<void> {
  expect((await world.loom('run', ...order, '-o', output, '--sync', ...flags)).code).toBe(3);
}

async function reportRows(output: string, ...flags: string[]) {
  const ended = await world.loom('report', output, '-o', 'r.html', '--force', ...flags);
  expect(ended).toMatchObject({ code: 0 });
  return readRows(await world.read('r.html')).map(({ status, texts }) => [status, texts]);
}

const forget = () => rm(world.statePath('history'), { recursive: true });

describe('as the run noted', () => {
  test('the answer has its own name, and its fields are beside it', async () => {
    await runInto('out.csv', ...fields, '--as', 'label', '--with-meta');
    const beside = { label_provider: 'openai', label_model: 'm' };
    const none = { x_tone: null, x_score: null, x_note: null };
    expect(await reportRows('out.csv')).toEqual([
      [
        'answered',
        {
          id: '1',
          Prompt: 'Hello',
          label: answer,
          x_tone: 'good',
          x_score: '1',
          x_note: note,
          Reason: null,
          ...beside,
        },
      ],
      [
        'failed',
        { id: '2', Prompt: 'World [[sandbox:misfit]]', label: null, ...none, Reason: reason, ...beside },
      ],
      ['blank', { id: '3', Prompt: null, label: null, ...none, Reason: null, ...beside }],
    ]);
    expect(readFigures(await world.read('r.html'))).toMatchObject({ Rows: '3', Answered: '1', Failed: '1' });
  });

  test('without the answer, the fields tell which rows were answered', async () => {
    await runInto('out.csv', ...fields, '--no-response', '--with-error');
    const none = { x_tone: null, x_score: null, x_note: null };
    expect(await reportRows('out.csv')).toEqual([
      ['answered', { id: '1', Prompt: 'Hello', x_tone: 'good', x_score: '1', x_note: note, Reason: null }],
      ['failed', { id: '2', Prompt: 'World [[sandbox:misfit]]', ...none, Reason: reason }],
      ['blank', { id: '3', Prompt: null, ...none, Reason: null }],
    ]);
    expect(await reportRows('out.csv', '--answer', 'x_tone')).toMatchObject([
      ['answered', { x_tone: 'good', x_score: '1', Reason: null }],
      ['failed', { x_tone: null, Reason: reason }],
      ['blank', {}],
    ]);
  });

  test('a batch notes it too, in every format', async () => {
    await world.write('data.jsonl', '{"id":1,"prompt":"Hello"}\n{"id":2,"prompt":"[[sandbox:misfit]]"}\n');
    const flags = ['-p', 'openai', '-m', 'm', '-o', 'out.jsonl', '--as', 'label', '--no-response'];
    await world.loom('run', 'data.jsonl', ...flags, '--fields', 'score: integer, ok: boolean');
    expect((await fetchUntilDone(world)).code).toBe(3);
    expect(await reportRows('out.jsonl')).toEqual([
      ['answered', { id: '1', Prompt: 'Hello', score: '1', ok: 'true', Reason: null }],
      ['failed', { id: '2', Prompt: '[[sandbox:misfit]]', score: null, ok: null, Reason: reason }],
    ]);
  });

  test('Parquet has them with their types', async () => {
    const airports = join(import.meta.dirname, '../../data/airports-pyarrow.parquet');
    await world.write('data.parquet', await readFile(airports));
    const flags = ['-c', 'name', '-p', 'openai', '-m', 'm', '--sync', '-o', 'out.parquet'];
    await world.loom(
      'run',
      'data.parquet',
      ...flags,
      '--no-response',
      '--fields',
      'score: integer, ok: boolean',
    );
    expect((await reportRows('out.parquet')).slice(1, 3)).toMatchObject([
      ['answered', { score: '1', ok: 'true', Reason: null }],
      ['answered', { score: '1', ok: 'true', Reason: null }],
    ]);
  });

  test('an output that had answers of another run has those of this one', async () => {
    await runInto('one.csv', '--as', 'first', '--with-error', '--fields', 'tone: good|bad');
    const again = ['run', 'one.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '-o', 'two.csv', '--sync'];
    await world.loom(...again, '--as', 'second', '--with-error');
    expect(await reportRows('two.csv')).toMatchObject([
      ['answered', { second: note, Reason: null }],
      ['answered', { second: expect.any(String), Reason: null }],
      ['blank', {}],
    ]);
    await forget();
    const unclear = 'two.csv: the answers could be in each of "first", "second". Name one with --answer.';
    expect(await world.loom('report', 'two.csv')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(unclear),
    });
    expect(await reportRows('two.csv', '--answer', 'first', '-c', 'text')).toMatchObject([
      ['answered', { first: '{"tone":"good"}', tone: 'good' }],
      ['failed', { first: null, tone: null, Reason: reason }],
      ['blank', {}],
    ]);
  });
});

describe('by the names of its columns, where nothing is known of it', () => {
  test('an answer is known by what is beside it', async () => {
    await runInto('out.csv', ...fields, '--as', 'label', '--with-usage');
    await rename(join(world.folder, 'out.csv'), join(world.folder, 'moved.csv'));
    const [first] = await reportRows('moved.csv', '-c', 'text');
    expect(first).toEqual([
      'answered',
      {
        ...{ id: '1', Prompt: 'Hello', label: answer, x_tone: 'good', x_score: '1', x_note: note },
        ...{ label_input_tokens: '2', label_output_tokens: expect.any(String) },
        ...{ label_finish_reason: 'stop', Reason: null },
      },
    ]);
  });

  test('the usual answer needs nothing beside it', async () => {
    await runInto('out.csv', ...fields);
    await forget();
    expect(await reportRows('out.csv', '-c', 'text')).toMatchObject([
      ['answered', { Answer: answer, x_tone: 'good' }],
      ['failed', { Answer: null, Reason: reason }],
      ['blank', {}],
    ]);
  });

  test('else somebody says which it is', async () => {
    await runInto('out.csv', ...fields, '--no-response');
    await forget();
    expect(await world.loom('report', 'out.csv')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'out.csv: nothing tells which column holds the answers; it has "id", "text", "x_tone", "x_score", "x_note", and no "llm_response". Name it with --answer, or give the file as loom run or loom fetch wrote it.',
      ),
    });
    expect(await world.loom('report', 'out.csv', '--answer', 'x_tome')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no column "x_tome"; it has "id", "text", "x_tone"'),
    });
    expect(await reportRows('out.csv', '--answer', 'x_tone', '-c', 'text')).toEqual([
      ['answered', { id: '1', Prompt: 'Hello', x_tone: 'good', x_score: '1', x_note: note, Reason: null }],
      [
        'failed',
        {
          id: '2',
          Prompt: 'World [[sandbox:misfit]]',
          x_tone: null,
          x_score: null,
          x_note: null,
          Reason: reason,
        },
      ],
      ['blank', { id: '3', Prompt: null, x_tone: null, x_score: null, x_note: null, Reason: null }],
    ]);
  });
});
