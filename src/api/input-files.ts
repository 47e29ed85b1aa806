/** What can be told of an input before it is used: proposals are made of it. */
import { basename, resolve } from 'node:path';
import type { FileType } from '../core/names.ts';
import { readColumnNames } from '../formats/column-names.ts';
import { detectFormat, inputExtensions as listExtensions } from '../formats/format.ts';
import { expandHome } from '../storage/home.ts';
import { describeLayout, type LayoutOptions } from './options/layout.ts';
import type { ReachOptions } from './options/options.ts';
import { variablesOf, workingFolderOf } from './options/reach.ts';

export { commonEncodings } from '../formats/text/encodings.ts';
export { delimiterNames, type LayoutOptions } from './options/layout.ts';

/** `csv`, `csv.gz`, …: those of every format. */
export function inputExtensions(): string[] {
  return listExtensions();
}

/** The names of the columns, or of the fields of the first entry. Throws where the file can't be read. */
export async function listColumns(
  file: string,
  options: ReachOptions = {},
  layout: LayoutOptions = {},
): Promise<string[]> {
  const path = resolve(workingFolderOf(options), expandHome(file, variablesOf(options)));
  return readColumnNames(path, describeLayout(layout));
}

/** By its name; undefined for one that is no input's. */
export function guessFormat(file: string): FileType | undefined {
  try {
    return detectFormat(basename(file)).fileType;
  } catch {
    return undefined;
  }
}
