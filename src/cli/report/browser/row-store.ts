/** The rows of the page, parsed a block at a time when they are first asked for. */
import type { PageRow } from '../page-data.ts';

interface Block {
  /** Where its first row stands among all. */
  readonly start: number;
  element: Element | undefined;
  rows: readonly PageRow[];
}

export class RowStore {
  readonly size: number;
  readonly #blocks: Block[] = [];

  constructor(elements: Iterable<HTMLElement>) {
    let start = 0;
    for (const element of elements) {
      this.#blocks.push({ start, element, rows: [] });
      start += Number(element.dataset.rows);
    }
    this.size = start;
  }

  get(place: number): PageRow {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#blocks[middle] as Block).start <= place) low = middle;
      else high = middle - 1;
    }
    const block = this.#blocks[low] as Block;
    return this.#open(block)[place - block.start] as PageRow;
  }

  /** Once it is parsed, the text of a block need not be held twice. */
  #open(block: Block): readonly PageRow[] {
    if (block.element) {
      block.rows = JSON.parse(block.element.textContent ?? '[]');
      block.element.remove();
      block.element = undefined;
    }
    return block.rows;
  }
}
