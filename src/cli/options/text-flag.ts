/** Flags whose text may lie in a file. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import { decodeText } from '../../core/utf8.ts';
import { quoteValue } from '../../core/words.ts';
import { describeDiskError } from '../../storage/files.ts';
import { readPlainFile } from '../../storage/plain-file.ts';
import type { CommandContext } from './options.ts';

/**
 * The text of such a flag: as it is given, or for `@path` what that file holds, without the line end that editors put
 * at its end. `@@` at the start stands for `@` itself. LoomError `input` for a file that can't be read, or is empty.
 */
export function readTextFlag(flag: string, given: string, workingFolder: string): string {
  if (!given.startsWith('@')) return given;
  if (given.startsWith('@@')) return given.slice(1);
  const path = resolve(workingFolder, given.slice(1));
  const text = readFlagFile(flag, path, 'For a text that begins with @ itself, write @@.').replace(
    /\r?\n$/,
    '',
  );
  if (text.trim() !== '') return text;
  throw new LoomError('input', `the file of ${flag}, ${path}, is empty.`, {
    hint: 'Write the text into it.',
  });
}

const textFlags = ['system', 'prompt', 'fields'] as const;

/** Tells of texts that are exactly the name of a file: most often that file was meant. */
export function tellFileNames(
  options: { readonly [Flag in (typeof textFlags)[number]]?: string | undefined },
  { workingFolder, terminal }: Pick<CommandContext, 'workingFolder' | 'terminal'>,
): void {
  for (const flag of textFlags) {
    const text = options[flag];
    if (text === undefined || text.startsWith('@') || !isFile(resolve(workingFolder, text))) continue;
    terminal.note(
      `Note: --${flag} is the text ${quoteValue(text)}, and there is a file of that name; @${text} reads that file.`,
    );
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What a file that a flag names holds. LoomError `input` when it can't be read, or is neither UTF-8 nor UTF-16 with its mark. */
export function readFlagFile(flag: string, path: string, hint?: string): string {
  try {
    return decodeText(readPlainFile(path), { fatal: true });
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is not UTF-8' : describeDiskError(error);
    throw new LoomError('input', `can't read the file of ${flag}, ${path}: ${reason}.`, {
      ...(hint && { hint }),
      cause: error,
    });
  }
}
