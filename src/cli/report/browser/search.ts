/** Looks through all rows in short turns, so that the page stays awake. */
import type { PageRow } from '../page-data.ts';
import type { RowStore } from './row-store.ts';

/** Short enough for a frame in which the page draws too. */
const turnMs = 8;

export interface Filter {
  /** Finds the text; undefined where none is looked for. */
  readonly pattern: RegExp | undefined;
  isShown(row: PageRow): boolean;
}

/** The words as they are, in any letter case. */
export function createPattern(text: string): RegExp | undefined {
  if (text === '') return undefined;
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'iu');
}

/** Finds rows one search at a time: a new one ends that before. */
export class Search {
  readonly #store: RowStore;
  readonly #turns = new MessageChannel();
  #work: () => void = () => {};

  constructor(store: RowStore) {
    this.#store = store;
    this.#turns.port1.onmessage = () => this.#work();
  }

  /** Tells the places of the rows that were found so far, after each turn; `searched` is how many were looked at. */
  start(filter: Filter, tell: (places: readonly number[], searched: number) => void): void {
    const places: number[] = [];
    let place = 0;
    this.#work = () => {
      const end = performance.now() + turnMs;
      while (place < this.#store.size && performance.now() < end) {
        const stop = Math.min(place + 32, this.#store.size);
        for (; place < stop; place += 1) if (matches(this.#store.get(place), filter)) places.push(place);
      }
      tell(places, place);
      if (place < this.#store.size) this.#turns.port2.postMessage(null);
      else this.#work = () => {};
    };
    this.#turns.port2.postMessage(null);
  }

  stop(): void {
    this.#work = () => {};
  }
}

function matches(row: PageRow, { pattern, isShown }: Filter): boolean {
  if (!isShown(row)) return false;
  if (!pattern) return true;
  for (let column = 2; column < row.length; column += 1) {
    const text = row[column];
    if (typeof text === 'string' && pattern.test(text)) return true;
  }
  return pattern.test(String(row[0]));
}
