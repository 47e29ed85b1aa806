/** The library: the stories of the program for other programs. It prints nothing, never exits, and reads no `.env`. */
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
} from './documents.ts';
export { type ErrorKind, type ErrorScope, LoomError, ProviderError } from './errors.ts';
export { type CancelBatchOptions, type CancelledBatch, cancelBatch } from './library/cancel-batch.ts';
export { type CountTokensOptions, countTokens } from './library/count-tokens.ts';
export {
  type FetchBatchesOptions,
  type FetchedBatches,
  fetchBatches,
  type WrittenOutput,
} from './library/fetch-batches.ts';
export type { InputOptions, OutputOptions, ReachOptions } from './library/options.ts';
export { type AnsweredDataset, type RunSyncOptions, runSync } from './library/run-sync.ts';
export { type SubmitBatchOptions, type SubmittedBatch, submitBatch } from './library/submit-batch.ts';
export type { PaidUsage } from './library/usage.ts';
export type { BatchRecord, BatchStatus, GenerationSettings, ProviderName } from './models.ts';
export type { CancelEvents, CancelTarget } from './orchestrator/cancel-job.ts';
export type { TokenEvents, TokenProgress, TokenSummary } from './orchestrator/count-tokens.ts';
export type { FetchEvents, FetchSummary } from './orchestrator/fetch-batches.ts';
export type { MergedJob } from './orchestrator/merge-job.ts';
export type { MergeSummary } from './orchestrator/row-tally.ts';
export type { SyncEvents, SyncProgress, SyncSummary } from './orchestrator/run-sync.ts';
export type { SubmitEvents } from './orchestrator/submit-batch.ts';
export type { WaitEvents, WaitOptions } from './orchestrator/wait-batches.ts';
