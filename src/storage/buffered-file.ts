/** A new file that is written once, from start to end, in large pieces. */
import { open } from 'node:fs/promises';
import type { LoomError } from '../core/errors.ts';
import { diskFailure, removeFile } from './files.ts';

/** `write` keeps what it gets until `drain` says to wait for the disk. Errors are LoomError `state` and name the file. */
export interface BufferedFile {
  write(text: string): void;
  drain(): Promise<void> | undefined;
  /** Writes the rest, durable when it returns. */
  close(): Promise<void>;
  abandon(): Promise<void>;
}

const bufferLength = 256 * 1024;

/** In the place of one that a killed try left, and through no link. Readable by the owner only, if no other mode is asked for. */
export async function openBufferedFile(path: string, mode = 0o600): Promise<BufferedFile> {
  await removeFile(path);
  const file = await open(path, 'wx', mode).catch((error: unknown) => {
    throw describeWriteError(path, error);
  });
  let texts: string[] = [];
  let length = 0;

  async function flush(): Promise<void> {
    const text = texts.join('');
    texts = [];
    length = 0;
    await file.appendFile(text).catch((error: unknown) => {
      throw describeWriteError(path, error);
    });
  }

  return {
    write(text) {
      texts.push(text);
      length += text.length;
    },
    drain: () => (length < bufferLength ? undefined : flush()),
    async close() {
      await flush();
      await file.sync();
      await file.close();
    },
    abandon: () => file.close().catch(() => {}),
  };
}

function describeWriteError(path: string, error: unknown): LoomError {
  return diskFailure('state', `write ${path}`, error, {
    hint: 'Free some space, or make the folder writable.',
  });
}
