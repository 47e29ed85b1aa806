/** `exportRequests` of the library. */
import { resolve } from 'node:path';
import {
  type ExportedRequests,
  exportRequests as exportPlanned,
} from '../../orchestrator/batch/exchange/export-requests.ts';
import { defaultRequestsPath } from '../../orchestrator/dataset/dataset.ts';
import { requireBatchApi } from '../../providers/registry.ts';
import type { InputOptions, OutputOptions, ReachOptions } from '../options/options.ts';
import { findProvider, type ListeningTo, type ReachEvent } from '../options/reach.ts';
import { choosePlacing, describeRun, withInput } from '../options/run-order.ts';
import { reachNobody } from './reach-nobody.ts';
import { refuseSame } from './refuse-same.ts';

export type { ExportedRequests };

export interface ExportRequestsOptions extends InputOptions, ReachOptions, ListeningTo<ReachEvent> {
  /** Where they go. Default: `<input>_requests_<provider>_<model>.jsonl`, or `.json` where they are one object. */
  readonly output?: string | undefined;
  readonly overwrite?: OutputOptions['overwrite'];
  /** Whether rows are left out that have their answer in the cache. Default true. */
  readonly cache?: boolean | undefined;
  /** Whose answers in the cache count, as for a run. */
  readonly serverName?: string | undefined;
}

/**
 * Writes the requests of a run into a file, in the form in which the provider takes them, as `loom export` does: for a
 * machine without a way out, a program such as `vllm run-batch`, or another account. Sends nothing, and needs no key.
 * Undefined where the function `overwrite` said no.
 */
export async function exportRequests(options: ExportRequestsOptions): Promise<ExportedRequests | undefined> {
  const { provider, model, output, overwrite } = options;
  const entry = requireBatchApi(findProvider(provider, options));
  return withInput({ ...options, cache: options.cache ?? true }, async (dataset, reach, signal) => {
    const { home, workingFolder } = reach;
    const connection = reachNobody(entry, options, reach);
    const { framing } = await entry.openBatch(connection);
    const usual = () => defaultRequestsPath(dataset.path, provider, model, framing.before !== '');
    const path = output === undefined ? usual() : resolve(workingFolder, output);
    refuseSame(path, [dataset.path], 'the input');
    const placing = await choosePlacing(path, overwrite);
    if (!placing) return undefined;
    const described = describeRun({ ...options, output: undefined }, dataset, reach, connection);
    const order = { ...described, batchSize: undefined };
    return exportPlanned({ home, order, entry, connection, signal }, path, placing);
  });
}
