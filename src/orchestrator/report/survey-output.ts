/** The story of `loom report`: look at every row of an output once, then choose those that are shown. */
import { LogHistogram } from '../../core/log-histogram.ts';
import type { SideSuffix } from '../output/columns.ts';
import { RowErrors } from '../output/row-errors.ts';
import { type FailureGroup, RowTally } from '../output/row-tally.ts';
import type { AnswerColumns } from './answer-columns.ts';
import { type LabelCount, LabelTally } from './label-tally.ts';
import { type OutputRow, type OutputSource, type OutputStatus, readOutputRows } from './output-rows.ts';

/** What the rows of an output are like, all together. */
export interface OutputSurvey {
  /** As its rows are to be read again. */
  readonly source: OutputSource;
  readonly rows: number;
  readonly counts: Readonly<Record<OutputStatus, number>>;
  /** The largest group first. */
  readonly failures: readonly FailureGroup[];
  /** In characters; none where the output has no answers but their fields. */
  readonly answerLengths: LogHistogram;
  /** How the labels of the answers, and of their fields, are distributed: those columns that have labels. */
  readonly labels: readonly ColumnLabels[];
  /** Characters that a row has on average, in columns of the input and fields of the answers. */
  readonly meanLengths: ReadonlyMap<string, number>;
  /** As the rows have them, where they do. */
  readonly tokens: { readonly input: number; readonly output: number } | undefined;
  /** As the first row has them, where it does. */
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** The file of reasons is not of these rows, and was left out. */
  readonly hasForeignReasons: boolean;
  /** Characters in all texts that a report shows. */
  readonly characters: number;
}

/** A column and its labels, in rows that were answered. */
export interface ColumnLabels {
  readonly name: string;
  readonly counts: readonly LabelCount[];
}

/** Reads an output once, whole. Memory does not grow with it. */
export async function surveyOutput(source: OutputSource, signal: AbortSignal): Promise<OutputSurvey> {
  const reasons = source.errorsPath === undefined ? undefined : new RowErrors(source.errorsPath);
  const tally = new RowTally();
  const counts = { answered: 0, failed: 0, blank: 0, unanswered: 0 };
  const answerLengths = new LogHistogram();
  const tokens = { input: 0, output: 0, known: false };
  const columns = new ColumnSurvey(source);
  let first: OutputRow | undefined;
  let rows = 0;
  let characters = 0;
  for await (const row of readOutputRows(source, reasons, signal)) {
    first ??= row;
    rows += 1;
    counts[row.status] += 1;
    columns.add(row);
    if (row.answer !== null) answerLengths.add(row.answer.length);
    if (row.error) {
      const { index, prompt } = row;
      tally.countFailure({ row: { index, id: String(index), prompt }, ...row.error });
    }
    addTokens(tokens, row, source.columns);
    for (const text of textsOf(row, source)) characters += text?.length ?? 4;
  }
  await reasons?.close();
  if (reasons && reasons.unused > 0) {
    const survey = await surveyOutput({ ...source, errorsPath: undefined }, signal);
    return { ...survey, hasForeignReasons: true };
  }
  return {
    source,
    rows,
    counts,
    failures: tally.summarize().failures,
    answerLengths,
    ...columns.summarize(rows),
    tokens: tokens.known ? tokens : undefined,
    provider: (first && textBeside(first, source.columns, 'provider')) ?? undefined,
    model: (first && textBeside(first, source.columns, 'model')) ?? undefined,
    hasForeignReasons: false,
    characters,
  };
}

/** What is in the columns of the input and of the answers. */
class ColumnSurvey {
  readonly #labels: ReadonlyMap<string, LabelTally>;
  readonly #characters: Map<string, number>;

  constructor({ otherNames, columns: { answer, fields } }: OutputSource) {
    const labelled = answer === undefined ? fields : [answer, ...fields];
    this.#labels = new Map(labelled.map((name) => [name, new LabelTally()]));
    this.#characters = new Map([...otherNames, ...fields].map((name) => [name, 0]));
  }

