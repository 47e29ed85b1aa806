/**
 * `<output>.errors.jsonl`: the reasons of the rows of an output that have no response, with what was answered and paid
 * for all the same. A file of that name which this
 * program did not write is never replaced or removed; what it wrote is known by its lines. Nor is the input, which may be
 * the reasons of an earlier run.
 */
import { open, stat } from 'node:fs/promises';
import { escapeSteering } from '../../core/steering.ts';
import { type BufferedFile, openBufferedFile } from '../../storage/buffered-file.ts';
import { isSameFile, pathBeside, removeFile } from '../../storage/files.ts';
import {
  createDraftPath,
  draftMode,
  followLinks,
  isThere,
  type Placing,
  putInPlace,
  removeDrafts,
} from '../../storage/output-file.ts';
import { isReasonLine } from './row-errors.ts';
import type { RowFailure } from './row-tally.ts';

/** Where the reasons of rows without a response go. */
export function reasonsPathFor(outputPath: string): string {
  return pathBeside(outputPath, '', '.errors.jsonl');
}

/** The path of a file that holds the place of an output's reasons, and is not ours, or the input. */
export async function findForeignReasons(outputPath: string, inputPath: string): Promise<string | undefined> {
  const path = reasonsPathFor(outputPath);
  return (await choosePlacing(path, inputPath)) ? undefined : path;
}

/** Removes the reasons of an older output, where they are ours and not the input. */
export async function removeOldReasons(outputPath: string, inputPath: string): Promise<void> {
  const target = await followLinks(reasonsPathFor(outputPath));
  if ((await choosePlacing(target, inputPath)) === 'replace') await removeFile(target);
}

/** How reasons may be written here; undefined: not at all. */
async function choosePlacing(path: string, inputPath: string): Promise<Placing | undefined> {
  if (!(await isThere(path))) return 'new';
  if (isSameFile(path, inputPath)) return undefined;
  return (await isOurs(path)) ? 'replace' : undefined;
}

/** So much of a file is looked at. */
const lookBytes = 64 * 1024;

async function isOurs(path: string): Promise<boolean> {
  // Opening anything else might wait for ever.
  if (!(await stat(path).catch(() => undefined))?.isFile()) return false;
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(lookBytes), 0, lookBytes, 0);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    const cut = lines.pop() as string;
    if (lines.length > 0) return lines.every(isReasonLine);
    // One line that is longer than the look.
    return cut.length >= lookBytes / 4 && /^\{"row":\d+,"\w+":/.test(cut);
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

/** Reasons on their way: written beside their place, and put there with the output. */
export interface ReasonsLog {
  add(failure: RowFailure): void;
  drain(): Promise<void>;
  /**
   * Puts what was added in its place, and gives the path; undefined where there is nothing, or a file in the way that
   * stays: one that is not ours, and with `new` any.
   */
  putInPlace(placing: Placing): Promise<string | undefined>;
  /** Removes what was put where nothing was before: its output did not get into its place. */
  takeBack(): Promise<void>;
  /** Leaves no draft. */
  discard(): Promise<void>;
}

export function openReasonsLog(outputPath: string, inputPath: string, workTag: string): ReasonsLog {
  const path = reasonsPathFor(outputPath);
  // Long names are cut, and may then be those of the output's own drafts but for this.
  const draftTag = `${workTag}.errors`;
  let lines: string[] = [];
  let draft: { readonly path: string; readonly target: string; readonly file: BufferedFile } | undefined;
  let madeNew: string | undefined;

  async function openDraft(): Promise<NonNullable<typeof draft>> {
    const target = await followLinks(path);
    await removeDrafts(target, draftTag);
    const draftPath = createDraftPath(target, draftTag);
    return {
      path: draftPath,
      target,
      file: await openBufferedFile(draftPath, await draftMode(target, 'replace')),
    };
  }

  async function drain(): Promise<void> {
    if (lines.length === 0) return;
    draft ??= await openDraft();
    draft.file.write(lines.join(''));
    lines = [];
    await draft.file.drain();
  }

  return {
    add({ row, kind, message, text }) {
      const { index, line, givenId: id } = row;
      // The id behind the rest is what tells this file from those of older versions, which counted rows from 0.
      const reason = { row: index + 1, line, kind, message, id, text };
      lines.push(`${escapeSteering(JSON.stringify(reason))}\n`);
    },
    drain,
    async putInPlace(allowed) {
      await drain();
      const placing = await choosePlacing(path, inputPath);
      if (!draft || !placing || (placing === 'replace' && allowed === 'new')) return undefined;
      await draft.file.close();
      await putInPlace(draft.path, draft.target, placing);
      if (placing === 'new') madeNew = draft.target;
      draft = undefined;
      return path;
    },
    async takeBack() {
      if (madeNew !== undefined) await removeFile(madeNew).catch(() => {});
    },
    async discard() {
      await draft?.file.abandon();
      if (draft) await removeFile(draft.path).catch(() => {});
    },
  };
}
