/**
 * Scripted faults, as plain data: what goes wrong, for which calls, how often. The first rule that fits a call
 * decides; delays add up. Counters (`skip`, `times`, `once`) are kept per running server.
 */
import { hash } from 'node:crypto';
import { type FrameName, frameNames } from './frames.ts';
import { isLive, isObject, type OperationKind, operationKinds } from './http.ts';
import { type VendorName, vendorNames } from './vendors.ts';

/** Which calls a rule is for; what is left out fits all. */
interface CallChoice {
  readonly provider?: VendorName;
  readonly operation?: OperationKind;
  /** Only once a call of this kind has come. */
  readonly after?: OperationKind;
  /** Of the calls that fit; for a live call it hangs on its body alone, so that the same call has the same fate. */
  readonly share?: number;
  /** Live calls: only the first time that this very body comes. */
  readonly once?: boolean;
  /** So many fitting calls go well first. */
  readonly skip?: number;
  /** After so many faults the rule is spent. */
  readonly times?: number;
  /** So long after the first call that fits the rule is spent. */
  readonly forMs?: number;
}

type CallEffect =
  /** The answer comes later. */
  | { readonly do: 'delay'; readonly ms: number }
  /** An error in the vendor's own form, with the headers that a vendor may or may not send. */
  | {
      readonly do: 'status';
      readonly status: number;
      readonly message?: string;
      readonly code?: string;
      readonly retryAfter?: number;
      readonly retryAfterMs?: number;
      /** What the call asks for is done all the same, as when a gateway answers for a server that went on. */
      readonly afterWork?: boolean;
    }
  /** 429 past so many calls per second and key. Google has no header: its wait is in the body (RetryInfo). */
  | {
      readonly do: 'rateLimit';
      readonly perSecond: number;
      readonly header?: 'retry-after' | 'retry-after-ms' | 'none';
    }
  /** A page of HTML, as proxies send. */
  | { readonly do: 'html'; readonly status: number; readonly afterWork?: boolean }
  /** HTTP 200 with nothing in it, after the work. */
  | { readonly do: 'empty' }
  /** HTTP 200 with the vendor's error object as the body, as OpenRouter does. */
  | { readonly do: 'bodyError'; readonly status: number }
  /** The answer, in another frame than it should have. */
  | { readonly do: 'frame'; readonly as: FrameName }
  /** HTTP 200 whose JSON ends too early, though the connection is sound. */
  | { readonly do: 'garble' }
  /** The connection goes: before anything was done, after the work but before the answer, or in the answer. */
  | { readonly do: 'cut'; readonly at: 'request' | 'reply' | 'body'; readonly afterBytes?: number }
  /** The answer begins and then nothing more comes. */
  | { readonly do: 'stall'; readonly afterBytes?: number };

export type CallFault = CallChoice & CallEffect;

/** What becomes of a batch, decided when it is created and kept with it. */
export interface BatchFault {
  readonly provider?: VendorName;
  readonly skip?: number;
  readonly times?: number;
  /** `failed` at Anthropic, which knows no such end, is a batch of errored rows. */
  readonly end?: 'completed' | 'failed' | 'expired' | 'cancelled';
  /** The vendor's words for a failed batch. */
  readonly code?: string;
  readonly message?: string;
  /** Of the rows, how many are done when it expires or is cancelled; half of them unless said. */
  readonly doneShare?: number;
  /** Of the done rows, how many failed at the vendor, and with what status (500). */
  readonly failedShare?: number;
  readonly failedStatus?: number;
  readonly failedCode?: string;
  readonly failedMessage?: string;
  /** After its creation the batch is not found for so long. */
  readonly hiddenMs?: number;
  /** Words that nobody has seen before, in place of those for a running and for an ended batch. */
  readonly runningWord?: string;
  readonly endedWord?: string;
  /** The result files: rows that are left out, come twice, or belong to nobody; blank lines between them. */
  readonly missingShare?: number;
  readonly duplicateShare?: number;
  readonly unknownRows?: number;
  readonly blankLines?: boolean;
  /** Rows in whose place stands the result of a row of nobody, or a line of a page of HTML. */
  readonly foreignShare?: number;
  readonly pageShare?: number;
  /** Only the rows that failed have a result; at OpenAI there is no file of answers. */
  readonly onlyErrors?: boolean;
  /** So long after the end of the batch nothing of this is wrong with its results any more. */
  readonly wholeAfterMs?: number;
  /** Anthropic: the results are gone, and the batch says since when. */
  readonly archived?: boolean;
  /** OpenAI: "" in place of null for an error file that is not there. */
  readonly blankFileIds?: boolean;
}

