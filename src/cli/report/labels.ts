/** How labels are distributed, as bars; each can be asked for in the table. */
import type { OutputReport } from '../../api/report-output.ts';
import { usualAnswer } from '../../core/names.ts';
import { formatCount } from '../words/counts.ts';
import { chooseTop, listTicks } from './axis.ts';
import { type Html, html } from './html.ts';
import { formatShare } from './words.ts';

interface NamedLabel {
  readonly name: string;
  readonly label: string | null;
  readonly count: number;
}

/** Every label of every column that has some, by which rows may be chosen. */
export function listLabels({ survey: { labels } }: OutputReport): NamedLabel[] {
  return labels.flatMap(({ name, counts }) => counts.map((count) => ({ name, ...count })));
}

/** As a choice words them: `mood: good`. */
export function nameLabels(facts: OutputReport): string[] {
  return listLabels(facts).map(({ name, label }) => `${titleOf(name)}: ${wordLabel(label)}`);
}

export function drawLabels(facts: OutputReport): Html {
  const { labels, counts } = facts.survey;
  if (labels.length === 0) return html``;
  let first = 0;
  const figures = labels.map(({ name, counts: ofColumn }) => {
    const figure = drawFigure(titleOf(name), ofColumn, counts.answered, first);
    first += ofColumn.length;
    return figure;
  });
  return html`<section aria-labelledby="labels"><h2 id="labels">Labels</h2><div class="plots">${figures}</div></section>`;
}

function drawFigure(
  title: string,
  counts: readonly { readonly label: string | null; readonly count: number }[],
  rows: number,
  first: number,
): Html {
  const top = chooseTop(Math.max(...counts.map(({ count }) => count)));
  const lines = counts.map(({ label, count }, offset) => {
    const word = html`<bdi${label === null ? html` class="none"` : undefined}>${wordLabel(label)}</bdi>`;
    const button = html`<button type="button" class="show-rows show-label" data-show="label-${first + offset}" disabled>${word}<span class="quiet">: show these rows</span></button>`;
    return html`<tr><th scope="row">${button}</th><td class="length">${drawBar(count / top)}</td><td class="number">${formatCount(count)}</td><td class="number">${formatShare(count, rows)}</td></tr>`;
  });
  const ticks = listTicks(top).map((tick) => html`<span>${formatCount(tick)}</span>`);
  return html`<figure class="plot labels"><table><caption><bdi>${title}</bdi></caption><thead class="quiet"><tr><th scope="col">Label</th><th scope="col">Bar</th><th scope="col">Rows</th><th scope="col">Share of the answered rows</th></tr></thead>
<tbody>${lines}</tbody><tfoot aria-hidden="true"><tr><td></td><td class="length"><div class="ticks">${ticks}</div></td><td></td><td></td></tr></tfoot></table></figure>`;
}

function drawBar(share: number): Html {
  const width = Math.max(0.5, Math.round(share * 1000) / 10);
  return html`<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="bar" x="0" y="0" width="${width}" height="10"/></svg>`;
}

function titleOf(name: string): string {
  return name === usualAnswer ? 'Answer' : name;
}

function wordLabel(label: string | null): string {
  if (label === null) return 'nothing';
  return label.trim() === '' ? `“${label}”` : label;
}
