/** Which rows of an input are run. */
import type { RowPick } from '../../core/models.ts';

/** A pick as it is asked for: a sample has not been drawn yet. */
export type PickOrder = { readonly limit: number } | { readonly sample: number; readonly seed: number };

/**
 * Says of each row, by its number in the input, whether it is picked. The same pick means the same rows for ever:
 * records hold it. Takes 8 bytes for each row of a sample, and no more for those it is drawn from.
 */
export function createPicker(pick: RowPick | undefined): (rowIndex: number) => boolean {
  if (!pick) return () => true;
  if ('limit' in pick) return (rowIndex) => rowIndex < pick.limit;
  const { sample, seed, of } = pick;
  if (sample >= of) return (rowIndex) => rowIndex < of;
  const rankOf = createRanking(seed);
  const last = findRank(sample, of, rankOf);
  return (rowIndex) => rowIndex < of && rankOf(rowIndex) <= last;
}

/**
 * The order in which a seed draws rows: a random number for each, which no two share, as every step of the mixing can
 * be undone. A larger sample holds every row of a smaller one, whose answers are in the cache.
 */
function createRanking(seed: number): (rowIndex: number) => number {
  const low = mix(seed ^ 0x9e3779b9);
  const high = mix(Math.floor(seed / 2 ** 32) ^ 0x85ebca6b);
  return (rowIndex) => mix(mix(rowIndex ^ low) ^ high) >>> 0;
}

/** The end of MurmurHash3: every bit of the 32 depends on every other. */
function mix(number: number): number {
  let mixed = number;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** The rank of the last row that is drawn when so many of so many are. */
function findRank(sample: number, of: number, rankOf: (rowIndex: number) => number): number {
  const lowest = new Uint32Array(sample * 2);
  let count = 0;
  let bound = 0xffffffff;
  for (let rowIndex = 0; rowIndex < of; rowIndex += 1) {
    const rank = rankOf(rowIndex);
    if (rank > bound) continue;
    lowest[count] = rank;
    count += 1;
    if (count < lowest.length) continue;
    lowest.sort();
    count = sample;
    bound = lowest[sample - 1] as number;
  }
  return lowest.subarray(0, count).sort()[sample - 1] as number;
}
