/** `loom fetch` with every kind of batch and every kind of result file. */
import { createHash } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Ended } from '../../program.ts';
import { refusal } from '../worlds/http-server.ts';
import { answerLine, errorLine, promptOf } from '../worlds/openai-double.ts';
import { lastBatch, merged, output, useOpenAiWorld } from '../worlds/openai-world.ts';
import { useServer } from '../worlds/use-world.ts';

const { world, openai } = useOpenAiWorld();

const allAnswered = '2 rows: 2 answered\n';
const anthropicBatch = {
  ...{ id: 'msgbatch_1', type: 'message_batch', processing_status: 'in_progress', results_url: null },
  request_counts: { processing: 1, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
};
const nothingPending = 'No pending batches. See loom list.\n';

describe('a batch that is not done', () => {
  test.each([
    [
      'validating',
      'validating',
      'Provider has accepted the batch and is queueing/preparing it; no work has started yet.',
    ],
    ['in_progress', 'in_progress', 'Provider is actively running the prompts; check back later.'],
    ['finalizing', 'in_progress', 'Provider is actively running the prompts; check back later.'],
    ['cancelling', 'in_progress', 'Provider is actively running the prompts; check back later.'],
  ])(
    'and is %s at OpenAI is %s, with a sentence, exit 0, and asked for again',
    async (word, status, sentence) => {
      const id = await world.submitAs(word);
      const expected = {
        code: 0,
        stdout: `Checking the loom... id=${id} status=${status}\n  ${sentence}\n`,
        stderr: '',
      };
      expect(await world.loom('fetch')).toEqual(expected);
      expect(await world.readRecord(id)).toMatchObject({ status });
      world.takeRequests();
      expect(await world.loom('fetch')).toEqual(expected);
      expect(world.takeRequests()).toEqual([`GET /v1/batches/${id}`]);
      expect((await world.loom('list')).stdout).toMatch(new RegExp(`^${id} +openai +m +${status} `, 'm'));
    },
  );
});

describe('a batch that ended early', () => {
  test.each([
    ['failed', 'Provider reported the batch as failed; results are not available.'],
    ['expired', "Batch exceeded the provider's time limit (typically 24h) before completing."],
    [
      'cancelled',
      "Batch was cancelled — either by you on the provider's dashboard, or by the provider itself.",
    ],
  ])(
    'as %s is reported once with exit 1, stays listed, and is asked for again only by --id',
    async (status, sentence) => {
      const id = await world.submitAs(status);
      if (status !== 'failed') lastBatch(openai).output = undefined;
      const told = await world.loom('fetch');
      expect(told).toEqual({
        code: 1,
        stdout: `Checking the loom... id=${id} status=${status}\n  ${sentence}\n`,
        stderr: `  0 answers are kept. ${status === 'failed' ? 'Once its cause is mended, the' : 'The'} same loom run command again sends all rows; loom fetch --id ${id} --partial writes what there is.\n`,
      });
      world.takeRequests();
      expect(await world.loom('fetch')).toEqual({ code: 0, stdout: '', stderr: nothingPending });
      expect(world.takeRequests()).toEqual([]);
      expect((await world.loom('list')).stdout).toMatch(new RegExp(`^${id} +openai +m +${status} `, 'm'));
      expect(await world.loom('fetch', '--id', id)).toEqual(told);
      expect(new Set(world.takeRequests())).toEqual(new Set([`GET /v1/batches/${id}`]));
      expect(await world.listFolder()).toEqual(['data.csv']);
    },
  );

  test('tells the reason that the provider gives', async () => {
    openai.onCreate = (batch) => {
      batch.status = 'failed';
      batch.errors = [{ code: 'invalid_json_line', message: 'Line 2 is not JSON.' }];
    };
    const id = await world.submit();
    const told = await world.loom('fetch');
    expect(told.stderr).toContain('Line 2 is not JSON.');
    expect((await world.readRecord(id)).last_error).toContain('Line 2 is not JSON.');
  });
});

describe('status unknown', () => {
  test('is stored with the reason, shown, exit 1, and tried again until it works', async () => {
    const id = await world.submitAs('completed');
    openai.override = ({ path }) =>
      path === `/v1/batches/${id}`
        ? refusal(401, 'The key has no right to this.', { code: 'invalid_api_key' })
        : undefined;
    const told = await world.loom('fetch');
    expect(told).toMatchObject({
      code: 1,
      stdout: `Checking the loom... id=${id} status=unknown\n  Last fetch attempt raised an error (e.g. invalid id, auth, or network); re-run to retry.\n`,
    });
    expect(told.stderr).toContain('The key has no right to this.');
    const record = await world.readRecord(id);
    expect(record).toMatchObject({ status: 'unknown' });
    expect(record.last_error).toContain('The key has no right to this.');
    expect((await world.loom('list')).stdout).toMatch(new RegExp(`^${id} +openai +m +unknown `, 'm'));

    openai.override = () => undefined;
    expect(await world.loom('fetch')).toEqual({ code: 0, stdout: world.completion(id), stderr: allAnswered });
  });

  test('is what a word that nobody knows means', async () => {
    const id = await world.submitAs('meditating');
    const told = await world.loom('fetch');
    expect(told.code).toBe(1);
    expect(told.stdout).toContain(`id=${id} status=unknown\n`);
    expect(await world.readRecord(id)).toMatchObject({ status: 'unknown' });
    lastBatch(openai).status = 'completed';
    expect(await world.loom('fetch')).toEqual({ code: 0, stdout: world.completion(id), stderr: allAnswered });
  });

  test('of one batch does not stop the others', async () => {
    const lost = await world.submit('-o', 'lost.csv');
    openai.override = ({ path }) => (path === `/v1/batches/${lost}` ? refusal(404, 'Gone.') : undefined);
    const good = await world.submit('-o', 'good.csv');
    const told = await world.loom('fetch');
    expect(told.code).toBe(1);
    expect(told.stdout).toContain(`id=${lost} status=unknown\n`);
    expect(told.stdout).toContain(world.completion(good, 'good.csv'));
    expect(await world.read('good.csv')).toBe(merged);
  });
});

describe('a record that is kept', () => {
  test('is not asked for by a bare fetch, but always by --id', async () => {
    const id = await world.submit();
    expect(await world.loom('fetch', '--keep')).toEqual({
      code: 0,
      stdout: world.completion(id, undefined, ''),
      stderr: allAnswered,
    });
    world.takeRequests();
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    expect(world.takeRequests()).toEqual([]);

    lastBatch(openai).output = lastBatch(openai)
      .lines.map((line) => `${answerLine(line.custom_id, `New: ${promptOf(line)}`)}\n`)
      .join('');
    await rm(join(world.folder, output));
    expect(await world.loom('fetch', '-k', '--id', id)).toEqual({
      code: 0,
      stdout: world.completion(id, undefined, ''),
      stderr: allAnswered,
    });
    expect(world.takeRequests()).toContain(`GET /v1/batches/${id}`);
    expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,New: Hello\n2,World,New: World\n');
    expect(await world.loom('fetch', '--id', id, '--force')).toEqual({
      code: 0,
      stdout: world.completion(id),
      stderr: allAnswered,
    });
    expect((await world.loom('list')).stdout).toBe('No batches stored under ~/.loom/batches/.\n');
  });
});

describe('an output file in the way, without a terminal to ask on,', () => {
  test('stays; the batch stays pending with exit 1, the others go on, and --force writes', async () => {
    await world.write('taken.csv', 'precious');
    const free = await world.submit('-o', 'free.csv');
    const blocked = await world.submit('-o', 'taken.csv');
    const told = await world.loom('fetch');
    expect(told.code).toBe(1);
    expect(told.stdout).toBe(world.completion(free, 'free.csv'));
    expect(told.stderr).toMatch(/^(2 rows: 2 answered\n|Warning: [^\n]*taken\.csv[^\n]*--force[^\n]*\n){2}$/);
    expect(told.stderr).toContain(join(world.folder, 'taken.csv'));
    expect(await world.read('taken.csv')).toBe('precious');
    expect(await world.readRecord(blocked)).toMatchObject({ batch_id: blocked });

    expect((await world.loom('fetch')).code).toBe(1);
    expect(await world.loom('fetch', '--force')).toEqual({
      code: 0,
      stdout: world.completion(blocked, 'taken.csv'),
      stderr: allAnswered,
    });
    expect(await world.read('taken.csv')).toBe(merged);
  });

  test('is not looked at by a batch run, nor asked about while the batch runs', async () => {
    await world.write(output, 'precious');
    const id = await world.submitAs('in_progress');
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '' });
    expect((await world.loom('list')).stdout).toContain(id);
    expect(await world.read(output)).toBe('precious');
  });

  test('a folder in its place is an error of that batch only', async () => {
    const id = await world.submit();
    await mkdir(join(world.folder, output));
    const told = await world.loom('fetch');
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(/^Error: [^\n]*data_results_openai_m\.csv[^\n]*folder[^\n]*\n$/);
    await rm(join(world.folder, output), { recursive: true });
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
  });
});

