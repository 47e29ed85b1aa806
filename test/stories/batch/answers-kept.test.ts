/** Answers of a batch are paid for once: they go to the cache, and the same command again sends only what is missing. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { hashKey, openaiOf } from '../worlds/cache-keys.ts';
import { answerLine, errorLine, promptOf, usualAnswer } from '../worlds/openai-double.ts';
import { merged, output, submission, useOpenAiWorld, voice } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

function cacheName(prompt: string): string {
  return join('cache', `${hashKey('openai', 'm', prompt, `@${openaiOf(world)}`)}.json`);
}

function promptsSent(): string[][] {
  return openai.batches.map((batch) => batch.lines.map(promptOf));
}

function done(rows: number, hits: number, name = output, errors = 0): string {
  return `Done. wrote ${join(world.folder, name)} (${rows} prompts, ${hits} cache hits, ${errors} errors)\n`;
}

/** In the next batch only the rows with these prompts succeed; the others have no result. */
function answerOnly(status: string, ...prompts: string[]): void {
  openai.onCreate = (batch) => {
    batch.status = status;
    batch.output = batch.lines
      .filter((line) => prompts.includes(promptOf(line)))
      .map((line) => `${answerLine(line.custom_id, usualAnswer(promptOf(line)))}\n`)
      .join('');
  };
}

describe('a second run', () => {
  test('after a fetch finds every answer in the cache, sends nothing and writes at once', async () => {
    await world.submit();
    await world.loom('fetch');
    expect(await world.listState()).toEqual([cacheName('Hello'), cacheName('World')].sort());
    expect(JSON.parse(await world.readState(cacheName('Hello')))).toEqual({
      provider: 'openai',
      model: 'm',
      response: usualAnswer('Hello'),
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      address: openaiOf(world),
    });
    world.takeRequests();
    expect(await world.run('-o', 'again.csv')).toEqual({
      code: 0,
      stdout: done(2, 2, 'again.csv'),
      stderr: `${voice}2 rows: 2 answered\n`,
    });
    expect(world.takeRequests()).toEqual([]);
    expect(await world.read('again.csv')).toBe(merged);
    expect(await world.listState()).toHaveLength(2);
  });

  test('that would write at once does not overwrite without --force', async () => {
    await world.submit();
    await world.loom('fetch');
    await world.write(output, 'precious');
    const ended = await world.run();
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^Spinning [^\n]*\nError: [^\n]*already exists[^\n]*--force[^\n]*\n$/);
    expect(await world.read(output)).toBe('precious');
    expect(await world.listLeft()).toEqual([]);
    expect((await world.run('--force')).stdout).toBe(done(2, 2));
    expect(await world.read(output)).toBe(merged);
  });

  test('sends only the rows that are missing, and its fetch writes all of them', async () => {
    await world.submit();
    await world.loom('fetch');
    await world.write('data.csv', 'id,text\n1,New\n2,Hello\n3,\n4,World\n');
    expect(await world.run()).toEqual({
      code: 0,
      stdout: submission('batch_002'),
      stderr: `${voice}Skipped 1 row without a prompt.\nRows with their answer in the cache: 2; only the others are sent.\nNote: ${join(world.folder, output)} is there already. loom fetch asks before it replaces it, and where nobody can be asked it needs --force.\n`,
    });
    expect(promptsSent()).toEqual([['Hello', 'World'], ['New']]);
    // The answers are the job's own by now: the cache may go.
    await world.loom('cache', 'clear', '--yes');
    expect(await world.loom('fetch', '--force')).toEqual({
      code: 0,
      stdout: world.completion('batch_002'),
      stderr: '4 rows: 3 answered, 1 empty prompt skipped\n',
    });
    expect(await world.read(output)).toBe(
      `id,text,llm_response\n1,New,${usualAnswer('New')}\n2,Hello,${usualAnswer('Hello')}\n3,,\n4,World,${usualAnswer('World')}\n`,
    );
  });

  test('is the retry of failed rows', async () => {
    openai.onCreate = (batch) => {
      const [hello, world] = batch.lines.map((line) => line.custom_id) as [string, string];
      batch.output = answerLine(hello, usualAnswer('Hello'));
      batch.errorOutput = errorLine(world, 500, 'server_error', 'Try later.');
    };
    await world.submit();
    expect((await world.loom('fetch')).code).toBe(3);
    openai.onCreate = () => {};
    await world.run();
    expect(promptsSent()).toEqual([['Hello', 'World'], ['World']]);
    expect(await world.loom('fetch', '--force')).toMatchObject({ code: 0, stderr: '2 rows: 2 answered\n' });
    expect(await world.read(output)).toBe(merged);
  });

  test('live finds the answers of a batch, and a batch those of a live run', async () => {
    await world.submit();
    await world.loom('fetch');
    expect((await world.run('--sync', '-o', 'live.csv')).stdout).toBe(done(2, 2, 'live.csv'));
    await world.write('data.csv', 'id,text\n1,Third\n');
    await world.run('--sync', '--force');
    expect((await world.run('--force')).stdout).toBe(done(1, 1));
    expect(await world.read(output)).toBe('id,text,llm_response\n1,Third,Answer to Third\n');
  });
});

