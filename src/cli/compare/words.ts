/** What a comparison is told in: names of its outputs, and its numbers. */
import { basename } from 'node:path';
import type { OutputComparison, OutputFigures, PairFigures } from '../../api/outputs/compare-outputs.ts';
import { formatDuration, formatShare } from '../report/words.ts';
import { countOf, formatCount, formatDollars } from '../words/counts.ts';

/** `A`, `B`, and so on; numbers where there are more outputs than letters. */
export function letterOf(place: number): string {
  return place < 26 ? String.fromCharCode(65 + place) : String(place + 1);
}

/** `openai gpt-4o-mini`; a dash where it is not known. */
export function describeModel({ provider, model }: OutputFigures): string {
  return [provider, model].filter((word) => word !== undefined).join(' ') || '-';
}

export function nameOutput({ path }: OutputFigures): string {
  return basename(path);
}

/** `Compared 500 rows of 2 outputs, matched by the column id: 46 rows differ.` */
export function describeMatching({ figures, outputs, on }: OutputComparison): string {
  const by = on === undefined ? 'matched by their places' : `matched by the column ${on}`;
  const differing =
    figures.differing === 0
      ? 'no row differs'
      : `${countOf(figures.differing, 'row differs', 'rows differ')}`;
  return `Compared ${countOf(figures.rows, 'row')} of ${outputs.length} outputs, ${by}: ${differing}.`;
}

/** `A and B agree in 91.2 % of 498 rows, kappa 0.874.` */
export function describePair(pair: PairFigures, areLabels: boolean): string {
  const [first, second] = pair.outputs.map(letterOf);
  if (pair.rows === 0) return `${first} and ${second} have no row that both answered.`;
  const kappa = areLabels ? `, kappa ${formatKappa(pair)}` : '';
  return `${first} and ${second} agree in ${formatShare(pair.equal, pair.rows)} of ${countOf(pair.rows, 'row')} that both answered${kappa}.`;
}

export function formatKappa({ kappa }: Pick<PairFigures, 'kappa'>): string {
  return kappa === undefined ? 'not defined, as both give one label alone' : kappa.toFixed(3);
}

/** What can't be read off the tables. */
export function describeLimits(comparison: OutputComparison): string[] {
  const { outputs, figures, expected } = { ...comparison, expected: comparison.figures.expected?.[0] };
  const sentences: string[] = [];
  const left = outputs.flatMap(({ unmatched }, place) =>
    unmatched > 0 ? [`${formatCount(unmatched)} of ${letterOf(place)}`] : [],
  );
  if (left.length > 0) sentences.push(`Left out, as not every output has them: rows ${left.join(', ')}.`);
  if (figures.answered.some((answered) => answered < figures.rows)) {
    const wrong = expected ? ', and count as wrong where an answer is expected' : '';
    sentences.push(`Rows without an answer are left out of the agreement${wrong}.`);
  }
  if (!figures.labels) {
    const many =
      figures.differentAnswers === undefined
        ? 'more than 1,000 different ones'
        : `${formatCount(figures.differentAnswers)} different ones`;
    sentences.push(`The answers are free text, ${many}: equal texts are counted, and there is no kappa.`);
  }
  if (expected && expected.rows < figures.rows)
    sentences.push(
      `${countOf(figures.rows - expected.rows, 'row says', 'rows say')} nothing in ${comparison.expect}, and count in no accuracy.`,
    );
  return sentences;
}

/** What may be wrong with what was compared. */
export function describeDoubts({
  alikeLabels,
  expectedOtherwise,
  expect,
  outputs,
}: OutputComparison): string[] {
  const doubts: string[] = [];
  const unknown = outputs.flatMap(({ history }, place) => (history ? [] : [letterOf(place)]));
  if (unknown.length > 0)
    doubts.push(
      `How ${unknown.join(' and ')} ${unknown.length === 1 ? 'was' : 'were'} made is not known here, or changed since: there is no time and no cost.`,
    );
  if (alikeLabels.length > 0)
    doubts.push(
      `Some labels differ in their letter case alone, and count as different: ${alikeLabels.slice(0, 3).join('; ')}.`,
    );
  if (expectedOtherwise > 0)
    doubts.push(
      `${countOf(expectedOtherwise, 'row has', 'rows have')} another ${expect} in another output; that of the first counts.`,
    );
  return doubts;
}

/** Tokens, cost and time of each output: title and cells, without those that nobody knows of any. */
export function listCosts(outputs: readonly OutputFigures[]): { title: string; cells: string[] }[] {
  const count = (number: number | undefined) => (number === undefined ? '-' : formatCount(number));
  const time = (ms: number | undefined) => (ms === undefined ? '-' : formatDuration(ms));
  return [
    { title: 'tokens in', cells: outputs.map(({ tokens }) => count(tokens?.input)) },
    { title: 'tokens out', cells: outputs.map(({ tokens }) => count(tokens?.output)) },
    { title: 'cost', cells: outputs.map(describeCost) },
    { title: 'time', cells: outputs.map(({ elapsedMs }) => time(elapsedMs)) },
  ].filter(({ cells }) => cells.some((cell) => cell !== '-'));
}

function describeCost({ history }: OutputFigures): string {
  if (history?.cost === undefined)
    return history && history.cached_rows > 0 && history.cached_rows === history.answered ? 'cached' : '-';
  const dollars = formatDollars(history.cost);
  return history.sandbox ? `would be ${dollars}` : dollars;
}
