/** The library: the stories of the program for other programs. It prints nothing, never exits, and reads no `.env`. */

export * from './api/adopt-batch.ts';
export * from './api/cache.ts';
export * from './api/cancel-batch.ts';
export * from './api/count-tokens.ts';
export * from './api/describe-batch.ts';
export * from './api/doctor/doctor.ts';
export * from './api/exchange/export-requests.ts';
export * from './api/exchange/import-results.ts';
export * from './api/fetch-batches.ts';
export * from './api/forget-batches.ts';
export * from './api/keys/kept-keys.ts';
export * from './api/list-batches.ts';
export * from './api/models.ts';
export type * from './api/options/options.ts';
export type { ReachEvent, RetryEvent } from './api/options/reach.ts';
export * from './api/outputs/compare-outputs.ts';
export * from './api/preview/preview-prompts.ts';
export * from './api/preview/preview-run.ts';
export {
  describeProvider,
  listProviders,
  type ProviderInfo,
  type ProvidersOptions,
} from './api/providers.ts';
export * from './api/report-output.ts';
export * from './api/run-sync.ts';
export * from './api/submit-batch.ts';
export * from './core/documents/documents.ts';
export type { ErrorCode, ErrorFacts } from './core/error-facts.ts';
export { type ErrorKind, type ErrorScope, LoomError, ProviderError } from './core/errors.ts';
export type { BatchRecord, BatchStatus, GenerationSettings, ProviderName } from './core/models.ts';
