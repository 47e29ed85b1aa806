/**
 * The JSON documents that commands print with `--output-format json`. Fields may be added; those that are here keep
 * their names and meaning. What is not known, or does not apply, is null.
 */

import type { CacheClearDocument, CacheStatsDocument } from './cache-documents.ts';
import type {
  AdoptDocument,
  CancelDocument,
  ExportDocument,
  FetchDocument,
  ForgetDocument,
  ImportDocument,
  ListDocument,
  RunDocument,
  StatusDocument,
  TokensDocument,
} from './job-documents.ts';
import type {
  DoctorDocument,
  KeysListDocument,
  KeysRmDocument,
  KeysSetDocument,
  ModelsDocument,
} from './model-documents.ts';
import type { CompareDocument, ReportDocument } from './output-documents.ts';

export * from './cache-documents.ts';
export * from './job-documents.ts';
export * from './model-documents.ts';
export * from './output-documents.ts';
export { errorDocumentSchema } from './parts.ts';

/** The document of any command. */
export type CommandDocument =
  | RunDocument
  | FetchDocument
  | AdoptDocument
  | ExportDocument
  | ImportDocument
  | ListDocument
  | ModelsDocument
  | DoctorDocument
  | StatusDocument
  | CancelDocument
  | ForgetDocument
  | TokensDocument
  | ReportDocument
  | CompareDocument
  | KeysSetDocument
  | KeysListDocument
  | KeysRmDocument
  | CacheStatsDocument
  | CacheClearDocument;
