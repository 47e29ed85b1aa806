/** Whether a file may be written that may be there already. */

import type { ColumnGroups } from '../../orchestrator/output/columns.ts';
import { findForeignReasons } from '../../orchestrator/output/reasons-file.ts';
import { isSameFile } from '../../storage/files.ts';
import { checkOutputPath, outputExists, type Placing } from '../../storage/output-file.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * Whether a file that is in the way may go, after asking where there is one; undefined: nothing is to be written. A file
 * that comes after this may go only if somebody said so before. LoomError `output` when there is nobody to ask, or
 * nothing can be written there.
 */
export async function choosePlacing(
  path: string,
  options: { readonly force: boolean },
  terminal: Terminal,
): Promise<Placing | undefined> {
  const exists = await checkOutputPath(path);
  if (options.force) return 'replace';
  if (!exists) return 'new';
  if (!terminal.canAsk) throw outputExists(path);
  terminal.warn(`output file ${path} already exists.`);
  const answered = await terminal.confirm('Overwrite?');
  if (answered === 'no') terminal.note('Aborted. Re-run with --force to overwrite.');
  return answered === 'yes' ? 'replace' : undefined;
}

interface OrderOfOutput {
  readonly dataset: { readonly path: string };
  readonly outputPath: string;
  readonly columns: ColumnGroups;
}

/** Says before anything is paid for that the reasons of failed rows will have no place. */
export async function warnOfForeignReasons(
  { dataset, outputPath, columns }: OrderOfOutput,
  terminal: Terminal,
): Promise<void> {
  const path = columns.includes('error') ? undefined : await findForeignReasons(outputPath, dataset.path);
  if (path === undefined) return;
  const whose = isSameFile(path, dataset.path) ? 'the input' : "not loom's";
  terminal.warn(
    `${path} is ${whose} and stays: the reasons of failed rows will be in no file. Move it away, or pass --with-error.`,
  );
}
