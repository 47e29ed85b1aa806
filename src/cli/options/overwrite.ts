/** Whether a file may be written that is there already. */
import type { AskOverwrite } from '../../api/options/options.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** For a run, or a report: yes with --force, else as a person answers. */
export function askOverwrite(
  { force }: { readonly force: boolean },
  terminal: Terminal,
): true | AskOverwrite {
  if (force) return true;
  return async (path) => {
    if (!terminal.canAsk) return 'nobody';
    terminal.warn(`output file ${path} already exists.`);
    const answered = await terminal.confirm('Overwrite?');
    if (answered === 'no') terminal.note('Aborted. Re-run with --force to overwrite.');
    return answered === 'yes' ? 'yes' : 'no';
  };
}

/** The same for a fetch, which names the batch. */
export function askOverwriteOf(
  { force }: { readonly force: boolean },
  terminal: Terminal,
): true | AskOverwrite {
  if (force) return true;
  return async (path, id) => {
    if (!terminal.canAsk) return 'nobody';
    terminal.warn(`output file ${path} already exists (batch ${id}).`);
    return terminal.confirm('Overwrite?');
  };
}
