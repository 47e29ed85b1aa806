/** What a fetch is asked to do, what it tells, and what its steps share. */

import type { ReachOfOne } from '../../../core/error-facts.ts';
import type { LoomError, ProviderError } from '../../../core/errors.ts';
import type { BatchRecord, EventOf } from '../../../core/models.ts';
import type { ProviderName } from '../../../core/names.ts';
import type { DamagedFile } from '../../../state/damaged-files.ts';
import type { HeldResults } from '../../../state/results.ts';
import type { LoomHome } from '../../../storage/home.ts';
import type { RetryEvent } from '../../calls/retry.ts';
import type { RetryPolicy } from '../../calls/retry-policy.ts';
import type { PaidUsage } from '../../usage/price-usage.ts';
import type { ListedBatch, QueuedPart } from '../list/list-batches.ts';
import type { MergedJob, MergeOptions } from '../merge/merge-job.ts';
import type { Connect, ReachedProviders } from '../parts/job-reach.ts';
import type { PartEvent } from '../parts/submit-parts.ts';

export interface FetchOrder {
  /** A batch id or a job id; undefined: every pending job. */
  readonly id: string | undefined;
  readonly keep: boolean;
  readonly force: boolean;
  /**
   * Writes what there is of batches whose results are short or that ended early, and with `id` the rows of a changed
   * input that still match.
   */
  readonly partial: boolean;
  /** Where the input is now; undefined: where it was. Absolute. */
  readonly inputPath: string | undefined;
  /** What relative paths in records of the Python tool are taken from. */
  readonly workingFolder: string;
  /** Set where a key, an address or a header was given that belongs to one provider only. */
  readonly reachOfOne?: ReachOfOne | undefined;
  readonly connect: Connect;
  /** Of a run that waits for its own job: what is wrong with others is told by those who fetch them. */
  readonly isOwnRun?: boolean;
  /**
   * Whether a file in the way may go; `nobody` when there is nobody to ask, `later` when the job is looked at again. It
   * is locked meanwhile.
   */
  confirmOverwrite(outputPath: string, id: string): Promise<'yes' | 'no' | 'nobody' | 'later'>;
}

/** What an ended batch gave before its end. */
export interface KeptAnswers {
  readonly answers: number;
  /** Whether they are in the cache, so that the same run sends only the rest. */
  readonly inCache: boolean;
  /** What they cost, with the answers that other parts of the job gave before. */
  readonly usage: PaidUsage | undefined;
}

/** What is known of results that do not account for every row. */
export interface ShortResults {
  readonly account: BatchAccount;
  /** From when on a fetch writes the output without what is missing. */
  readonly due: Date;
  /** Why the download broke off, when it did. */
  readonly trouble: ProviderError | undefined;
}

/** An output that was written, and what its answers cost; no usage when an earlier fetch had written it. */
export interface WrittenOutput extends Omit<MergedJob, 'usage'> {
  readonly usage: PaidUsage | undefined;
}

export type FetchEvent =
  | PartEvent
  /** A batch that is not done; `reason` is the provider's word on a failure, or ours on a failed call. */
  | EventOf<'status', { reason: string | undefined } & SeenBatch>
  /** A batch that should have ended by now, by its provider's completion window. */
  | EventOf<'stuck', { record: BatchRecord; windowHours: number }>
  /** A batch whose results are all there. */
  | EventOf<'ready', SeenBatch>
  /** A part that waits because the provider's queue is full, or it was too large. */
  | EventOf<'queued', QueuedPart>
  /** How many parts of a job are in; told of jobs with more than one. */
  | EventOf<'parts', { id: string; partsIn: number; parts: number }>
  | EventOf<'merged', { output: WrittenOutput }>
  /** An output in the way that stays, and what was answered. */
  | EventOf<'kept', { id: string; outputPath: string; answer: 'no' | 'nobody'; error: LoomError }>
  /** A batch ended early: what it gave is kept. */
  | EventOf<'ended', { record: BatchRecord } & KeptAnswers>
  /** A completed batch whose results are short: what came is kept, and a later fetch asks again. */
  | EventOf<'short', { account: BatchAccount; error: LoomError } & SeenBatch>
  /** The record of a batch was out of sight, and was made anew from its job. */
  | EventOf<'restored', { record: BatchRecord }>
  /** The provider's count of results is not what its files hold. */
  | EventOf<'miscount', { record: BatchRecord; counted: number; held: number }>
  /** Another process is working on this job: it is passed over. */
  | EventOf<'busy', { id: string }>
  | EventOf<'damaged', { file: DamagedFile }>
  /** One job could not be fetched; the others go on. */
  | EventOf<'failed', { id: string; provider: ProviderName; error: unknown }>
  | RetryEvent;

/** A batch as it is now: its record, and what a list shows of it. */
export interface SeenBatch {
  readonly record: BatchRecord;
  readonly batch: ListedBatch;
}

/** The worst that happened decides the exit code. */
export interface FetchSummary {
  /** How many jobs were looked at. */
  readonly jobs: number;
  /** Something could not be done: an error, a batch that ended badly, all rows failed, an output in the way. */
  readonly troubled: boolean;
  /** An output was written in which some rows have no response. */
  readonly incomplete: boolean;
}

/** What the steps of one fetch share. */
export interface FetchRun {
  readonly home: LoomHome;
  readonly order: FetchOrder;
  readonly merging: MergeOptions;
  readonly onEvent: (event: FetchEvent) => void;
  readonly signal: AbortSignal;
  readonly providers: ReachedProviders;
  /** How calls are tried again; undefined: as everywhere. */
  readonly retryPolicy?: RetryPolicy;
  /** Not the first look at the job: what it gave or how it ended is known, and not asked again. */
  readonly isRepeated: boolean;
  /** Outputs that this fetch has written. */
  readonly written: Set<string>;
  readonly outcome: FetchOutcome;
}

/** The worst so far. */
export interface FetchOutcome {
  troubled: boolean;
  incomplete: boolean;
  /** Results of a completed batch are short. */
  short?: boolean;
  /** Why the provider could not be asked how a batch is, the last time. */
  refusal?: ProviderError;
}

/** What has come of the rows of one batch. */
export interface BatchAccount extends HeldResults {
  readonly sent: number;
  /** Sent, and neither answered nor refused. */
  readonly missing: number;
}
