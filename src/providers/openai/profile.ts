/** A vendor that speaks OpenAI's protocol is a profile: what it is called, where it is, and how it differs. */
import type { ErrorScope } from '../../core/errors.ts';
import type { WireObject } from '../network/wire.ts';
import type { BatchLimits, VendorEntry } from '../provider.ts';

/** What a refusal means: where all that a rule names is so. */
export interface RefusalRule {
  readonly status?: number;
  readonly code?: string;
  readonly says?: RegExp;
  readonly scope: ErrorScope;
  /** The word for it, in place of the vendor's own. */
  readonly as?: string;
}

type EntryFields = Omit<
  VendorEntry,
  'countsTokens' | 'batchPriceShare' | 'completionWindowHours' | 'openSync' | 'openBatch'
>;

export interface Profile extends EntryFields {
  /** What its refusals mean, the first that fits; what none fits means what it means at OpenAI. */
  readonly refusals?: readonly RefusalRule[];
  /** Where its own word for an error may stand, as `metadata.error_type`, before the usual places. */
  readonly codePlaces?: readonly string[];
  /** Whether an answer that says no is the vendor's, where its errors are no object `error` with a message. */
  readonly isOwnError?: (body: WireObject) => boolean;
  /** OPENAI_ORG_ID and OPENAI_PROJECT_ID are for OpenAI only. */
  readonly accountHeaders?: boolean;
  /** Errors come with status 200, in the answer or in its choice, once an upstream was asked. */
  readonly upstreamErrors?: boolean;
  /** What tells of a key, where anybody is given the list of models. */
  readonly keyPath?: string;
  /** Absent where there is no batch API. */
  readonly batches?: BatchProfile;
}

/** Each field that is absent is as OpenAI has it. */
export interface BatchProfile {
  readonly limits: BatchLimits;
  readonly priceShare: VendorEntry['batchPriceShare'];
  /** Absent: a batch is never ended by itself. */
  readonly windowHours?: number | undefined;
  /** False where a batch goes on beyond the time that it tells as its end. */
  readonly expires?: boolean | undefined;
  /** What the upload is for. */
  readonly purpose?: string | undefined;
  /** `signed`: the vendor names an address for the bytes, in place of taking them in a form. */
  readonly upload?: 'form' | 'signed' | undefined;
  /** What the requests are sent to, in the vendor's word. */
  readonly endpoint?: string | undefined;
  /** The time that is asked for. */
  readonly window?: string | undefined;
  /** `body`: a line of the request file has no method and no address. */
  readonly lineForm?: 'call' | 'body' | undefined;
  /** `batch`: the model is said once, at the batch. */
  readonly modelAt?: 'line' | 'batch' | undefined;
  /** An upload can be used only once the vendor has looked it through. */
  readonly waitsForFile?: boolean | undefined;
  /** False where a batch can't be cancelled. */
  readonly cancels?: boolean | undefined;
  readonly graceMs?: number | undefined;
  /** The field of the metadata that keeps the tag of a batch. Absent: a batch is known by its file alone. */
  readonly tagField?: string | undefined;
  /** The list of batches takes that field as a filter. */
  readonly listsByTag?: boolean | undefined;
  /** The field of a creation that makes another one with the same text the same batch. */
  readonly repeatField?: string | undefined;
}