describe('a damaged record', () => {
  test.each([
    ['empty', ''],
    ['cut short', undefined],
    ['no JSON', 'not json'],
    ['a list', '[]'],
    ['without a provider', '{"batch_id":"b","model":"m"}'],
  ])('that is %s is named on stderr: list exits 0, fetch 1, and the others go on', async (_, content) => {
    const good = await world.submit('-o', 'good.csv');
    const other = await world.submit('-o', 'other.csv');
    const text = content ?? (await world.readState(`batches/openai_${other}.json`)).slice(0, -40);
    await world.writeState('batches/openai_batch_zzz.json', text);
    const path = world.statePath('batches/openai_batch_zzz.json');
    const listed = await world.loom('list');
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain(good);
    expect(listed.stderr).toMatch(/^[^\n]+\n$/);
    expect(listed.stderr).toContain(path);
    const told = await world.loom('fetch');
    expect(told.code).toBe(1);
    expect(told.stderr).toContain(path);
    expect(told.stdout.split('\n').sort().join('\n').trim()).toBe(
      `${world.completion(good, 'good.csv')}${world.completion(other, 'other.csv')}`.trim(),
    );
    expect(await world.readState('batches/openai_batch_zzz.json')).toBe(text);
  });

  test.each([
    ['missing', undefined, /batches\/openai_batch_001\.json/],
    ['null', null, /batches\/openai_batch_001\.json/],
    ['a list', ['0', '1'], /batches\/openai_batch_001\.json/],
    [
      'that of another batch',
      { 'row-0-00000000': '0', 'row-1-00000000': '1' },
      /^Error: batch batch_001: no result of batch_001 [^\n]*data\.csv[^\n]*\n$/,
    ],
  ])('whose id_map is %s is named and kept: its answers could belong to anybody', async (_, idMap, says) => {
    await world.submit();
    await world.changeState('batches', (record) => Object.assign(record, { id_map: idMap }));
    await rm(world.statePath('jobs'), { recursive: true });
    const told = await world.loom('fetch');
    expect(told).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(says) });
    expect(await world.listState('batches')).toHaveLength(1);
    expect(await world.listFolder()).toEqual(['data.csv']);
  });

  test('does not stop a fetch of another by --id', async () => {
    const good = await world.submit();
    await world.writeState('batches/openai_bad.json', '{');
    expect((await world.loom('fetch', '--id', good)).stdout).toBe(world.completion(good));
  });
});

