/** What the vendors take, by their own documentation; any of it can be set lower or higher. */
import type { CompatibleName } from './vendors.ts';

/** The smaller of the two things that the word can mean: what fits here fits there. */
const megabyte = 1_000_000;

/** Of request files and the batches that are made of them, where OpenAI's protocol is spoken. */
export interface FileLimits {
  readonly requests: number;
  readonly batchBytes: number;
  readonly fileBytes: number;
  readonly lineBytes: number;
}

interface VendorLimits {
  /** A live call's body, at every vendor. */
  readonly bodyBytes: number;
  readonly anthropic: { readonly requests: number; readonly batchBytes: number };
  readonly google: {
    readonly requests: number;
    readonly fileBytes: number;
    readonly inlineBytes: number;
    /** Batches that are not done at the same time. */
    readonly openBatches: number;
  };
}

/** What is other than in a vendor's dialect. */
type FileLimitChanges = { readonly [Name in CompatibleName]?: Partial<FileLimits> };

export interface Limits extends VendorLimits {
  readonly changes: FileLimitChanges;
}

/** Limits to change; what is left out stays as it is at the vendor. */
export type LimitChanges = FileLimitChanges & {
  readonly [Key in keyof VendorLimits]?: VendorLimits[Key] extends number
    ? number
    : Partial<VendorLimits[Key]>;
};

/** Anthropic's batch processing guide, Google's Batch API and Files API pages. */
const vendorLimits: VendorLimits = {
  bodyBytes: 32 * megabyte,
  anthropic: { requests: 100_000, batchBytes: 256 * megabyte },
  google: {
    requests: Number.MAX_SAFE_INTEGER,
    fileBytes: 2000 * megabyte,
    inlineBytes: 20 * megabyte,
    openBatches: 100,
  },
};

/** The vendors' limits with changes. */
export function limitsWith({ bodyBytes, anthropic, google, ...changes }: LimitChanges = {}): Limits {
  return {
    bodyBytes: bodyBytes ?? vendorLimits.bodyBytes,
    anthropic: { ...vendorLimits.anthropic, ...anthropic },
    google: { ...vendorLimits.google, ...google },
    changes,
  };
}
