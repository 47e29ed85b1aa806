/** Which of the provider's batches counts as that of a creation that was cut off, where no tag is kept. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findLeftBatch } from '../../../../src/orchestrator/batch/parts/find-batch.ts';
import type { Submission } from '../../../../src/orchestrator/batch/parts/job-reach.ts';
import type { JobPart } from '../../../../src/state/jobs.ts';
import { loomHome } from '../../../../src/storage/home.ts';

const createdAt = new Date(Date.now() - 3_600_000);
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'loom-find-'));
});
afterEach(() => rmSync(root, { recursive: true }));

it.each([
  ['the one that is listed', ['new'], 'new'],
  ['never one that the part had before', ['former'], undefined],
  ['the other one, where one that the part had before is listed too', ['former', 'new'], 'new'],
])('is %s', async (_, listed, found) => {
  const part: JobPart = {
    ...{ part: 1, requests: 2, bytes: 1, state: 'submitting', tag: 'loom-job_1-1.5' },
    submitting_since: createdAt.toISOString(),
    former_ids: ['former'],
  };
  const now = new Date();
  const submission = {
    home: loomHome({ variables: { LOOM_HOME: root }, workingFolder: root }),
    job: { job_id: 'job_1', provider: 'anthropic', parts: [part] },
    provider: {
      listCandidates: async () => ({ candidates: listed.map((batchId) => ({ batchId, createdAt })), now }),
    },
    calls: { run: (call: () => unknown) => call() },
    signal: new AbortController().signal,
  } as unknown as Submission;
  expect(await findLeftBatch(submission, part)).toBe(found);
});
