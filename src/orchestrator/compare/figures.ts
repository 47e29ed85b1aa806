/** What the answers of several outputs have in common, from one look at the codes of each row. */
import { type ExpectedFigures, ExpectedTally } from './accuracy.ts';
import { type PairFigures, PairTally } from './agreement.ts';
import { type LabelBook, noAnswer } from './label-book.ts';
import type { AnswerTable } from './read-answers.ts';

/** All figures are of the rows that every output has. */
export interface ComparisonFigures {
  readonly rows: number;
  /** Rows in which not all answers are equal; a missing one differs from any. */
  readonly differing: number;
  /** How many rows of each have an answer. */
  readonly answered: readonly number[];
  readonly pairs: readonly PairFigures[];
  /** Undefined where the answers are no labels. */
  readonly labels: readonly LabelCount[] | undefined;
  /** How many different answers there are; undefined where there are more than are counted. */
  readonly differentAnswers: number | undefined;
  /** For each output; undefined where nothing is expected. */
  readonly expected: readonly ExpectedFigures[] | undefined;
}

/** How often a label comes; the most frequent first. */
export interface LabelCount {
  readonly label: string;
  readonly counts: readonly number[];
  /** Undefined where nothing is expected. */
  readonly expected: number | undefined;
}

export function computeFigures({ labels, outputs, expected }: AnswerTable): ComparisonFigures {
  const places = outputs.map((_, place) => place);
  const answered = places.map(() => 0);
  const counts = places.map(() => new Float64Array(labels.size + 1));
  const expectedCounts = new Float64Array(labels.size + 1);
  const pairs = places.flatMap((a) =>
    places.slice(a + 1).map((b) => ({ a, b, tally: new PairTally([a, b], labels.size) })),
  );
  const tallies = expected && places.map(() => new ExpectedTally(labels.size));
  const codes = places.map(() => noAnswer);
  let rows = 0;
  let differing = 0;
  for (let row = 0; row < (outputs[0]?.rows ?? 0); row += 1) {
    if (outputs.some(({ places }) => places.get(row) === 0)) continue;
    rows += 1;
    for (const place of places) {
      const code = outputs[place]?.codes.get(row) as number;
      codes[place] = code;
      if (code === noAnswer) continue;
      answered[place] = (answered[place] as number) + 1;
      count(counts[place] as Float64Array, code);
    }
    if (codes.some((code) => code !== codes[0])) differing += 1;
    for (const { a, b, tally } of pairs) {
      const [first, second] = [codes[a] as number, codes[b] as number];
      if (first !== noAnswer && second !== noAnswer) tally.add(first, second);
    }
    const wanted = expected?.get(row) ?? noAnswer;
    if (wanted === noAnswer) continue;
    count(expectedCounts, wanted);
    tallies?.forEach((tally, place) => {
      tally.add(wanted, codes[place] as number);
    });
  }
  const different = countDifferent(counts);
  const areLabels = !labels.hasStrays && areFewEnough(different, Math.max(...answered));
  return {
    rows,
    differing,
    answered,
    pairs: pairs.map(({ tally }) => tally.summarize(areLabels)),
    labels: areLabels ? listLabels(labels, counts, expected && expectedCounts) : undefined,
    differentAnswers: labels.hasStrays ? undefined : different,
    expected: tallies?.map((tally) => tally.summarize(areLabels ? (code) => labels.textOf(code) : undefined)),
  };
}

function count(counts: Float64Array, code: number): void {
  if (code < counts.length) counts[code] = (counts[code] as number) + 1;
}

function countDifferent(counts: readonly Float64Array[]): number {
  const [first] = counts;
  return (
    first?.reduce((sum, _, label) => sum + (counts.some((of) => (of[label] as number) > 0) ? 1 : 0), 0) ?? 0
  );
}

/** So few different answers are labels however few rows there are. */
const fewLabels = 20;

/** Labels come again and again: where most answers are like no other, they are texts. */
function areFewEnough(different: number, answered: number): boolean {
  return different <= fewLabels || different * 2 <= answered;
}

function listLabels(
  labels: LabelBook,
  counts: readonly Float64Array[],
  expected: Float64Array | undefined,
): LabelCount[] {
  const listed: { total: number; label: LabelCount }[] = [];
  for (let code = 1; code <= labels.size; code += 1) {
    const each = counts.map((of) => of[code] as number);
    const total = each.reduce((sum, of) => sum + of, expected?.[code] ?? 0);
    if (total > 0)
      listed.push({ total, label: { label: labels.textOf(code), counts: each, expected: expected?.[code] } });
  }
  return listed.sort((a, b) => b.total - a.total).map(({ label }) => label);
}
