/** `previewRun` of the library. */
import { drawRows } from '../../orchestrator/dataset/dataset.ts';
import type { DatasetOrder } from '../../orchestrator/dataset/dataset-order.ts';
import { readFirstRows } from '../../orchestrator/estimate/preview-rows.ts';
import { requireBatchApi } from '../../providers/registry.ts';
import { findKeyVariable, resolveBaseUrl } from '../../state/keys/keys.ts';
import { checkOutputPath } from '../../storage/output-file.ts';
import { refuseTier, requireWhole } from '../options/checks.ts';
import { type PricedEstimate, priceRun } from '../options/cost-limit.ts';
import type { InputOptions, OutputOptions, ReachOptions, TierOptions } from '../options/options.ts';
import { findProvider } from '../options/reach.ts';
import { describeRun, withInput } from '../options/run-order.ts';
import { describePrompt, type PreviewedPrompt } from './preview-prompts.ts';

export interface PreviewRunOptions extends InputOptions, OutputOptions, ReachOptions, TierOptions {
  /** Whether it would be a live run. Default: batches. */
  readonly live?: boolean | undefined;
  readonly batchSize?: number | undefined;
  /** Whether the output would be handed over, in place of being left at `output`. */
  readonly deliver?: boolean | undefined;
}

export interface RunPreview extends PricedEstimate {
  /** The first prompt among the first hundred rows; undefined when they have none. */
  readonly firstPrompt: PreviewedPrompt | undefined;
  readonly outputPath: string;
  readonly outputExists: boolean;
}

/** Checks the whole input and tells what a run would send, as `loom run --dry-run` does. Sends and writes nothing; needs no key. */
export async function previewRun(options: PreviewRunOptions): Promise<RunPreview> {
  const { live, batchSize, deliver } = options;
  requireWhole({ batchSize });
  if (!live) refuseTier(options);
  const entry = findProvider(options.provider, options);
  if (!live) requireBatchApi(entry);
  return withInput({ ...options, cache: false }, async (dataset, reach, signal) => {
    const { home, variables, headersFor } = reach;
    const baseUrl = resolveBaseUrl(entry, options.baseUrl, undefined, variables);
    const apiKey = options.apiKey ?? variables[findKeyVariable(entry, variables) ?? entry.keyVariable];
    const order = describeRun(options, dataset, reach, { baseUrl, apiKey, headers: headersFor(entry.name) });
    const { outputPath } = order;
    const outputExists = !deliver && (await checkOutputPath(outputPath));
    const estimate = await priceRun(home, order, live ? undefined : { batchSize }, signal);
    const firstPrompt = await findFirstPrompt(order.dataset, signal);
    return { ...estimate, firstPrompt, outputPath, outputExists };
  });
}

/** So many rows are looked at for one that has a prompt. */
const mostRows = 100;

async function findFirstPrompt(
  dataset: DatasetOrder,
  signal: AbortSignal,
): Promise<PreviewedPrompt | undefined> {
  const rows = await readFirstRows(await drawRows(dataset, signal), mostRows, signal);
  const first = rows.find(({ prompt }) => prompt !== null);
  return first && describePrompt(first);
}
