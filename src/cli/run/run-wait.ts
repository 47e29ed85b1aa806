/** `loom run --wait`: what `loom fetch --id … --wait` does for the job that was submitted just now. */
import type { FetchDocument, RunDocument } from '../../core/documents.ts';
import type { Job } from '../../state/jobs.ts';
import { nameJob } from '../../state/stored-jobs.ts';
import { documentFetch } from '../documents/fetch-document.ts';
import { describeFetch } from '../fetch/fetch-order.ts';
import { exitCodeOfFetch, waitAndTell } from '../fetch/wait.ts';
import type { CommandContext, RunOptions } from '../options/options.ts';
import type { Reach } from '../options/story-reach.ts';
import type { DocumentFields } from '../terminal/voice.ts';

/** A job whose output is to be written, and whether a file in the way may go. */
export interface AwaitedJob {
  readonly job: Job;
  readonly mayReplace: boolean;
}

export async function waitForJob(
  { job, mayReplace }: AwaitedJob,
  options: RunOptions,
  context: CommandContext,
  reach: Reach,
  document: DocumentFields<RunDocument>,
): Promise<number> {
  const fetchFlags = { id: nameJob(job), keep: false, force: mayReplace, partial: false };
  const order = { ...describeFetch(fetchFlags, reach, context), isOwnRun: true };
  const { batches, errors } = document;
  const fetched: DocumentFields<FetchDocument> = {
    command: 'fetch',
    batches,
    outputs: [],
    errors,
    damaged: [],
  };
  const listeners = documentFetch(fetched, reach.home);
  const summary = await waitAndTell(reach.home, order, { ...options, keep: false }, context, listeners);
  document.output = fetched.outputs[0] ?? null;
  return exitCodeOfFetch(summary);
}
