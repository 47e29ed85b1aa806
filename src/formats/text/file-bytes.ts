/** A file's bytes in order, unpacked when it is gzip, with a clear error for every file that can't be read. */
import { type Stats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { LoomError } from '../../core/errors.ts';
import { describeOddFile } from '../../storage/plain-file.ts';
import type { ReadOptions } from '../format.ts';
import { isPointer, recognizeBytes, type StrangeFile } from './file-start.ts';

const defaultChunkBytes = 128 * 1024;

/** The file's content as chunks. `onBytes` sees what lies on disk, before it is unpacked. */
export function readFileBytes(path: string, gzip: boolean, options: ReadOptions): AsyncGenerator<Buffer> {
  const packed = readRawBytes(path, options);
  return gzip ? gunzip(path, packed) : packed;
}

async function* readRawBytes(path: string, options: ReadOptions): AsyncGenerator<Buffer> {
  const chunkBytes = options.chunkBytes ?? defaultChunkBytes;
  const handle = await openFile(path);
  try {
    let ahead = readChunk(handle, chunkBytes, path);
    for (;;) {
      const chunk = await ahead;
      if (chunk.length === 0) return;
      // Read on while this chunk is parsed. A failure counts when its turn comes, or never if the reader stops.
      ahead = readChunk(handle, chunkBytes, path);
      ahead.catch(() => {});
      options.onBytes?.(chunk);
      yield chunk;
    }
  } finally {
    await handle.close();
  }
}

/** LoomError `input` says why there is nothing to read. */
export async function openFile(path: string): Promise<FileHandle> {
  try {
    refuseOddFile(path, await stat(path));
    return await open(path);
  } catch (error) {
    throw error instanceof LoomError ? error : unreadableError(path, error);
  }
}

async function readChunk(handle: FileHandle, chunkBytes: number, path: string): Promise<Buffer> {
  try {
    // Never from the shared pool: a small slice that is kept would hold on to its neighbours.
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(chunkBytes), 0, chunkBytes);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw unreadableError(path, error);
  }
}

/** So many bytes from this place; LoomError `input` when the file has become shorter. */
export async function readAt(
  handle: FileHandle,
  start: number,
  length: number,
  path: string,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle
      .read(bytes, done, length - done, start + done)
      .catch((error: unknown) => {
        throw unreadableError(path, error);
      });
    if (bytesRead === 0) {
      throw new LoomError('input', `${path}: the file has become shorter while it was read.`, {
        hint: 'Run again when nobody writes to it.',
      });
    }
    done += bytesRead;
  }
  return bytes;
}

/**
 * LoomError `input` for what is there and is no regular file: ahead of all else that is wrong with its name, and before
 * it is opened. A pipe would hold up who opens it, and can be read only once.
 */
export function checkInputFile(path: string): void {
  let file: Stats;
  try {
    file = statSync(path);
  } catch {
    // Whoever reads it says why it can't be.
    return;
  }
  if (!file.isDirectory()) refuseOddFile(path, file);
}

/** Opening a folder succeeds on some systems, and fails with a misleading code on others. */
function refuseOddFile(path: string, file: Stats): void {
  if (file.isDirectory()) {
    throw new LoomError('input', `${path}: this is a folder, not a file.`, {
      code: 'input_is_folder',
      facts: { path },
      hint: 'Pass the file itself.',
    });
  }
  const reason = describeOddFile(file);
  if (reason === undefined) return;
  throw new LoomError('input', `${path}: ${reason}.`, {
    code: 'input_not_a_file',
    facts: { path },
    hint: 'An input is read several times: write the rows into a file.',
  });
}

export function strangeFileError(path: string, { problem, hint }: StrangeFile): LoomError {
  return new LoomError('input', `${path}: ${problem}.`, { hint });
}

function unreadableError(path: string, cause: unknown): LoomError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new LoomError('input', `${path}: no such file.`, {
      code: 'input_missing',
      facts: { path },
      hint: 'Check the path of the file.',
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new LoomError('input', `${path}: no permission to read this file.`, {
      hint: 'Make it readable for your user and run again.',
      cause,
    });
  }
  return new LoomError('input', `${path}: the file could not be read (${code ?? String(cause)}).`, {
    hint: 'Check the disk or the network drive it lies on and run again.',
    cause,
  });
}

async function* gunzip(path: string, packed: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const unpacker = createGunzip({ chunkSize: defaultChunkBytes });
  const pump = startPump(path, packed, unpacker);
  try {
    for await (const chunk of unpacker) yield chunk as Buffer;
    // Zeros may pad a gzip file; they are read to their end too, so that `onBytes` always sees the whole file.
    await pump.finished;
  } catch (error) {
    throw isGzipFailure(error) ? gzipError(path, error) : error;
  } finally {
    pump.stop();
    unpacker.destroy();
    await pump.finished;
  }
}

/** Feeds the unpacker at its own pace. `finished` never fails: a failure reaches the reader of the unpacker. */
function startPump(
  path: string,
  packed: AsyncGenerator<Buffer>,
  unpacker: Gunzip,
): { finished: Promise<void>; stop(): void } {
  let stopped = false;
  let isFirst = true;
  async function feed(): Promise<void> {
    for await (const chunk of packed) {
      if (stopped) return;
      if (isFirst && isPointer(chunk)) throw strangeFileError(path, recognizeBytes(chunk) as StrangeFile);
      isFirst = false;
      if (!unpacker.destroyed && !unpacker.write(chunk)) await waitForRoom(unpacker);
    }
    unpacker.end();
  }
  return {
    finished: feed().catch((error: Error) => void unpacker.destroy(error)),
    stop: () => {
      stopped = true;
    },
  };
}

/** Until the unpacker takes more, or never will. */
function waitForRoom(unpacker: Gunzip): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      unpacker.off('drain', done).off('close', done);
      resolve();
    };
    if (unpacker.closed) resolve();
    else unpacker.on('drain', done).on('close', done);
  });
}

/** Anything else comes from the reading of the file. */
function isGzipFailure(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith('Z_');
}

function gzipError(path: string, cause: unknown): LoomError {
  return new LoomError('input', `${path}: this is not a whole gzip file (${(cause as Error).message}).`, {
    hint: 'Make or download it again; gzip -t tells whether it is whole.',
    cause,
  });
}
