/** Decides how the requests of a job are cut into parts that a provider takes as one batch each. */
import type { BatchLimits, Framing } from '../../../providers/provider.ts';

export class PartCutter {
  /** How many parts there are. */
  parts = 0;
  /** What the last part holds, its frame included. */
  requests = 0;
  bytes = 0;
  readonly #limits: BatchLimits;
  readonly #frameBytes: number;
  readonly #betweenBytes: number;
  readonly #mostBytes: number;

  constructor(framing: Framing, limits: BatchLimits) {
    const { before, between, after } = framing;
    this.#limits = limits;
    this.#frameBytes = Buffer.byteLength(before + after);
    this.#betweenBytes = Buffer.byteLength(between);
    this.#mostBytes = largestRequest(limits, framing);
  }

  /** Puts the next request of so many bytes into the last part or a new one, unless no part can hold it. */
  place(bytes: number): 'last_part' | 'new_part' | 'no_part' {
    if (bytes > this.#mostBytes) return 'no_part';
    const grown = this.bytes + this.#betweenBytes + bytes;
    const fits = this.parts > 0 && this.requests < this.#limits.requests && grown <= this.#limits.bytes;
    if (!fits) this.parts += 1;
    this.requests = fits ? this.requests + 1 : 1;
    this.bytes = fits ? grown : this.#frameBytes + bytes;
    return fits ? 'last_part' : 'new_part';
  }
}

/** Most bytes of a request that can be sent at all. */
export function largestRequest(limits: BatchLimits, { before, after }: Framing): number {
  return Math.min(limits.bytes - Buffer.byteLength(before + after), limits.requestBytes ?? limits.bytes);
}
