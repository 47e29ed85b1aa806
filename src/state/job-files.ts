/** The files that a job keeps beside its own: requests, ids, and answers from the cache. */

import { join } from 'node:path';
import { type LoomHome, removeHeld } from '../storage/home.ts';
import type { JobPart } from './jobs.ts';

/** What the files of a part are named by. */
type PartFiles = Pick<JobPart, 'part' | 'files'>;

/** A number that names no files of these parts yet. */
export function nextFiles(parts: readonly PartFiles[]): number {
  return Math.max(...parts.flatMap(({ part: number, files = number }) => [number, files])) + 1;
}

/** The encoded requests of a part, framed as the provider wants them. */
export function requestFilePath(home: LoomHome, jobId: string, { part, files = part }: PartFiles): string {
  return join(home.requests, `${jobId}_${files}.jsonl`);
}

/** The lines of a part's id map, as JSON text for its record. */
export function idMapPath(home: LoomHome, jobId: string, { part, files = part }: PartFiles): string {
  return join(home.requests, `${jobId}_${files}.ids`);
}

/** Removes what `createPartWriter` wrote for a part. */
export async function removeRequestFiles(home: LoomHome, jobId: string, part: PartFiles): Promise<void> {
  await removeHeld(home, requestFilePath(home, jobId, part));
  await removeHeld(home, idMapPath(home, jobId, part));
}

/** Among the results: those that were made elsewhere, of a job that was never sent from here. */
export function importedResultsName(jobId: string): string {
  return `${jobId}_imported.jsonl`;
}

/** Among the results: by what digests the files were known that a job's rows attach. */
export function attachedFilesName(jobId: string): string {
  return `${jobId}_files.json`;
}

/** Among the results: the answers that a job found in the cache when it was planned. */
export function cachedAnswersName(jobId: string): string {
  return `${jobId}_cached.jsonl`;
}
