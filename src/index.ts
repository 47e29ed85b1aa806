/** The library: the stories of the program for other programs. It prints nothing, never exits, and reads no `.env`. */

export { type AdoptBatchOptions, type AdoptedBatch, adoptBatch } from './api/adopt-batch.ts';
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
  type CancelEvent,
  type CancelledBatch,
  type CancelPlan,
  cancelBatch,
} from './api/cancel-batch.ts';
export {
  type CountTokensOptions,
  countTokens,
  estimateTokens,
  type TokenEstimate,
  type TokenEvent,
  type TokenProgress,
  type TokenSummary,
} from './api/count-tokens.ts';
export {
  type DescribeBatchOptions,
  describeBatch,
  type JobReport,
  type PartReport,
} from './api/describe-batch.ts';
export {
  type FetchBatchesEvent,
  type FetchBatchesOptions,
  type FetchEvent,
  type FetchedBatches,
  type FetchSummary,
  fetchBatches,
  type MergedJob,
  type MergeSummary,
  type WaitEvent,
  type WaitOptions,
  type WrittenOutput,
} from './api/fetch-batches.ts';
export {
  type ForgetBatchesOptions,
  type ForgetEvent,
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
export type {
  AskOverwrite,
  CallOptions,
  InputOptions,
  InputStream,
  OutputOptions,
  ReachOptions,
} from './api/options/options.ts';
export type { ReachEvent, RetryEvent } from './api/options/reach.ts';
export { type PreviewRunOptions, previewRun, type RunPreview } from './api/preview-run.ts';
export { describeProvider, type ProviderInfo } from './api/providers.ts';
export {
  type OutputReport,
  type ReportOutputOptions,
  reportOutput,
  type WrittenReport,
} from './api/report-output.ts';
export {
  type AnsweredDataset,
  type PaidUsage,
  type RunEvent,
  type RunSyncOptions,
  runSync,
  type SyncEvent,
  type SyncProgress,
  type SyncSummary,
} from './api/run-sync.ts';
export {
  type SubmitBatchOptions,
  type SubmitEvent,
  type SubmittedBatch,
  submitBatch,
} from './api/submit-batch.ts';
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
