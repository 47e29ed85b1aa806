/** A single row with its whole texts, in a dialog. */
import { createElement, markMatches } from '../../report/browser/elements.ts';
import type { ComparedRow, ComparedTable } from '../page-data.ts';

export class RowDialog {
  readonly #table: ComparedTable;
  readonly #dialog = createElement('dialog', { 'aria-labelledby': 'row-title' });
  #step: (by: number) => void = () => {};

  constructor(table: ComparedTable) {
    this.#table = table;
    this.#dialog.addEventListener('keydown', (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
      event.preventDefault();
      this.#step(event.key === 'ArrowLeft' ? -1 : 1);
    });
    this.#dialog.addEventListener('click', (event) => {
      // The backdrop is the dialog itself; all that is in it is in its frame.
      if (event.target === this.#dialog) this.#dialog.close();
    });
    document.body.append(this.#dialog);
  }

  /** `step` shows the row before or after it. */
  show(row: ComparedRow, position: string, pattern: RegExp | undefined, step: (by: number) => void): void {
    this.#step = step;
    const title = createElement('h2', { id: 'row-title', tabindex: '-1' }, `Row ${row[0]}`);
    const bar = createElement(
      'header',
      {},
      title,
      createElement('p', { role: 'status' }, position),
      createButton('← Before', () => step(-1)),
      createButton('After →', () => step(1)),
      createButton('Close', () => this.#dialog.close()),
    );
    const texts = this.#table.columns.flatMap(({ title: name, inTable, role }, index) => {
      const text = row[index + 2] ?? null;
      if (text === null && (role !== 'answer' || !inTable)) return [];
      const content = createElement(
        'div',
        { class: 'text', dir: 'auto' },
        ...(text === null ? ['—'] : markMatches(String(text), pattern)),
      );
      const head = createElement('h3', {}, createElement('bdi', {}, name));
      return [createElement('section', {}, head, content)];
    });
    this.#dialog.replaceChildren(createElement('div', { class: 'frame' }, bar, ...texts));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    title.focus();
  }
}

function createButton(text: string, act: () => void): HTMLButtonElement {
  const button = createElement('button', { type: 'button' }, text);
  button.addEventListener('click', act);
  return button;
}
