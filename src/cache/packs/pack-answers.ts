/** How the answers of a batch get into a pack: as they come. */
import { hash } from 'node:crypto';
import type { Answer } from '../../core/models.ts';
import { settingsText } from '../../core/request/settings-text.ts';
import type { AnswerServer, Source } from '../answer-keys.ts';
import { answerText, type PackedSource } from './pack-format.ts';
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
  /** All that was added is in place, and durable, when this resolves. The same holds. */
  seal(): Promise<void>;
  /** Drops what was added and not sealed. */
  discard(): void;
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
  let open: { readonly writer: PackWriter; readonly source: number } | undefined;
  let full: Promise<void>[] = [];

  function write(key: Buffer, answer: Answer): void {
    const body = answerText(answer);
    const known = packs.find(key, (packed) => isSameSource(packed, source));
    if (known?.entry.body.equals(Buffer.from(body))) return;
    if (open?.writer.isFull) finish();
    open ??= begin();
    open.writer.add({ key, createdAt: Date.now(), source: open.source, body });
  }

  function begin() {
    const writer = new PackWriter(folder);
    return { writer, source: writer.numberOf(source) };
  }

  function finish(): void {
    const finishing = open?.writer.finishBeside();
    open = undefined;
    // It is told when all is sealed.
    finishing?.catch(() => {});
    if (finishing) full.push(finishing);
  }

  return {
    add(key, answer) {
      if (open) return write(key, answer);
      few.push([key, answer]);
      if (few.length <= mostLoose) return;
      const first = few;
      few = [];
      packs.refresh();
      for (const one of first) write(...one);
    },
    async seal() {
      for (const one of few) keepLoose(...one);
      few = [];
      finish();
      const sealed = full;
      full = [];
      await Promise.all(sealed);
    },
    discard() {
      open?.writer.discard();
      open = undefined;
      few = [];
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
