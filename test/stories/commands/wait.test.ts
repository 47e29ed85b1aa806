/** `--wait` of `fetch` and `run`, without a terminal. */
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { fetchDocumentSchema, runDocumentSchema } from '../../../src/index.ts';
import { refusal } from '../worlds/http-server.ts';
import { answerLine, errorLine, promptOf } from '../worlds/openai-double.ts';
import {
  lastBatch,
  merged,
  output,
  submission,
  submittedJob,
  until,
  useOpenAiWorld,
  voice,
} from '../worlds/openai-world.ts';
import { batchProviders, createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

/** As often as a test can want. */
const often = ['--interval', '0.02s'];
const waiting = ['--wait', ...often];
const running = 'Provider is actively running the prompts.';
const answered = '2 rows: 2 answered\n';

describe('a wait at OpenAI', () => {
  const { world, openai } = useOpenAiWorld();

  /** Counts the questions about batches, and does this at each. */
  function atQuestion(act: (count: number) => void): { count: number } {
    const questions = { count: 0 };
    openai.override = ({ method, path }) => {
      if (method === 'GET' && /^\/v1\/batches\/./.test(path)) act(++questions.count);
      return undefined;
    };
    return questions;
  }

  /** New batches run until they are asked about for the third time. */
  function completeAtThird(): void {
    openai.onCreate = (batch) => {
      batch.status = 'in_progress';
    };
    atQuestion((count) => {
      if (count === 3) lastBatch(openai).status = 'completed';
    });
  }

  test('stays until the batch ends, tells its status once, and writes the output', async () => {
    const id = await world.submitAs('in_progress');
    const questions = atQuestion((count) => {
      if (count === 5) lastBatch(openai).status = 'completed';
    });
    expect(await world.loom('fetch', ...waiting)).toEqual({
      code: 0,
      stdout: `Checking the loom... id=${id} status=in_progress\n  ${running}\n${world.completion(id)}`,
      stderr: answered,
    });
    // The sixth asks for the names of its files.
    expect(questions.count).toBe(6);
    expect(await world.read(output)).toBe(merged);
    expect(await world.listState()).toEqual([
      expect.stringMatching(/^cache\//),
      expect.stringMatching(/^cache\//),
    ]);
  });

  test('tells each change in one line', async () => {
    const id = await world.submitAs('validating');
    atQuestion((count) => {
      const batch = lastBatch(openai);
      if (count === 3) batch.status = 'in_progress';
      if (count === 3) batch.counts = { total: 2, completed: 0, failed: 0 };
      if (count === 5) batch.counts = { total: 2, completed: 1, failed: 0 };
      if (count === 7) Object.assign(batch, { status: 'completed', counts: undefined });
    });
    const { stdout } = await world.loom('fetch', ...waiting);
    expect(stdout).toBe(
      [
        `Checking the loom... id=${id} status=validating`,
        '  Provider has accepted the batch and is queueing/preparing it; no work has started yet.',
        `Checking the loom... id=${id} status=in_progress`,
        `  ${running}`,
        `Checking the loom... id=${id} status=in_progress done=1/2 failed=0`,
        world.completion(id),
      ].join('\n'),
    );
  });

  test('says nothing when nothing is pending', async () => {
    const nothing = { code: 0, stdout: '', stderr: 'No pending batches. See loom list.\n' };
    expect(await world.loom('fetch', ...waiting)).toEqual(nothing);
  });

  test('run --wait submits, waits and writes in one command', async () => {
    completeAtThird();
    const { code, stdout, stderr } = await world.run(...waiting);
    const { id } = lastBatch(openai);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${submission(id)}Checking the loom... id=${id} status=in_progress\n  ${running}\n${world.completion(id)}`,
      stderr: `${voice}${answered}`,
    });
    expect(await world.read(output)).toBe(merged);
    // With every answer in the cache there is nothing to wait for.
    const again = await world.run(...waiting, '--force');
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Done\. wrote .* 2 cache hits/) });
  });

  test.each([
    ['some rows fail', 3, 1],
    ['every row fails', 1, 2],
  ])('run --wait ends like a fetch when %s', async (_, code, failures) => {
    openai.onCreate = (batch) => {
      const lines = batch.lines.map((line, row) =>
        row < failures
          ? errorLine(line.custom_id, 500, 'server_error', 'Broken.')
          : answerLine(line.custom_id, 'Fine.'),
      );
      batch.output = lines.slice(failures).join('\n');
      batch.errorOutput = lines.slice(0, failures).join('\n');
    };
    expect((await world.run(...waiting)).code).toBe(code);
    expect(await world.read(output)).toMatch(failures === 2 ? /^2,World,$/m : /^2,World,Fine\.$/m);
  });

  test('a batch that ends early is told once, its answers are kept, the others go on, exit 1', async () => {
    const failed = await world.submitAs('in_progress', '-o', 'failed.csv');
    const expired = await world.submitAs('in_progress', '-o', 'expired.csv', '--no-cache', '-t', '0');
    const good = await world.submitAs('in_progress', '-o', 'good.csv', '--temperature', '1');
    const [first, second, third] = openai.batches;
    atQuestion((count) => {
      if (count === 4) Object.assign(first as object, { status: 'failed', output: undefined });
      if (count === 8) Object.assign(second as object, { status: 'expired' });
      if (count === 12) Object.assign(third as object, { status: 'completed' });
    });
    const ended = await world.loom('fetch', ...waiting);
    expect(ended.code).toBe(1);
    expect(ended.stdout.match(/status=failed/g)).toHaveLength(1);
    expect(ended.stdout.match(/status=expired/g)).toHaveLength(1);
    expect(ended.stdout).toContain(`Checking the loom... id=${failed} status=failed\n`);
    expect(ended.stderr).toContain(
      `2 answers are kept. The same loom run command again sends all rows; loom fetch --id ${expired}`,
    );
    expect(ended.stdout).toContain(world.completion(good, 'good.csv'));
    expect(await world.listFolder()).toEqual(['data.csv', 'good.csv']);
  });

  test('a provider that fails for a while does not end it, and is told once', async () => {
    const id = await world.submitAs('in_progress');
    let questions = 0;
    openai.override = ({ path }) => {
      if (path !== `/v1/batches/${id}`) return undefined;
      questions += 1;
      if (questions === 9) lastBatch(openai).status = 'completed';
      if (questions < 2 || questions > 7) return undefined;
      // A message of its own each time, as with the ids of requests.
      const message = `Down (request ${questions}).`;
      return refusal(503, message, { code: 'server_error' }, { 'retry-after-ms': '0' });
    };
    const ended = await world.loom('fetch', ...waiting);
    expect(ended).toMatchObject({
      code: 0,
      stdout: [
        `Checking the loom... id=${id} status=in_progress\n  ${running}\n`,
        `Checking the loom... id=${id} status=unknown\n  The provider could not be asked; the next check tries again.\n`,
        `Checking the loom... id=${id} status=in_progress\n  ${running}\n`,
        world.completion(id),
      ].join(''),
    });
    expect(ended.stderr).toMatch(
      /^Warning: batch batch_001: server_error: Down \(request \d\)\.\n2 rows: 2 answered\n$/,
    );
  });

  test('results that break off are downloaded again', async () => {
    const id = await world.submitAs('completed');
    let downloads = 0;
    openai.override = ({ path }) => {
      if (!path.endsWith('/content') || ++downloads > 3) return undefined;
      return refusal(503, 'Down.', {}, { 'retry-after-ms': '0' });
    };
    const ended = await world.loom('fetch', ...waiting);
    expect(ended).toMatchObject({ code: 0, stdout: world.completion(id) });
    expect(ended.stderr).toContain(`Warning: batch ${id}: OpenAI: Down. The next check tries again.\n`);
  });

  test('a refused key ends it with exit 1, and everything is kept', async () => {
    const id = await world.submitAs('in_progress');
    openai.override = () => refusal(401, 'Incorrect API key provided.', { code: 'invalid_api_key' });
    world.takeRequests();
    const ended = await world.loom('fetch', ...waiting);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(
      `Error: batch ${id}: OpenAI: Incorrect API key provided. Check OPENAI_API_KEY or --api-key.\n`,
    );
    expect(world.takeRequests()).toEqual([`GET /v1/batches/${id}`]);
    openai.override = () => undefined;
    lastBatch(openai).status = 'completed';
    expect(await world.loom('fetch', ...waiting)).toMatchObject({ code: 0, stdout: world.completion(id) });
  });

  test('a batch that is not found may show up; the third time it ends with exit 1', async () => {
    const id = await world.submitAs('completed');
    let missing = 2;
    openai.override = ({ path }) =>
      path === `/v1/batches/${id}` && missing-- > 0 ? refusal(404, 'No such batch.') : undefined;
    expect(await world.loom('fetch', ...waiting, '--keep')).toMatchObject({ code: 0 });
    missing = 1_000;
    await rm(world.statePath('cache'), { recursive: true });
    const lost = await world.submitAs('completed', '-o', 'lost.csv');
    openai.override = () => refusal(404, 'No such batch.');
    world.takeRequests();
    const ended = await world.loom('fetch', ...waiting);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(
      `Error: batch ${lost}: OpenAI: There is no batch ${lost} at the provider for this key: No such batch.\n`,
    );
    expect(world.takeRequests()).toHaveLength(3);
  });

  test.each([['--interval'], ['--timeout']])(
    '%s without --wait, and a time that is none, is a usage error',
    async (flag) => {
      const alone = {
        code: 2,
        stdout: '',
        stderr: `Error: ${flag} is about --wait. Pass --wait too, or leave it out.\n`,
      };
      expect(await world.loom('fetch', flag, '5m')).toEqual(alone);
      expect(await world.run(flag, '5m')).toEqual(alone);
      expect(await world.run('--sync', '--wait', flag, '5m')).toMatchObject({
        code: 2,
        stderr: `Error: ${flag} is about waiting for a batch, and --sync has none. Leave one of them out.\n`,
      });
      expect(await world.loom('fetch', '--wait', flag, 'soon')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(
          'It must be a time span above 0, such as 90 (seconds), 30m, 2h or 1d.',
        ),
      });
      expect(openai.requests).toEqual([]);
    },
  );

  test('--wait with --sync changes nothing: that waits anyway', async () => {
    expect(await world.run('--sync', '--wait')).toMatchObject({ code: 0 });
    expect(await world.read(output)).toBe(merged);
  });

  test('run --wait to stdout is a usage error', async () => {
    expect(await world.run('--wait', '-o', '-')).toEqual({
      code: 2,
      stdout: '',
      stderr:
        "Error: a batch can't be written to stdout, also with --wait: loom fetch writes it, later. Pass a path to --output, or --sync.\n",
    });
  });

  test('an output in the way ends run --wait before anything is sent; --force replaces it', async () => {
    await world.write(output, 'precious');
    const refused = await world.run(...waiting);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^Error: output file .* already exists\. Pass --force/);
    expect(openai.requests).toEqual([]);
    expect(await world.run(...waiting, '--force')).toMatchObject({ code: 0 });
    expect(await world.read(output)).toBe(merged);
  });

  test('an output in the way of fetch --wait leaves that batch pending with exit 1, and the others go on', async () => {
    const kept = await world.submit();
    const other = await world.submitAs('in_progress', '-o', 'other.csv', '--temperature', '0');
    atQuestion((count) => {
      if (count === 5) lastBatch(openai).status = 'completed';
    });
    await world.write(output, 'precious');
    const ended = await world.loom('fetch', ...waiting);
    expect(ended.code).toBe(1);
    expect(ended.stderr.match(/already exists; batch batch_001 stays pending/g)).toHaveLength(1);
    expect(ended.stdout).toContain(world.completion(other, 'other.csv'));
    expect(await world.read(output)).toBe('precious');
    expect((await world.loom('list')).stdout).toContain(kept);
  });

  test('a job file that is damaged meanwhile ends the wait for that job only', async () => {
    await world.submitAs('in_progress');
    await world.write('data.csv', 'id,text\n8,Other\n');
    const jobs = await world.listState('jobs');
    const id = await world.submitAs('in_progress', '--output', 'other.csv');
    let isDamaged = false;
    atQuestion((count) => {
      if (count === 3) lastBatch(openai).status = 'completed';
      if (count === 2 && !isDamaged) {
        isDamaged = true;
        writeFileSync(world.statePath(jobs[0] as string), '{');
      }
    });
    const ended = await world.loom('fetch', ...waiting);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain(`Fabric complete. id=${id} -> ${world.folder}/other.csv`);
    expect(ended.stderr.match(/^Error: /gm)).toHaveLength(1);
  });

  test('run --wait is not troubled by the damaged record of another batch', async () => {
    await world.writeState('batches/openai_batch_other.json', '{');
    expect(await world.run(...waiting)).toMatchObject({ code: 0, stderr: voice + answered });
  });

  test('run --wait waits for the same work that is pending', async () => {
    const id = await world.submitAs('in_progress');
    completeAtThird();
    const ended = await world.run(...waiting);
    expect(ended.stdout).toMatch(
      new RegExp(`^Nothing sent: the same work is pending already as ${id}\\.\\n`),
    );
    expect(ended).toMatchObject({ code: 0, stderr: answered });
    expect(ended.stdout).toContain(world.completion(id));
    expect(openai.batches).toHaveLength(1);
    expect(await world.read(output)).toBe(merged);
  });

  test('a timeout says what is pending and how to go on, exit 1, and everything is kept', async () => {
    const id = await world.submitAs('in_progress');
    await world.submitAs('in_progress', '-o', 'other.csv', '--temperature', '0');
    const ended = await world.loom('fetch', ...waiting, '--timeout', '0.5s');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe(
      'Error: timed out after 0.5s: 2 of 2 batches are pending; loom fetch goes on from there.\n',
    );
    const flags = [...waiting, '--timeout', '0.5s', '--output-format', 'json'];
    const one = await world.loom('fetch', '--id', id, ...flags);
    expect(one.code).toBe(1);
    expect(fetchDocumentSchema.parse(JSON.parse(one.stdout))).toMatchObject({
      exit_code: 1,
      error: {
        kind: 'timeout',
        message: `timed out after 0.5s: 1 of 1 batch is pending; loom fetch --id ${id} goes on from there.`,
      },
      outputs: [],
    });
    for (const batch of openai.batches) batch.status = 'completed';
    expect(await world.loom('fetch', ...waiting)).toMatchObject({ code: 0 });
    expect(await world.listFolder()).toEqual(['data.csv', output, 'other.csv']);
  });

  test('a batch that another process fetches meanwhile is no trouble', async () => {
    const id = await world.submitAs('in_progress');
    const questions = { count: 0 };
    // Done for the other process, which has another key.
    openai.override = (request) => {
      if (request.headers.authorization === 'Bearer another-key') lastBatch(openai).status = 'completed';
      else if (request.path === `/v1/batches/${id}`) {
        questions.count += 1;
        lastBatch(openai).status = 'in_progress';
      }
      return undefined;
    };
    const wait = world.loom('fetch', ...waiting);
    await until(() => questions.count > 2);
    // It passes the batch over while the wait looks at it.
    await until(async () =>
      (await world.loom('fetch', '--api-key', 'another-key')).stdout.includes('Fabric complete'),
    );
    expect(await wait).toEqual({
      code: 0,
      stdout: `Checking the loom... id=${id} status=in_progress\n  ${running}\n`,
      stderr: `Batch ${id} is not pending any more: another process fetched it, or its record is gone.\n`,
    });
    expect(await world.read(output)).toBe(merged);
  });

  test('-q leaves the results, and JSON is one document at the end', async () => {
    await world.submitAs('in_progress');
    atQuestion((count) => {
      if (count === 3) for (const batch of openai.batches) batch.status = 'completed';
    });
    const quiet = await world.loom('fetch', ...waiting, '-q');
    expect(quiet.stderr).toBe('');
    openai.onCreate = () => {};
    const run = await world.run(...waiting, '--force', '--no-cache', '--output-format', 'json');
    expect(run.code).toBe(0);
    const document = runDocumentSchema.parse(JSON.parse(run.stdout));
    expect(document).toMatchObject({
      command: 'run',
      exit_code: 0,
      id: lastBatch(openai).id,
      batches: [{ batch_id: lastBatch(openai).id, status: 'completed' }],
      output: { rows: 2, answered: 2 },
      errors: [],
    });
  });

  test('a job of several parts is one wait, and each part that is in is told', async () => {
    const ids: string[] = [];
    openai.onCreate = (batch) => {
      batch.status = 'in_progress';
      ids.push(batch.id);
    };
    const run = await world.run('--batch-size', '1');
    const jobId = submittedJob(run);
    const questions = atQuestion((count) => {
      if (count === 5) (openai.batches[0] as { status: string }).status = 'completed';
      if (count === 12) (openai.batches[1] as { status: string }).status = 'completed';
    });
    const ended = await world.loom('fetch', '--id', jobId, ...waiting);
    expect(ended.stdout).toBe(
      [
        ...ids.map((id) => `Checking the loom... id=${id} status=in_progress\n  ${running}\n`),
        ...[0, 1, 2].map((parts) => `Job ${jobId}: ${parts} of 2 parts are in.\n`),
        world.completion(jobId),
      ].join(''),
    );
    // The part that is in is not asked about again.
    expect(questions.count).toBeLessThanOrEqual(13);
    expect(openai.batches.map((batch) => batch.lines.map(promptOf))).toEqual([['Hello'], ['World']]);
  });
});

describe.each(batchProviders)('a wait at %s', (provider) => {
  const world = useWorld(() =>
    createSandboxWorld({ turnaroundMs: 200, faults: { queue: { [provider]: 2 } } }),
  );

  test('submits the parts for which there was no room as room comes', async () => {
    await world.write('data.csv', 'text\nA\nB\nC\nD\nE\n');
    const ended = await world.run('-p', provider, '--batch-size', '2', ...waiting);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/Job \S+: 3 of 3 parts are in\.\nFabric complete\. id=job_/);
    const name = `data_results_${provider}_m.csv`;
    const rows = [...'ABCDE'].map((letter) => `${letter},Sandbox answer from m: ${letter}\n`);
    expect(await world.read(name)).toBe(`text,llm_response\n${rows.join('')}`);
  });
});
