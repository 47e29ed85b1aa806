/** A single row with its whole texts, in a dialog. */
import type { PageColumn, PageRow, PageTable } from '../page-data.ts';
import { createElement, markMatches } from './elements.ts';
import { layOutJson } from './json-text.ts';

export class RowView {
  readonly #table: PageTable;
  readonly #dialog = createElement('dialog', { 'aria-labelledby': 'row-title' });
  #step: (by: number) => void = () => {};

  constructor(table: PageTable) {
    this.#table = table;
    this.#dialog.addEventListener('keydown', (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
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
    const frame = createElement('div', { class: 'frame' }, bar, ...drawTexts(this.#table, row, pattern));
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

/** Short values of the input, then all texts, then what stands beside the answer. */
function drawTexts({ columns }: PageTable, row: PageRow, pattern: RegExp | undefined): HTMLElement[] {
  const known = columns.flatMap((column, index) => {
    const text = row[index + 2];
    return text === null || text === undefined ? [] : [{ ...column, text: String(text) }];
  });
  const isShort = ({ text }: KnownText) => text.length <= longestShort && !text.includes('\n');
  const isFact = (known: KnownText) => known.role !== 'prompt' && known.role !== 'answer' && isShort(known);
  const short = (...roles: KnownText['role'][]) =>
    known.filter((text) => roles.includes(text.role) && isFact(text));
  const long = (...roles: KnownText['role'][]) =>
    known.filter((text) => roles.includes(text.role) && !isFact(text));
  return [
    ...drawFacts(short('own'), pattern),
    ...long('prompt', 'answer').map((text) => drawText(text, pattern)),
    ...known.filter(({ role }) => role === 'reason').map((text) => drawText(text, pattern)),
    ...drawFacts(short('field'), pattern),
    ...long('field', 'own').map((text) => drawText(text, pattern)),
    ...drawFacts(short('beside'), pattern),
    ...long('beside').map((text) => drawText(text, pattern)),
  ];
}

interface KnownText extends PageColumn {
  readonly text: string;
}

const longestShort = 60;

function drawFacts(facts: readonly KnownText[], pattern: RegExp | undefined): HTMLElement[] {
  if (facts.length === 0) return [];
  const pairs = facts.map(({ title, text }) =>
    createElement(
      'div',
      {},
      createElement('dt', {}, createElement('bdi', {}, title)),
      createElement('dd', { dir: 'auto' }, ...markMatches(text, pattern)),
    ),
  );
  return [createElement('dl', { class: 'short-facts' }, ...pairs)];
}

function drawText({ title, role, text }: KnownText, pattern: RegExp | undefined): HTMLElement {
  const json = role === 'answer' || role === 'field' || role === 'own' ? layOutJson(text) : undefined;
  const kind = `text ${json === undefined ? '' : 'code'} ${role === 'reason' ? 'reason' : ''}`;
  const content = createElement(
    'div',
    { class: kind, dir: json === undefined ? 'auto' : 'ltr' },
    ...markMatches(json ?? text, pattern),
  );
  return createElement('section', {}, createElement('h3', {}, createElement('bdi', {}, title)), content);
}
