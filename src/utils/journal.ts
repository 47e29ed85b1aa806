/** The journal of a live run: its results on disk from the moment they arrive until the output is written. */
import { open, stat } from 'node:fs/promises';
import { LoomError } from '../errors.ts';
import type { RowResult } from '../models.ts';
import { describeDiskError } from './files.ts';
import {
  decodeResult,
  encodeResult,
  LineReader,
  pieceBytes,
  ResultPlaces,
  readLines,
  readResult,
} from './result-lines.ts';

/** Results of a live run on their way into its output, kept on disk in the order in which they arrive. */
export interface Journal {
  /** Keeps a result. When this resolves, it outlives this process. */
  add(slot: number, result: RowResult): Promise<void>;
  /** Keeps a result that can be had again for nothing: it is written some time later. */
  addCached(slot: number, result: RowResult): Promise<void>;
  has(slot: number): boolean;
  /** Call `flush` before the first `get`. */
  get(slot: number): RowResult | undefined;
  flush(): Promise<void>;
  /** Notes that the output is complete in a temporary file: as soon as that is in place, the journal is spent. */
  markSpent(temporaryPath: string, outputPath: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a journal, with the succeeded results that an earlier run left in it: `slotOf` gives the number of the row
 * that a custom id belongs to. A last line that was cut off is dropped.
 */
export async function openJournal(
  path: string,
  slotOf: (customId: string) => number | undefined,
): Promise<Journal> {
  const places = new ResultPlaces();
  const kept = await readKeptResults(path, slotOf, places);
  const file = await open(path, 'a+', 0o600).catch((error: unknown) => {
    throw new LoomError('state', `can't write ${path}: ${describeDiskError(error)}.`, {
      hint: 'Make the folder writable and free some space.',
      cause: error,
    });
  });
  await file.truncate(kept);
  const reader = new LineReader(file);
  let pending: string[] = [];
  let pendingBytes = 0;
  let size = kept;
  let writing: Promise<void> | undefined;
  /** What a full disk did not take. It may have taken the half of a line: the next write goes on right there. */
  let refused: Buffer = Buffer.alloc(0);

  /** Writes what is pending, what comes meanwhile with the next write. */
  function flush(): Promise<void> {
    writing ??= (async () => {
      await undefined;
      try {
        while (pending.length > 0 || refused.length > 0) {
          refused = Buffer.concat([refused, Buffer.from(pending.join(''))]);
          pending = [];
          pendingBytes = 0;
          while (refused.length > 0) refused = refused.subarray((await file.write(refused)).bytesWritten);
        }
      } catch (error) {
        throw new LoomError('state', `can't write ${path}: ${describeDiskError(error)}.`, {
          hint: 'Free some space; what was answered so far is kept.',
          cause: error,
        });
      } finally {
        writing = undefined;
      }
    })();
    return writing;
  }

  function append(slot: number, result: RowResult): void {
    const line = encodeResult(result);
    const bytes = Buffer.byteLength(line);
    places.set(slot, 0, size, bytes - 1);
    size += bytes;
    pending.push(line);
    pendingBytes += bytes;
  }

  return {
    async add(slot, result) {
      append(slot, result);
      // Once for the write that may be under way without this line, once for the one that has it.
      if (writing) await writing;
      if (pending.length > 0) await flush();
    },
    async addCached(slot, result) {
      append(slot, result);
      if (pendingBytes >= pieceBytes) await flush();
    },
    has: (slot) => places.has(slot),
    get: (slot) => readResult(places, [reader], slot)?.result,
    flush,
    async markSpent(temporaryPath, outputPath) {
      const { ino } = await stat(temporaryPath);
      await file.appendFile(`${spentMark}${JSON.stringify({ inode: ino, path: outputPath })}\n`);
    },
    close: () => reader.close(),
  };
}

/** What the last line of a journal begins with when its output was complete: no result does. */
const spentMark = 'output ';
const longestMark = 16 * 1024;

/** Whether the output that a journal was kept for is in place, so that nothing in it is needed any more. */
export async function isSpentJournal(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return false;
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(longestMark),
      0,
      longestMark,
      Math.max(0, size - longestMark),
    );
    const last = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').at(-1) ?? '';
    if (!last.startsWith(spentMark)) return false;
    const { inode, path: outputPath } = JSON.parse(last.slice(spentMark.length));
    return (await stat(outputPath).catch(() => undefined))?.ino === inode;
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

/** The rows whose results a journal has that a run left; none when it is spent. */
export async function readKeptRows(
  path: string,
  slotOf: (customId: string) => number | undefined,
): Promise<Pick<Journal, 'has'>> {
  const places = new ResultPlaces();
  if (!(await isSpentJournal(path))) await readKeptResults(path, slotOf, places);
  return places;
}

/** Notes the places of the results in a journal that was left; returns the length of its complete lines. */
async function readKeptResults(
  path: string,
  slotOf: (customId: string) => number | undefined,
  places: ResultPlaces,
): Promise<number> {
  if (!(await stat(path).catch(() => undefined))) return 0;
  let end = 0;
  for await (const { line, offset } of readLines(path)) {
    end = offset + line.length + 1;
    const result = tryDecodeResult(line);
    const slot = result?.outcome === 'succeeded' ? slotOf(result.customId) : undefined;
    if (slot !== undefined) places.set(slot, 0, offset, line.length);
  }
  return end;
}

function tryDecodeResult(line: Buffer): RowResult | undefined {
  try {
    return decodeResult(line.toString('utf8'));
  } catch {
    return undefined;
  }
}
