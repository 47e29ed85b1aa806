/** Tells whether a file was written or replaced while it was read: what was read of it may be of two files then. */
import { stat } from 'node:fs/promises';
import { LoomError } from '../core/errors.ts';

export interface InputWatch {
  /** LoomError `input` when the file is not the one of the start any more, by its place on the disk, size and times. */
  ensureUnchanged(): Promise<void>;
  /** What is wrong with an input that was read: that it was written to meanwhile, if it was, and else what was found. */
  explain(error: unknown): Promise<unknown>;
}

/** Begins to watch. A file that is not there is left to whoever reads it. */
export async function watchInput(path: string): Promise<InputWatch> {
  const atStart = await observe(path);
  const hasChanged = async () => atStart !== undefined && (await observe(path)) !== atStart;
  const describeChange = () =>
    new LoomError('input', `the input ${path} was written to while it was read.`, {
      hint: 'Run the same again when nobody writes to it; what was answered is kept.',
    });
  return {
    async ensureUnchanged() {
      if (await hasChanged()) throw describeChange();
    },
    async explain(error) {
      const isAboutInput = error instanceof LoomError && error.kind === 'input';
      return isAboutInput && (await hasChanged()) ? describeChange() : error;
    },
  };
}

async function observe(path: string): Promise<string | undefined> {
  const file = await stat(path, { bigint: true }).catch(() => undefined);
  return file && [file.dev, file.ino, file.size, file.mtimeNs].join();
}
