/** Finds the file that holds defaults of flags. Small: every command does this, and most find none. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LoomError } from '../errors.ts';

/** A file of defaults, as text. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** Whether it is a package.json, whose field `loom` counts. */
  readonly isPackage: boolean;
}

export const configName = 'loom.config.json';

/**
 * What --config or LOOM_CONFIG names, else `loom.config.json`, else a package.json with a field `loom`, in the current folder
 * alone: as with `.env`, nothing that lies above a folder changes what runs in it. LoomError `usage` for a named one that can't be read.
 */
export function findConfigFile(
  args: readonly string[],
  variables: NodeJS.ProcessEnv,
  workingFolder: string,
): ConfigFile | undefined {
  const flag = readConfigFlag(args);
  if (flag === false) return undefined;
  const named = flag ?? variables.LOOM_CONFIG;
  if (named) {
    const path = resolve(workingFolder, named);
    const text = readIfThere(path);
    if (text !== undefined) return { path, text, isPackage: false };
    throw new LoomError('usage', `there is no file ${path}.`, {
      hint: `${flag === undefined ? 'LOOM_CONFIG' : '--config'} names a file of defaults; see loom run --help.`,
    });
  }
  const path = join(workingFolder, configName);
  const text = readIfThere(path);
  if (text !== undefined) return { path, text, isPackage: false };
  const packagePath = join(workingFolder, 'package.json');
  const packageText = readIfThere(packagePath);
  return packageText?.includes('"loom"')
    ? { path: packagePath, text: packageText, isPackage: true }
    : undefined;
}

/** Told before the command line is understood, since what the file holds belongs to it; the last one counts. */
function readConfigFlag(args: readonly string[]): string | false | undefined {
  let flag: string | false | undefined;
  for (const [index, arg] of args.entries()) {
    if (arg === '--') break;
    if (arg === '--no-config') flag = false;
    else if (arg === '--config') flag = args[index + 1];
    else if (arg.startsWith('--config=')) flag = arg.slice('--config='.length);
  }
  return flag;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new LoomError('usage', `can't read ${path}: ${(error as Error).message}.`, {
      hint: 'Make it readable, or pass --no-config.',
      cause: error,
    });
  }
}
