/** The part of a comparison's page that is there without any script: figures, labels and confusions. */
import type { ExpectedFigures, OutputComparison } from '../../api/outputs/compare-outputs.ts';
import { type Html, html } from '../report/html.ts';
import { formatShare } from '../report/words.ts';
import { formatCount } from '../words/counts.ts';
import { layOutMatrix } from './confusion.ts';
import { formatF1, gatherLabels } from './tables.ts';
import {
  describeDoubts,
  describeLimits,
  describeMatching,
  describeModel,
  describePair,
  letterOf,
  listCosts,
  nameOutput,
} from './words.ts';

export function drawFigures(comparison: OutputComparison): Html {
  const { figures } = comparison;
  const sentences = [
    ...figures.pairs.map((pair) => describePair(pair, figures.labels !== undefined)),
    ...describeLimits(comparison),
    ...describeDoubts(comparison),
  ];
  return html`<p class="origin">${describeMatching(comparison)}</p>
<section aria-labelledby="outputs"><h2 id="outputs">The outputs</h2>${drawOutputs(comparison)}
<ul class="sentences">${sentences.map((sentence) => html`<li><bdi>${sentence}</bdi></li>`)}</ul></section>
${drawLabels(comparison)}
${drawConfusions(comparison)}`;
}

/** A table that is moved within its frame where it is wider than the screen. */
function drawScrolled(label: string, heads: readonly Head[], rows: readonly (readonly string[])[]): Html {
  const cell = (text: string, column: number) =>
    column === 0
      ? html`<th scope="row"><bdi>${text}</bdi></th>`
      : html`<td class="${heads[column]?.isNumber ? 'number' : ''}"><bdi>${text}</bdi></td>`;
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table class="figure-table"><thead><tr>${heads.map(
    ({ title, isNumber }) =>
      html`<th scope="col" class="${isNumber ? 'number' : ''}"><bdi>${title}</bdi></th>`,
  )}</tr></thead><tbody>${rows.map((cells) => html`<tr>${cells.map(cell)}</tr>`)}</tbody></table></div>`;
}

interface Head {
  readonly title: string;
  readonly isNumber?: boolean;
}

const numbers = (...titles: readonly string[]): Head[] => titles.map((title) => ({ title, isNumber: true }));

function drawOutputs({ outputs, figures }: OutputComparison): Html {
  const { expected, labels } = figures;
  const costs = listCosts(outputs);
  const heads = [
    ...[{ title: '' }, { title: 'model' }, { title: 'output' }],
    ...numbers('answered', ...(expected ? ['accuracy', ...(labels ? ['macro F1'] : [])] : [])),
    ...numbers(...costs.map(({ title }) => title)),
  ];
  const rows = outputs.map((output, place) => {
    return [
      ...[letterOf(place), describeModel(output), nameOutput(output)],
      formatShare(output.answered, figures.rows),
      ...describeExpected(expected?.[place], labels !== undefined),
      ...costs.map(({ cells }) => cells[place] ?? '-'),
    ];
  });
  return drawScrolled('The outputs', heads, rows);
}

function describeExpected(expected: ExpectedFigures | undefined, areLabels: boolean): string[] {
  if (!expected) return [];
  const accuracy = expected.rows === 0 ? '-' : formatShare(expected.correct, expected.rows);
  return areLabels ? [accuracy, formatF1(expected)] : [accuracy];
}

const mostLabelsShown = 50;

function drawLabels({ figures: { labels = [] }, outputs, expect }: OutputComparison): Html {
  if (labels.length === 0) return html``;
  const { shown, others } = gatherLabels(labels, mostLabelsShown);
  const heads = [
    { title: 'label' },
    ...numbers(...(expect === undefined ? [] : ['expected']), ...outputs.map((_, place) => letterOf(place))),
  ];
  const rows = [...shown, ...(others ? [others] : [])].map(({ label, counts, expected = 0 }) => [
    label,
    ...(expect === undefined ? [] : [formatCount(expected)]),
    ...counts.map(formatCount),
  ]);
  return html`<section aria-labelledby="labels"><h2 id="labels">How often each label comes</h2>${drawScrolled('How often each label comes', heads, rows)}</section>`;
}

const mostInMatrix = 20;

function drawConfusions({ figures, expect }: OutputComparison): Html {
  const drawn = (figures.expected ?? []).flatMap((expected, place) =>
    expected.labels.length === 0 ? [] : [drawConfusion(expected, figures, place)],
  );
  if (drawn.length === 0) return html``;
  return html`<section aria-labelledby="confusion"><h2 id="confusion">What was answered, by what ${expect} says</h2><div class="confusions">${drawn}</div></section>`;
}

function drawConfusion(expected: ExpectedFigures, figures: OutputComparison['figures'], place: number): Html {
  const { answered, expected: labels, rows, leftOut } = layOutMatrix(expected, figures, mostInMatrix);
  const heads = [{ title: 'expected' }, ...numbers(...answered.map((label) => label ?? 'no answer'))];
  const cells = rows.map((counts, row) => [labels[row] ?? '', ...counts.map(formatCount)]);
  const title = `What ${letterOf(place)} answered`;
  return html`<div><h3>${title}</h3>${drawScrolled(title, heads, cells)}${leftOut === 0 ? undefined : html`<p class="part">${formatCount(leftOut)} more labels have no room here.</p>`}</div>`;
}
