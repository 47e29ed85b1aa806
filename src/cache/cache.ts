/** Answers on disk, found by provider, model, prompt and settings: loose ones in a file each, and packs of many. */
import type { Answer, GenerationSettings } from '../core/models.ts';
import { settingsText } from '../core/request/settings-text.ts';
import type { LoomHome } from '../storage/home.ts';
import { ensureHome } from '../storage/marks.ts';
import { type AnswerServer, createKeys, createPythonKeys, createSourceCheck } from './answer-keys.ts';
import { ensureCacheFolder } from './cache-folders.ts';
import { decodeEntry, describeLooseEntry, openLooseEntries } from './loose-entries.ts';
import { createPackedSourceCheck, describeSource, openAnswerPacker } from './packs/pack-answers.ts';
import { decodeAnswer } from './packs/pack-format.ts';
import { Packs } from './packs/packs.ts';

/** By what was asked, as `contentText` has it. */
export interface ResponseCache {
  /** The stored answer, or undefined: absent, damaged, empty and mislabelled entries are all misses. */
  get(asked: string): Answer | undefined;
  /** Stores an answer at once, as a loose entry; an empty one is not kept. LoomError `state` where the disk refuses. */
  set(asked: string, answer: Answer): void;
  /** Stores one of many, which are found when they are sealed; few of them become loose entries. The same holds. */
  add(asked: string, answer: Answer): void;
  /** Puts what was added in place, durable when this resolves. LoomError `state` as above. */
  seal(): Promise<void>;
  /** Closes what was opened to look up, and drops what was added and not sealed. */
  close(): void;
}

interface LookUps {
  /** For many look-ups in a row: what is stored after the first of them may be missed, and each is faster. */
  readonly isSnapshot?: boolean;
  /** Growing packs that are not looked into, by their paths: those of the run that asks. */
  readonly leaveOut?: ((path: string) => boolean) | undefined;
}

/**
 * The cache for one provider, model, set of settings and server. Its folder is made, and marked, when first something is
 * stored. What another server answered is a miss. An entry that names none, of an older build or the Python tool, counts
 * for any.
 */
export function openCache(
  folder: string,
  provider: string,
  model: string,
  settings?: GenerationSettings | undefined,
  server?: AnswerServer | undefined,
  { isSnapshot = false, leaveOut }: LookUps = {},
): ResponseCache {
  const source = { provider, model, settings };
  const keyOf = createKeys(source, server);
  const plainKeyOf = server && !server.isPlain ? createKeys(source) : undefined;
  const pythonKeyOf = createPythonKeys(source);
  const isFromHere = createSourceCheck(source, server);
  const isPackedFromHere = createPackedSourceCheck(source, server);
  const hasSettings = settingsText(settings) !== undefined;
  const packs = new Packs(folder, leaveOut);
  let packsMayBeOld = true;
  const loose = openLooseEntries(folder, { isSnapshot, onGone: () => (packsMayBeOld = true) });
  const packer = openAnswerPacker({
    folder,
    source: describeSource(source, server?.name),
    packs,
    keepLoose: writeLoose,
  });

  function readLoose(key: Buffer): Answer | undefined {
    const entry = loose.read(key);
    return entry && isFromHere(entry) ? decodeEntry(entry) : undefined;
  }

  /** Ahead of each look: what leaves a growing pack after this is still read in it. */
  function refreshPacks(): void {
    if (packsMayBeOld || !loose.isListed) packs.refresh();
    packsMayBeOld = false;
  }

  function readPacked(key: Buffer): Answer | undefined {
    const found = packs.find(key, isPackedFromHere);
    return found && decodeAnswer(found.entry.body);
  }

  /** Entries that name no server are loose, all of them. */
  function readOlder(asked: string): Answer | undefined {
    if (loose.isEmpty) return undefined;
    return (plainKeyOf && readLoose(plainKeyOf(asked))) ?? readLoose(pythonKeyOf(asked));
  }

  function writeLoose(key: Buffer, answer: Answer): void {
    const params = hasSettings ? settings : undefined;
    loose.write(
      key,
      describeLooseEntry({ provider, model, address: server?.name, params }, answer, Date.now()),
    );
  }

  return {
    get(asked) {
      refreshPacks();
      const key = keyOf(asked);
      return readLoose(key) ?? readPacked(key) ?? readOlder(asked);
    },
    set(asked, answer) {
      if (answer.text !== '') writeLoose(keyOf(asked), answer);
    },
    add(asked, answer) {
      if (answer.text !== '') packer.add(keyOf(asked), answer);
    },
    seal: () => packer.seal(),
    close() {
      packer.discard();
      packs.close();
    },
  };
}

/** What a run needs before anything is sent: a home, and where one was chosen the cache. LoomError `state` as above. */
export function ensurePlaces(home: LoomHome, useCache: boolean): void {
  ensureHome(home);
  if (useCache && home.chosenBase !== undefined) ensureCacheFolder(home.chosenBase, home.chosenCache);
}
