/** Finds the output that a person means, by its path or by the batch that it came from, and what is known of it. */
import { resolve } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import { findHistory, type HistoryEntry, loadHistory } from '../../state/history.ts';
import { hasId, isWritten, loadState } from '../../state/stored-jobs.ts';
import { isFile } from '../../storage/files.ts';
import type { LoomHome } from '../../storage/home.ts';

export interface FoundOutput {
  /** Absolute. */
  readonly path: string;
  /** Undefined where nothing is known, or the file has changed since it was written. */
  readonly history: HistoryEntry | undefined;
}

/** `target` is a path, or the id of a batch or job. LoomError `state` or `input` where there is no output. */
export async function findOutput(
  homes: readonly LoomHome[],
  target: string,
  workingFolder: string,
): Promise<FoundOutput> {
  const path = resolve(workingFolder, target);
  if (await isFile(path)) return describeFound(homes, path);
  const written = (await findWritten(homes, target)) ?? (await findRecorded(homes, target, workingFolder));
  if (written === undefined) {
    throw new LoomError(
      'input',
      `there is no file ${path}, and no output of a batch of that name is known.`,
      {
        hint: 'Give the path of an output, or the id of a batch that was fetched.',
      },
    );
  }
  if (await isFile(written)) return describeFound(homes, written);
  throw new LoomError('input', `the output of ${target}, ${written}, is gone.`, {
    hint: 'If it was moved, give its path.',
  });
}

async function describeFound(homes: readonly LoomHome[], path: string): Promise<FoundOutput> {
  for (const home of homes) {
    const history = await loadHistory(home.history, path);
    if (history) return { path, history };
  }
  return { path, history: undefined };
}

async function findWritten(homes: readonly LoomHome[], id: string): Promise<string | undefined> {
  for (const home of homes) {
    const entry = await findHistory(home.history, id);
    if (entry) return entry.output_path;
  }
  return undefined;
}

/** The output of a batch whose record is still there; LoomError `state` before it is fetched. */
async function findRecorded(
  homes: readonly LoomHome[],
  id: string,
  workingFolder: string,
): Promise<string | undefined> {
  for (const home of homes) {
    const { jobs } = await loadState(home);
    const stored = jobs.find((candidate) => hasId(candidate, id));
    if (!stored) continue;
    const output = stored.job.output_path;
    if (isWritten(stored) && output) return resolve(workingFolder, output);
    throw new LoomError('state', `${id} has no output yet.`, {
      code: 'output_pending',
      facts: { id, sandbox: home.isSandbox },
      hint: 'Fetch it first.',
    });
  }
  return undefined;
}
