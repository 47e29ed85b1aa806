/** The story of `loom export`: the requests of a run as a file in the provider's form, for somebody else to answer. */
import { createReadStream } from 'node:fs';
import { ensurePlaces } from '../../../cache/cache.ts';
import { LoomError } from '../../../core/errors.ts';
import { requestFilePath } from '../../../state/job-files.ts';
import { diskFailure, isDiskError } from '../../../storage/files.ts';
import { type Placing, writeOutputFile } from '../../../storage/output-file.ts';
import type { BatchRun } from '../parts/plan-batches.ts';
import { planUnsent } from './plan-unsent.ts';

export interface ExportedRequests {
  readonly path: string;
  /** Rows with equal prompts share one. */
  readonly requests: number;
  readonly bytes: number;
  readonly rows: number;
  readonly blankRows: number;
  /** Rows that have their answer in the cache: they are not asked for. */
  readonly cachedRows: number;
  /** Whether results can be merged that the provider gives of them. */
  readonly isImportable: boolean;
}

/** Checks the whole input first. Nothing is sent, and nothing is kept here of it. LoomError `state` where all is answered. */
export function exportRequests(run: BatchRun, path: string, placing: Placing): Promise<ExportedRequests> {
  const { home, order } = run;
  ensurePlaces(home, order.useCache);
  return planUnsent(run, async ({ job, provider, home: held }) => {
    const [part] = job.parts;
    if (!part) throw allAnswered(order.dataset.path);
    try {
      await writeOutputFile(path, createReadStream(requestFilePath(held, job.job_id, part)), { placing });
    } catch (error) {
      throw isDiskError(error) ? cannotWrite(path, error) : error;
    }
    const { rows, blank_rows: blankRows = 0, cached_rows: cachedRows } = job;
    const { requests, bytes } = part;
    const isImportable = provider.decode !== undefined;
    return { path, requests, bytes, rows: rows ?? 0, blankRows, cachedRows, isImportable };
  });
}

function allAnswered(path: string): LoomError {
  return new LoomError('state', `every row of ${path} has its answer in the cache.`, {
    code: 'requests_answered',
    facts: { path },
    hint: 'A run writes the output at once. To ask for all of them all the same, set cache to false.',
  });
}

function cannotWrite(path: string, cause: unknown): LoomError {
  return diskFailure('output', `write the requests ${path}`, cause, {
    hint: 'Make room, or choose another output.',
  });
}
