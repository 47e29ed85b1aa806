/**
 * The journals of live runs: their results on disk from the moment they arrive until the output is written. What
 * callers may rely on:
 * - Every writer has a file of its own, which nobody else writes to, however long its process was paused; what earlier
 *   writers left is only read. So no result is ever found at the place of another.
 * - A result is given out for no other prompt than the one that it answers: each line has that prompt's digest.
 * - A result that comes for a row that has one takes its place, for later runs too: its line says so.
 */

import { isJsonObject, type RowResult } from '../core/models.ts';
import { readJson } from '../core/nesting.ts';
import { object, readShape, string } from '../core/shapes/shapes.ts';
import { type FileIdentity, fileIdentityShape, isIdentifiedFile } from '../storage/file-identity.ts';
import { diskFailure } from '../storage/files.ts';
import type { Store } from '../storage/store.ts';
import { LineReader, pieceBytes, ResultPlaces, readLines } from './result-lines.ts';

/** A row as it is asked: the number of its place, and what proves its prompt. */
export interface AskedRow {
  readonly slot: number;
  readonly customId: string;
  /** sha256 of its prompt. */
  readonly digest: Buffer;
}

/** Where a result lies in one of the journals that a run was opened with. */
export interface KeptPlace {
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

/** Results of a live run on their way into its output, kept on disk in the order in which they arrive. */
export interface Journal {
  /** Keeps a result. When this resolves, it outlives this process. */
  add(row: AskedRow, result: RowResult): Promise<void>;
  /** Keeps a result that can be had again for nothing: it is written some time later. */
  addCached(row: AskedRow, result: RowResult): Promise<void>;
  /** Gives a row a result that lies in an earlier journal. */
  adopt(row: AskedRow, place: KeptPlace): void;
  /** The result of a row, if its prompt is the one that was asked. Call `flush` before the first `get`. */
  get(row: AskedRow): RowResult | undefined;
  /** Whether there is a result for the row of this place, to whatever prompt. */
  has(slot: number): boolean;
  flush(): Promise<void>;
  /** Notes that the output is complete in a draft: as soon as that is in place, the journals of its run are spent. */
  markSpent(identity: FileIdentity, outputPath: string): Promise<void>;
  readonly isEmpty: boolean;
  close(): Promise<void>;
}

/** Makes a new journal, with what `earlier` ones hold at hand: in their order they are the files of kept places. */
export async function openJournal(store: Store, name: string, earlier: readonly string[]): Promise<Journal> {
  const path = store.locate(name);
  const places = new ResultPlaces();
  const file = await explained('write', path, store.grow(name));
  const readers: LineReader[] = [];
  const close = async () => {
    for (const reader of [...readers, new LineReader(file)]) await reader.close();
  };
  try {
    for (const other of earlier)
      readers.push(new LineReader(await explained('read', store.locate(other), store.open(other))));
  } catch (error) {
    await close();
    throw error;
  }
  const own = new LineReader(file);
  let pending: string[] = [];
  let pendingBytes = 0;
  let size = 0;
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
          while (refused.length > 0) refused = refused.subarray(await file.append(refused));
        }
      } catch (error) {
        throw diskFailure('state', `write ${path}`, error, {
          hint: 'Free some space; what was answered so far is kept.',
        });
      } finally {
        writing = undefined;
      }
    })();
    return writing;
  }

  function append({ slot, digest }: AskedRow, result: RowResult): void {
    const line = encodeLine(digest, result, places.has(slot));
    const bytes = Buffer.byteLength(line);
    places.set(slot, readers.length, size, bytes - 1);
    size += bytes;
    pending.push(line);
    pendingBytes += bytes;
  }

  return {
    async add(row, result) {
      append(row, result);
      // Once for the write that may be under way without this line, once for the one that has it.
      if (writing) await writing;
      if (pending.length > 0) await flush();
    },
    async addCached(row, result) {
      append(row, result);
      if (pendingBytes >= pieceBytes) await flush();
    },
    adopt: ({ slot }, place) => places.set(slot, place.file, place.offset, place.length),
    get(row) {
      const place = places.get(row.slot);
      const reader = place && (readers[place.file] ?? own);
      const line = reader && decodeLine(reader.read(place.offset, place.length));
      return line && isOf(line, row) ? line.result : undefined;
    },
    has: (slot) => places.has(slot),
    flush,
    async markSpent(identity, outputPath) {
      const mark = { ...identity, path: outputPath };
      pending.push(`${spentMark}${JSON.stringify(mark)}\n`);
      await flush();
    },
    get isEmpty() {
      return size === 0;
    },
    close,
  };
}

