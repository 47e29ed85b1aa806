/** What the stories do where a vendor can do less than most, or more: with a vendor over HTTP that is like no other. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Submission } from '../../../../src/orchestrator/batch/parts/job-reach.ts';
import { lookAtBatch } from '../../../../src/orchestrator/batch/parts/job-reach.ts';
import { planBatches } from '../../../../src/orchestrator/batch/parts/plan-batches.ts';
import { judgePart } from '../../../../src/orchestrator/batch/parts/queue-room.ts';
import { submitParts } from '../../../../src/orchestrator/batch/parts/submit-parts.ts';
import { createCallQueue } from '../../../../src/orchestrator/calls/retry.ts';
import { describeDataset } from '../../../../src/orchestrator/dataset/dataset.ts';
import { HomeBatches } from '../../../../src/state/home-batches.ts';
import { saveJob } from '../../../../src/state/jobs.ts';
import { loomHome } from '../../../../src/storage/home.ts';
import { openBatch } from '../../../providers/conformance.ts';
import { createElsewhere } from '../../../providers/openai/elsewhere.ts';
import { chatBatch } from '../../../providers/openai/wire.ts';
import {
  type Arrived,
  type ScriptedServer,
  startScriptedServer,
} from '../../../providers/scripted-server.ts';

let server: ScriptedServer;
let folder: string;
const { signal } = new AbortController();

beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loom-vendors-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A job of two rows, planned for this vendor. */
async function plan(): Promise<Submission> {
  const path = join(folder, 'input.json');
  await writeFile(path, '[{"prompt": "one"}, {"prompt": "two"}]');
  const home = loomHome({ variables: { LOOM_HOME: join(folder, 'home') }, workingFolder: folder });
  const order = {
    ...({ dataset: describeDataset(path, undefined), provider: 'openai', model: 'm' } as const),
    ...{ outputPath: join(folder, 'output.json'), columns: { groups: [] } },
    ...{ useCache: false, baseUrl: undefined, server: server.url, batchSize: undefined },
  };
  const provider = await openBatch(chatBatch(createElsewhere()), server.url);
  const { job } = await planBatches({
    ...{ home, jobId: 'job_20260101000000_abcdef', order, provider, signal },
    limits: provider.limits,
  });
  await saveJob(home, job);
  const calls = createCallQueue({ workers: 1, signal });
  return { home, job, known: new HomeBatches(home), provider, calls, signal, callSignal: signal };
}

/** Serves uploads, and each creation with the next of these. */
function serve(...creations: ('reset' | string)[]): void {
  server.play(({ path }) => {
    if (path !== '/api/batches') return { body: { id: 'file-1' } };
    const next = creations.shift();
    return next === 'reset' ? { fault: 'reset' } : { body: { id: next } };
  });
}

const creations = (arrived: readonly Arrived[]) =>
  arrived.filter(({ path }) => path !== '/api/files').map(({ method, body }) => [method, JSON.parse(body)]);

test('a creation that is safe to repeat is repeated with its tag where it was cut off, and nothing is looked for', async () => {
  const submission = await plan();
  serve('reset', 'batch_1');
  expect(await submitParts(submission, () => {})).toBe('all_submitted');
  const creation = ['POST', expect.objectContaining({ idempotency_key: submission.job.parts[0]?.tag })];
  expect(creations(server.arrived)).toEqual([creation, creation]);
  expect(submission.job.parts).toMatchObject([{ state: 'submitted', batch_id: 'batch_1' }]);
});

test.each([false, true])(
  'so is one that an earlier command left, also of a job that was cancelled: %s',
  async (cancelled) => {
    const submission = await plan();
    const [part] = submission.job.parts;
    Object.assign(part ?? {}, { state: 'submitting', file_id: 'file-1' });
    Object.assign(submission.job, { cancelled });
    serve('batch_1');
    await submitParts(submission, () => {});
    expect(creations(server.arrived)).toEqual([
      ['POST', expect.objectContaining({ input_file_id: 'file-1' })],
    ]);
    expect(submission.job.parts).toMatchObject([{ state: 'submitted', batch_id: 'batch_1' }]);
  },
);

test('a part is not cut into halves of fewer requests than a batch must have', async () => {
  const { job, provider } = await plan();
  const part = {
    part: 1,
    state: 'planned',
    tag: 't',
    bytes: 1,
    queue: { reason: 'x', times: 1, is_too_large: true },
  } as const;
  const fates = [4, 3, 2].map((requests) => judgePart(job, { ...part, requests }, provider.limits));
  expect(fates).toEqual(['halve', 'refuse', 'refuse']);
});

test('a batch that the provider does not know yet is on its way, for as long as it may be new', async () => {
  const submission = await plan();
  server.play(() => ({ status: 404, body: { error: { message: 'No such batch.' } } }));
  const look = (ageMs: number) =>
    lookAtBatch(submission, { batch_id: 'b', created_at: new Date(Date.now() - ageMs).toISOString() });
  expect(await look(50_000)).toEqual({ status: 'validating', batchId: 'b', rawStatus: '', times: {} });
  await expect(look(61_000)).rejects.toMatchObject({ code: 'not_found' });
});
