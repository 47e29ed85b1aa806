/** A new file that is written once, from start to end, in large pieces. */
import { open } from 'node:fs/promises';
import type { LoomError } from '../core/errors.ts';
import { diskFailure, removeFile } from './files.ts';

/**
 * `write` keeps what it gets until `drain` says to wait for the disk, which writes one piece while the next one fills.
 * Errors are LoomError `state` and name the file.
 */
export interface BufferedFile {
  /** Texts as UTF-8; of bytes it takes a copy. */
  write(content: string | Buffer): void;
  drain(): Promise<void> | undefined;
  /** Writes the rest, durable when it returns. */
  close(): Promise<void>;
  abandon(): Promise<void>;
}

const pieceBytes = 256 * 1024;
/** So much goes into a piece behind what makes it full, before it has to grow. */
const slackBytes = 32 * 1024;
/** The most bytes that one UTF-16 unit takes as UTF-8. */
const bytesPerUnit = 3;

/** In the place of one that a killed try left, and through no link. Readable by the owner only, if no other mode is asked for. */
export async function openBufferedFile(path: string, mode = 0o600): Promise<BufferedFile> {
  await removeFile(path);
  const file = await open(path, 'wx', mode).catch((error: unknown) => {
    throw describeWriteError(path, error);
  });
  let piece: Buffer = Buffer.allocUnsafeSlow(0);
  let length = 0;
  /** Written out, to be filled again. */
  let spare: Buffer | undefined;
  let writing = Promise.resolve();

  function makeRoom(bytes: number): void {
    if (length + bytes <= piece.length) return;
    const larger = Buffer.allocUnsafeSlow(
      Math.max(pieceBytes + slackBytes, piece.length * 2, length + bytes),
    );
    piece.copy(larger, 0, 0, length);
    piece = larger;
  }

  async function writeOut(full: Buffer, end: number): Promise<void> {
    await file.appendFile(full.subarray(0, end)).catch((error: unknown) => {
      throw describeWriteError(path, error);
    });
    if (full.length === pieceBytes + slackBytes) spare = full;
  }

  async function flush(): Promise<void> {
    await writing;
    writing = writeOut(piece, length);
    // A failure counts when its turn comes.
    writing.catch(() => {});
    piece = spare ?? Buffer.allocUnsafeSlow(0);
    spare = undefined;
    length = 0;
  }

  return {
    write(content) {
      makeRoom(typeof content === 'string' ? content.length * bytesPerUnit : content.length);
      length += typeof content === 'string' ? piece.write(content, length) : content.copy(piece, length);
    },
    drain: () => (length < pieceBytes ? undefined : flush()),
    async close() {
      await flush();
      await writing;
      await file.sync();
      await file.close();
    },
    async abandon() {
      await writing.catch(() => {});
      await file.close().catch(() => {});
    },
  };
}

function describeWriteError(path: string, error: unknown): LoomError {
  return diskFailure('state', `write ${path}`, error, {
    hint: 'Free some space, or make the folder writable.',
  });
}
