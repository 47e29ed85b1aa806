/**
 * The compiled code of the program, which Node.js 22.1 and newer can keep between two starts: in `loom-batch` among the
 * caches of the user (`XDG_CACHE_HOME`, else `~/.cache`; `LOCALAPPDATA` on Windows), never in a folder that others may
 * write. It holds nothing but code, and may be deleted at any time. Where it can't be written it is left out, as it is
 * with NODE_DISABLE_COMPILE_CACHE=1; a folder of NODE_COMPILE_CACHE is used in its place.
 */
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import { isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export function keepCompiledCode(environment: Environment, platform: string): void {
  const folder = findCacheFolder(environment, platform);
  // Not in the types of Node.js 20.
  const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
  if (!enableCompileCache || folder === undefined || !isAbsolute(folder)) return;
  const own = join(folder, 'loom-batch');
  if (makeFolder(folder) && makeFolder(own) && isOwnFolder(own)) enableCompileCache(own);
}

/** Whether a folder is the user's, and nobody else may write there: what lies in it is run. Windows tells by other means. */
export function isOwnFolder(path: string): boolean {
  const folder = lstatSync(path, { throwIfNoEntry: false });
  if (!folder?.isDirectory()) return false;
  return process.getuid === undefined || (folder.uid === process.getuid() && (folder.mode & 0o022) === 0);
}

/** One step at a time, which Node.js would not do by itself: a home that is not there, or takes nothing, is left alone. */
function makeFolder(path: string): boolean {
  try {
    if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    return true;
  } catch {
    return false;
  }
}

export function findCacheFolder(environment: Environment, platform: string): string | undefined {
  const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = environment;
  if (platform === 'win32') return LOCALAPPDATA || undefined;
  return XDG_CACHE_HOME || (HOME ? join(HOME, '.cache') : undefined);
}
