/** `importResults` of the library. */
import { resolve } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import { importResults as importPlanned } from '../../orchestrator/batch/exchange/import-results.ts';
import { describeUsage } from '../../orchestrator/usage/price-usage.ts';
import { requireBatchApi } from '../../providers/registry.ts';
import type { WrittenOutput } from '../fetch-batches.ts';
import type { InputOptions, OutputOptions, ReachOptions } from '../options/options.ts';
import { findProvider, type ListeningTo, type ReachEvent } from '../options/reach.ts';
import {
  choosePlacing,
  describeRun,
  type ForeignReasonsEvent,
  tellForeignReasons,
  withInput,
} from '../options/run-order.ts';
import { reachNobody } from './reach-nobody.ts';
import { refuseSame } from './refuse-same.ts';

export interface ImportResultsOptions
  extends InputOptions,
    OutputOptions,
    ReachOptions,
    ListeningTo<ReachEvent | ForeignReasonsEvent> {
  /** Files of results, plain or `.gz`, in the form that the provider gives them; of a row the first answer counts. */
  readonly results: readonly string[];
}

/**
 * Merges results that were made elsewhere into the file whose requests `exportRequests` wrote, as `loom import` does. They
 * are told apart by their custom ids: the input, the prompt and the choice of rows have to be those of the export.
 * Undefined where the function `overwrite` said no.
 */
export async function importResults(options: ImportResultsOptions): Promise<WrittenOutput | undefined> {
  const { provider, overwrite = false, onEvent = () => {} } = options;
  const entry = requireBatchApi(findProvider(provider, options));
  if (options.results.length === 0)
    throw new LoomError('usage', 'no file of results is given.', { hint: 'Name one in results.' });
  return withInput({ ...options, cache: options.cache ?? true }, async (dataset, reach, signal) => {
    const { home, workingFolder } = reach;
    const connection = reachNobody(entry, options, reach);
    const order = { ...describeRun(options, dataset, reach, connection), batchSize: undefined };
    const files = options.results.map((path) => resolve(workingFolder, path));
    refuseSame(order.outputPath, files, 'a file of results');
    const placing = await choosePlacing(order.outputPath, overwrite);
    if (!placing) return undefined;
    await tellForeignReasons(order, onEvent);
    const merged = await importPlanned({ home, order, entry, connection, signal }, files, placing);
    const { usage, ...written } = merged;
    const priced = { home, provider, model: options.model, batch: true };
    return { ...written, usage: await describeUsage(usage, priced) };
  });
}
