/** How answers get into packs: those of a batch as they come, and the loose ones of a long live run when it ends. */
import { hash } from 'node:crypto';
import { existsSync, unlinkSync } from 'node:fs';
import type { Answer, CacheEntry } from '../../core/models.ts';
import { settingsText } from '../../core/request/settings-text.ts';
import type { AnswerServer, Source } from '../answer-keys.ts';
import { decodeEntry, loosePath, readLooseEntry } from '../loose-entries.ts';
import { encodeAnswer, type PackedSource } from './pack-format.ts';
import { PackWriter } from './pack-writer.ts';
import type { Packs } from './packs.ts';

/** The source of answers as packs tell it. */
export function describeSource({ provider, model, settings }: Source, address?: string): PackedSource {
  const text = settingsText(settings);
  return { provider, model, settings: text === undefined ? undefined : hash('sha256', text), address };
}

/** Whether answers of a packed source are what this one asks for. */
export function createPackedSourceCheck(
  source: Source,
  server: AnswerServer | undefined,
): (packed: PackedSource) => boolean {
  const { provider, model, settings } = describeSource(source);
  return (packed) =>
    packed.provider === provider &&
    packed.model === model &&
    packed.settings === settings &&
    (packed.address === undefined || packed.address === server?.name);
}

/** Answers on their way into a pack. */
export interface AnswerPacker {
  /** LoomError `state` where the disk refuses; what was added before is lost to the cache then. */
  add(key: Buffer, answer: Answer): void;
  /** All that was added is in place, and durable, when this returns. */
  seal(): void;
}

/** Up to so many stay loose entries: a pack of few would save nothing. */
const mostLoose = 32;

interface PackerPlace {
  readonly folder: string;
  readonly source: PackedSource;
  /** What is in one of these already is not written once more. */
  readonly packs: Packs;
  keepLoose(key: Buffer, answer: Answer): void;
}

export function openAnswerPacker({ folder, source, packs, keepLoose }: PackerPlace): AnswerPacker {
  let few: [key: Buffer, answer: Answer][] = [];
  let writer: PackWriter | undefined;

  function write(key: Buffer, answer: Answer): void {
    const body = encodeAnswer(answer);
    if (packs.find(key, (packed) => isSameSource(packed, source))?.entry.body.equals(body)) return;
    if (writer?.isFull) finish();
    writer ??= new PackWriter(folder);
    writer.add({ key, createdAt: Date.now(), source: writer.numberOf(source), body });
  }

  function finish(): void {
    const full = writer;
    writer = undefined;
    full?.finish();
  }

  return {
    add(key, answer) {
      if (writer) return write(key, answer);
      few.push([key, answer]);
      if (few.length <= mostLoose) return;
      const first = few;
      few = [];
      packs.refresh();
      for (const [key, answer] of first) write(key, answer);
    },
    seal() {
      for (const [key, answer] of few) keepLoose(key, answer);
      few = [];
      finish();
    },
  };
}

function isSameSource(one: PackedSource, other: PackedSource): boolean {
  return (
    one.provider === other.provider &&
    one.model === other.model &&
    one.settings === other.settings &&
    one.address === other.address
  );
}

/** Keys of loose entries, 32 bytes each and no more. */
export class KeyList {
  #chunks: Buffer[] = [];
  length = 0;

  add(key: Uint8Array): void {
    const at = (this.length % keysAtOnce) * looseKeyBytes;
    if (at === 0) this.#chunks.push(Buffer.allocUnsafeSlow(keysAtOnce * looseKeyBytes));
    this.#chunks[this.#chunks.length - 1]?.set(key, at);
    this.length += 1;
  }

  *[Symbol.iterator](): Generator<Buffer> {
    for (let number = 0; number < this.length; number++) {
      const at = (number % keysAtOnce) * looseKeyBytes;
      yield (this.#chunks[Math.floor(number / keysAtOnce)] as Buffer).subarray(at, at + looseKeyBytes);
    }
  }
}

const looseKeyBytes = 32;
const keysAtOnce = 1_024;

/**
 * Moves loose entries into a pack: each is deleted only when the pack is in place and durable. Entries that somebody
 * deletes meanwhile do not come back: the others stay loose then. What the disk refuses leaves everything as it is.
 */
export function packLooseEntries(folder: string, keys: Iterable<Buffer>): void {
  let writer: PackWriter | undefined;
  let moved = new KeyList();
  let newest = 0;

  function areThere(): boolean {
    for (const key of moved) if (!existsSync(loosePath(folder, key))) return false;
    return true;
  }

  function move(): void {
    const isInPlace = writer?.finish({ isWanted: areThere, writtenAt: newest }) !== undefined;
    if (isInPlace) for (const key of moved) deleteLoose(loosePath(folder, key));
    writer = undefined;
    moved = new KeyList();
  }

  try {
    for (const key of keys) {
      const entry = readLooseEntry(loosePath(folder, key));
      const createdAt = Date.parse(entry?.created_at ?? '');
      // One whose time can't be kept as it is stays as it is.
      if (!entry || Number.isNaN(createdAt)) continue;
      if (writer?.isFull) move();
      writer ??= new PackWriter(folder);
      const source = writer.numberOf(sourceOf(entry));
      writer.add({ key, createdAt, source, body: encodeAnswer(decodeEntry(entry)) });
      moved.add(key);
      newest = Math.max(newest, createdAt);
    }
    move();
  } catch {
    // Loose entries are as good as packed ones, only larger.
    writer?.discard();
  }
}

function sourceOf({ provider, model, params, address }: CacheEntry): PackedSource {
  return describeSource({ provider, model, settings: params }, address);
}

/** One that can't be deleted is found before the packed one, and is the same. */
function deleteLoose(path: string): void {
  try {
    unlinkSync(path);
  } catch {}
}
