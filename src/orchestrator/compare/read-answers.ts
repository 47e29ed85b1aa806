/** Reads outputs one after the other, and finds for each row of the first where it is in the others. */
import { listSome, quoteValue } from '../../core/words.ts';
import type { TextRecord } from '../../formats/format.ts';
import type { ComparedOutput } from './compared-output.ts';
import { LabelBook } from './label-book.ts';
import { readOutputBatches, readOutputRecords } from './output-records.ts';
import { RowCodes, RowPlaces } from './row-codes.ts';
import { RowKeys } from './row-keys.ts';
import { TextDigest } from './text-digest.ts';

/** What tells rows apart: a column, or these columns and the place in the output. */
export interface RowMatching {
  readonly by: 'column' | 'position';
  readonly names: readonly string[];
}

/** The answers of all outputs, by the rows of the first. */
export interface AnswerTable {
  readonly matching: RowMatching;
  readonly labels: LabelBook;
  readonly outputs: readonly OutputAnswers[];
  /** What the answers should be, as codes like theirs; from the first output that has the column. */
  readonly expected: RowCodes | undefined;
  /** Rows of which another output has another such text. */
  readonly expectedOtherwise: number;
}

export interface OutputAnswers {
  /** How many it has itself. */
  readonly rows: number;
  /** Of the rows of the first output. */
  readonly codes: RowCodes;
  readonly places: RowPlaces;
  /** As the rows have them, where they do and the run has noted none. */
  readonly tokens: { readonly input: number; readonly output: number } | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
}

/** Why rows can't be matched in a way that was tried, as the end of a sentence. */
export interface MatchProblem {
  readonly problem: string;
}

export async function readAnswers(
  outputs: readonly ComparedOutput[],
  matching: RowMatching,
  expect: string | undefined,
  signal: AbortSignal,
): Promise<AnswerTable | MatchProblem> {
  const labels = new LabelBook();
  const keys = new RowKeys(matching.by === 'column');
  const read: OutputAnswers[] = [];
  let expected: RowCodes | undefined;
  let expectedOtherwise = 0;
  for (const output of outputs) {
    const reading = new OutputReading({
      output,
      matching,
      keys,
      labels,
      expect,
      expected,
      first: outputs[0]?.source.path ?? '',
      rows: read[0]?.rows,
    });
    const problem = await reading.read(signal);
    if (problem !== undefined) return { problem };
    expected ??= reading.expected;
    expectedOtherwise += reading.expectedOtherwise;
    read.push({ ...reading.answers, ...(await readAsked(output, signal)) });
  }
  return { matching, labels, outputs: read, expected, expectedOtherwise };
}

/** Whose the answers are, as the first row tells it, where the run has noted nothing. */
async function readAsked(
  { found: { history }, source }: ComparedOutput,
  signal: AbortSignal,
): Promise<Pick<OutputAnswers, 'provider' | 'model'>> {
  const { provider = '', model = '' } = source.columns.beside;
  const names = history ? [] : [provider, model].filter((name) => source.names.includes(name));
  if (names.length > 0) {
    for await (const record of readOutputRecords(source, names, signal))
      return { provider: record.textOf(provider) ?? undefined, model: record.textOf(model) ?? undefined };
  }
  return { provider: undefined, model: undefined };
}

interface ReadingOrder {
  readonly output: ComparedOutput;
  readonly matching: RowMatching;
  readonly keys: RowKeys;
  readonly labels: LabelBook;
  readonly expect: string | undefined;
  /** Codes of what an output before this one expects. */
  readonly expected: RowCodes | undefined;
  /** Path of the first output. */
  readonly first: string;
  /** How many the first output has; undefined while that is read. */
  readonly rows: number | undefined;
}

class OutputReading {
  readonly #order: ReadingOrder;
  readonly #digest = new TextDigest();
  /** Of the first output itself, every row is at its own place. */
  readonly #places: RowPlaces;
  readonly #codes = new RowCodes();
  #count = 0;
  #tokens: { input: number; output: number } | undefined;
  /** Codes of what is expected: of the first output that has the column. */
  readonly expected: RowCodes | undefined;
  /** Rows that expect something else than an output before this one. */
  expectedOtherwise = 0;