  add(row: OutputRow): void {
    if (row.status === 'answered') for (const [name, tally] of this.#labels) tally.add(row.textOf(name));
    for (const [name, characters] of this.#characters)
      this.#characters.set(name, characters + (row.textOf(name)?.length ?? 0));
  }

  summarize(rows: number): Pick<OutputSurvey, 'labels' | 'meanLengths'> {
    const labels = [...this.#labels].flatMap(([name, tally]) => {
      const counts = tally.summarize();
      return counts ? [{ name, counts }] : [];
    });
    const lengths = [...this.#characters].map(([name, all]) => [name, all / Math.max(1, rows)] as const);
    return { labels, meanLengths: new Map(lengths) };
  }
}

/** What stands beside a row's answer; null where there is no such column, or nothing in it. */
function textBeside(row: OutputRow, { beside }: AnswerColumns, suffix: SideSuffix): string | null {
  const name = beside[suffix];
  return name === undefined ? null : row.textOf(name);
}

function addTokens(
  tokens: { input: number; output: number; known: boolean },
  row: OutputRow,
  columns: AnswerColumns,
): void {
  const input = textBeside(row, columns, 'input_tokens');
  const output = textBeside(row, columns, 'output_tokens');
  if (input === null && output === null) return;
  tokens.input += Number(input) || 0;
  tokens.output += Number(output) || 0;
  tokens.known = true;
}

/** A row of a report, with its texts: other columns, what was asked, the answer and its fields, the reason, and details. */
export interface ShownRow extends OutputRow {
  readonly texts: readonly (string | null)[];
}

function textsOf(row: OutputRow, { otherNames, detailNames, columns }: OutputSource): (string | null)[] {
  const reason = row.error ? `${row.error.kind}: ${row.error.message}` : null;
  const textOf = (name: string) => row.textOf(name);
  return [
    ...[...otherNames.map(textOf), row.prompt],
    ...(columns.answer === undefined ? [] : [row.answer]),
    ...[...columns.fields.map(textOf), reason, ...detailNames.map(textOf)],
  ];
}

/** How many rows a report shows. */
export interface RowChoice {
  readonly rows: number;
  /** Of the rows that failed. */
  readonly failed: number;
}

/** A browser shows the table of a page of this size within a second. */
const mostCharacters = 60_000_000;

/** At most so many rows, fewer where they are long; rows that failed come first, up to half of them. */
export function chooseCounts({ rows, counts, characters }: OutputSurvey, mostRows: number): RowChoice {
  const meanCharacters = Math.max(1, characters / Math.max(1, rows));
  const most = Math.max(1, Math.min(rows, mostRows, Math.floor(mostCharacters / meanCharacters)));
  const room = Math.max(Math.ceil(most / 2), most - (rows - counts.failed));
  return { rows: most, failed: Math.min(counts.failed, room) };
}

/** The rows that are shown, in order, evenly from all over the output. */
export async function* readChosenRows(
  { source, counts, rows }: OutputSurvey,
  choice: RowChoice,
  signal: AbortSignal,
): AsyncGenerator<ShownRow> {
  const reasons = source.errorsPath === undefined ? undefined : new RowErrors(source.errorsPath);
  const failed = createEvenPicker(choice.failed, counts.failed);
  const others = createEvenPicker(choice.rows - choice.failed, rows - counts.failed);
  for await (const row of readOutputRows(source, reasons, signal)) {
    if (row.status === 'failed' ? failed() : others()) yield { ...row, texts: textsOf(row, source) };
  }
  await reasons?.close();
}

/** Says yes so many times out of so many, at even distances. */
function createEvenPicker(chosen: number, of: number): () => boolean {
  let seen = 0;
  return () => {
    seen += 1;
    return Math.floor((seen * chosen) / of) > Math.floor(((seen - 1) * chosen) / of);
  };
}
