/** Whether a file may be written that may be there already. */
import { LoomError } from '../errors.ts';
import { findForeignReasons } from '../orchestrator/reasons-file.ts';
import { checkOutputPath, type Placing } from '../utils/output-file.ts';
import type { Terminal } from './terminal.ts';

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
  if (!terminal.canAsk) {
    throw new LoomError('output', `output file ${path} already exists.`, {
      hint: 'Pass --force to overwrite it, or --output to write elsewhere.',
    });
  }
  terminal.warn(`output file ${path} already exists.`);
  const answered = await terminal.confirm('Overwrite?');
  if (answered === 'no') terminal.note('Aborted. Re-run with --force to overwrite.');
  return answered === 'yes' ? 'replace' : undefined;
}

/** Says before anything is paid for that the reasons of failed rows will have no place. */
export async function warnOfForeignReasons(
  { outputPath, withError }: { readonly outputPath: string; readonly withError: boolean },
  terminal: Terminal,
): Promise<void> {
  const path = withError ? undefined : await findForeignReasons(outputPath);
  if (path === undefined) return;
  terminal.warn(
    `${path} is not loom's and stays: the reasons of failed rows will be in no file. Move it away, or pass --with-error.`,
  );
}
