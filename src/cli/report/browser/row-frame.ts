/** The dialog in which a page shows a single row. */
import { createElement } from './elements.ts';

export class RowFrame {
  readonly #dialog = createElement('dialog', { 'aria-labelledby': 'row-title' });
  #step: (by: number) => void = () => {};

  constructor() {
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
  show(row: number, position: string, texts: readonly HTMLElement[], step: (by: number) => void): void {
    this.#step = step;
    const title = createElement('h2', { id: 'row-title', tabindex: '-1' }, `Row ${row}`);
    const bar = createElement(
      'header',
      {},
      title,
      createElement('p', { role: 'status' }, position),
      createButton('← Before', () => step(-1)),
      createButton('After →', () => step(1)),
      createButton('Close', () => this.#dialog.close()),
    );
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
