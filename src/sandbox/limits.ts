/** What the vendors take, by their own documentation; any of it can be set lower or higher. */

/** The smaller of the two things that the word can mean: what fits here fits there. */
const megabyte = 1_000_000;

export interface Limits {
  /** A live call's body, at every vendor. */
  readonly bodyBytes: number;
  readonly openai: {
    readonly requests: number;
    readonly batchBytes: number;
    readonly fileBytes: number;
    readonly lineBytes: number;
  };
  readonly anthropic: { readonly requests: number; readonly batchBytes: number };
  readonly google: {
    readonly requests: number;
    readonly fileBytes: number;
    readonly inlineBytes: number;
    /** Batches that are not done at the same time. */
    readonly openBatches: number;
  };
  readonly alibaba: Limits['openai'];
}

/** Limits to change; what is left out stays as it is at the vendor. */
export type LimitChanges = {
  readonly [Key in keyof Limits]?: Limits[Key] extends number ? number : Partial<Limits[Key]>;
};

/** OpenAI's Batch guide, Anthropic's batch processing guide, Google's Batch API and Files API pages, Model Studio's page on batches. */
const vendorLimits: Limits = {
  bodyBytes: 32 * megabyte,
  openai: {
    requests: 50_000,
    batchBytes: 200 * megabyte,
    fileBytes: 512 * megabyte,
    lineBytes: Number.MAX_SAFE_INTEGER,
  },
  anthropic: { requests: 100_000, batchBytes: 256 * megabyte },
  google: {
    requests: Number.MAX_SAFE_INTEGER,
    fileBytes: 2000 * megabyte,
    inlineBytes: 20 * megabyte,
    openBatches: 100,
  },
  alibaba: {
    requests: 50_000,
    batchBytes: 500 * megabyte,
    fileBytes: 500 * megabyte,
    lineBytes: 6 * megabyte,
  },
};

/** The vendors' limits with changes. */
export function limitsWith(changes: LimitChanges = {}): Limits {
  return {
    bodyBytes: changes.bodyBytes ?? vendorLimits.bodyBytes,
    openai: { ...vendorLimits.openai, ...changes.openai },
    anthropic: { ...vendorLimits.anthropic, ...changes.anthropic },
    google: { ...vendorLimits.google, ...changes.google },
    alibaba: { ...vendorLimits.alibaba, ...changes.alibaba },
  };
}
