/** Removes the history of outputs that are gone. */
import { stat, utimes } from 'node:fs/promises';
import { basename } from 'node:path';
import { likelyNames, listOwnPaths } from '../../core/own-names.ts';
import { readEntry } from '../../state/history.ts';
import { isFile, removeFile } from '../../storage/files.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { Store } from '../../storage/store.ts';

/** An output may be on a disk that is away for a while; an entry is read once in so long. */
const entryLifeMs = 30 * 24 * 60 * 60_000;

/** What can't be swept stays, and so does what is no entry: no command fails by it. */
export async function sweepHistory({ history }: LoomHome): Promise<void> {
  for (const path of listOwnPaths(history.locate(''), likelyNames.historyEntry))
    await sweepEntry(history, path).catch(() => {});
}

async function sweepEntry(history: Store, path: string): Promise<void> {
  if (Date.now() - (await stat(path)).mtimeMs < entryLifeMs) return;
  const entry = await readEntry(history, basename(path));
  if (entry && !(await isFile(entry.output_path))) await removeFile(path);
  else await utimes(path, new Date(), new Date());
}
