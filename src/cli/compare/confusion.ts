/** What was answered where something else was expected. */
import type { ExpectedFigures, OutputComparison } from '../../api/outputs/compare-outputs.ts';
import { printTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount } from '../words/counts.ts';
import { letterOf } from './words.ts';

/** Rows are what was expected, columns what was answered. */
export interface ConfusionMatrix {
  readonly expected: readonly string[];
  /** Null for no answer. */
  readonly answered: readonly (string | null)[];
  readonly rows: readonly (readonly number[])[];
  /** Labels that have no room; what was expected or answered of them is left out. */
  readonly leftOut: number;
}

/** With the labels that come most often in all outputs, at most so many; in the same order for each of these. */
export function layOutMatrix(
  { labels, confusion }: ExpectedFigures,
  { labels: all = [] }: OutputComparison['figures'],
  most: number,
): ConfusionMatrix {
  const known = new Set(labels.map(({ label }) => label));
  const shown = all
    .map(({ label }) => label)
    .filter((label) => known.has(label))
    .slice(0, most);
  const expected = shown.filter((label) => confusion.some((cell) => cell.expected === label));
  const columns = shown.filter((label) => confusion.some((cell) => cell.answered === label));
  const answered = confusion.some((cell) => cell.answered === null) ? [...columns, null] : columns;
  const counts = new Map(
    confusion.map((cell) => [JSON.stringify([cell.expected, cell.answered]), cell.rows]),
  );
  return {
    expected,
    answered,
    rows: expected.map((row) => answered.map((column) => counts.get(JSON.stringify([row, column])) ?? 0)),
    leftOut: labels.length - shown.length,
  };
}

/** More have no room on a terminal of 80 columns. */
const mostInMatrix = 8;
const mostMistakes = 10;

export async function printConfusion(comparison: OutputComparison, terminal: Terminal): Promise<void> {
  const { figures, expect } = comparison;
  for (const [place, expected] of (figures.expected ?? []).entries()) {
    if (expected.labels.length === 0) continue;
    terminal.printResult('');
    if (expected.labels.length > mostInMatrix) await printMistakes(expected, place, terminal);
    else {
      terminal.printResult(`What ${letterOf(place)} answered, by what ${expect} says:`);
      await printMatrix(layOutMatrix(expected, figures, mostInMatrix), terminal);
    }
  }
}

async function printMatrix({ expected, answered, rows }: ConfusionMatrix, terminal: Terminal): Promise<void> {
  await printTable(
    [
      { title: 'expected', cells: expected, least: 8 },
      ...answered.map((label, column) => ({
        title: label ?? 'no answer',
        cells: rows.map((row) => formatCount(row[column] ?? 0)),
        alignRight: true,
        least: 5,
      })),
    ],
    terminal,
  );
}

async function printMistakes(
  { confusion }: ExpectedFigures,
  place: number,
  terminal: Terminal,
): Promise<void> {
  const mistakes = confusion.filter(({ expected, answered }) => expected !== answered).slice(0, mostMistakes);
  if (mistakes.length === 0) return terminal.printResult(`${letterOf(place)} made no mistake.`);
  terminal.printResult(`The most frequent mistakes of ${letterOf(place)}:`);
  await printTable(
    [
      { title: 'expected', cells: mistakes.map(({ expected }) => expected), least: 8 },
      { title: 'answered', cells: mistakes.map(({ answered }) => answered ?? 'no answer'), least: 8 },
      { title: 'rows', cells: mistakes.map(({ rows }) => formatCount(rows)), alignRight: true },
    ],
    terminal,
  );
}
