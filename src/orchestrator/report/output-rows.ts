/** The rows of an output: what was asked, what was answered, and why not. */
import { LoomError } from '../../core/errors.ts';
import type { RowError, RowPick } from '../../core/models.ts';
import { findClosestName, listNames, quoteValue } from '../../core/words.ts';
import type { InputFormat, PromptSource, TextLayout, TextRecord } from '../../formats/format.ts';
import { converterFor } from '../../formats/index.ts';
import { readPromptSource } from '../../formats/template/prompt-source.ts';
import { readFileBytes } from '../../formats/text/file-bytes.ts';
import { isFile } from '../../storage/files.ts';
import { createPicker } from '../dataset/pick-rows.ts';
import { reasonsPathFor } from '../output/reasons-file.ts';
import { parseRowError, type RowErrors } from '../output/row-errors.ts';
import { type AnswerColumns, findAnswerColumns } from './answer-columns.ts';
import type { FoundOutput } from './find-output.ts';
import { findOutputLayout, typeOfOutput } from './output-layout.ts';

/** An output, and how its rows are read. */
export interface OutputSource {
  readonly path: string;
  readonly format: InputFormat;
  /** undefined: it is found. */
  readonly layout: TextLayout | undefined;
  /** Its columns; the fields of the first row where rows are objects. */
  readonly names: readonly string[];
  readonly columns: AnswerColumns;
  /** Undefined where it is not known what was asked. */
  readonly promptSource: PromptSource | undefined;
  readonly pick: RowPick | undefined;
  /** The file of reasons beside it; undefined where there is none, or a column has them. */
  readonly errorsPath: string | undefined;
  /** Whether every row that failed has a reason: a row without one has not failed. */
  readonly tellsReasons: boolean;
  /** Columns of the input, but for one that is the prompt already. */
  readonly otherNames: readonly string[];
  /** Which of them tells rows apart, if one does. */
  readonly idName: string | undefined;
  /** Columns of ours beside the answer and its reason. */
  readonly detailNames: readonly string[];
}

export type OutputStatus = 'answered' | 'failed' | 'blank' | 'unanswered';

export interface OutputRow {
  /** Position in the input, from 0; in the output where it is not known which rows were picked. */
  readonly index: number;
  readonly status: OutputStatus;
  readonly prompt: string | null;
  readonly answer: string | null;
  readonly error: RowError | undefined;
  textOf(name: string): string | null;
}

/** What somebody says of an output; what is left out is as the run noted it, or found. */
export interface OutputOrder {
  readonly promptSource?: PromptSource | undefined;
  /** The column of the answers. */
  readonly answer?: string | undefined;
  readonly layout?: TextLayout | undefined;
}

/**
 * LoomError `input` for a file that holds no answers, and for a prompt that names what it does not have; `usage` for a
 * layout that says nothing of its format.
 */
export async function openOutput(
  found: FoundOutput,
  { promptSource: asked, answer, layout: said }: OutputOrder,
): Promise<OutputSource> {
  const { path, history } = found;
  const format = { fileType: typeOfOutput(found), gzip: await isGzip(path) };
  const layout = await findOutputLayout(found, format, said);
  const names = await (await converterFor(format.fileType)).readNames(path, format.gzip, { layout });
  const columns = findAnswerColumns(path, names, history, answer);
  if (asked) checkNames(asked, names, path);
  const promptSource = asked ?? recordedSource(history) ?? usualSource(names);
  const own = new Set([columns.answer, ...columns.fields, ...Object.values(columns.beside)]);
  const others = names.filter((name) => !own.has(name) && !isPrompt(name, promptSource));
  const { error: errorName = '', ...details } = columns.beside;
  const errorsPath = (await isFile(reasonsPathFor(path))) ? reasonsPathFor(path) : undefined;
  return {
    path,
    format,
    layout,
    names,
    columns,
    promptSource,
    pick: history?.pick,
    errorsPath: names.includes(errorName) ? undefined : errorsPath,
    tellsReasons: names.includes(errorName) || errorsPath !== undefined || history?.failed === 0,
    otherNames: others,
    idName: [history?.row_id_field, 'id'].find((name) => name !== undefined && others.includes(name)),
    detailNames: Object.values(details).filter((name) => names.includes(name)),
  };
}

