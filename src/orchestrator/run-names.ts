/** The names under which live runs keep their journal and their lock. */
import { createHash } from 'node:crypto';
import type { SyncOrder } from './run-sync.ts';

/** With the cache on, a journal is worth nothing once its run is dead; without it, it holds what was paid for. */
export const cachedRunPrefix = 'live_';
export const uncachedRunPrefix = 'sync_';

/** Runs of the same name ask the same of the same rows for the same output. */
export function nameRun(order: SyncOrder, inputSha256: string): string {
  const { dataset, provider, model, outputPath, useCache } = order;
  const work = JSON.stringify([inputSha256, dataset.column ?? null, provider, model, outputPath]);
  const hash = createHash('sha256').update(work).digest('hex').slice(0, 24);
  return `${useCache ? cachedRunPrefix : uncachedRunPrefix}${hash}`;
}
