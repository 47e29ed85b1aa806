/** The tables of a comparison on a terminal. */
import type { ExpectedFigures, LabelCount, OutputComparison } from '../../api/outputs/compare-outputs.ts';
import { formatShare } from '../report/words.ts';
import { type Column, printTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount } from '../words/counts.ts';
import { describeModel, letterOf, listCosts, nameOutput } from './words.ts';

/** Which letter is which output, and the figures of each. */
export async function printOutputs(comparison: OutputComparison, terminal: Terminal): Promise<void> {
  const { outputs, figures } = comparison;
  const column = (title: string, cells: readonly string[]): Column => ({ title, cells });
  const number = (title: string, cells: readonly string[], worth?: number): Column => ({
    ...{ title, cells, alignRight: true },
    ...(worth !== undefined && { worth }),
  });
  const letters = column(
    '',
    outputs.map((_, place) => letterOf(place)),
  );
  await printTable(
    [
      letters,
      { ...column('model', outputs.map(describeModel)), least: 12 },
      {
        ...column(
          'answers',
          outputs.map(({ answer }) => answer),
        ),
        least: 8,
      },
      { ...column('output', outputs.map(nameOutput)), least: 16 },
    ],
    terminal,
  );
  terminal.printResult('');
  const { expected } = figures;
  await printTable(
    [
      letters,
      number(
        'answered',
        outputs.map(({ answered }) => formatShare(answered, figures.rows)),
      ),
      ...(expected
        ? [
            number(
              'accuracy',
              expected.map(({ correct, rows }) => (rows === 0 ? '-' : formatShare(correct, rows))),
            ),
            ...(figures.labels ? [number('macro F1', expected.map(formatF1))] : []),
          ]
        : []),
      ...listCosts(outputs).map(({ title, cells }, place) => number(title, cells, place + 1)),
    ],
    terminal,
  );
}

export function formatF1({ macroF1 }: ExpectedFigures): string {
  return macroF1 === undefined ? '-' : macroF1.toFixed(3);
}

const mostLabelsShown = 15;

/** How often each output gives each label. */
export async function printLabels(
  { figures: { labels = [] }, expect, outputs }: OutputComparison,
  terminal: Terminal,
): Promise<void> {
  if (labels.length === 0) return;
  const { shown, others } = gatherLabels(labels, mostLabelsShown);
  const rows = others ? [...shown, others] : shown;
  terminal.printResult('');
  await printTable(
    [
      { title: 'label', cells: rows.map(({ label }) => label), least: 8 },
      ...(expect === undefined
        ? []
        : [
            {
              title: 'expected',
              cells: rows.map(({ expected = 0 }) => formatCount(expected)),
              alignRight: true,
            },
          ]),
      ...outputs.map((_, place) => ({
        title: letterOf(place),
        cells: rows.map(({ counts }) => formatCount(counts[place] ?? 0)),
        alignRight: true,
      })),
    ],
    terminal,
  );
}

/** The most frequent labels, and all others as one. */
export function gatherLabels(
  labels: readonly LabelCount[],
  most: number,
): { shown: readonly LabelCount[]; others: LabelCount | undefined } {
  const rest = labels.slice(most);
  if (rest.length < 2) return { shown: labels, others: undefined };
  const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);
  return {
    shown: labels.slice(0, most),
    others: {
      label: `${formatCount(rest.length)} others`,
      counts: (rest[0]?.counts ?? []).map((_, place) => sum(rest.map(({ counts }) => counts[place] ?? 0))),
      expected: sum(rest.map(({ expected = 0 }) => expected)),
    },
  };
}
