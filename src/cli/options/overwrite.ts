/** Whether a file may be written that is there already. */
import type { AskOverwrite } from '../../api/options/options.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Yes with --force, else as a person answers; a fetch names the batch, and has its own words for a no. */
export function askOverwrite(
  { force }: { readonly force: boolean },
  terminal: Terminal,
): true | AskOverwrite {
  if (force) return true;
  return async (path, id) => {
    if (!terminal.canAsk) return 'nobody';
    terminal.warn(`output file ${path} already exists${id === undefined ? '' : ` (batch ${id})`}.`);
    const answered = await terminal.confirm('Overwrite?');
    if (id !== undefined) return answered;
    if (answered === 'no') terminal.note('Aborted. Re-run with --force to overwrite.');
    return answered === 'yes' ? 'yes' : 'no';
  };
}
