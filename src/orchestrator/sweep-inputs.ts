/** Removes inputs from stdin that no job needs any more. */
import type { LoomHome } from '../utils/home.ts';
import { removeForgottenInputs } from '../utils/inputs.ts';
import { loadState } from './stored-jobs.ts';

/** With a damaged record or job about, which may name any of them, all of them stay. */
export async function sweepInputs(home: LoomHome): Promise<void> {
  await removeForgottenInputs(home, async () => {
    const { jobs, damaged } = await loadState(home);
    if (damaged.length > 0) return undefined;
    const paths = jobs.flatMap(({ job, records }) => [
      job?.original_file_path,
      ...records.map((record) => record.original_file_path),
    ]);
    return new Set(paths.filter((path) => path !== undefined));
  });
}
