/**
 * The packs of a cache, as they are at each moment: others add some, put several together, and delete them. A pack that
 * goes while it is read takes its answers with it, and nothing else.
 */
import { existsSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { ownNames } from '../../core/own-names.ts';
import { packFolder } from '../cache-folders.ts';
import { GrowingPack } from './growing-pack.ts';
import { PackFile } from './pack-file.ts';
import type { PackedEntry, PackedSource } from './pack-format.ts';

export interface FoundInPack {
  /** Good until the next look-up. */
  readonly entry: PackedEntry;
  readonly source: PackedSource;
}

/** So many prefixes of keys are held in memory, in all packs together: 16 MB. */
const mostSamples = 4 * 2 ** 20;
/** And where there are no more than this, the whole index: 5 MB. */
const mostHeldRows = 2 ** 18;

export class Packs {
  readonly #folder: string;
  readonly #leaveOut: (path: string) => boolean;
  /** The newest first. */
  #packs: readonly PackFile[] = [];
  #growing: readonly GrowingPack[] = [];
  #seen: Stats | undefined;
  #isSettled = false;

  /** `folder` is the cache's; `leaveOut` is for growing packs. Nothing is read before `refresh`. */
  constructor(folder: string, leaveOut: (path: string) => boolean = () => false) {
    this.#folder = packFolder(folder);
    this.#leaveOut = leaveOut;
  }

  /** Looks which packs there are by now, if the folder has changed, and what was added to those that grow. */
  refresh(): void {
    const state = look(this.#folder);
    if (!this.#isSettled || !isSame(state, this.#seen)) {
      this.#isSettled = !state || Date.now() - state.mtimeMs > coarsestTimeMs;
      this.#seen = state;
      this.#openAll(state !== undefined);
    }
    for (const pack of this.#growing) tryTo(() => pack.refresh());
  }

  /** The newest answer under a key of a source that is meant: packs that were put together stand in no order of time. */
  find(key: Buffer, isMeant: (source: PackedSource) => boolean): FoundInPack | undefined {
    let newest: FoundInPack | undefined;
    for (const pack of [...this.#packs, ...this.#growing]) {
      const entry = pack.find(key);
      const source = entry && pack.sources[entry.source];
      if (!source || !isMeant(source)) continue;
      if (!newest || entry.createdAt > newest.entry.createdAt) newest = { entry, source };
    }
    return newest;
  }

  close(): void {
    this.#open([]);
    this.#openGrowing([]);
    this.#seen = undefined;
    this.#isSettled = false;
  }

  /** Once more where one of those listed has gone: what was in it is in another by then. */
  #openAll(isThere: boolean): void {
    for (let tries = 0; tries < mostListings; tries++) {
      const growing = isThere ? listGrowingPacks(this.#folder) : [];
      const packs = isThere ? listPacks(this.#folder) : [];
      this.#openGrowing(growing);
      this.#open(packs);
      if ([...growing, ...packs].every((name) => existsSync(join(this.#folder, name)))) return;
    }
  }

  #openGrowing(names: readonly string[]): void {
    const known = new Map(this.#growing.map((pack) => [pack.path, pack]));
    const paths = names.map((name) => join(this.#folder, name)).filter((path) => !this.#leaveOut(path));
    const growing = paths.flatMap((path) => known.get(path) ?? GrowingPack.open(path) ?? []);
    for (const pack of this.#growing) if (!growing.includes(pack)) pack.close();
    this.#growing = growing;
  }

  #open(names: readonly string[]): void {
    const known = new Map(this.#packs.map((pack) => [pack.path, pack]));
    const paths = names.map((name) => join(this.#folder, name)).reverse();
    const packs = paths.flatMap((path) => known.get(path) ?? PackFile.open(path) ?? []);
    for (const pack of this.#packs) if (!packs.includes(pack)) pack.close();
    const rows = packs.reduce((sum, { count }) => sum + count, 0);
    this.#packs = packs.filter((pack) => prepare(pack, rows));
  }
}

/** Takes as much of a pack into memory as there is room for in all; false, and it is closed, where it can't be read. */
function prepare(pack: PackFile, rowsInAll: number): boolean {
  try {
    if (rowsInAll <= mostHeldRows) pack.holdRows();
    if (rowsInAll > mostSamples) pack.thinOut(Math.ceil(rowsInAll / mostSamples));
    return true;
  } catch {
    pack.close();
    return false;
  }
}

/** What can't be read holds nothing new. */
function tryTo(read: () => void): void {
  try {
    read();
  } catch {}
}

/** A folder that changes each time it is looked at is read as it is then. */
const mostListings = 3;

/** Of two changes within this time the second one may leave no mark on a folder. */
const coarsestTimeMs = 2_500;

/** undefined where there is no such folder, or it can't be seen. */
function look(folder: string): Stats | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one?.ino === other?.ino && one?.mtimeMs === other?.mtimeMs;
}

/** The names of the files that are called like a pack, the oldest first; none where the folder can't be read. */
export function listPacks(folder: string): string[] {
  return listNames(folder, ownNames.pack);
}

/** The same of those that grow. */
export function listGrowingPacks(folder: string): string[] {
  return listNames(folder, ownNames.growingPack);
}

function listNames(folder: string, name: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => name.test(file))
      .sort();
  } catch {
    return [];
  }
}
