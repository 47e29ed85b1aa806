/** What a server says that is odd, late or from memory costs no row, and nothing is paid for twice. */
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { openDoubt, otherOrder } from '../worlds/doubt.ts';
import { type Received, type Response, refusal } from '../worlds/http-server.ts';
import { lastBatch, merged, output, useOpenAiWorld } from '../worlds/openai-world.ts';
import { createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const { world } = useOpenAiWorld();

const isCreation = ({ method, path }: Received) => method === 'POST' && path.endsWith('/batches');
const isListing = ({ method, path }: Received) => method === 'GET' && path.endsWith('/batches');
/** Changes the only job file. */
const changeJob = (change: (job: { parts: Record<string, unknown>[] }) => unknown) =>
  world.changeState('jobs', change);

test("a creation that is answered with another part's id is looked for, and takes nobody's record", async () => {
  world.openai.override = (request) => {
    if (!isCreation(request)) return undefined;
    const { body } = world.openai.answer(request);
    return { body: { ...(body as object), id: 'batch_001' } };
  };
  const ended = await world.run('--batch-size', '1');
  expect(ended.stdout).toMatch(/^Batch submitted\. id=batch_001 .*\nBatch submitted\. id=batch_002 /);
  expect(await world.listState('batches')).toEqual([
    'batches/openai_batch_001.json',
    'batches/openai_batch_002.json',
  ]);
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '2 rows: 2 answered\n' });
  expect(await world.read(output)).toBe(merged);
  expect(world.openai.batches).toHaveLength(2);
});

test('a batch whose record is out of sight is not adopted beside its job', async () => {
  const id = await world.submitAs('in_progress');
  await rm(world.statePath('batches'), { recursive: true });
  const flags = ['-p', 'openai', '-m', 'm', '-f', 'data.csv', '-c', 'text'];
  expect(await world.loom('adopt', '--id', id, ...flags)).toEqual({
    code: 1,
    stdout: '',
    stderr: `Error: the batch ${id} belongs to a job already. Run loom fetch; loom forget --id ${id} drops the job.\n`,
  });
  expect(await world.listState('jobs')).toHaveLength(1);
});

test('a batch that two adopt at the same moment gets one job', async () => {
  const id = await world.submitAs('in_progress');
  await world.loom('forget', '--id', id, '--yes');
  const adopt = () =>
    world.loom('adopt', '--id', id, '-p', 'openai', '-m', 'm', '-f', 'data.csv', '-c', 'text');
  const ended = await Promise.all([adopt(), adopt()]);
  expect(ended.filter(({ code }) => code === 0)).toHaveLength(1);
  expect(ended.find(({ code }) => code === 1)?.stderr).toBe(
    `Error: the batch ${id} has a record already. Run loom fetch.\n`,
  );
  expect(await world.listState('jobs')).toHaveLength(1);
});

test('a job file that is older than its records sends nothing again', async () => {
  const id = await world.submitAs('in_progress');
  await changeJob(({ parts: [part] }) => {
    Object.assign(part as object, { state: 'planned', batch_id: undefined, submitting_since: undefined });
  });
  expect((await world.loom('fetch')).stdout).toContain(`Batch submitted. id=${id} provider=openai\n`);
  expect(world.openai.batches).toHaveLength(1);
  lastBatch(world.openai).status = 'completed';
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
});

test('nor does one that is older than the try after a full queue gave its batch back', async () => {
  world.openai.onCreate = (batch) => {
    batch.status = world.openai.batches.length === 1 ? 'failed' : 'in_progress';
    batch.errors = [{ code: 'token_limit_exceeded', message: 'The queue is full.' }];
  };
  await world.run();
  let planned: object = {};
  await changeJob(({ parts: [part] }) => {
    planned = { ...(part as object), state: 'planned', batch_id: undefined, submitting_since: undefined };
  });
  for (let turn = 0; turn < 2; turn += 1) await world.loom('fetch');
  expect(world.openai.batches).toHaveLength(2);
  const { id } = lastBatch(world.openai);
  await changeJob((job) => Object.assign(job, { parts: [planned] }));
  expect((await world.loom('fetch')).stdout).toContain(`Batch submitted. id=${id} provider=openai\n`);
  expect(world.openai.batches).toHaveLength(2);
  lastBatch(world.openai).status = 'completed';
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
});

