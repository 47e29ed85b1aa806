/**
 * Who is about to write an output, told before anything is paid for: two live runs with one output path would both be
 * paid for, and only one could be put in place.
 */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import type { LoomHome } from '../../storage/home.ts';
import { type Lock, tryLock } from '../../storage/locks.ts';
import { followLinks, isThere, outputExists, type Placing } from '../../storage/output-file.ts';

/**
 * Claims an output for this process, until the lock is forgotten. LoomError `output` when another process has it, or a
 * file is in its place that may not be replaced. Who may replace what is there needs no claim.
 */
export async function claimOutput(
  home: LoomHome,
  { outputPath, placing }: { readonly outputPath: string; readonly placing: Placing },
): Promise<Pick<Lock, 'forget'>> {
  const target = await followLinks(outputPath);
  const name = `output_${createHash('sha256')
    .update(await nameWithoutLinks(target))
    .digest('hex')
    .slice(0, 24)}`;
  const lock = await tryLock(home.locks, name);
  if (placing === 'replace') return lock ?? { forget: async () => {} };
  if (!lock) {
    throw new LoomError('output', `another run is about to write the output ${outputPath}.`, {
      code: 'output_claimed',
      facts: { path: outputPath },
      hint: 'Wait until it has, or choose another output. Nothing was sent.',
    });
  }
  if (await isThere(target)) {
    await lock.forget();
    throw outputExists(outputPath);
  }
  return lock;
}

/** The one name of a file that need not be there yet, by whatever linked folders it was named. */
async function nameWithoutLinks(path: string): Promise<string> {
  const folder = dirname(path);
  return join(await realpath(folder).catch(() => folder), basename(path));
}