describe('--id', () => {
  test('of a batch that does not exist is an error that names it, and asks nobody', async () => {
    await world.submit();
    world.takeRequests();
    const told = await world.loom('fetch', '--id', 'batch_nowhere');
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(/^Error: [^\n]*batch_nowhere[^\n]*loom list[^\n]*\n$/);
    expect(world.takeRequests()).toEqual([]);
  });

  test('implies --no-all: the other batches are left alone', async () => {
    await world.submit('-o', 'a.csv');
    const second = await world.submit('-o', 'b.csv');
    expect((await world.loom('fetch', '--all', '--id', second)).stdout).toBe(
      world.completion(second, 'b.csv'),
    );
    expect(await world.listFolder()).toEqual(['b.csv', 'data.csv']);
  });

  test('takes a job id too', async () => {
    const id = await world.submit();
    const { job_id: jobId } = await world.readRecord(id);
    expect(jobId).toMatch(/^job_/);
    expect((await world.loom('fetch', '--id', jobId as string)).stdout).toBe(world.completion(id));
  });

  test('is never taken for a path', async () => {
    const told = await world.loom('fetch', '--id', '../../data');
    expect(told.code).toBe(1);
    expect(told.stderr).toMatch(/^Error: [^\n]*\n$/);
  });
});

test('a record whose job id is a path makes no file elsewhere', async () => {
  const id = await world.submit();
  const record = await world.readRecord(id);
  await rm(world.statePath('jobs'), { recursive: true });
  await world.writeState(
    `batches/openai_${id}.json`,
    JSON.stringify({ ...record, job_id: '../../../elsewhere/x' }),
  );
  // The fetch stops halfway and leaves its lock, as one for which the output is in the way does.
  await world.write(output, 'mine');
  expect((await world.loom('fetch')).code).toBe(1);
  expect(await world.listFolder()).toEqual(['data.csv', output].sort());
});

