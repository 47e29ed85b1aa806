/**
 * Scripted faults: what goes wrong, for which calls, how often. The first rule that fits a call decides; delays add up.
 * Counters (`skip`, `times`, `once`) are kept per running server.
 */
import { hash } from 'node:crypto';
import type { BatchFault, CallEffect, CallFault, Faults, VendorClock } from './fault-fields.ts';
import { isLive, type OperationKind } from './http/http.ts';
import type { VendorName } from './vendors.ts';

export type { BatchFault, CallFault, Faults, VendorClock };

/** What a call meets beside its delay. */
export type Fate = Exclude<CallEffect, { do: 'delay' | 'rateLimit' }>;

/** Where a share of a whole falls, by a number: the same rows each time. Shares with other turns are other rows. */
export function isInShare(index: number, share: number | undefined, turn = 0): boolean {
  if (share === undefined) return false;
  // Knuth's multiplicative hash spreads neighbours over the whole range.
  return (Math.imul(index + 1, 2654435761) + turn * 2 ** 32) >>> 0 < share * 2 ** 32;
}

/** A call as faults choose it. */
interface FacedCall {
  readonly vendor: VendorName;
  readonly kind: OperationKind;
  readonly key: string;
  /** Of a live call. */
  readonly body: string;
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

  /** What a call meets, and after how long. */
  forCall(call: FacedCall): { delayMs: number; fate?: Fate } {
    let delayMs = 0;
    const seen = new Set(this.#seen);
    this.#seen.add(call.kind);
    for (const rule of this.#calls) {
      const effect = rule.effectOn(call, seen);
      if (effect?.do === 'delay') delayMs += effect.ms;
      else if (effect !== undefined) return { delayMs, fate: effect };
    }
    return { delayMs };
  }

  /** The fate of a batch that is created now. */
  forBatch(vendor: VendorName): BatchFault | undefined {
    return this.#batches.find((rule) => {
      const { provider = vendor, skip = 0, times = Number.POSITIVE_INFINITY } = rule.fault;
      if (provider !== vendor) return false;
      rule.seen += 1;
      return rule.seen > skip && rule.seen <= skip + times;
    })?.fault;
  }

  /** How many requests may be enqueued at a vendor; undefined for any number. */
  queueLimit(vendor: VendorName): number | undefined {
    return this.#queue?.[vendor];
  }

  /** How a vendor tells the time. */
  clockOf(vendor: VendorName): VendorClock {
    return this.#clocks?.[vendor] ?? {};
  }
}

class CallRule {
  readonly #fault: CallFault;
  /** The calls that are left in this second, by who pays. */
  readonly #buckets = new Map<string, { tokens: number; filledAt: number }>();
  readonly #met = new Set<string>();
  #seen = 0;
  #used = 0;
  #firstAt: number | undefined;

  constructor(fault: CallFault) {
    this.#fault = fault;
  }

  /** What this rule does to a call, after calls of the kinds that were seen before. */
  effectOn(
    { vendor, kind, key, body }: FacedCall,
    seen: ReadonlySet<OperationKind>,
  ): Exclude<CallEffect, { do: 'rateLimit' }> | undefined {
    const fault = this.#fault;
    const { provider = vendor, operation = kind, after } = fault;
    if (after !== undefined && !seen.has(after)) return undefined;
    if (provider !== vendor || operation !== kind) return undefined;
    if (!this.#chooses(isLive(kind) ? body : undefined)) return undefined;
    return fault.do === 'rateLimit' ? this.#limit(fault, `${vendor} ${key}`) : fault;
  }

  /** Counts the call and says whether this rule is for it. */
  #chooses(body: string | undefined): boolean {
    const { share, once, skip = 0, times = Number.POSITIVE_INFINITY, forMs } = this.#fault;
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
    if (this.#seen <= skip || this.#used >= times) return false;
    this.#used += 1;
    return true;
  }

  /** So many calls a second, with one second's worth at hand. */
  #limit(
    { perSecond, header }: Extract<CallFault, { do: 'rateLimit' }>,
    payer: string,
  ): Extract<CallEffect, { do: 'status' }> | undefined {
    const most = Math.max(1, perSecond);
    const now = Date.now();
    const bucket = this.#buckets.get(payer) ?? { tokens: most, filledAt: now };
    this.#buckets.set(payer, bucket);
    bucket.tokens = Math.min(most, bucket.tokens + ((now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return undefined;
    }
    const waitMs = ((1 - bucket.tokens) / perSecond) * 1000;
    const refusal = { do: 'status', status: 429 } as const;
    if (header === 'none') return refusal;
    if (header === 'retry-after-ms') return { ...refusal, retryAfterMs: Math.ceil(waitMs) };
    return { ...refusal, retryAfter: Math.ceil(waitMs / 1000) };
  }
}
