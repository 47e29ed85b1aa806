/** A single row with its whole texts, in a dialog. */
import type { PageRow, PageTable } from '../page-data.ts';
import { createElement, markMatches } from './elements.ts';

export class RowView {
  readonly #table: PageTable;
  readonly #dialog = createElement('dialog', { 'aria-labelledby': 'row-title' });
  #step: (by: number) => void = () => {};

  constructor(table: PageTable) {
    this.#table = table;
    this.#dialog.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
        event.preventDefault();
        this.#step(event.key === 'ArrowLeft' ? -1 : 1);
      }
    });
    this.#dialog.addEventListener('click', (event) => {
      // The backdrop is the dialog itself; all that is in it is in its frame.
      if (event.target === this.#dialog) this.#dialog.close();
    });
    document.body.append(this.#dialog);
  }

  /** `step` shows the row before or after it. */
  show(row: PageRow, position: string, pattern: RegExp | undefined, step: (by: number) => void): void {
    this.#step = step;
    const title = createElement('h2', { id: 'row-title', tabindex: '-1' }, `Row ${row[0]}`);
    const bar = createElement(
      'header',
      {},
      title,
      createElement('p', { role: 'status' }, position),
      this.#createButton('← Before', () => step(-1)),
      this.#createButton('After →', () => step(1)),
      this.#createButton('Close', () => this.#dialog.close()),
    );
    const texts = this.#table.columns.flatMap((column, index) => {
      const text = row[index + 2];
      if (text === null || text === undefined) return [];
      const content = createElement(
        'div',
        { class: 'text', dir: 'auto' },
        ...markMatches(String(text), pattern),
      );
      return [
        createElement(
          'section',
          {},
          createElement('h3', {}, createElement('bdi', {}, column.title)),
          content,
        ),
      ];
    });
    const frame = createElement('div', { class: 'frame' }, bar, ...texts);
    this.#dialog.replaceChildren(frame);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    title.focus();
  }

  #createButton(text: string, act: () => void): HTMLButtonElement {
    const button = createElement('button', { type: 'button' }, text);
    button.addEventListener('click', act);
    return button;
  }
}
