/** The names under which live runs keep their journal and their lock. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LoomHome } from '../utils/home.ts';
import { settingsText } from '../utils/settings-text.ts';
import { recordDataset } from './dataset.ts';
import type { DrawnOrder } from './run-sync.ts';

const cachedRunPrefix = 'live_';
const uncachedRunPrefix = 'sync_';

type Work = Pick<DrawnOrder, 'dataset' | 'provider' | 'model' | 'outputPath' | 'settings'>;

/**
 * Runs of the same name ask the same of the same rows for the same output. What an earlier run with the cache paid for
 * is in the cache, so that such runs may have the name in common when their input has changed in between.
 */
export function nameCachedRun(order: Work): string {
  return `${cachedRunPrefix}${hashWork(order, order.dataset.path)}`;
}

/**
 * As above, for a run without the cache: what it answers is kept for that very input, and comes from one address. The
 * sandbox has another one each time.
 */
export function nameUncachedRun(
  home: LoomHome,
  { baseUrl, ...order }: Work & { readonly baseUrl: string | undefined },
  inputSha256: string,
): string {
  const place = { base_url: home.isSandbox ? undefined : baseUrl };
  return `${uncachedRunPrefix}${hashWork(order, inputSha256, wherePresent(place))}`;
}

function hashWork(
  { dataset, provider, model, outputPath, ...order }: Work,
  input: string,
  place: readonly object[] = [],
): string {
  const { prompt_column: column, ...more } = recordDataset(dataset);
  const settings = settingsText(order.settings);
  const work = JSON.stringify([
    ...[input, column, provider, model, outputPath],
    ...(settings === undefined ? [] : [settings]),
    ...wherePresent(more),
    ...place,
  ]);
  return createHash('sha256').update(work).digest('hex').slice(0, 24);
}

/** These fields as part of a name; nothing when none is set, so that work without them keeps its name. */
export function wherePresent(fields: object): object[] {
  return Object.values(fields).some((value) => value !== undefined) ? [fields] : [];
}

/** Where a live run keeps its results until its output is written. With the cache on, they are in that as well. */
export function journalPath(home: LoomHome, runName: string): string {
  return join(home.results, `${runName}.jsonl`);
}

/** Where they are when no cache has them, for the next run of that name: the same place if the cache is off. */
export function keptJournalPath(home: LoomHome, runName: string): string {
  const end = runName.startsWith(cachedRunPrefix) ? '_uncached' : '';
  return journalPath(home, `${runName}${end}`);
}
