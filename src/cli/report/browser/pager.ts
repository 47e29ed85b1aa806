/** The way from page to page of the rows. */
import { createElement, enable, findElement, formatNumber, isEnabled } from './elements.ts';

export class Pager {
  readonly #place = findElement('pager');
  readonly #position = createElement('span', { role: 'status' });
  readonly #buttons: readonly HTMLButtonElement[];
  #page = 0;
  #pages = 1;

  constructor(goTo: (page: number) => void) {
    const targets: readonly [title: string, target: () => number][] = [
      ['First', () => 0],
      ['Previous', () => this.#page - 1],
      ['Next', () => this.#page + 1],
      ['Last', () => this.#pages - 1],
    ];
    this.#buttons = targets.map(([title, target]) => {
      const button = createElement('button', { type: 'button' }, title);
      button.addEventListener('click', () => {
        if (!isEnabled(button)) return;
        goTo(target());
        findElement('rows').scrollIntoView({ block: 'start' });
      });
      return button;
    });
    this.#place.append(...this.#buttons.slice(0, 2), this.#position, ...this.#buttons.slice(2));
  }

  /** Tells the page that is shown, from 0, and how many there are. */
  update(page: number, pages: number): void {
    this.#page = page;
    this.#pages = pages;
    this.#place.hidden = pages === 1;
    this.#position.textContent = `Page ${formatNumber(page + 1)} of ${formatNumber(pages)}`;
    this.#buttons.forEach((button, index) => {
      enable(button, index < 2 ? page > 0 : page < pages - 1);
    });
  }
}