describe('--api-key and --base-url', () => {
  const other = useServer(() => ({ body: anthropicBatch }));
  beforeEach(() => {
    Object.assign(world.environment, {
      ANTHROPIC_BASE_URL: other.url,
      ANTHROPIC_API_KEY: 'a-key-for-anthropic',
    });
  });

  test.each([
    ['--api-key', 'sk-of-one-provider'],
    ['--base-url', 'http://127.0.0.1:9'],
  ])('%s without --id is refused when two providers have pending batches', async (flag, value) => {
    const id = await world.submit();
    await world.run('-p', 'anthropic');
    world.takeRequests();
    other.requests.length = 0;
    const told = await world.loom('fetch', flag, value);
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(/^Error: [^\n]*\n$/);
    for (const word of [flag, 'anthropic', 'openai', '--id']) expect(told.stderr).toContain(word);
    expect(world.takeRequests()).toEqual([]);
    expect(other.requests).toEqual([]);
    if (flag === '--api-key') {
      expect((await world.loom('fetch', flag, value, '--id', id)).stdout).toBe(world.completion(id));
      expect(openai.requests[0]?.headers.authorization).toBe(`Bearer ${value}`);
      expect(other.requests).toEqual([]);
    }
  });

  test('--api-key is fine when only one provider has something pending', async () => {
    await world.run('-p', 'anthropic');
    await world.changeState('batches', (record) => Object.assign(record, { status: 'expired' }));
    const id = await world.submit();
    expect((await world.loom('fetch', '--api-key', 'sk-of-openai')).stdout).toBe(world.completion(id));
  });

  test('a key that is missing for one batch does not stop the others', async () => {
    const first = await world.submit();
    delete world.environment.ANTHROPIC_API_KEY;
    expect((await world.run('-p', 'anthropic', '--api-key', 'given-once')).code).toBe(0);
    const told = await world.loom('fetch');
    expect(told).toMatchObject({ code: 1, stdout: world.completion(first) });
    expect(told.stderr).toMatch(
      /^Error: [^\n]*msgbatch_1[^\n]*ANTHROPIC_API_KEY[^\n]*\n2 rows: 2 answered\n$/,
    );
  });
});

describe('the input at the time of the fetch', () => {
  test('may have changed in another column, which then comes out as it is now', async () => {
    await world.submit();
    await world.write('data.csv', 'id,text\none,Hello\ntwo,World\n');
    expect((await world.loom('fetch')).code).toBe(0);
    expect(await world.read(output)).toBe(merged.replace('\n1,', '\none,').replace('\n2,', '\ntwo,'));
  });
});

describe('state that was deleted by hand', () => {
  test('the whole home: everything works as at first', async () => {
    await world.submit();
    await rm(join(world.home, '.loom'), { recursive: true });
    expect((await world.loom('fetch')).code).toBe(0);
    expect((await world.loom('list')).code).toBe(0);
    const id = await world.submit();
    expect((await world.loom('fetch')).stdout).toBe(world.completion(id));
  });
});

