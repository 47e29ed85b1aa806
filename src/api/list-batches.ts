/** `listBatches` of the library. */
import type { ProviderName, StatusWord } from '../core/names.ts';
import {
  hasStatus,
  type ListedBatch,
  listBatches as listStored,
} from '../orchestrator/batch/list/list-batches.ts';
import { providerEntry } from '../providers/registry.ts';
import type { DamagedFile } from '../state/damaged-files.ts';
import type { ReachOptions } from './options/options.ts';
import { openHome, withProviders } from './options/reach.ts';

export type { DamagedFile, ListedBatch };

export interface ListBatchesOptions extends ReachOptions {
  /** Only batches with one of these; `pending` is whatever is not over, `stuck` what is so for too long. */
  readonly status?: readonly StatusWord[] | undefined;
  /** Only those of these. */
  readonly provider?: readonly ProviderName[] | undefined;
}

export interface BatchList {
  /** Newest first; parts of a job together, in their order. */
  readonly batches: readonly ListedBatch[];
  /** How many there are in all. */
  readonly known: number;
  /** Files that can't be read, and what waits for them. */
  readonly damaged: readonly DamagedFile[];
}

/** Every batch there is a record of, and every part that waits to become one, as `loom list` shows them. */
export async function listBatches(options: ListBatchesOptions = {}): Promise<BatchList> {
  return withProviders(options, () => listWanted(options));
}

async function listWanted(options: ListBatchesOptions): Promise<BatchList> {
  const { status, provider } = options;
  const { batches, damaged } = await listStored(openHome(options));
  // A record may be of one that is not there any more.
  for (const name of provider ?? [])
    if (!batches.some((batch) => batch.provider === name)) providerEntry(name);
  const wanted = batches.filter(
    (batch) => (!status || hasStatus(batch, status)) && (!provider || provider.includes(batch.provider)),
  );
  return { batches: wanted, known: batches.length, damaged };
}
