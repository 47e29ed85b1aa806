/** `loom forget`: what loom holds of a job goes, its output and the cache stay. */
import { mkdir, rm } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { forgetDocumentSchema } from '../../../src/index.ts';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { lastBatch, merged, output, submittedJob, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world } = useOpenAiWorld();

beforeEach(async () => {
  world.environment.TERM = 'xterm';
});

test('removes all that there is of a batch, and leaves the output and the cache', async () => {
  const id = await world.submit();
  await world.loom('fetch', '--keep');
  const cached = await world.listState('cache');
  expect(cached).toHaveLength(2);
  // The output is written: there is nothing to ask.
  expect(await world.loom('forget', '--id', id)).toEqual({
    code: 0,
    stdout: `Forgotten. id=${id} batches=1\n`,
    stderr: '',
  });
  expect(await world.listState()).toEqual(cached);
  expect(await world.read(output)).toBe(merged);
  expect((await world.loom('list')).stdout).toBe('No batches stored under ~/.loom/batches/.\n');
});

test('removes requests, results and the input from stdin of a job that is not done', async () => {
  world.openai.onCreate = (batch) => {
    batch.status = world.openai.batches.length === 1 ? 'completed' : 'in_progress';
  };
  const args = ['-f', '-', '--format', 'csv', '-c', 'text', '-p', 'openai', '-m', 'm'];
  const rows = 'id,text\n1,Hello\n2,World\n';
  const run = await world.pipe(rows, 'run', ...args, '--output', 'out.csv', '--batch-size', '1');
  const jobId = submittedJob(run);
  await world.loom('fetch');
  const before = (await world.listLeft()).map((name) => name.split('/')[0]);
  for (const folder of ['batches', 'jobs', 'requests', 'inputs', 'results']) expect(before).toContain(folder);
  expect(await world.loom('forget', '--id', 'batch_002', '--yes')).toEqual({
    code: 0,
    stdout: `Forgotten. id=${jobId} batches=2\n`,
    stderr: '',
  });
  expect(await world.listLeft()).toEqual([]);
});

test('takes several ids, and two parts of a job for that job', async () => {
  world.openai.onCreate = (batch) => {
    batch.status = 'in_progress';
  };
  const one = await world.submit('-f', 'data.csv', '-c', 'text', '--no-cache');
  await world.run('--batch-size', '1');
  const ended = await world.loom('forget', '-y', '--id', `${one},batch_002`, '--id', 'batch_003');
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/^Forgotten\. id=batch_001 batches=1\nForgotten\. id=job_\w+ batches=2\n$/);
  expect(await world.listLeft()).toEqual([]);
});

describe('where answers would be lost', () => {
  test('nothing is forgotten without a terminal, and --yes does it', async () => {
    const failed = await world.submitAs('failed');
    await world.loom('fetch');
    const pending = await world.submitAs('in_progress');
    const left = await world.listLeft();
    const refused = await world.loom('forget', '--id', failed, pending, '--output-format', 'json');
    expect(refused.code).toBe(1);
    const document = JSON.parse(refused.stdout);
    expect(forgetDocumentSchema.parse(document)).toEqual(document);
    expect(document).toEqual({
      command: 'forget',
      exit_code: 1,
      error: {
        kind: 'state',
        code: null,
        message: `nothing was forgotten: the answers of ${pending} (validating) would be lost, and there is no terminal to ask on.`,
        hint: 'Pass --yes to forget them all the same.',
      },
      forgotten: [],
      uploads_left: [],
      errors: [],
    });
    expect(await world.listLeft()).toEqual(left);
    const forgotten = await world.loom('forget', '--id', failed, pending, '-y', '--output-format', 'json');
    expect(JSON.parse(forgotten.stdout)).toMatchObject({ exit_code: 0, forgotten: [failed, pending] });
    expect(await world.listLeft()).toEqual([]);
  });

  test.each([
    ['n', ''],
    ['y', 'No batches stored'],
  ])('it is asked about at a terminal: %s', async (typed, listed) => {
    const id = await world.submitAs('in_progress');
    const shown = await atTerminalHere(world, ['forget', '--id', id], { typed: `${typed}\r` });
    expect(shown.text).toContain(`Forget ${id} (validating)? Answers that are not written yet are lost;`);
    expect(shown.code).toBe(0);
    expect((await world.loom('list')).stdout).toContain(listed || id);
  });

  test('a batch that failed gave none: it is forgotten at once', async () => {
    const id = await world.submitAs('failed');
    await world.loom('fetch');
    expect(await world.loom('forget', '--id', id)).toMatchObject({ code: 0, stderr: '' });
    expect(await world.listLeft()).toEqual([]);
  });
});