/** How a vendor tells the time. */
export interface VendorClock {
  /** So much later than it is; earlier with a minus. */
  readonly aheadMs?: number;
  /** false: no answer has a `Date`. */
  readonly dateHeader?: boolean;
}

export interface Faults {
  readonly calls?: readonly CallFault[];
  readonly batches?: readonly BatchFault[];
  /** Requests in all batches that have not ended; a batch beyond that is refused in the vendor's own way. */
  readonly queue?: { readonly [Name in VendorName]?: number };
  readonly clocks?: { readonly [Name in VendorName]?: VendorClock };
}

/** What a call meets. */
export interface CallFate {
  readonly delayMs: number;
  readonly effect: Exclude<CallEffect, { do: 'delay' | 'rateLimit' }> | undefined;
}

/** Where a share of a whole falls, by a number: the same rows each time. Shares with other turns are other rows. */
export function isInShare(index: number, share: number | undefined, turn = 0): boolean {
  if (share === undefined) return false;
  // Knuth's multiplicative hash spreads neighbours over the whole range.
  return (Math.imul(index + 1, 2654435761) + turn * 2 ** 32) >>> 0 < share * 2 ** 32;
}

/** Decides call by call and batch by batch. */
export class FaultScript {
  #calls: readonly CallRule[] = [];
  #batches: readonly { fault: BatchFault; seen: number }[] = [];
  readonly #seen = new Set<OperationKind>();
  #queue: Faults['queue'];
  #clocks: Faults['clocks'];

  constructor(faults: Faults = {}) {
    this.replace(faults);
  }

  /** From now on these faults and no others. What is decided of a batch stays with it. */
  replace({ calls = [], batches = [], queue, clocks }: Faults): void {
    this.#calls = calls.map((fault) => new CallRule(fault));
    this.#batches = batches.map((fault) => ({ fault, seen: 0 }));
    this.#queue = queue;
    this.#clocks = clocks;
  }

  /** The fate of a call; undefined for the usual one. */
  forCall(provider: VendorName, kind: OperationKind, key: string, body: string): CallFate | undefined {
    let delayMs = 0;
    const seen = new Set(this.#seen);
    this.#seen.add(kind);
    for (const rule of this.#calls) {
      if (!rule.isOpen(seen)) continue;
      const effect = rule.effectOn(provider, kind, key, body);
      if (effect?.do === 'delay') delayMs += effect.ms;
      else if (effect !== undefined) return { delayMs, effect };
    }
    return delayMs > 0 ? { delayMs, effect: undefined } : undefined;
  }

  /** The fate of a batch that is created now. */
  forBatch(provider: VendorName): BatchFault | undefined {
    for (const rule of this.#batches) {
      if (rule.fault.provider !== undefined && rule.fault.provider !== provider) continue;
      rule.seen += 1;
      const skip = rule.fault.skip ?? 0;
      if (rule.seen > skip && rule.seen <= skip + (rule.fault.times ?? Number.POSITIVE_INFINITY))
        return rule.fault;
    }
    return undefined;
  }

  /** How many requests may be enqueued at a vendor; undefined for any number. */
  queueLimit(provider: VendorName): number | undefined {
    return this.#queue?.[provider];
  }

  /** How a vendor tells the time. */
  clockOf(provider: VendorName): VendorClock {
    return this.#clocks?.[provider] ?? {};
  }
}

class CallRule {
  readonly #fault: CallFault;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #met = new Set<string>();
  #seen = 0;
  #used = 0;
  #firstAt: number | undefined;

