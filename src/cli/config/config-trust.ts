/**
 * How far a file of defaults is trusted. One that a person names (--config, LOOM_CONFIG in the environment) is theirs.
 * One that merely lies in the current folder, or that its `.env` names, may have come with a project of somebody else: of
 * itself it can't have files outside of its folder read or written, nor say where answers are taken from.
 */

import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import type { CommandContext, Doubt } from '../options/options.ts';

/** What there is to doubt about a path in a file of defaults; undefined for nothing. `project` is the folder that it must keep to. */
export function doubtPath(flag: string, path: string, project: string): Doubt | undefined {
  if (flag === '--cache-dir') return { flag, path, reason: 'answers would be taken from there' };
  const below = relative(realPath(project), realPath(path));
  if (below === '..' || below.startsWith(`..${sep}`) || resolve(below) === below)
    return { flag, path, reason: 'that is outside of its folder' };
  const isSecret = below.split(sep).some((name) => secretNames.test(name));
  return isSecret ? { flag, path, reason: 'secrets may be in there' } : undefined;
}

/** Keys lie in these, and tokens. Some disks take capitals for the same. */
const secretNames = /^\.(?:env|git(?:-credentials|config)?$|npmrc$|netrc$|pypirc$|ssh$|aws$|docker$|kube$)/i;

/** With links followed as far as there is something. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

/** Whether a person says yes to all of them. LoomError `state` names the first where there is nobody to ask. */
export async function confirmDefaults(
  configPath: string,
  doubts: readonly Doubt[],
  { terminal }: Pick<CommandContext, 'terminal'>,
): Promise<boolean> {
  for (const { flag, path, reason } of doubts) {
    const what = `${configPath} sets ${flag} to ${path}, and ${reason}`;
    if (!terminal.canAsk) {
      throw new LoomError('state', `${what}.`, {
        hint: `If you want that, pass ${flag} yourself, or trust the whole file by naming it: --config ${basename(configPath)}, or LOOM_CONFIG. --no-config leaves the file out.`,
      });
    }
    if ((await terminal.confirm(`${what}. Take it?`)) === 'no') {
      terminal.note('Aborted. Re-run with --no-config to leave the file out.');
      return false;
    }
  }
  return true;
}