test('--status forgets the jobs of which every part has that status', async () => {
  const failed = await world.submitAs('failed');
  await world.loom('fetch');
  const pending = await world.submitAs('in_progress');
  expect(await world.loom('forget', '--status', 'failed,completed')).toEqual({
    code: 0,
    stdout: `Forgotten. id=${failed} batches=1\n`,
    stderr: '',
  });
  expect((await world.loom('list')).stdout).toContain(pending);
  expect(await world.loom('forget', '--status', 'failed')).toEqual({
    code: 0,
    stdout: '',
    stderr: 'There is no job that is failed.\n',
  });
});

test('a forget that was cut off is finished by the same command', async () => {
  const id = await world.submitAs('in_progress');
  // As far as it comes before it removes the job.
  await rm(world.statePath(`batches/openai_${id}.json`));
  await world.changeState('jobs', (job) => Object.assign(job, { state: 'forgotten' }));
  expect(await world.loom('forget', '--id', id)).toEqual({
    code: 0,
    stdout: `Forgotten. id=${id} batches=0\n`,
    stderr: '',
  });
  expect(await world.listLeft()).toEqual([]);
});

test('a forget that was cut off leaves nothing that a later fetch sends', async () => {
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,Again\n');
  const jobId = await world.submitParts(2);
  // No file can be removed there: the command ends in the middle.
  const inTheWay = world.statePath('results/openai_batch_002.jsonl');
  await mkdir(inTheWay, { recursive: true });
  expect((await world.loom('forget', '--id', jobId, '--yes')).code).toBe(1);
  await rm(inTheWay, { recursive: true });

  world.takeRequests();
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: expect.stringContaining('No pending') });
  expect(world.takeRequests()).toEqual([]);
  expect(await world.loom('forget', '--id', jobId)).toMatchObject({ stderr: expect.any(String) });
  expect(await world.listLeft()).toEqual([]);
});

test('a job that another process works on stays', async () => {
  const id = await world.submitAs('in_progress');
  lastBatch(world.openai).status = 'completed';
  let answer = (): void => {};
  const asked = new Promise<void>((resolve) => {
    world.openai.override = async (request) => {
      resolve();
      await new Promise<void>((go) => {
        answer = go;
      });
      world.openai.override = () => undefined;
      return world.openai.answer(request);
    };
  });
  const fetching = world.loom('fetch');
  await asked;
  const ended = await world.loom('forget', '--id', id, '--yes');
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toBe(
    `Error: another process is working on ${id}; it was not forgotten. Try again later.\n`,
  );
  const asJson = await world.loom('forget', '--id', id, '--yes', '--output-format', 'json');
  expect(forgetDocumentSchema.parse(JSON.parse(asJson.stdout))).toMatchObject({
    exit_code: 1,
    forgotten: [],
    errors: [{ id, kind: 'state', hint: 'Try again later.' }],
  });
  answer();
  expect((await fetching).code).toBe(0);
  expect(await world.read(output)).toBe(merged);
});

test.each([
  [['--id', 'batch_nowhere'], 1, 'no stored batch found for id=batch_nowhere. See loom list'],
  [[], 2, 'nothing says what to forget. Name batches with --id, or all of a --status.'],
  [['--id', 'a', '--status', 'failed'], 2, 'cannot be used with'],
])('%j is an error', async (flags, code, message) => {
  const ended = await world.loom('forget', ...flags);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toContain(message);
});