describe('results', () => {
  /** Submits these prompts; `write` makes the output file from the custom ids. */
  async function fetchResults(
    prompts: readonly string[],
    write: (ids: readonly string[]) => { output?: string; errorOutput?: string },
  ): Promise<{ ended: Ended; lines: string[] }> {
    await world.write(
      'data.csv',
      `text\n${prompts.map((prompt) => `"${prompt.replaceAll('"', '""')}"\n`).join('')}`,
    );
    openai.onCreate = (batch) => {
      const files = write(batch.lines.map((line) => line.custom_id));
      batch.output = files.output;
      batch.errorOutput = files.errorOutput;
    };
    await world.submit();
    const ended = await world.loom('fetch');
    const written = await world.read(output).catch(() => '');
    return { ended, lines: written.split('\n') };
  }

  test('in another order come out in the order of the input', async () => {
    const prompts = Array.from({ length: 50 }, (_, index) => `p${index}`);
    const { ended, lines } = await fetchResults(prompts, (ids) => ({
      output: ids
        .map((id, index) => `${answerLine(id, `a${index}`)}\n`)
        .reverse()
        .join(''),
    }));
    expect(ended.code).toBe(0);
    expect(lines).toEqual([
      'text,llm_response',
      ...prompts.map((prompt, index) => `"${prompt}",a${index}`),
      '',
    ]);
  });

  test('of a row that come twice: the first wins', async () => {
    const { ended, lines } = await fetchResults(['x', 'y'], ([x, y]) => ({
      output: ['first', 'second']
        .map((text) => `${answerLine(x as string, text)}\n${answerLine(y as string, text)}\n`)
        .join(''),
    }));
    expect(ended).toMatchObject({ code: 0, stderr: allAnswered });
    expect(lines).toEqual(['text,llm_response', '"x",first', '"y",first', '']);
  });

  test('with an id that was not sent are reported and ignored', async () => {
    const { ended, lines } = await fetchResults(['x'], ([x]) => ({
      output: [
        answerLine('row-0-00000000', 'of another job'),
        answerLine('row-7-12345678', 'of nobody'),
        answerLine('', 'nameless'),
        answerLine(x as string, 'mine'),
      ].join('\n'),
    }));
    expect(ended.code).toBe(0);
    expect(ended.stderr).toBe(
      '1 row: 1 answered\nWarning: batch batch_001: 2 results have ids that were not sent; they are ignored.\n',
    );
    expect(lines).toEqual(['text,llm_response', '"x",mine', '']);
  });

  test('may hold any character in their texts, raw line separators among them', async () => {
    const text = 'a\u2028b\u2029c\u0085d "quoted", é\u{1f9f5}\\ end';
    const { ended, lines } = await fetchResults(['x', 'y'], ([x, y]) => ({
      output: `${answerLine(x as string, text)}\n${answerLine(y as string, 'two\r\nlines')}\n`,
    }));
    expect(ended).toMatchObject({ code: 0, stderr: allAnswered });
    expect(lines.join('\n')).toBe(
      `text,llm_response\n"x","${text.replaceAll('"', '""')}"\n"y","two\r\nlines"\n`,
    );
  });

  test('that are errors leave an empty cell, with the reasons on stderr', async () => {
    const { ended, lines } = await fetchResults(['x', 'y', 'z'], ([x, y, z]) => ({
      output: `${answerLine(y as string, 'fine')}\n${answerLine(z as string, '')}`,
      errorOutput: errorLine(x as string, 400, 'content_policy', 'This prompt is not for us.'),
    }));
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('Warning: 2 of 3 rows have no response: 1 × content_policy, 1 × empty.\n');
    expect(ended.stderr).toContain('This prompt is not for us.');
    expect(lines).toEqual(['text,llm_response', '"x",', '"y",fine', '"z",', '']);
  });

  test('that all failed are written all the same, with exit 1', async () => {
    const { ended, lines } = await fetchResults(['x', 'y'], (ids) => ({
      errorOutput: ids.map((id) => errorLine(id, 400, 'bad', 'No row was good.')).join('\n'),
    }));
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/^Fabric complete\. id=batch_001 -> /);
    expect(ended.stderr).toContain('No row was good.');
    expect(lines).toEqual(['text,llm_response', '"x",', '"y",', '']);
  });

  test('of blank prompts are not expected: they are never sent', async () => {
    const { ended, lines } = await fetchResults(['x', ' \n', '', 'y'], (ids) => ({
      output: ids.map((id) => answerLine(id, 'fine')).join('\n'),
    }));
    expect(openai.batches[0]?.lines.map(promptOf)).toEqual(['x', 'y']);
    expect(ended).toMatchObject({ code: 0, stderr: '4 rows: 2 answered, 2 empty prompts skipped\n' });
    expect(lines.join('\n')).toBe('text,llm_response\n"x",fine\n" \n",\n"",\n"y",fine\n');
  });

  test('that break off are no results: nothing is written, and a later fetch gets them whole', async () => {
    const id = await world.submit();
    const whole = openai.batches[0]?.output as string;
    let downloads = 0;
    openai.override = ({ path }) => {
      if (!path.endsWith('/content') || ++downloads > 1) return undefined;
      return { body: whole.slice(0, -30) };
    };
    // The download is repeated by itself.
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
    expect(downloads).toBeGreaterThan(1);
    expect(await world.read(output)).toBe(merged);
  });
});