  constructor(fault: CallFault) {
    this.#fault = fault;
  }

  /** Whether what has to come before it has come. */
  isOpen(seen: ReadonlySet<OperationKind>): boolean {
    return this.#fault.after === undefined || seen.has(this.#fault.after);
  }

  effectOn(
    provider: VendorName,
    kind: OperationKind,
    key: string,
    body: string,
  ): Exclude<CallEffect, { do: 'rateLimit' }> | undefined {
    const fault = this.#fault;
    if (fault.provider !== undefined && fault.provider !== provider) return undefined;
    if (fault.operation !== undefined && fault.operation !== kind) return undefined;
    if (!this.#chooses(isLive(kind) ? body : undefined)) return undefined;
    if (fault.do !== 'rateLimit') return fault;
    return this.#limit(fault, `${provider} ${key}`);
  }

  /** Counts the call and says whether this rule is for it. */
  #chooses(body: string | undefined): boolean {
    const { share, once, skip, times, forMs } = this.#fault;
    this.#seen += 1;
    this.#firstAt ??= Date.now();
    if (forMs !== undefined && Date.now() - this.#firstAt >= forMs) return false;
    const digest = body !== undefined && (share !== undefined || once) ? hash('sha1', body) : undefined;
    const place = digest === undefined ? this.#seen : Number.parseInt(digest.slice(0, 8), 16);
    if (share !== undefined && !isInShare(place, share)) return false;
    if (digest !== undefined && once) {
      if (this.#met.has(digest)) return false;
      this.#met.add(digest);
    }
    if (this.#seen <= (skip ?? 0) || this.#used >= (times ?? Number.POSITIVE_INFINITY)) return false;
    this.#used += 1;
    return true;
  }

  #limit(
    fault: Extract<CallFault, { do: 'rateLimit' }>,
    payer: string,
  ): Extract<CallEffect, { do: 'status' }> | undefined {
    const bucket = this.#buckets.get(payer) ?? new TokenBucket(fault.perSecond);
    this.#buckets.set(payer, bucket);
    const waitMs = bucket.take(Date.now());
    if (waitMs === 0) return undefined;
    const refusal = { do: 'status', status: 429 } as const;
    if (fault.header === 'none') return refusal;
    if (fault.header === 'retry-after-ms') return { ...refusal, retryAfterMs: Math.ceil(waitMs) };
    return { ...refusal, retryAfter: Math.ceil(waitMs / 1000) };
  }
}

/** So many per second, with one second's worth at hand. */
class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number | undefined;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = Math.max(1, perSecond);
  }

