/** Tells whether a file was written or replaced while it was read: what was read of it may be of two files then. */
import { stat } from 'node:fs/promises';
import { LoomError } from '../errors.ts';

export interface InputWatch {
  /** LoomError `input` when the file is not the one of the start any more, by its place on the disk, size and times. */
  ensureUnchanged(): Promise<void>;
}

/** Begins to watch. A file that is not there is left to whoever reads it. */
export async function watchInput(path: string): Promise<InputWatch> {
  const atStart = await observe(path);
  return {
    async ensureUnchanged() {
      if (atStart === undefined || (await observe(path)) === atStart) return;
      throw new LoomError('input', `the input ${path} was written to while it was read.`, {
        hint: 'Run the same command again when nobody writes it; what was answered is kept.',
      });
    },
  };
}

async function observe(path: string): Promise<string | undefined> {
  const file = await stat(path, { bigint: true }).catch(() => undefined);
  return file && [file.dev, file.ino, file.size, file.mtimeNs].join();
}
