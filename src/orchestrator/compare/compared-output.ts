/** The outputs that are compared, and which of their columns is compared with which. */
import { LoomError } from '../../core/errors.ts';
import { isJsonObject } from '../../core/models.ts';
import { usualAnswer } from '../../core/names.ts';
import { readJson } from '../../core/nesting.ts';
import { listNames, quoteValue } from '../../core/words.ts';
import type { TextLayout, TextRecord } from '../../formats/format.ts';
import type { LoomHome } from '../../storage/home.ts';
import { fittingLayout } from '../dataset/layout.ts';
import { sideName, sideSuffixes } from '../output/columns.ts';
import type { AnswerColumns } from '../report/answer-columns.ts';
import { type FoundOutput, findOutput } from '../report/find-output.ts';
import { typeOfOutput } from '../report/output-layout.ts';
import { type OutputSource, openOutput } from '../report/output-rows.ts';
import { readOutputRecords } from './output-records.ts';

export interface ComparedOutput {
  readonly found: FoundOutput;
  readonly source: OutputSource;
  /** The column that is compared. */
  readonly answer: string;
  /** Columns that a run added; all others are the input's. */
  readonly ownNames: ReadonlySet<string>;
}

/** What is asked of outputs that are compared, as far as it is about opening them. */
export interface ComparedOrder {
  readonly targets: readonly string[];
  /** One for all outputs, or one for each. */
  readonly answers: readonly string[];
  /** Counts for those outputs of whose format it says something. */
  readonly layout: TextLayout;
}

/** LoomError `input` for what is no output, `usage` for a layout that says nothing of any of them. */
export async function openCompared(
  homes: readonly LoomHome[],
  { targets, answers, layout }: ComparedOrder,
  workingFolder: string,
  signal: AbortSignal,
): Promise<readonly ComparedOutput[]> {
  const found: FoundOutput[] = [];
  for (const target of targets) found.push(await findOutput(homes, target, workingFolder));
  const layouts = found.map((output) => fittingLayout(typeOfOutput(output), layout));
  // What says nothing of any of them goes to the first as it is, which refuses it.
  const isForNone = layouts.every((fitting) => fitting !== layout);
  const opened: OpenedOutput[] = [];
  for (const [place, output] of found.entries()) {
    const asked = answers.length > 1 ? answers[place] : answers[0];
    const source = await openOutput(output, { answer: asked, layout: isForNone ? layout : layouts[place] });
    opened.push({ found: output, source, asked });
  }
  const fields = await Promise.all(opened.map((output) => findFields(output, signal)));
  const shared = (fields[0] ?? []).filter((name) => fields.every((names) => names.includes(name)));
  return opened.map(({ found, source, asked }, place) => ({
    found,
    source,
    answer: asked ?? chooseAnswer(source, fields[place] ?? [], shared),
    ownNames: new Set(listOwn({ found, source, asked }, fields[place] ?? [])),
  }));
}

interface OpenedOutput {
  readonly found: FoundOutput;
  readonly source: OutputSource;
  readonly asked: string | undefined;
}

/** The only field of the answers, or the only one that all outputs have; where they have none, the answer itself. */
function chooseAnswer(
  { path, columns, names }: OutputSource,
  fields: readonly string[],
  shared: readonly string[],
): string {
  const [only, ...others] = shared.length === 1 ? shared : fields;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined && columns.answer !== undefined) return columns.answer;
  const candidates = only === undefined ? names : [...(columns.answer ? [columns.answer] : []), ...fields];
  throw new LoomError(
    'input',
    `${path}: the answers that are compared could be in each of ${listNames(candidates)}.`,
    {
      code: 'answers_unclear',
      facts: { path, columns: candidates },
      hint: 'Name one with the option answer.',
    },
  );
}

/** So many rows are looked at for an answer that tells what its fields are. */
const mostLooks = 1_000;

/**
 * The columns of fields. The run noted them; where nobody knows of the run, columns behind the answer's are such as long
 * as an answer has them.
 */
async function findFields(
  { found, source, asked }: OpenedOutput,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { columns } = source;
  if (asked !== undefined || columns.fields.length === 0 || found.history || columns.answer === undefined)
    return columns.fields;
  let looks = 0;
  for await (const record of readOutputRecords(source, [columns.answer], signal)) {
    const answer = readAnswer(record, columns);
    if (answer) return columns.fields.filter((name) => Object.hasOwn(answer, name));
    looks += 1;
    if (looks === mostLooks || record.textOf(columns.answer) !== null) break;
  }
  return [];
}

function readAnswer(record: TextRecord, { answer = '' }: AnswerColumns): object | undefined {
  const text = record.textOf(answer);
  const value = text?.startsWith('{') ? readJson(text) : undefined;
  return isJsonObject(value) ? value : undefined;
}

function listOwn({ found, source, asked }: OpenedOutput, fields: readonly string[]): readonly string[] {
  const { as = usualAnswer, fields: noted = [] } = found.history?.columns ?? {};
  const answers = new Set([as, usualAnswer, source.columns.answer ?? as]);
  return [
    ...[...answers].flatMap((answer) => [answer, ...sideSuffixes.map((suffix) => sideName(answer, suffix))]),
    ...[...noted.map(({ name }) => name), ...fields],
    ...(asked === undefined ? [] : [asked]),
  ];
}

/** LoomError `input` where an output has no such column. */
export function checkColumn(outputs: readonly ComparedOutput[], name: string): void {
  const without = outputs.find(({ source }) => !source.names.includes(name));
  if (!without) return;
  const { path, names } = without.source;
  throw new LoomError('input', `${path}: no column ${quoteValue(name)}; it has ${listNames(names)}.`, {
    hint: 'Name one that every output has.',
  });
}