  /** Takes a token and returns 0, or takes none and returns how long until there is one. */
  take(now: number): number {
    const elapsed = now - (this.#filledAt ?? now);
    this.#filledAt = now;
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + (elapsed / 1000) * this.#perSecond);
    if (this.#tokens < 1) return ((1 - this.#tokens) / this.#perSecond) * 1000;
    this.#tokens -= 1;
    return 0;
  }
}

type Check = (value: unknown) => boolean;
const isCount: Check = (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value);
const isShare: Check = (value) => isCount(value) && (value as number) <= 1;
const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isSpan: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isOneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);

const choiceFields: Record<string, Check> = {
  provider: isOneOf(...vendorNames),
  operation: isOneOf(...operationKinds),
  after: isOneOf(...operationKinds),
  share: isShare,
  once: isFlag,
  skip: isCount,
  times: isCount,
  forMs: isCount,
  do: isText,
};
const effectFields: Record<
  CallEffect['do'],
  { needed: Record<string, Check>; possible?: Record<string, Check> }
> = {
  delay: { needed: { ms: isCount } },
  status: {
    needed: { status: isCount },
    possible: {
      message: isText,
      code: isText,
      retryAfter: isCount,
      retryAfterMs: isCount,
      afterWork: isFlag,
    },
  },
  rateLimit: {
    needed: { perSecond: (value) => isCount(value) && value !== 0 },
    possible: { header: isOneOf('retry-after', 'retry-after-ms', 'none') },
  },
  html: { needed: { status: isCount }, possible: { afterWork: isFlag } },
  empty: { needed: {} },
  bodyError: { needed: { status: isCount } },
  frame: { needed: { as: isOneOf(...frameNames) } },
  garble: { needed: {} },
  cut: { needed: { at: isOneOf('request', 'reply', 'body') }, possible: { afterBytes: isCount } },
  stall: { needed: {}, possible: { afterBytes: isCount } },
};
const batchFields: Record<keyof BatchFault, Check> = {
  provider: isOneOf(...vendorNames),
  skip: isCount,
  times: isCount,
  end: isOneOf('completed', 'failed', 'expired', 'cancelled'),
  code: isText,
  message: isText,
  doneShare: isShare,
  failedShare: isShare,
  failedStatus: isCount,
  failedCode: isText,
  failedMessage: isText,
  hiddenMs: isCount,
  runningWord: isText,
  endedWord: isText,
  missingShare: isShare,
  duplicateShare: isShare,
  unknownRows: isCount,
  blankLines: isFlag,
  foreignShare: isShare,
  pageShare: isShare,
  onlyErrors: isFlag,
  wholeAfterMs: isCount,
  archived: isFlag,
  blankFileIds: isFlag,
};
const clockFields: Record<keyof VendorClock, Check> = { aheadMs: isSpan, dateHeader: isFlag };

/** Reads faults that came as data; throws an Error that names the field which is not right. */
export function readFaults(value: unknown): Faults {
  if (!isObject(value)) throw new Error('Faults are an object with `calls`, `batches`, `queue` or `clocks`.');
  checkFields('faults', value, {
    calls: Array.isArray,
    batches: Array.isArray,
    queue: isObject,
    clocks: isObject,
  });
  const {
    calls = [],
    batches = [],
    queue = {},
    clocks = {},
  } = value as { calls?: unknown[]; batches?: unknown[]; queue?: object; clocks?: object };
  calls.forEach((fault, index) => {
    checkCallFault(`calls[${index}]`, fault);
  });
  batches.forEach((fault, index) => {
    checkFields(`batches[${index}]`, fault, batchFields);
  });
  checkFields('queue', queue, Object.fromEntries(vendorNames.map((name) => [name, isCount])));
  checkFields('clocks', clocks, Object.fromEntries(vendorNames.map((name) => [name, isObject])));
  for (const [name, clock] of Object.entries(clocks)) checkFields(`clocks.${name}`, clock, clockFields);
  return value as Faults;
}

function checkCallFault(where: string, fault: unknown): void {
  const effect = isObject(fault) ? effectFields[fault.do as CallEffect['do']] : undefined;
  if (effect === undefined) {
    throw new Error(`${where}.do is one of ${Object.keys(effectFields).join(', ')}.`);
  }
  checkFields(where, fault, { ...choiceFields, ...effect.needed, ...effect.possible });
  for (const field of Object.keys(effect.needed)) {
    if (!(field in (fault as object))) throw new Error(`${where}.${field} is missing.`);
  }
}

function checkFields(where: string, value: unknown, fields: Record<string, Check>): void {
  if (!isObject(value)) throw new Error(`${where} is not an object.`);
  for (const [field, content] of Object.entries(value)) {
    const check = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (check === undefined)
      throw new Error(`${where}.${field} is not known; there is ${Object.keys(fields).join(', ')}.`);
    if (!check(content)) throw new Error(`${where}.${field} can't be ${JSON.stringify(content)}.`);
  }
}
