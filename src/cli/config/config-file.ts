/** Finds the file that holds defaults of flags. Small: every command does this, and most find none. */
import { basename, join, resolve } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import { diskFailure, isGone } from '../../storage/files.ts';
import { readPlainText } from '../../storage/plain-file.ts';

/** A file of defaults, as text. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** Whether it is a package.json, whose field `loom` counts. */
  readonly isPackage: boolean;
  /** The folder that it must keep to; undefined for a file that a person named. */
  readonly project: string | undefined;
}

export const configName = 'loom.config.json';

const packageName = 'package.json';

/**
 * What --config or LOOM_CONFIG names, the latter in the environment or in `.env`, else `loom.config.json`, else a package.json with a field `loom`, in the current folder
 * alone: as with `.env`, nothing that lies above a folder changes what runs in it. LoomError `usage` for a named one that can't be read.
 */
export function findConfigFile(
  args: readonly string[],
  { environment, variables }: { environment: NodeJS.ProcessEnv; variables: NodeJS.ProcessEnv },
  workingFolder: string,
): ConfigFile | undefined {
  const flag = readConfigFlag(args);
  if (flag === false) return undefined;
  const named = flag ?? variables.LOOM_CONFIG;
  if (named) {
    const path = resolve(workingFolder, named);
    const text = readIfThere(path);
    const isByPerson = flag !== undefined || named === environment.LOOM_CONFIG;
    const project = isByPerson ? undefined : workingFolder;
    if (text !== undefined) return { path, text, isPackage: basename(path) === packageName, project };
    throw new LoomError('usage', `there is no file ${path}.`, {
      hint: `${flag === undefined ? 'LOOM_CONFIG' : '--config'} names a file of defaults; see loom run --help.`,
    });
  }
  const path = join(workingFolder, configName);
  const text = readIfThere(path);
  if (text !== undefined) return { path, text, isPackage: false, project: workingFolder };
  const packagePath = join(workingFolder, packageName);
  const packageText = readIfThere(packagePath);
  return packageText?.includes('"loom"')
    ? { path: packagePath, text: packageText, isPackage: true, project: workingFolder }
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
    return readPlainText(path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw diskFailure('usage', `read ${path}`, error, { hint: 'Make it readable, or pass --no-config.' });
  }
}
