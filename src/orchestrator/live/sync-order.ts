/** What a live run is asked to do, and what it tells. */

import type { EventOf, RowResult } from '../../core/models.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { Placing } from '../../storage/output-file.ts';
import type { AnswerCheck } from '../answers/answer-check.ts';
import type { RetryEvent } from '../calls/retry.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { DrawnOrder, RunOrder } from '../orders/run-order.ts';
import type { RunMeter } from '../usage/leave-history.ts';

export interface SyncOrder extends RunOrder {
  /** Whether a file that is there, or comes meanwhile, may go. */
  readonly placing: Placing;
  /** Takes the complete output from a file, in place of leaving it at `outputPath`. */
  readonly deliver?: ((path: string) => Promise<void>) | undefined;
  readonly workers: number;
  /** How long rate limits are waited out while no call is answered, in milliseconds; by default as everywhere. */
  readonly patienceMs?: number | undefined;
  /** How often an answer that does not fit its schema is asked for again; by default not at all. */
  readonly retryMisfits?: number | undefined;
  /** Called before each call; what this throws stops the run, as a refused key does. */
  readonly beforeCall?: (() => void) | undefined;
}

export interface DrawnSyncOrder extends SyncOrder, DrawnOrder {
  readonly dataset: Dataset;
}

/** What every step of a live run is given. */
export interface SyncContext {
  readonly home: LoomHome;
  readonly order: DrawnSyncOrder;
  readonly checkAnswer: AnswerCheck;
  readonly meter: RunMeter;
  readonly signal: AbortSignal;
  readonly onEvent: (event: SyncEvent) => void;
}

export interface SyncProgress {
  readonly done: number;
  /** Rows that have a prompt. */
  readonly total: number;
  readonly cacheHits: number;
  readonly errors: number;
}

export type SyncEvent =
  /** After the check of the input, and after each row. */
  | EventOf<'progress', SyncProgress>
  | RetryEvent
  /** Another process is doing the very same run: this one goes on when that is done. */
  | EventOf<'waiting'>
  /** The same work is pending in a batch: its answers are paid for too. */
  | EventOf<'pending', { id: string }>
  /** Answers that a run which was cut off had paid for, and this one need not. */
  | EventOf<'resumed', { answers: number }>
  /** A call was answered, and is paid for. */
  | EventOf<'answered', { result: RowResult }>
  /** The server has no structured output: the schema goes into the system text from here on. */
  | EventOf<'schema_refused', { reason: string }>
  /** An answer that did not fit was asked for again: what came the next time, which was `answered` too if anything did. */
  | EventOf<'asked_again', { isAnswered: boolean; fits: boolean }>
  /** An answer could not be stored in the cache; told once, the answers are in the output all the same. */
  | EventOf<'cache_trouble', { error: unknown }>;
