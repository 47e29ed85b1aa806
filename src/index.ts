/** The library: the stories of the program for other programs. It prints nothing, never exits, and reads no `.env`. */

export {
  type CacheCount,
  type CacheEvent,
  type CacheStatistics,
  type ClearCacheOptions,
  type ClearedCache,
  clearCache,
  type MeasureCacheOptions,
  measureCache,
} from './api/cache.ts';
export {
  type CancelBatchOptions,
  type CancelledBatch,
  type CancelPlan,
  cancelBatch,
} from './api/cancel-batch.ts';
export { type CountTokensOptions, countTokens } from './api/count-tokens.ts';
export {
  type DescribeBatchOptions,
  describeBatch,
  type JobReport,
  type PartReport,
} from './api/describe-batch.ts';
export {
  type FetchBatchesOptions,
  type FetchedBatches,
  fetchBatches,
  type WrittenOutput,
} from './api/fetch-batches.ts';
export {
  type ForgetBatchesOptions,
  type ForgetTarget,
  type ForgottenBatches,
  forgetBatches,
} from './api/forget-batches.ts';
export {
  type BatchList,
  type DamagedFile,
  type ListBatchesOptions,
  type ListedBatch,
  listBatches,
} from './api/list-batches.ts';
export type { InputOptions, OutputOptions, ReachOptions } from './api/options/options.ts';
export type { ReachEvent } from './api/options/reach.ts';
export { type AnsweredDataset, type RunSyncOptions, runSync } from './api/run-sync.ts';
export { type SubmitBatchOptions, type SubmittedBatch, submitBatch } from './api/submit-batch.ts';
export type { PaidUsage } from './api/usage.ts';
export {
  adoptDocumentSchema,
  cacheClearDocumentSchema,
  cacheStatsDocumentSchema,
  cancelDocumentSchema,
  errorDocumentSchema,
  fetchDocumentSchema,
  forgetDocumentSchema,
  listDocumentSchema,
  reportDocumentSchema,
  runDocumentSchema,
  statusDocumentSchema,
  tokensDocumentSchema,
} from './core/documents.ts';
export type { ErrorCode, ErrorFacts } from './core/error-facts.ts';
export { type ErrorKind, type ErrorScope, LoomError, ProviderError } from './core/errors.ts';
export type { BatchRecord, BatchStatus, GenerationSettings, ProviderName } from './core/models.ts';
export type { FetchEvents, FetchSummary } from './orchestrator/batch/fetch/fetch-run.ts';
export type { CancelEvent, CancelTarget } from './orchestrator/batch/manage/cancel-job.ts';
export type { ForgetEvent } from './orchestrator/batch/manage/forget-jobs.ts';
export type { MergedJob } from './orchestrator/batch/merge/merge-job.ts';
export type { SubmitEvents } from './orchestrator/batch/submit/submit-batch.ts';
export type { WaitOptions } from './orchestrator/batch/wait/wait-batches.ts';
export type { WaitEvents } from './orchestrator/batch/wait/wait-news.ts';
export type { TokenEvents, TokenProgress, TokenSummary } from './orchestrator/estimate/count-tokens.ts';
export type { SyncSummary } from './orchestrator/live/run-sync.ts';
export type { SyncEvents, SyncProgress } from './orchestrator/live/sync-order.ts';
export type { MergeSummary } from './orchestrator/output/row-tally.ts';
