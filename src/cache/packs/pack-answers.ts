/** How the answers of a batch get into a pack: as they come. */
import { hash } from 'node:crypto';
import type { Answer } from '../../core/models.ts';
import { settingsText } from '../../core/request/settings-text.ts';
import type { AnswerServer, Source } from '../answer-keys.ts';
import type { GroupedAnswer } from './answer-group.ts';
import { decodeAnswer, type PackedSource } from './pack-format.ts';
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
  add(answer: GroupedAnswer): void;
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
  let few: GroupedAnswer[] = [];
  let open: { readonly writer: PackWriter; readonly source: number } | undefined;

  function write({ key, body }: GroupedAnswer): void {
    if (packs.find(key, (packed) => isSameSource(packed, source))?.entry.body.equals(body)) return;
    if (open?.writer.isFull) finish();
    open ??= begin();
    open.writer.add({ key, createdAt: Date.now(), source: open.source, body });
  }

  function begin() {
    const writer = new PackWriter(folder);
    return { writer, source: writer.numberOf(source) };
  }

  function finish(): void {
    const full = open?.writer;
    open = undefined;
    full?.finish();
  }

  return {
    add(answer) {
      if (open) return write(answer);
      few.push(answer);
      if (few.length <= mostLoose) return;
      const first = few;
      few = [];
      packs.refresh();
      for (const answer of first) write(answer);
    },
    seal() {
      for (const { key, body } of few) keepLoose(key, decodeAnswer(body));
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
