/** A comparison as JSON. */
import type {
  ExpectedFigures,
  OutputComparison,
  WrittenComparison,
} from '../../api/outputs/compare-outputs.ts';
import type { CompareDocument } from '../../core/documents/documents.ts';

/** A confusion of many labels has more cells than anybody reads. */
const mostCells = 1_000;

export function documentComparison(comparison: WrittenComparison): Partial<CompareDocument> {
  const { figures, on, page, choice } = comparison;
  return {
    page_path: page ?? null,
    rows: figures.rows,
    rows_shown: page === undefined ? null : choice.rows,
    matched_by: on === undefined ? 'position' : 'column',
    on: on ?? null,
    differing: figures.differing,
    different_answers: figures.differentAnswers ?? null,
    outputs: comparison.outputs.map((output, place) => documentOutput(comparison, output, place)),
    pairs: figures.pairs.map(({ outputs, rows, equal, kappa }) => ({
      outputs: [...outputs],
      rows,
      equal,
      agreement_percent: rows === 0 ? null : (100 * equal) / rows,
      kappa: kappa ?? null,
    })),
    labels:
      figures.labels?.map(({ label, counts, expected }) => ({
        label,
        rows: [...counts],
        expected: expected ?? null,
      })) ?? null,
  };
}

function documentOutput(
  { figures }: OutputComparison,
  {
    path,
    answer,
    provider,
    model,
    rows,
    unmatched,
    answered,
    tokens,
    history,
    elapsedMs,
  }: OutputComparison['outputs'][number],
  place: number,
): CompareDocument['outputs'][number] {
  const expected = figures.expected?.[place];
  return {
    output_path: path,
    answer_column: answer,
    provider: provider ?? null,
    model: model ?? null,
    rows,
    unmatched,
    answered,
    usage: tokens
      ? {
          input_tokens: tokens.input,
          output_tokens: tokens.output,
          cost_usd: history?.cost ?? null,
          would_cost: history?.sandbox ?? false,
        }
      : null,
    seconds: elapsedMs === undefined ? null : elapsedMs / 1000,
    expected: expected ? documentExpected(expected) : null,
  };
}

function documentExpected({ rows, correct, unanswered, macroF1, labels, confusion }: ExpectedFigures) {
  return {
    rows,
    correct,
    unanswered,
    accuracy: rows === 0 ? null : correct / rows,
    macro_f1: macroF1 ?? null,
    labels: [...labels],
    confusion: confusion.slice(0, mostCells),
  };
}