describe('an upload that is gone when its part is sent', () => {
  /** A part that waits, with its upload. */
  async function queuePart(): Promise<void> {
    world.openai.override = (request) =>
      isCreation(request) ? refusal(429, 'Slow down.', {}, { 'retry-after': '100000' }) : undefined;
    expect((await world.run()).code).toBe(0);
  }

  test.each([400, 403, 404])('is made anew where the creation is refused with %i', async (status) => {
    await queuePart();
    world.openai.override = (request) =>
      isCreation(request) && request.body.includes('"file-upload1"')
        ? refusal(status, 'No such File object: file-upload1')
        : undefined;
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '2 rows: 2 answered\n' });
    expect(world.openai.deletedFiles).toEqual(['file-upload1', 'file-upload2']);
    expect(world.openai.batches).toHaveLength(1);
  });

  test('is made anew once, and a refusal that stays is told', async () => {
    await queuePart();
    world.takeRequests();
    world.openai.override = (request) => (isCreation(request) ? refusal(400, 'No.') : undefined);
    expect((await world.loom('fetch')).stderr).toMatch(/^Error: batch job_\w+: OpenAI: No\.\n$/);
    const calls = world.takeRequests();
    expect(calls.filter((call) => call === 'POST /v1/files')).toHaveLength(1);
    expect(calls.filter((call) => call === 'POST /v1/batches')).toHaveLength(2);
  });
});

test('of a request file that is not whole nothing is sent, and the way out is named', async () => {
  world.openai.override = ({ method, path, body }) =>
    method === 'POST' && path.endsWith('/files') && body.includes('World') ? refusal(400, 'No.') : undefined;
  await world.run('--batch-size', '1');
  world.openai.override = () => undefined;
  const file = (await world.listState('requests')).find((name) => name.endsWith('_2.jsonl')) ?? '';
  const text = await world.readState(file);
  await world.writeState(file, text.slice(0, 20));
  const id = /job_\w+(?=_2)/.exec(file)?.[0];
  const ended = await world.loom('fetch');
  expect(ended.code).toBe(1);
  expect(ended.stderr).toBe(
    `Error: batch ${id}: the request file ${world.statePath(file)} is damaged: it has 20 bytes, and ${Buffer.byteLength(text)} were written. Nothing of it is sent. End the job with loom cancel --id ${id}, then submit the input again with loom run.\n`,
  );
  expect(world.openai.batches).toHaveLength(1);
  expect((await world.loom('cancel', '--id', `${id}`, '--yes')).code).toBe(0);
  expect((await world.run()).stdout).toContain('Batch submitted. id=batch_002 ');
  expect(lastBatch(world.openai).lines).toHaveLength(1);
});

describe('what a job gave before it was cancelled is not asked for again', () => {
  /** Two parts; the first is in, and what became of the second is the test's. */
  async function downloadFirst(second: (request: Received) => Response | undefined): Promise<string> {
    let creations = 0;
    world.openai.override = (request) => {
      if (isListing(request)) return refusal(403, 'No.');
      return isCreation(request) && ++creations > 1 ? second(request) : undefined;
    };
    await world.run('--batch-size', '1');
    await world.loom('fetch');
    expect((await world.listState('results')).length).toBe(1);
    return /job_\w+(?=\.json)/.exec((await world.listState('jobs'))[0] ?? '')?.[0] ?? '';
  }

  async function expectOnlySecondSent(): Promise<void> {
    world.openai.override = () => undefined;
    expect((await world.run()).stdout).toContain('Batch submitted.');
    expect(lastBatch(world.openai).lines.map(({ custom_id }) => custom_id.slice(0, 5))).toEqual(['row-1']);
  }

  test('by a cancel that drops the rest', async () => {
    const id = await downloadFirst(() => refusal(429, 'Slow down.', {}, { 'retry-after': '100000' }));
    expect((await world.loom('cancel', '--id', id, '--yes')).code).toBe(0);
    await expectOnlySecondSent();
  });

  test('by a fetch that finds the rest is not there', async () => {
    const id = await downloadFirst(() => ({ status: 502, body: 'Bad gateway' }));
    expect((await world.loom('cancel', '--id', id, '--yes')).code).toBe(1);
    world.openai.override = () => undefined;
    await world.loom('fetch');
    await expectOnlySecondSent();
  });

  test('by a fetch of a cancelled job whose last part comes back from the queue', async () => {
    const id = await downloadFirst((request) => {
      const usual = world.openai.answer(request);
      lastBatch(world.openai).status = 'in_progress';
      return usual;
    });
    await world.loom('cancel', '--id', id, '--yes');
    Object.assign(lastBatch(world.openai), {
      status: 'failed',
      output: undefined,
      errors: [{ code: 'token_limit_exceeded', message: 'Full.' }],
    });
    await world.loom('fetch');
    await expectOnlySecondSent();
  });
});

