/** `runSync` of the library. */
import type { EventOf } from '../core/models.ts';
import { checkStart } from '../orchestrator/dataset/dataset.ts';
import { runSync as answerDataset, type SyncSummary } from '../orchestrator/live/run-sync.ts';
import type { SyncEvent, SyncProgress } from '../orchestrator/live/sync-order.ts';
import {
  describeUsage,
  type PaidUsage,
  type PricedModel,
  type TierUsage,
} from '../orchestrator/usage/price-usage.ts';
import { UsageTally } from '../orchestrator/usage/usage-tally.ts';
import { offersBatches, providerEntry } from '../providers/registry.ts';
import { requireWhole } from './options/checks.ts';
import { requireSchema } from './options/column-choice.ts';
import { openCostLimit } from './options/cost-limit.ts';
import { tellUnverified } from './options/first-use.ts';
import type {
  CallOptions,
  InputOptions,
  OutputOptions,
  ReachOptions,
  TierOptions,
} from './options/options.ts';
import { findProvider, type ListeningTo, type ReachEvent } from './options/reach.ts';
import {
  choosePlacing,
  describeRun,
  type ForeignReasonsEvent,
  tellForeignReasons,
  withInput,
} from './options/run-order.ts';

export type { PaidUsage, SyncEvent, SyncProgress, SyncSummary, TierUsage };

export type RunEvent =
  | SyncEvent
  | ReachEvent
  | ForeignReasonsEvent
  /** All is checked but the rows: the first call is next. */
  | EventOf<'started'>
  /** The run is over, however it ended: what its calls cost. */
  | EventOf<'spent', Spent>;

/** The calls of a run; what came from the cache cost nothing. */
export interface Spent {
  readonly usage: PaidUsage | undefined;
  /** Calls that broke off after they were sent, and were made again: the provider may bill both. */
  readonly madeAgain: number;
  /** Calls that asked again for an answer that did not fit, and how many of the answers to them fit. */
  readonly misfits: { readonly askedAgain: number; readonly mended: number };
}

export interface RunSyncOptions
  extends InputOptions,
    OutputOptions,
    ReachOptions,
    CallOptions,
    TierOptions,
    ListeningTo<RunEvent> {
  /** US dollars. A run whose input alone costs more is refused, and one that has cost as much is stopped. */
  readonly maxCost?: number | undefined;
  /**
   * How often an answer that does not fit `fields` or `settings.schema` is asked for again, with the reason; by default
   * not at all. Each time is paid for.
   */
  readonly retryMisfits?: number | undefined;
  /** Takes the complete output from a file, in place of leaving it at `output`. */
  readonly deliver?: ((path: string) => Promise<void>) | undefined;
}

export interface AnsweredDataset extends SyncSummary, Spent {
  /** What the whole input would cost, where this was a sample of it whose answers have a price. */
  readonly whole?: WholeCost | undefined;
}

/** By the answers of a sample; US dollars. */
export interface WholeCost {
  readonly rows: number;
  readonly sampled: number;
  readonly liveCost: number;
  /** Undefined where the provider takes no batches. */
  readonly batchCost: number | undefined;
}

/**
 * Answers a dataset at once, as `loom run --sync` does, and writes the output. Throws a LoomError for what the caller
 * can mend, a ProviderError when the provider refused the whole run; what was answered is kept then.
 */
export function runSync(
  options: RunSyncOptions & { readonly overwrite?: boolean | undefined },
): Promise<AnsweredDataset>;
/** Undefined where the function `overwrite` said no: nothing was sent. */
export function runSync(options: RunSyncOptions): Promise<AnsweredDataset | undefined>;
export async function runSync(options: RunSyncOptions): Promise<AnsweredDataset | undefined> {
  const { workers = 8, callTimeoutMs, patienceMs, retryMisfits, maxCost, deliver } = options;
  const { onEvent = () => {} } = options;
  requireWhole({ workers, callTimeoutMs, patienceMs, retryMisfits });
  const entry = findProvider(options.provider, options);
  return withInput({ ...options, cache: options.cache ?? true }, async (dataset, reach, signal) => {
    const { home } = reach;
    const connection = reach.connect(entry.name);
    const described = describeRun(options, dataset, reach, connection);
    await tellUnverified(entry, home, options);
    const checkInput = () => checkStart(described.dataset, signal);
    const placing = deliver
      ? 'new'
      : await choosePlacing(described.outputPath, options.overwrite, checkInput);
    if (!placing) return undefined;
    if (!deliver) await tellForeignReasons(described, onEvent);
    const limit = maxCost === undefined ? undefined : await openCostLimit(maxCost, home, described, signal);
    const beforeCall = () => limit?.check();
    if (retryMisfits !== undefined) requireSchema(described.settings);
    const order = { ...described, placing, workers, patienceMs, retryMisfits, deliver, beforeCall };
    onEvent({ type: 'started' });
    const tally = new UsageTally();
    const misfits = { askedAgain: 0, mended: 0 };
    let answeredAgain = 0;
    const tell = (event: SyncEvent) => {
      if (event.type === 'answered') {
        tally.add(event.result);
        limit?.add(event.result);
      } else if (event.type === 'retry') tally.addRetry(event);
      else if (event.type === 'asked_again') {
        misfits.askedAgain += 1;
        if (event.isAnswered) answeredAgain += 1;
        if (event.fits) misfits.mended += 1;
      }
      onEvent(event);
    };
    const tellSpent = async () => {
      const usage = await describeUsage(tally, { ...described, home, batch: false });
      const spent = { usage, madeAgain: tally.madeAgain, misfits };
      onEvent({ type: 'spent', ...spent });
      return spent;
    };
    try {
      const summary = await answerDataset(home, order, () => entry.openSync(connection), signal, tell);
      const spent = await tellSpent();
      const whole = await estimateWhole(summary, tally, answeredAgain, (batch) => ({
        ...described,
        home,
        batch,
      }));
      return { ...summary, ...spent, whole };
    } catch (error) {
      await tellSpent();
      throw limit ? limit.explain(error) : error;
    }
  });
}

/** What every row would cost if its answers were like those that were just paid for; a batch asks for each once. */
async function estimateWhole(
  { drawnFrom = 0, rows, blankRows }: SyncSummary,
  tally: UsageTally,
  answeredAgain: number,
  pricedAs: (batch: boolean) => PricedModel,
): Promise<WholeCost | undefined> {
  const sampled = tally.answers - answeredAgain;
  if (drawnFrom <= rows || sampled <= 0) return undefined;
  const takesBatches = offersBatches(providerEntry(pricedAs(false).provider));
  const asked = drawnFrom * ((rows - blankRows) / rows);
  const costAs = async (batch: boolean) => {
    const cost = (await describeUsage(tally, pricedAs(batch)))?.cost;
    return cost === undefined ? undefined : (cost * asked) / (batch ? tally.answers : sampled);
  };
  const liveCost = await costAs(false);
  if (liveCost === undefined) return undefined;
  const batchCost = takesBatches ? await costAs(true) : undefined;
  return { rows: drawnFrom, sampled, liveCost, batchCost };
}