describe('what is sent and kept', () => {
  const customId = (index: number, prompt: string) =>
    `row-${index}-${createHash('sha256').update(prompt).digest('hex').slice(0, 8)}`;

  test('the request lines and the batch are as the Python tool makes them, with our custom ids', async () => {
    await world.submit();
    expect(openai.batches[0]?.lines).toEqual(
      ['Hello', 'World'].map((prompt, index) => ({
        custom_id: customId(index, prompt),
        method: 'POST',
        url: '/v1/chat/completions',
        body: { model: 'm', messages: [{ role: 'user', content: prompt }] },
      })),
    );
    expect(openai.batches[0]?.creation).toMatchObject({
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    expect(openai.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/files',
      'POST /v1/batches',
    ]);
  });

  test('the record of a CSV has the fields of the reference, absolute paths, and a new status of its own', async () => {
    const before = Date.now();
    const id = await world.submitAs('in_progress', '--with-meta');
    const text = await world.readState(`batches/openai_${id}.json`);
    const record = JSON.parse(text);
    expect(text.startsWith(`{\n  "batch_id": "${id}",\n`)).toBe(true);
    expect(record).toMatchObject({
      batch_id: id,
      provider: 'openai',
      model: 'm',
      original_file_path: join(world.folder, 'data.csv'),
      file_type: 'csv',
      prompt_column: 'text',
      id_map: { [customId(0, 'Hello')]: '0', [customId(1, 'World')]: '1' },
      status: 'validating',
      output_path: join(world.folder, output),
      with_meta: true,
    });
    expect(Object.keys(record.id_map)).toHaveLength(2);
    expect(record.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/);
    expect(Date.parse(record.created_at)).toBeGreaterThanOrEqual(before);
  });

  test('the record of a JSON file maps custom ids to the ids of its entries', async () => {
    await world.write(
      'data.json',
      '[{"id":"task-1","prompt":"Hello"},{"id":12345678901234567890,"prompt":"World"},{"prompt":"!"},{"prompt":""}]',
    );
    const id = await world.submit('-f', 'data.json', '-o', join('.', 'out.json'));
    expect(await world.readRecord(id)).toMatchObject({
      original_file_path: join(world.folder, 'data.json'),
      file_type: 'json',
      prompt_column: null,
      id_map: {
        [customId(0, 'Hello')]: 'task-1',
        [customId(1, 'World')]: '12345678901234567890',
        [customId(2, '!')]: 'row-2',
      },
      output_path: join(world.folder, 'out.json'),
      with_meta: false,
    });
  });

  test.skipIf(process.platform === 'win32')('folders of the home are 0700 and files 0600', async () => {
    await world.submitAs('in_progress');
    await world.loom('fetch');
    expect((await world.run('--sync')).code).toBe(0);
    const files = await world.listState();
    const folders = new Set(files.map((name) => name.split('/')[0] as string));
    expect([...folders]).toEqual(expect.arrayContaining(['batches', 'cache', 'jobs']));
    const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await modeOf(join(world.home, '.loom'))).toBe('700');
    for (const name of folders) expect([name, await modeOf(world.statePath(name))]).toEqual([name, '700']);
    for (const name of files) expect([name, await modeOf(world.statePath(name))]).toEqual([name, '600']);
  });

  test('a refusal of the whole batch is one line, exit 1, and leaves nothing behind', async () => {
    openai.override = ({ path }) =>
      path === '/v1/batches' ? refusal(400, 'No such model.', { code: 'model_not_found' }) : undefined;
    const run = await world.run();
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^Spinning the threads[^\n]*\nError: [^\n]*No such model\.[^\n]*\n$/);
    expect(await world.listState()).toEqual([]);
  });

  test('a provider that asks to wait for hours is not waited for: the next fetch submits the batch', async () => {
    openai.override = ({ path, method }) =>
      path === '/v1/batches' && method === 'POST'
        ? refusal(429, 'Later.', {}, { 'retry-after': '21600' })
        : undefined;
    const run = await world.run();
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toContain("1 of 1 parts wait for room in the provider's queue");
    openai.override = () => undefined;
    expect((await world.loom('fetch')).stdout).toContain('Batch submitted. id=batch_001');
  });
});
