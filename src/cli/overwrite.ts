/** Whether a file may be written that may be there already. */
import { LoomError } from '../errors.ts';
import { checkOutputPath } from '../utils/files.ts';
import type { Terminal } from './terminal.ts';

/** Asks where a file is in the way. LoomError `output` when there is nobody to ask, or nothing can be written there. */
export async function mayWrite(
  path: string,
  options: { readonly force: boolean },
  terminal: Terminal,
): Promise<boolean> {
  const exists = await checkOutputPath(path);
  if (!exists || options.force) return true;
  if (!terminal.canAsk) {
    throw new LoomError('output', `output file ${path} already exists.`, {
      hint: 'Pass --force to overwrite it, or --output to write elsewhere.',
    });
  }
  terminal.warn(`output file ${path} already exists.`);
  const answered = await terminal.confirm('Overwrite?');
  if (answered === 'no') terminal.note('Aborted. Re-run with --force to overwrite.');
  return answered === 'yes';
}
