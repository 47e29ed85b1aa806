/** `measureCache` and `clearCache` of the library. */
import { type CacheStatistics, measureCache as measureEntries } from '../cache/cache-entries.ts';
import {
  type CacheCount,
  type CacheFilter,
  clearCache as clearEntries,
  countCacheEntries,
} from '../cache/clear-cache.ts';
import { checkCache } from '../storage/marks.ts';
import type { ReachOptions } from './options/options.ts';
import { findProvider, type ListeningTo, openHome, underSignal } from './options/reach.ts';

export type { CacheCount, CacheStatistics };

/** How many entries were looked at so far; told now and then. */
export interface CacheEvent {
  readonly type: 'progress';
  readonly entries: number;
}

export interface MeasureCacheOptions extends ReachOptions, ListeningTo<CacheEvent> {}

export interface ClearCacheOptions extends MeasureCacheOptions, CacheFilter {
  /** Asked before anything is deleted, where there is something. Default: yes. */
  readonly confirm?: ((count: CacheCount) => Promise<boolean>) | undefined;
}

export interface ClearedCache extends CacheCount {
  readonly isThere: boolean;
  /** Files that went as a whole; undefined where there was nothing to delete, or `confirm` said no. */
  readonly removed: number | undefined;
  /** The answers that were in them, and in packs of which others stay. */
  readonly removedEntries: number | undefined;
}

/** What the cache holds; undefined where there is no such folder. LoomError `state` for a folder that is no cache. */
export async function measureCache(options: MeasureCacheOptions = {}): Promise<CacheStatistics | undefined> {
  const folder = openCacheFolder(options);
  return underSignal(options.signal, (signal) => measureEntries(folder, describeScan(options, signal)));
}

/** Deletes what the options are for, and all of it without any. LoomError `state` for a folder that is no cache. */
export async function clearCache(options: ClearCacheOptions = {}): Promise<ClearedCache> {
  const { provider, model, createdBefore, confirm } = options;
  if (provider !== undefined) findProvider(provider, options);
  const filter = { provider, model, createdBefore };
  const folder = openCacheFolder(options);
  return underSignal(options.signal, async (signal) => {
    const scan = describeScan(options, signal);
    const count = await countCacheEntries(folder, filter, scan);
    const found = count ?? { entries: 0, matching: 0, files: 0 };
    const isMeant = found.matching > 0 && (await (confirm?.(found) ?? true));
    const gone = isMeant ? await clearEntries(folder, filter, scan) : undefined;
    return {
      isThere: count !== undefined,
      ...found,
      removed: gone?.files,
      removedEntries: gone?.entries,
    };
  });
}

/** What is called like an answer in a folder that is no cache is something else. */
function openCacheFolder(options: ReachOptions): string {
  const { cache, chosenBase } = openHome(options);
  if (chosenBase !== undefined) checkCache(chosenBase);
  return cache;
}

function describeScan({ onEvent }: MeasureCacheOptions, signal: AbortSignal) {
  return { signal, onProgress: (entries: number) => onEvent?.({ type: 'progress', entries }) };
}
