/**
 * Writes answers of live calls to a growing pack, each at once, what comes during a write with the next one. A file that
 * somebody deletes meanwhile, as a clear does, is left, and another one begun: what was written to it at that moment is
 * written there once more.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, write } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Answer } from '../../core/models.ts';
import { growingPackName } from '../../core/own-names.ts';
import { makeSharedFolder, openSharedFile } from '../../storage/sharing.ts';
import { packFolder } from '../cache-folders.ts';
import { describeCacheTrouble, prepareCacheFolder } from '../loose-entries.ts';
import { encodeGrown, encodeStart, type GrowingSource } from './growing-pack.ts';
import { mostRecords } from './pack-writer.ts';

interface OpenPack {
  readonly file: number;
  readonly path: string;
  records: number;
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
      const { file, path, isNew } = this.#openPack();
      try {
        await append(file, Buffer.concat(isNew ? [this.#start, ...records] : records));
        isThere = existsSync(path);
      } catch (error) {
        // Half a record may be at its end: nothing goes behind that.
        this.close();
        throw describeCacheTrouble('pack of cached answers', path, error);
      }
      if (!isThere) this.close();
    }
    if (this.#open) this.#open.records += records.length;
    this.#records += records.length;
  }

  #openPack(): OpenPack & { readonly isNew: boolean } {
    if (this.#open && this.#open.records < mostRecords) return { ...this.#open, isNew: false };
    this.close();
    const path = join(packFolder(this.#folder), growingPackName(new Date(), randomBytes(8).toString('hex')));
    try {
      const sharing = prepareCacheFolder(this.#folder);
      makeSharedFolder(packFolder(this.#folder), sharing);
      this.#open = { file: openSharedFile(path, sharing), path, records: 0 };
    } catch (error) {
      throw describeCacheTrouble('pack of cached answers', path, error);
    }
    this.#paths.push(path);
    return { ...this.#open, isNew: true };
  }
}

/** In the background: a slow disk holds up no call. */
async function append(file: number, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) written += await writePiece(file, bytes, written);
}

function writePiece(file: number, bytes: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, bytes, from, bytes.length - from, null, (error, written) =>
      error ? reject(error) : resolve(written),
    );
  });
}