test.each([
  ['cut in a line', -5],
  ['cut at a line', -1],
  ['empty', Number.NEGATIVE_INFINITY],
])('an id map that is %s is made anew from the input', async (_, end) => {
  const id = await world.submit();
  const [file = ''] = (await world.listState('requests')).filter((name) => name.endsWith('.ids'));
  const lines = await world.readState(file);
  const cut = end === -1 ? lines.slice(0, lines.lastIndexOf(',')) : lines.slice(0, end === -5 ? -5 : 0);
  await world.writeState(file, cut);
  await rm(world.statePath('batches'), { recursive: true });
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
  expect(await world.read(output)).toBe(merged);
});

describe('results that are cut on their way', () => {
  /** The first downloads end after their first line. */
  function cutDownloads(times: number, endedAt: number): void {
    let left = times;
    world.openai.override = (request) => {
      const usual = world.openai.answer(request);
      if (request.path.endsWith('/content') && left-- > 0)
        return { body: `${String(usual.body).split('\n')[0]}\n` };
      const isBatch = request.method === 'GET' && /\/batches\/\w+$/.test(request.path);
      return isBatch
        ? { body: { ...(usual.body as object), completed_at: Math.floor(endedAt / 1000) } }
        : usual;
    };
  }
  const daysAgo = Date.now() - 3 * 24 * 3_600_000;

  test('are asked for once more before the rows that they lack are given up', async () => {
    await world.submit();
    cutDownloads(1, daysAgo);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '2 rows: 2 answered\n' });
    expect(await world.read(output)).toBe(merged);
  });

  test('are waited for from the real end of a batch that seemed to have ended before', async () => {
    const id = await world.submit();
    cutDownloads(9, Date.now());
    expect(await world.loom('fetch')).toMatchObject({ code: 1 });
    expect((await world.readRecord(id)).ended_at).toMatch(/^\d{4}-/);
    world.openai.override = (request) => {
      const usual = world.openai.answer(request);
      return request.path.endsWith(id)
        ? { body: { ...(usual.body as object), status: 'in_progress' } }
        : usual;
    };
    await world.loom('fetch');
    expect((await world.readRecord(id)).ended_at).toBe(null);
  });

  test('also with --partial', async () => {
    await world.submit();
    cutDownloads(1, Date.now());
    expect(await world.loom('fetch', '--partial')).toMatchObject({ code: 0 });
    expect(await world.read(output)).toBe(merged);
  });

  test('are written as they are when they stay so', async () => {
    await world.submit();
    cutDownloads(9, daysAgo);
    expect(await world.loom('fetch')).toMatchObject({ code: 3 });
    expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,Answer to Hello\n2,World,\n');
  });
});

test('a batch that is under way again when its results are asked for is not written without them', async () => {
  const id = await world.submit();
  let looks = 0;
  world.openai.override = (request) => {
    if (request.method !== 'GET' || !request.path.endsWith(id) || ++looks !== 2) return undefined;
    const usual = world.openai.answer(request).body as object;
    return { body: { ...usual, status: 'finalizing', output_file_id: null } };
  };
  expect(await world.loom('fetch', '--partial')).toMatchObject({ code: 0, stdout: world.completion(id) });
  expect(await world.read(output)).toBe(merged);
});

describe('where batches are found by their time and size', () => {
  const world = useWorld(() => createSandboxWorld({ turnaroundMs: 60_000 }));

  test("another home's batch that is cancelled there ends no job of ours", async () => {
    const { mine, inOther } = await openDoubt(world);
    const theirs = submittedId(await inOther('run', ...otherOrder));
    expect((await world.loom('fetch')).stdout).toContain(`Batch submitted. id=${theirs} `);
    await inOther('cancel', '--id', theirs, '--yes');
    const ended = await fetchUntilDone(world);
    expect(ended.stderr).toMatch(
      new RegExp(
        `^Error: batch ${theirs}: the batch ${theirs} is not part 1 of job job_\\w+\\. The next loom fetch looks for the right one\\.\n$`,
      ),
    );
    const [jobFile = ''] = await world.listState('jobs');
    expect(JSON.parse(await world.readState(jobFile)).parts[0]).toMatchObject({
      state: 'submitting',
      mistaken_ids: [mine, theirs],
    });
  });

  test('a batch of another job whose record is out of sight is not taken', async () => {
    const { jobId } = await openDoubt(world);
    const other = submittedId(await world.loom('run', ...otherOrder));
    await rm(world.statePath('batches'), { recursive: true });
    expect((await world.loom('fetch', '--id', jobId)).stdout).not.toContain(`id=${other} `);
  });
});
