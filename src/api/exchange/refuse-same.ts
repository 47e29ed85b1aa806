/** What is read must not be replaced by what comes of it: there is no other copy. */
import { LoomError } from '../../core/errors.ts';
import { isSameFile } from '../../storage/files.ts';

/** LoomError `usage` for an output that is one of these files, also where it may be overwritten. */
export function refuseSame(output: string, files: readonly string[], what: string): void {
  if (!files.some((file) => file === output || isSameFile(file, output))) return;
  throw new LoomError('usage', `the output ${output} is ${what}.`, { hint: 'Choose another output.' });
}