describe('--no-cache of a batch run', () => {
  test('is in the record and holds for its fetch: nothing is put into the cache, and nothing taken from it', async () => {
    const id = await world.submit('--no-cache');
    expect(await world.readRecord(id)).toMatchObject({ use_cache: false });
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
    expect(await world.listState()).toEqual([]);
    await world.submit();
    await world.loom('fetch', '--force');
    expect(await world.listState()).toHaveLength(2);
    await world.run('--no-cache');
    expect(promptsSent()).toEqual(Array(3).fill(['Hello', 'World']));
  });

  test('holds too for a batch that ended early: all rows are sent again', async () => {
    answerOnly('expired', 'Hello');
    const id = await world.submit('--no-cache');
    expect((await world.loom('fetch')).stderr).toBe(
      `  1 answer is kept. The same loom run command again sends all rows; loom fetch --id ${id} --partial writes what there is.\n`,
    );
    expect(await world.listState('cache')).toEqual([]);
    await world.run('--no-cache');
    expect(promptsSent()).toEqual(Array(2).fill(['Hello', 'World']));
  });
});

describe('equal prompts', () => {
  const rows = ['a,Same', 'b,Other', 'c,Same', 'd,"Same"'];
  const equalOutput = ['id,text,llm_response', ...rows.map((row) => `${row},${answerOf(row)}`), ''].join(
    '\n',
  );

  function answerOf(row: string): string {
    return usualAnswer(row.slice(2).replaceAll('"', ''));
  }

  beforeEach(() => world.write('data.csv', `id,text\n${rows.join('\n')}\n`));

  test('are asked once in a batch, and the answer goes to every row that asked', async () => {
    await world.submit();
    expect(promptsSent()).toEqual([['Same', 'Other']]);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '4 rows: 4 answered\n' });
    expect(await world.read(output)).toBe(equalOutput);
    expect((await world.run('--force')).stdout).toBe(done(4, 2));
    expect(await world.read(output)).toBe(equalOutput);
  });

  test('fail together: each row is told', async () => {
    openai.onCreate = (batch) => {
      const [same, other] = batch.lines.map((line) => line.custom_id) as [string, string];
      batch.output = answerLine(other, usualAnswer('Other'));
      batch.errorOutput = errorLine(same, 400, 'content_filter', 'Not for us.');
    };
    await world.submit();
    const ended = await world.loom('fetch');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/^4 rows: 1 answered, 3 failed\n[^\n]*: 3 × content_filter\.\n/);
  });

  test('with --no-cache are asked each time, and each row gets its own answer', async () => {
    openai.onCreate = (batch) => {
      batch.output = batch.lines.map((line, index) => `${answerLine(line.custom_id, `${index}`)}\n`).join('');
    };
    await world.submit('--no-cache');
    expect(promptsSent()).toEqual([['Same', 'Other', 'Same', 'Same']]);
    await world.loom('fetch');
    expect(await world.read(output)).toBe(
      ['id,text,llm_response', ...rows.map((row, index) => `${row},${index}`), ''].join('\n'),
    );
  });

  test.each([
    ['are asked once', [], ['Other', 'Same']],
    ['with --no-cache are asked each time', ['--no-cache'], ['Other', 'Same', 'Same', 'Same']],
  ])('in a live run %s', async (_, flags, expected) => {
    const asked: string[] = [];
    openai.answerTo = (prompt) => {
      asked.push(prompt);
      return usualAnswer(prompt);
    };
    expect(await world.run('--sync', ...flags)).toMatchObject({ code: 0, stdout: done(4, 0) });
    expect(asked.sort()).toEqual(expected);
    expect(await world.read(output)).toBe(equalOutput);
  });
});

describe.each([
  ['expired', "Batch exceeded the provider's time limit (typically 24h) before completing."],
  [
    'cancelled',
    "Batch was cancelled — either by you on the provider's dashboard, or by the provider itself.",
  ],
])('a batch that is %s half-way', (status, sentence) => {
  let id: string;
  beforeEach(async () => {
    answerOnly(status, 'Hello');
    id = await world.submit();
  });

  const check = () => `Checking the loom... id=${id} status=${status}\n  ${sentence}\n`;
  const note = () =>
    `  1 answer is kept. The same loom run command again sends only the rest; loom fetch --id ${id} --partial writes what there is.\n`;

  test('writes nothing by itself, keeps its answers and says what to do; the same command sends the rest', async () => {
    expect(await world.loom('fetch')).toEqual({ code: 1, stdout: check(), stderr: note() });
    expect(await world.listFolder()).toEqual(['data.csv']);
    expect(await world.listState()).toContain(cacheName('Hello'));
    openai.onCreate = () => {};
    expect(await world.run()).toMatchObject({
      stdout: submission('batch_002'),
      stderr: `${voice}Rows with their answer in the cache: 1; only the others are sent.\n`,
    });
    expect(promptsSent()).toEqual([['Hello', 'World'], ['World']]);
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: world.completion('batch_002'),
      stderr: '2 rows: 2 answered\n',
    });
    expect(await world.read(output)).toBe(merged);
  });

  test('is written by --partial as far as it goes, also after it was reported', async () => {
    await world.loom('fetch');
    expect(await world.loom('fetch', '--id', id, '--partial')).toEqual({
      code: 3,
      stdout: `${check()}${world.completion(id)}`,
      stderr: [
        '2 rows: 1 answered, 1 failed\n',
        'Warning: 1 of 2 rows have no response: 1 × no_result.\n',
        '  no_result (rows 2): The provider returned no result for this row.\n',
        `All of them, with their reasons: ${join(world.folder, output)}.errors.jsonl\n`,
      ].join(''),
    });
    expect(await world.read(output)).toBe(
      `id,text,llm_response\n1,Hello,${usualAnswer('Hello')}\n2,World,\n`,
    );
    expect(await world.listState()).toEqual([cacheName('Hello')]);
    expect(await world.listFolder()).toEqual(['data.csv', output, `${output}.errors.jsonl`]);
  });
});

test('loom fetch --file without --id is a usage error', async () => {
  const ended = await world.loom('fetch', '--file', 'data.csv');
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toMatch(/^Error: [^\n]*--file[^\n]*--id[^\n]*\n$/);
});
