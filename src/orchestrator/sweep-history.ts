/** Removes the history of outputs that are gone. */
import { stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isFile, listJsonFiles, removeFile } from '../utils/files.ts';
import { readEntry } from '../utils/history.ts';
import type { LoomHome } from '../utils/home.ts';

/** An output may be on a disk that is away for a while; an entry is read once in so long. */
const entryLifeMs = 30 * 24 * 60 * 60_000;

/** What can't be swept stays: no command fails by it. */
export async function sweepHistory({ history }: LoomHome): Promise<void> {
  await sweepEntries(history).catch(() => {});
}

async function sweepEntries(history: string): Promise<void> {
  for (const name of (await listJsonFiles(history)) ?? []) {
    const path = join(history, name);
    const file = await stat(path).catch(() => undefined);
    if (!file || Date.now() - file.mtimeMs < entryLifeMs) continue;
    const entry = await readEntry(path);
    if (!entry || !(await isFile(entry.output_path))) await removeFile(path);
    else await utimes(path, new Date(), new Date());
  }
}