function isPrompt(name: string, source: PromptSource | undefined): boolean {
  return source !== undefined && 'column' in source && [name, name.trim()].includes(source.column);
}

/** An output is plain text whatever its name says, unless somebody has packed it since. */
async function isGzip(path: string): Promise<boolean> {
  for await (const bytes of readFileBytes(path, false, { chunkBytes: 2 })) {
    return bytes[0] === 0x1f && bytes[1] === 0x8b;
  }
  return false;
}

function recordedSource(history: FoundOutput['history']): PromptSource | undefined {
  if (history?.prompt_template !== undefined) return { template: history.prompt_template };
  return history?.prompt_column ? { column: history.prompt_column } : undefined;
}

function usualSource(names: readonly string[]): PromptSource | undefined {
  return names.includes('prompt') ? { column: 'prompt' } : undefined;
}

function checkNames(source: PromptSource, names: readonly string[], path: string): void {
  for (const name of readPromptSource(source).names) {
    if (names.some((known) => known === name || known.trim() === name)) continue;
    const closest = findClosestName(name, names);
    throw new LoomError('input', `${path}: no column ${quoteValue(name)}; it has ${listNames(names)}.`, {
      hint: closest === undefined ? 'Name one of these.' : `Did you mean ${quoteValue(closest)}?`,
    });
  }
}

/** Every row in order. `reasons` gives those of rows whose record holds none. */
export async function* readOutputRows(
  source: OutputSource,
  reasons: RowErrors | undefined,
  signal: AbortSignal,
): AsyncGenerator<OutputRow> {
  const { path, format, layout, promptSource, columns } = source;
  const converter = await converterFor(format.fileType);
  const recipe = promptSource && readPromptSource(promptSource);
  const isWanted = chooseColumns(source);
  const numbers = numberRows(source.pick);
  for await (const records of converter.readRecords(path, format.gzip, { layout, isWanted, signal })) {
    for (const record of records) {
      signal.throwIfAborted();
      const index = numbers.next().value;
      const prompt = recipe?.compose(recipe.names.map((name) => record.textOf(name) ?? '')).prompt ?? null;
      const textOf = (name: string) => record.textOf(name);
      const answer = columns.answer === undefined ? null : textOf(columns.answer);
      const isAnswered = hasAnswer(columns, textOf);
      const told = columns.beside.error === undefined ? null : textOf(columns.beside.error);
      const error = isAnswered ? undefined : told === null ? await reasons?.take(index) : parseRowError(told);
      const isBlank = recipe !== undefined && prompt === null;
      const status = isAnswered ? 'answered' : error ? 'failed' : isBlank ? 'blank' : statusOfEmpty(source);
      yield { index, status, prompt, answer, error, textOf };
    }
  }
}

function chooseColumns({ promptSource, otherNames, columns }: OutputSource): (name: string) => boolean {
  const prompts = promptSource ? readPromptSource(promptSource).names : [];
  const wanted = new Set([
    ...[...prompts, ...otherNames, ...columns.fields, ...Object.values(columns.beside)],
    ...(columns.answer === undefined ? [] : [columns.answer]),
  ]);
  return (name) => wanted.has(name) || wanted.has(name.trim());
}

function hasAnswer({ answer, fields }: AnswerColumns, textOf: TextRecord['textOf']): boolean {
  return answer === undefined ? fields.some((name) => textOf(name) !== null) : textOf(answer) !== null;
}

/** Without the answer itself, a row whose fields are all empty was answered so, if it would have a reason otherwise. */
function statusOfEmpty({ columns, tellsReasons }: OutputSource): OutputStatus {
  return columns.answer === undefined && tellsReasons ? 'answered' : 'unanswered';
}

/** The numbers that the rows of an output have in its input. */
function* numberRows(pick: RowPick | undefined): Generator<number, never> {
  const isPicked = createPicker(pick && 'sample' in pick ? pick : undefined);
  const end = pick && 'sample' in pick ? pick.of : Number.POSITIVE_INFINITY;
  let index = 0;
  for (; index < end; index += 1) if (isPicked(index)) yield index;
  // More rows than were picked: somebody has added some.
  for (; ; index += 1) yield index;
}
