/** The story of `loom compare`: open the outputs, match their rows, and count what their answers have in common. */
import { LoomError } from '../../core/errors.ts';
import { listSome } from '../../core/words.ts';
import type { TextLayout } from '../../formats/format.ts';
import type { HistoryEntry } from '../../state/history.ts';
import type { LoomHome } from '../../storage/home.ts';
import { type ComparedOutput, checkColumn, openCompared } from './compared-output.ts';
import { type ComparisonFigures, computeFigures } from './figures.ts';
import { findDifference } from './find-difference.ts';
import { type AnswerTable, type RowMatching, readAnswers } from './read-answers.ts';

export interface CompareOrder {
  /** Paths of outputs, or ids of batches or jobs that they came from; two or more. */
  readonly targets: readonly string[];
  /** The column that tells rows apart. */
  readonly on: string | undefined;
  /** The column with the answers: one for all outputs, or one for each. */
  readonly answers: readonly string[];
  /** The column that says what an answer should be. */
  readonly expect: string | undefined;
  /** How tables among the outputs are laid out; what is undefined is as the run noted it, or found. */
  readonly layout: TextLayout;
}

export interface Comparison {
  readonly matching: RowMatching;
  readonly expect: string | undefined;
  /** Rows of which another output expects something else than the first that has the column. */
  readonly expectedOtherwise: number;
  readonly outputs: readonly OutputFigures[];
  readonly figures: ComparisonFigures;
  /** Labels of which several differ in their letter case alone: `Yes`, `yes`. */
  readonly alikeLabels: readonly string[];
  /** For its rows to be read again. */
  readonly reading: { readonly compared: readonly ComparedOutput[]; readonly table: AnswerTable };
}

/** What is known of one of the outputs. */
export interface OutputFigures {
  readonly path: string;
  readonly history: HistoryEntry | undefined;
  readonly answer: string;
  /** As the run noted them, else as its first row has them. */
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly rows: number;
  /** Rows that not every output has. */
  readonly unmatched: number;
  readonly answered: number;
  readonly tokens: { readonly input: number; readonly output: number } | undefined;
  /** From the start of the run until its output was there. */
  readonly elapsedMs: number | undefined;
}

/** LoomError `input` where an output, a column or a way to match rows is missing. */
export async function compareOutputs(
  homes: readonly LoomHome[],
  order: CompareOrder,
  workingFolder: string,
  signal: AbortSignal,
): Promise<Comparison> {
  const { on, expect } = order;
  const compared = await openCompared(homes, order, workingFolder, signal);
  if (on !== undefined) checkColumn(compared, on);
  checkExpected(compared, expect);
  const table = await matchRows(compared, on, expect, signal);
  const figures = computeFigures(table);
  if (figures.rows === 0 && table.outputs.some(({ rows }) => rows > 0))
    throw nothingInCommon(compared, table);
  return {
    matching: table.matching,
    expect,
    expectedOtherwise: table.expectedOtherwise,
    outputs: compared.map((output, place) => describeOutput(output, table, figures, place)),
    figures,
    alikeLabels: findAlike(figures.labels?.map(({ label }) => label) ?? []),
    reading: { compared, table },
  };
}

function checkExpected(compared: readonly ComparedOutput[], expect: string | undefined): void {
  const isThere = compared.some(({ source }) => source.names.includes(expect ?? ''));
  if (expect !== undefined && !isThere) checkColumn(compared, expect);
}

/** By the column that was named, else by a column `id` that tells all rows apart, else by their places. */
async function matchRows(
  compared: readonly ComparedOutput[],
  on: string | undefined,
  expect: string | undefined,
  signal: AbortSignal,
): Promise<AnswerTable> {
  const problems: string[] = [];
  const name = on ?? (compared.every(hasIds) ? 'id' : undefined);
  if (name !== undefined) {
    const table = await readAnswers(compared, { by: 'column', names: [name] }, expect, signal);
    if (!('problem' in table)) return table;
    problems.push(table.problem);
  }
  if (on !== undefined) throw unmatched(problems);
  const names = listInputNames(compared);
  if (names.length === 0) throw unmatched([...problems, 'the outputs have no column of an input in common']);
  const table = await readAnswers(compared, { by: 'position', names }, expect, signal);
  if (!('problem' in table)) return table;
  const difference = await findDifference(compared, names, signal);
  throw unmatched([...problems, difference ?? table.problem]);
}

function hasIds({ source: { names }, ownNames }: ComparedOutput): boolean {
  return names.includes('id') && !ownNames.has('id');
}

/** Columns that every output has of its input. */
function listInputNames(compared: readonly ComparedOutput[]): readonly string[] {
  const [first] = compared;
  const isShared = (name: string) =>
    compared.every(({ source: { names }, ownNames }) => names.includes(name) && !ownNames.has(name));
  return first?.source.names.filter(isShared) ?? [];
}

function unmatched(problems: readonly string[]): LoomError {
  return new LoomError('input', `the rows can't be matched: ${problems.join(', and ')}.`, {
    code: 'rows_unmatched',
    facts: { problems },
    hint: 'Name a column that every output has, with another value in each row, with the option on.',
  });
}

function nothingInCommon(compared: readonly ComparedOutput[], { matching }: AnswerTable): LoomError {
  const paths = listSome(
    compared.map(({ source }) => source.path),
    3,
  );
  return unmatched([`no value of the column ${matching.names[0]} is in each of ${paths}`]);
}

function describeOutput(
  { found: { path, history }, answer }: ComparedOutput,
  table: AnswerTable,
  figures: ComparisonFigures,
  place: number,
): OutputFigures {
  const read = table.outputs[place] as AnswerTable['outputs'][number];
  const { input_tokens: input, output_tokens: output } = history ?? {};
  const elapsed = history ? Date.parse(history.ended_at) - Date.parse(history.created_at) : Number.NaN;
  return {
    path,
    history,
    answer,
    provider: history?.provider ?? read.provider,
    model: history?.model ?? read.model,
    rows: read.rows,
    unmatched: read.rows - figures.rows,
    answered: figures.answered[place] as number,
    tokens: input === undefined || output === undefined ? read.tokens : { input, output },
    elapsedMs: elapsed >= 0 ? elapsed : undefined,
  };
}

function findAlike(labels: readonly string[]): string[] {
  const first = new Map<string, string>();
  return labels.flatMap((label) => {
    const key = label.toLowerCase();
    const other = first.get(key);
    if (other === undefined) first.set(key, label);
    return other === undefined ? [] : [`${other}, ${label}`];
  });
}
