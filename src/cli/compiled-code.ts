/**
 * The compiled code of the program, which Node.js 22.1 and newer can keep between two starts: in `loom-batch` among the
 * caches of the user (`XDG_CACHE_HOME`, else `~/.cache`; `LOCALAPPDATA` on Windows), never in a folder that others may
 * write. It holds nothing but code, and may be deleted at any time. Where it can't be written it is left out, as it is
 * with NODE_DISABLE_COMPILE_CACHE=1; a folder of NODE_COMPILE_CACHE is used in its place.
 */
import { existsSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import { isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export function keepCompiledCode(environment: Environment, platform: string): void {
  const folder = findCacheFolder(environment, platform);
  // Not in the types of Node.js 20.
  const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
  if (!enableCompileCache || folder === undefined || !isAbsolute(folder)) return;
  const own = join(folder, 'loom-batch');
  if (makeFolder(folder) && makeFolder(own)) enableCompileCache(own);
}

/**
 * Step by step: a home that is not there is not made, and Node.js, which makes whole paths, never ends where the system
 * says of a parent that is there that it is not, as in /proc.
 */
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
