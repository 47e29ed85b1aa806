/** The folders that a cache has; apart from the cache itself, which a command that asks nothing does not need. */
import { join } from 'node:path';
import { ensureCache } from '../storage/marks.ts';
import { checkSharing } from '../storage/sharing.ts';

/** Entries and packs on their way; apart, so that what a killed process left is found without reading a million names. */
export function cacheTemporaryFolder(folder: string): string {
  return join(folder, 'tmp');
}

/** Where the packs of a cache are; apart, so that they are found without reading a million names. */
export function packFolder(folder: string): string {
  return join(folder, 'packs');
}

/**
 * Sees to it that a chosen cache can be used: it is made and marked. LoomError `state` where it is somebody else's
 * folder, can't be made, or is another user's and not shared.
 */
export function ensureCacheFolder(base: string, folder = base): void {
  for (const path of [base, folder, cacheTemporaryFolder(folder), packFolder(folder)])
    checkSharing(path, base);
  ensureCache(base);
}
