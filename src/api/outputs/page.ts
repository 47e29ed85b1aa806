/** What the verbs that draw a page of outputs share: where outputs are known, and how their page is written. */
import { LoomError } from '../../core/errors.ts';
import { diskFailure } from '../../storage/files.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { Placing } from '../../storage/output-file.ts';
import { writeOutputFile } from '../../storage/output-file.ts';
import type { ReachOptions } from '../options/options.ts';
import { openHome } from '../options/reach.ts';

/** What was made in a rehearsal is known to the home of rehearsals alone. */
export function listHomes(options: ReachOptions): LoomHome[] {
  const rehearsals = openHome({ ...options, sandbox: true });
  return options.sandbox ? [rehearsals] : [openHome(options), rehearsals];
}

/** LoomError `output` where the disk refuses the page. */
export async function writePageFile(
  page: string,
  pieces: AsyncIterable<string>,
  placing: Placing,
  signal: AbortSignal,
): Promise<void> {
  await writeOutputFile(page, pieces, { placing }).catch((error: unknown) => {
    throw error instanceof LoomError || signal.aborted ? error : cannotWrite(page, error);
  });
}

function cannotWrite(page: string, cause: unknown): LoomError {
  return diskFailure('output', `write the report ${page}`, cause, {
    code: 'report_unwritable',
    facts: { page },
    hint: 'Make room, or choose another page.',
  });
}
