/** Which columns the table has: at first those that the program chose, then those that are ticked. */
import type { PageTable } from '../page-data.ts';
import { createElement } from './elements.ts';

export class ColumnChoice {
  readonly #chosen: boolean[];

  /** Puts a box to tick into `place` for each column; `redraw` is called after each choice. */
  constructor({ columns }: PageTable, place: HTMLElement, redraw: () => void) {
    this.#chosen = columns.map(({ inTable }) => inTable);
    const boxes = columns.flatMap(({ title, role }, index) => {
      if (role === 'reason') return [];
      const box = createElement('input', { type: 'checkbox' });
      box.checked = this.#chosen[index] === true;
      box.addEventListener('change', () => {
        this.#chosen[index] = box.checked;
        redraw();
      });
      return [createElement('label', {}, box, createElement('bdi', {}, title))];
    });
    place.append(
      createElement(
        'fieldset',
        {},
        createElement('legend', { class: 'quiet' }, 'Columns of the table'),
        ...boxes,
      ),
    );
    place.hidden = false;
  }

  has(column: number): boolean {
    return this.#chosen[column] === true;
  }
}
