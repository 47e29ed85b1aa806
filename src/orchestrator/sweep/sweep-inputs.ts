/** Removes inputs from stdin that no job needs any more. */

import { removeForgottenInputs } from '../../state/inputs.ts';
import { loadState, type StoredState } from '../../state/stored-jobs.ts';
import type { LoomHome } from '../../storage/home.ts';

/**
 * With a damaged record or job about, which may name any of them, all of them stay. Where `known`, the state as it was
 * read before, names each there is, nothing is looked at again.
 */
export async function sweepInputs(home: LoomHome, known?: StoredState): Promise<void> {
  await removeForgottenInputs(home, known ? listNamed(known) : new Set(), async () => {
    const state = await loadState(home);
    return state.damaged.length > 0 ? undefined : listNamed(state);
  });
}

function listNamed({ jobs }: StoredState): ReadonlySet<string> {
  return new Set(
    jobs.flatMap(({ job, records }) => [
      job.original_file_path,
      ...records.map((record) => record.original_file_path),
    ]),
  );
}
