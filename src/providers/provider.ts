/** The contract between the stories and the vendors. Each promise here is checked by test/providers/conformance.ts. */

import type {
  BatchCounts,
  BatchStatus,
  GenerationSettings,
  ProviderName,
  RowResult,
} from '../core/models.ts';
import type { PromptRequest } from '../core/request/content.ts';
import type { Connection, VendorConnection } from './connection.ts';
import type { ProviderSettings } from './settings.ts';

/** A file of encoded requests on disk, complete and closed. */
export interface RequestFile {
  readonly path: string;
  readonly bytes: number;
  readonly requests: number;
}

/** When things happened to a batch, by the provider's clock. What it does not tell, or has not happened yet, is absent. */
export interface BatchTimes {
  readonly created?: Date | undefined;
  /** The first request was taken on. */
  readonly started?: Date | undefined;
  readonly cancelRequested?: Date | undefined;
  readonly ended?: Date | undefined;
  /** When the provider ends it, if it is not done by then. */
  readonly expires?: Date | undefined;
  /** Until when its results can be had, where they are kept for less than about a year. */
  readonly resultsEnd?: Date | undefined;
}

export interface BatchCheck {
  readonly status: BatchStatus;
  /** Which batch the answer is about, in the provider's own words; empty where it does not say. */
  readonly batchId: string;
  /** The provider's own word. */
  readonly rawStatus: string;
  readonly counts?: BatchCounts | undefined;
  readonly times: BatchTimes;
  /** The batch failed before it started, only because the provider's queue is full: the same requests may be sent later. */
  readonly queueFull?: boolean | undefined;
  /** Why the batch failed, in the provider's words; `code` is its machine-readable form. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

/** The text around and between encoded requests in a request file. */
export interface Framing {
  readonly before: string;
  readonly between: string;
  readonly after: string;
}

/** What a provider takes. */
export interface BatchLimits {
  /** In one batch. */
  readonly requests: number;
  /** So many in one batch at least. Absent where one will do. */
  readonly least?: number | undefined;
  /** Of the whole request file. */
  readonly bytes: number;
  /** Of one encoded request, where that may not be as large as a batch. */
  readonly requestBytes?: number | undefined;
}

/** By what a batch can be known whose creation was cut off. */
export interface SentBatch {
  readonly tag: string;
  /** What it was created from, where that was uploaded before. */
  readonly fileId: string | undefined;
  /** Batches of before that were made of the same, and are not it. */
  readonly formerIds?: readonly string[] | undefined;
}

export interface BatchCandidate {
  readonly batchId: string;
  /** By the provider's clock; 1970 where it does not tell. */
  readonly createdAt: Date;
}

/** What the registry adds to every provider. */
export interface MarkedProvider {
  /** Whether an answer so far bore the mark of a sandbox: what such a server says is made up. */
  isSandbox?(): boolean;
}

/**
 * Batches at one vendor. Methods throw ProviderError, classed by what it means for the run, and nothing else
 * (an aborted signal throws its own reason). No method retries: that is orchestrator/calls/retry.ts.
 *
 * Adapters hand on codes, messages and status words as they read them. Behind the registry (guard.ts) they are without
 * secrets, of one line and cut; no error is about a `row`; and whatever a server sends is bounded by limits.ts.
 */
export interface BatchProvider extends MarkedProvider {
  readonly limits: BatchLimits;
  /** For so long after its creation the provider may not know a batch yet: `not_found` at `check` says nothing then. */
  readonly graceMs?: number | undefined;
  /**
   * A second `create` of the same tag gives the batch of the first, and makes none. It is repeated then where its end is
   * not known, and nothing is looked for: `find` and `listCandidates` may be absent.
   */
  readonly isCreateRepeatable?: boolean | undefined;
  readonly framing: Framing;
  /** One request as the wire wants it, without line ends: a pure function. */
  encode(request: PromptRequest): string;
  /** Uploads the request file and returns its id. Absent where `create` carries the requests itself. Safe to repeat. */
  upload?(file: RequestFile, signal: AbortSignal): Promise<string>;
  /**
   * Creates the batch and returns its id exactly as the provider wants it back. Unless `isCreateRepeatable` it is not safe
   * to repeat after an error without a status: ask `find` first. `tag`, of letters, digits, `_`, `-` and `.`, is kept at
   * the provider where it has a place for it, in whatever alphabet that takes: `find` is asked by the same. `settings` are
   * those that the requests were encoded with.
   */
  create(
    source: { readonly file: RequestFile; readonly fileId: string | undefined },
    batch: {
      readonly model: string;
      readonly tag: string;
      readonly settings?: GenerationSettings | undefined;
    },
    signal: AbortSignal,
  ): Promise<string>;
  check(batchId: string, signal: AbortSignal): Promise<BatchCheck>;
  /**
   * Every result the batch has, as many at a time as came, in any order, also for a batch that ended early. A line that can't be read is
   * skipped, its row has no result. A broken connection throws; a second call starts again from the first result.
   * With far more lines than results of `requests` (default: as many as the provider takes) it throws `too_large`.
   * `not_over` when the batch is under way; `results_gone` when it is there and its results are not any more, in the
   * provider's own words.
   */
  results(batchId: string, signal: AbortSignal, requests?: number): AsyncIterable<readonly RowResult[]>;
  /**
   * Results as they stand on the lines of a file of this provider, each line as JSON: what `results` reads, when somebody
   * else has sent the requests. A pure function. Absent where results are no lines.
   */
  decode?(lines: readonly unknown[]): readonly RowResult[];
  /** The batch that was created so, if any. Absent where the provider keeps no tag. */
  find?(sent: SentBatch, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Where the provider keeps no tag: the batches of so many requests that were created since a time of its own clock,
   * oldest first, and its clock now; of this `model` alone, where the list tells of which a batch is. One of them may be the batch whose creation was cut off.
   */
  listCandidates?(
    since: Date,
    requests: number,
    signal: AbortSignal,
    model?: string,
  ): Promise<{ readonly candidates: readonly BatchCandidate[]; readonly now: Date }>;
  /** The provider's clock, for `listCandidates`: the Date header of any answer. Present where that is. */
  readClock?(signal: AbortSignal): Promise<Date>;
  /**
   * Asks to end the batch, and returns how it is then: most providers finish the requests under way first. Safe to
   * repeat: a batch that is over, or is being cancelled already, is no error. Absent where there is no such call: a batch
   * ends by itself then.
   */
  cancel?(batchId: string, signal: AbortSignal): Promise<BatchCheck>;
  /** Deletes an uploaded request file; one that is gone already is no error. */
  deleteFile?(fileId: string, signal: AbortSignal): Promise<void>;
}

/**
 * One call per prompt. Throws as BatchProvider does, also about a `row`; an empty, refused or blocked answer is a failed
 * RowResult. Words are guarded as those of batches are; the text of an answer is never altered.
 */
export interface SyncProvider extends MarkedProvider {
  generate(request: PromptRequest, signal: AbortSignal): Promise<RowResult>;
  /** Input tokens of the prompt, with the system text of its settings. Absent where the provider has no such call. */
  countTokens?(request: PromptRequest, signal: AbortSignal): Promise<number>;
  /** Every model that it lists for this key, on all pages, in its order. Changes and costs nothing. */
  listModels(signal: AbortSignal): Promise<readonly ListedModel[]>;
  /** Throws for a key that it does not take. Absent where its list of models is for whoever has one that it takes. */
  checkKey?(signal: AbortSignal): Promise<void>;
}

/** A model, as a provider lists it. */
export interface ListedModel {
  /** As a request names it. */
  readonly id: string;
  /** Tokens that it takes, where the provider says so. */
  readonly context?: number | undefined;
  /** US dollars for a million tokens, where the provider says so. */
  readonly price?: ListedPrice | undefined;
}

export interface ListedPrice {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number | undefined;
}

export interface LiveTiers {
  /** The field of a request's body that asks for one. */
  readonly field: string;
  /** Those that can be asked for, in small letters. */
  readonly prices: Readonly<Record<string, TierPrice>>;
}

/** As the lists of prices have it for live calls, or for batches; or as they do not say. */
export type TierPrice = 'list' | 'batch' | 'unknown';

/** What a provider can do, known without loading its SDK: what stands in its folder, or its profile. */
export interface VendorEntry {
  readonly name: ProviderName;
  /** As people write it: `OpenAI`. */
  readonly title: string;
  readonly keyVariable: string;
  /** Other variables that the vendor's own programs take a key from; asked after the first. */
  readonly otherKeyVariables?: readonly string[];
  readonly baseUrlVariable: string;
  /** The variable that says to which account batches belong, where a key does not. */
  readonly accountVariable?: string;
  /**
   * Where the vendor itself is, without the slash at the end: the first where nothing else is said, the others in other
   * regions.
   */
  readonly addresses: readonly [string, ...string[]];
  readonly settings: ProviderSettings;
  readonly countsTokens: boolean;
  /** Servers that speak this provider's protocol run on people's own machines, and need no key there. */
  readonly keylessOnLoopback?: boolean;
  /** It is nowhere else than where a person says: the first of `addresses` is an example. */
  readonly needsAddress?: boolean;
  /** A person's own: what it is called may lead to another server tomorrow. */
  readonly isOwn?: boolean;
  /** What nobody has verified about it, as the end of a sentence: whoever uses it is told before its first output. */
  readonly unverified?: string;
  /** It takes requests without a key, wherever it is. */
  readonly isKeyless?: boolean;
  /** Input tokens that the provider counts for one user message beside its text, roughly. */
  readonly messageTokens: number;
  /** Its name in the list of prices, @pydantic/genai-prices. */
  readonly priceListName: string;
  /** What a batch costs, as a share of the price of live calls; of some vendors by model. */
  readonly batchPriceShare: number | ((model: string) => number);
  /** Other speeds of live calls, each at its own price. Absent where there is one alone. */
  readonly tiers?: LiveTiers;
  /**
   * Hours from its creation after which a batch that is not done ends by itself, where it does not tell a time of its own
   * (`BatchTimes.expires`). Absent where there are no batches, or they never end so.
   */
  readonly completionWindowHours?: number;
  /** For so many hours after the end of a batch its results can be had, where that is no more than a few days. */
  readonly resultsKeptHours?: number;
  /**
   * A run becomes a batch only where somebody asks for one in so many words, and no price of one is told unasked: most of
   * its models take none.
   */
  readonly batchesWhenAsked?: boolean;
  openSync(connection: VendorConnection): Promise<SyncProvider>;
  openBatch?(connection: VendorConnection): Promise<BatchProvider>;
}

/** The same behind the registry. */
export interface ProviderEntry extends Omit<VendorEntry, 'openSync' | 'openBatch'> {
  openSync(connection: Connection): Promise<SyncProvider>;
  openBatch?(connection: Connection): Promise<BatchProvider>;
}

/** An entry of a provider that has a batch API. */
export type BatchEntry = ProviderEntry & Required<Pick<ProviderEntry, 'openBatch'>>;