async function explained<File>(act: 'read' | 'write', path: string, opening: Promise<File>): Promise<File> {
  return opening.catch((error: unknown) => {
    throw diskFailure('state', `${act} ${path}`, error, {
      hint: 'Make the folder writable and free some space.',
    });
  });
}

interface JournalLine {
  readonly result: RowResult;
  /** In hex; undefined in journals of older versions, where the custom id alone tells the prompt. */
  readonly promptSha256: string | undefined;
  /** Whether its row had another result before. */
  readonly replaces: boolean;
}

function encodeLine(digest: Buffer, { customId, ...rest }: RowResult, replaces: boolean): string {
  const about = { custom_id: customId, prompt_sha256: digest.toString('hex'), ...(replaces && { replaces }) };
  return `${JSON.stringify({ ...about, ...rest })}\n`;
}

/** Undefined for a line that was cut off. */
function decodeLine(bytes: Buffer): JournalLine | undefined {
  const line = readJson(bytes.toString('utf8'));
  if (!isJsonObject(line) || typeof line.custom_id !== 'string') return undefined;
  const { custom_id: customId, prompt_sha256: promptSha256, replaces, ...rest } = line;
  const result = { customId, ...rest } as RowResult;
  return { result, promptSha256: promptSha256 as string | undefined, replaces: replaces === true };
}

function isOf({ result, promptSha256 }: JournalLine, { customId, digest }: AskedRow): boolean {
  return promptSha256 === undefined ? result.customId === customId : promptSha256 === digest.toString('hex');
}

/** An answer in a journal that a run left. */
export interface KeptLine extends KeptPlace {
  readonly customId: string;
  /** In hex; undefined in journals of older versions. */
  readonly promptSha256: string | undefined;
  /** Whether the same row had another answer before: in the same journal, or in one that its run was opened with. */
  readonly replaces: boolean;
}

/** The answers in journals that runs left, `file` counted by their order. A last line that was cut off is left out. */
export async function* readKeptLines(store: Store, names: readonly string[]): AsyncGenerator<KeptLine> {
  for (const [file, name] of names.entries()) {
    for await (const { line, offset } of readLines(store.stream(name))) {
      const { result, promptSha256, replaces = false } = decodeLine(line) ?? {};
      if (result?.outcome !== 'succeeded') continue;
      yield { customId: result.customId, promptSha256, replaces, file, offset, length: line.length };
    }
  }
}

/** What the last line of a journal begins with when its output was complete: no result does. */
const spentMark = 'output ';
const longestMark = 16 * 1024;

const spentMarkShape = object({ ...fileIdentityShape.fields, path: string });

/** Whether the output that a journal was kept for is in place, so that nothing in it is needed any more. */
export async function isSpentJournal(store: Store, name: string): Promise<boolean> {
  try {
    const ends = await store.readEnds(name, { first: 0, last: longestMark });
    const last = ends?.last.toString('utf8').trimEnd().split('\n').at(-1) ?? '';
    if (!last.startsWith(spentMark)) return false;
    const mark = readShape(spentMarkShape, JSON.parse(last.slice(spentMark.length)));
    return mark !== undefined && (await isIdentifiedFile(mark.path, mark));
  } catch {
    return false;
  }
}