  constructor(order: ReadingOrder) {
    this.#order = order;
    this.#places = new RowPlaces(order.rows ?? 0);
    this.expected = order.expected ?? (this.#expects ? new RowCodes() : undefined);
  }

  get answers(): Pick<OutputAnswers, 'rows' | 'codes' | 'places' | 'tokens'> {
    return { rows: this.#count, codes: this.#codes, places: this.#places, tokens: this.#tokens };
  }

  get #expects(): boolean {
    const { expect, output } = this.#order;
    return expect !== undefined && output.source.names.includes(expect);
  }

  /** Why its rows can't be matched, where they can't. */
  async read(signal: AbortSignal): Promise<string | undefined> {
    const { output, matching, first, rows } = this.#order;
    const tokens = listTokens(output);
    for await (const records of readOutputBatches(output.source, this.#listColumns(tokens), signal)) {
      const problem = this.#readBatch(records, tokens);
      if (problem !== undefined) return problem;
    }
    if (matching.by === 'position' && rows !== undefined && this.#count !== rows)
      return `${output.source.path} has another number of rows than ${first}: ${this.#count}, not ${rows}`;
    return undefined;
  }

  #readBatch(records: Iterable<TextRecord>, tokens: readonly string[]): string | undefined {
    const { output, labels, expect = '', expected, rows } = this.#order;
    const expects = this.#expects;
    for (const record of records) {
      const row = rows === undefined ? this.#addRow(record) : this.#findRow(record);
      if (typeof row === 'string') return row;
      this.#count += 1;
      if (tokens.length > 0) this.#addTokens(record, tokens);
      if (row === undefined) continue;
      this.#codes.set(row, labels.codeOf(record.textOf(output.answer)));
      if (!expects) continue;
      const code = labels.codeOf(record.textOf(expect));
      if (!expected) this.expected?.set(row, code);
      else if (expected.get(row) !== code) this.expectedOtherwise += 1;
    }
    return undefined;
  }

  /** The number of a row of the first output, or what is wrong with its key. */
  #addRow(record: TextRecord): number | string {
    const row = this.#count;
    const problem = this.#digestKey(record);
    if (problem !== undefined) return problem;
    const before = this.#order.keys.add(this.#digest);
    if (before !== undefined) return this.#describeRepeated(record, before + 1);
    this.#places.set(row, row + 1);
    return row;
  }

  /** The number that it has in the first output, undefined where it is not there, or what is wrong with its key. */
  #findRow(record: TextRecord): number | undefined | string {
    const { keys, matching, output, first } = this.#order;
    const problem = this.#digestKey(record);
    if (problem !== undefined) return problem;
    const row = keys.find(this.#digest, this.#count);
    if (row === undefined) {
      if (matching.by === 'column') return undefined;
      return `row ${this.#count + 1} of ${output.source.path} is another than that of ${first}`;
    }
    const before = this.#places.get(row);
    if (before > 0) return this.#describeRepeated(record, before);
    this.#places.set(row, this.#count + 1);
    return row;
  }

  #digestKey(record: TextRecord): string | undefined {
    const { matching, output } = this.#order;
    this.#digest.reset();
    let isEmpty = true;
    for (const name of matching.names) {
      const text = record.textOf(name);
      if (text !== null) isEmpty = false;
      this.#digest.add(text);
    }
    if (!isEmpty || matching.by === 'position') return undefined;
    return `row ${this.#count + 1} of ${output.source.path} has nothing in the column ${quoteValue(matching.names[0] ?? '')}`;
  }

  #describeRepeated(record: TextRecord, before: number): string {
    const { matching, output } = this.#order;
    const [name = ''] = matching.names;
    const value = quoteValue(listSome([record.textOf(name) ?? ''], 1));
    return `${name} ${value} is in rows ${before} and ${this.#count + 1} of ${output.source.path}`;
  }

  #listColumns(tokens: readonly string[]): string[] {
    const { matching, output, expect } = this.#order;
    return [...matching.names, output.answer, ...(expect === undefined ? [] : [expect]), ...tokens];
  }

  #addTokens(record: TextRecord, [inputName = '', outputName = '']: readonly string[]): void {
    const input = record.textOf(inputName);
    const output = record.textOf(outputName);
    if (input === null && output === null) return;
    this.#tokens ??= { input: 0, output: 0 };
    this.#tokens.input += Number(input) || 0;
    this.#tokens.output += Number(output) || 0;
  }
}

/** The columns with the tokens of each row, input and output; none where the run has noted their sums. */
function listTokens({ found: { history }, source: { columns, names } }: ComparedOutput): readonly string[] {
  if (history?.input_tokens !== undefined && history.output_tokens !== undefined) return [];
  const { input_tokens: input = '', output_tokens: output = '' } = columns.beside;
  return names.includes(input) || names.includes(output) ? [input, output] : [];
}
