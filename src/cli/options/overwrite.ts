/** Whether a file may be written that is there already. */
import type { AskOverwrite } from '../../api/options/options.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What says whether an output may be replaced. */
interface OverwriteFlags {
  readonly force: boolean;
  readonly output?: string | undefined;
  readonly limit?: number | undefined;
  readonly sample?: number | undefined;
}

/** Yes with --force, else as a person answers; a fetch names the batch, and has its own words for a no. */
export function askOverwrite(flags: OverwriteFlags, terminal: Terminal): true | AskOverwrite {
  const isOfSome = isOutputOfSome(flags);
  if (flags.force && !(isOfSome && terminal.canAsk)) return true;
  return async (path, id) => {
    if (!terminal.canAsk) return 'nobody';
    const what = isOfSome ? ', and may hold all rows: this run writes some of them' : '';
    terminal.warn(`output file ${path} already exists${id === undefined ? '' : ` (batch ${id})`}${what}.`);
    const answered = await terminal.confirm('Overwrite?');
    if (id !== undefined) return answered;
    if (answered === 'no')
      terminal.note(
        `Aborted. ${isOfSome ? 'Name another file with --output.' : 'Re-run with --force to overwrite.'}`,
      );
    return answered === 'yes' ? 'yes' : 'no';
  };
}

/** Whether it holds picked rows and has the name of the output of all: a trial must not cost the whole by the way. */
function isOutputOfSome({ output, limit, sample }: OverwriteFlags): boolean {
  return !output && (limit !== undefined || sample !== undefined);
}
