/** Counts values by their order of magnitude: constant memory, whatever they are and however many. */
import { arrayOf, number, object, type ValueOf } from './shapes/shapes.ts';

/** Ten buckets a decade: 1, 1.26, 1.58, 2, 2.5, 3.2, 4, 5, 6.3, 8, 10 and so on. */
const bucketsPerDecade = 10;
/** Up to 10^12; larger values count as that. */
const mostBuckets = 12 * bucketsPerDecade;

export const histogramShape = object({
  /** Of the buckets from 1 on, which holds everything below 1.26, up to the last that has any. */
  counts: arrayOf(number),
  min: number,
  max: number,
});
export type Histogram = ValueOf<typeof histogramShape>;

export class LogHistogram {
  readonly #counts: number[] = [];
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  /** How many values there are. */
  count = 0;

  add(value: number): void {
    const bucket = bucketOf(value);
    while (this.#counts.length <= bucket) this.#counts.push(0);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
    this.count += 1;
  }

  /** Undefined while it is empty. */
  summarize(): Histogram | undefined {
    return this.count === 0 ? undefined : { counts: this.#counts, min: this.#min, max: this.#max };
  }
}

function bucketOf(value: number): number {
  const bucket = Math.floor(Math.log10(Math.max(value, 1)) * bucketsPerDecade + 1e-9);
  return Math.min(bucket, mostBuckets - 1);
}

/** The least value of a bucket. */
export function bucketStart(bucket: number): number {
  return 10 ** (bucket / bucketsPerDecade);
}

/** The value below which this share of all values lies, as near as the buckets tell it. */
export function estimateQuantile({ counts, min, max }: Histogram, share: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let before = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && before + count >= share * total) {
      const within = (share * total - before) / count;
      const value = bucketStart(bucket) * (bucketStart(bucket + 1) / bucketStart(bucket)) ** within;
      return Math.min(Math.max(value, min), max);
    }
    before += count;
  }
  return max;
}
