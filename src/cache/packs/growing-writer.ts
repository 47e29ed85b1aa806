/**
 * Writes answers of live calls to a growing pack, each at once, what comes during a write with the next one. A file that
 * somebody deletes meanwhile, as a clear does, is left, and another one begun: what was written to it at that moment is
 * written there once more. Where a full disk took a part of a record, the next write goes on right there: an hour with a
 * full disk leaves one file, and not one for each answer.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, write } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Answer } from '../../core/models.ts';
import { growingPackName } from '../../core/own-names.ts';
import { errorCode } from '../../storage/files.ts';
import { makeSharedFolder, openSharedFile } from '../../storage/sharing.ts';
import { packFolder } from '../cache-folders.ts';
import { describeCacheTrouble, prepareCacheFolder } from '../loose-entries.ts';
import { encodeGrown, encodeStart, type GrowingSource } from './growing-pack.ts';
import { mostRecords } from './pack-writer.ts';

interface OpenPack {
  readonly file: number;
  readonly path: string;
  records: number;
  /** What has to be written ahead of the next record: the start, or the rest of a record that a full disk took in part. */
  rest: Buffer;
}

export class GrowingWriter {
  readonly #folder: string;
  readonly #start: Buffer;
  readonly #paths: string[] = [];
  #records = 0;
  #open: OpenPack | undefined;
  #waiting: Buffer[] = [];
  #next: Promise<void> | undefined;
  #underWay: Promise<void> = Promise.resolve();

  /** `folder` is the cache's. Nothing is made before the first answer comes. */
  constructor(folder: string, source: GrowingSource) {
    this.#folder = folder;
    this.#start = encodeStart(source);
  }

  /** All that were made, in their order. */
  get paths(): readonly string[] {
    return this.#paths;
  }

  /** How many answers are in them. */
  get records(): number {
    return this.#records;
  }

  /** Found by everybody when this resolves. LoomError `state` where the disk refuses. */
  add(key: Buffer, answer: Answer): Promise<void> {
    this.#waiting.push(encodeGrown(key, answer, Date.now()));
    this.#next ??= this.#writeWaiting(this.#underWay);
    return this.#next;
  }

  /** What was not awaited may be lost. */
  close(): void {
    if (this.#open) closeSync(this.#open.file);
    this.#open = undefined;
  }

  async #writeWaiting(earlier: Promise<void>): Promise<void> {
    await earlier.catch(() => {});
    // Of what comes in one turn of the event loop, all goes with one write.
    await setImmediate();
    const records = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    this.#underWay = this.#write(records);
    return this.#underWay;
  }

  async #write(records: readonly Buffer[]): Promise<void> {
    for (let isThere = false; !isThere; ) {
      const pack = this.#openPack();
      try {
        await append(pack, records);
        isThere = existsSync(pack.path);
      } catch (error) {
        // Nobody knows what of it is on a disk that fails: nothing goes behind that.
        if (!fullDisk.has(errorCode(error) ?? '') || !existsSync(pack.path)) this.close();
        throw describeCacheTrouble('pack of cached answers', pack.path, error);
      }
      if (!isThere) this.close();
    }
    if (this.#open) this.#open.records += records.length;
    this.#records += records.length;
  }

  #openPack(): OpenPack {
    if (this.#open && this.#open.records < mostRecords) return this.#open;
    this.close();
    const path = join(packFolder(this.#folder), growingPackName(new Date(), randomBytes(8).toString('hex')));
    try {
      const sharing = prepareCacheFolder(this.#folder);
      makeSharedFolder(packFolder(this.#folder), sharing);
      this.#open = { file: openSharedFile(path, sharing), path, records: 0, rest: this.#start };
    } catch (error) {
      throw describeCacheTrouble('pack of cached answers', path, error);
    }
    this.#paths.push(path);
    return this.#open;
  }
}

const fullDisk: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** In the background: a slow disk holds up no call. */
async function append(pack: OpenPack, records: readonly Buffer[]): Promise<void> {
  const pieces = [pack.rest, ...records];
  const bytes = Buffer.concat(pieces);
  let written = 0;
  try {
    while (written < bytes.length) written += await writePiece(pack.file, bytes, written);
  } finally {
    pack.rest = restOf(pieces, written);
  }
}

/** What is missing of the piece that was written in part; the first one is missing too where nothing of it was. */
function restOf(pieces: readonly Buffer[], written: number): Buffer {
  let start = 0;
  for (const [number, piece] of pieces.entries()) {
    if (written < start + piece.length)
      return number === 0 || written > start ? piece.subarray(written - start) : noBytes;
    start += piece.length;
  }
  return noBytes;
}

const noBytes = Buffer.alloc(0);

function writePiece(file: number, bytes: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, bytes, from, bytes.length - from, null, (error, written) =>
      error ? reject(error) : resolve(written),
    );
  });
}
