/** Reads outputs one after the other, and finds for each row of the first where it is in the others. */
import { listSome, quoteValue } from '../../core/words.ts';
import type { TextRecord } from '../../formats/format.ts';
import type { ComparedOutput } from './compared-output.ts';
import { LabelBook } from './label-book.ts';
import { readOutputRecords } from './output-records.ts';
import { RowKeys } from './row-keys.ts';
import { TextDigest } from './text-digest.ts';

/** What tells rows apart: a column, or these columns and the place in the output. */
export interface RowMatching {
  readonly by: 'column' | 'position';
  readonly names: readonly string[];
}

/** The answers of all outputs, by the rows of the first: 8 bytes for an answer, and 4 for where a row is. */
export interface AnswerTable {
  readonly matching: RowMatching;
  readonly labels: LabelBook;
  readonly outputs: readonly OutputAnswers[];
  /** What the answers should be, as codes like theirs; from the first output that has the column. */
  readonly expected: Float64Array | undefined;
  /** Rows of which another output has another such text. */
  readonly expectedOtherwise: number;
}

export interface OutputAnswers {
  /** How many it has itself. */
  readonly rows: number;
  /** A code for each row of the first output. */
  readonly codes: Float64Array;
  /** The number from 1 that a row of the first output has in this one; 0 where it is not there. */
  readonly places: Int32Array;
  /** As the rows have them, where they do. */
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
  let expected: Float64Array | undefined;
  let expectedOtherwise = 0;
  for (const output of outputs) {
    const reading = new OutputReading({
      output,
      matching,
      keys,
      labels,
      expect,
      first: outputs[0]?.source.path ?? '',
      rows: read[0]?.rows,
    });
    const problem = await reading.read(signal);
    if (problem !== undefined) return { problem };
    const { answers, expectedCodes } = reading.finish();
    if (expected && expectedCodes) expectedOtherwise += countOthers(expected, expectedCodes, answers.places);
    expected ??= expectedCodes;
    read.push(answers);
  }
  return { matching, labels, outputs: read, expected, expectedOtherwise };
}

function countOthers(codes: Float64Array, others: Float64Array, places: Int32Array): number {
  let count = 0;
  for (let row = 0; row < codes.length; row += 1) {
    if (places[row] !== 0 && codes[row] !== others[row]) count += 1;
  }
  return count;
}

interface ReadingOrder {
  readonly output: ComparedOutput;
  readonly matching: RowMatching;
  readonly keys: RowKeys;
  readonly labels: LabelBook;
  readonly expect: string | undefined;
  /** Path of the first output. */
  readonly first: string;
  /** How many the first output has; undefined while that is read. */
  readonly rows: number | undefined;
}

const firstRoom = 1024;

class OutputReading {
  readonly #order: ReadingOrder;
  readonly #digest = new TextDigest();
  readonly #expects: boolean;
  #codes: Float64Array;
  #expected: Float64Array;
  #places: Int32Array;
  #count = 0;
  #tokens: { input: number; output: number } | undefined;
  #first: TextRecord | undefined;

  constructor(order: ReadingOrder) {
    this.#order = order;
    const { output, expect, rows } = order;
    this.#expects = expect !== undefined && output.source.names.includes(expect);
    const room = rows ?? firstRoom;
    this.#codes = new Float64Array(room);
    this.#expected = new Float64Array(this.#expects ? room : 0);
    this.#places = new Int32Array(room);
  }

  /** Why its rows can't be matched, where they can't. */
  async read(signal: AbortSignal): Promise<string | undefined> {
    const { output, labels, expect = '', rows } = this.#order;
    const { source, answer } = output;
    const { input_tokens: input, output_tokens: told } = source.columns.beside;
    const hasTokens = [input, told].some((name) => name !== undefined && source.names.includes(name));
    for await (const record of await readOutputRecords(source, this.#listColumns(), signal)) {
      if (this.#count % 1024 === 0) signal.throwIfAborted();
      this.#first ??= record;
      const row = rows === undefined ? this.#addRow(record) : this.#findRow(record);
      if (typeof row === 'string') return row;
      this.#count += 1;
      if (hasTokens) this.#addTokens(record, input, told);
      if (row === undefined) continue;
      this.#codes[row] = labels.codeOf(record.textOf(answer));
      if (this.#expects) this.#expected[row] = labels.codeOf(record.textOf(expect));
    }
    const { matching, first } = this.#order;
    if (matching.by === 'position' && rows !== undefined && this.#count !== rows)
      return `${source.path} has another number of rows than ${first}: ${this.#count}, not ${rows}`;
    return undefined;
  }

  finish(): { answers: OutputAnswers; expectedCodes: Float64Array | undefined } {
    const rows = this.#order.rows ?? this.#count;
    const { provider, model } = this.#order.output.source.columns.beside;
    const textOf = (name: string | undefined) =>
      name === undefined ? undefined : (this.#first?.textOf(name) ?? undefined);
    return {
      answers: {
        rows: this.#count,
        codes: this.#codes.subarray(0, rows),
        places: this.#places.subarray(0, rows),
        tokens: this.#tokens,
        provider: textOf(provider),
        model: textOf(model),
      },
      expectedCodes: this.#expects ? this.#expected.subarray(0, rows) : undefined,
    };
  }

  /** The number of a row of the first output, or what is wrong with its key. */
  #addRow(record: TextRecord): number | string {
    const row = this.#count;
    const problem = this.#digestKey(record);
    if (problem !== undefined) return problem;
    const before = this.#order.keys.add(this.#digest);
    if (before !== undefined) return this.#describeRepeated(record, before + 1);
    this.#makeRoom();
    this.#places[row] = row + 1;
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
    const before = this.#places[row] as number;
    if (before > 0) return this.#describeRepeated(record, before);
    this.#places[row] = this.#count + 1;
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

  #listColumns(): string[] {
    const { matching, output, expect } = this.#order;
    const { beside: columns } = output.source.columns;
    const beside = [columns.input_tokens, columns.output_tokens, columns.provider, columns.model];
    return [...matching.names, output.answer, expect, ...beside].filter((name) => name !== undefined);
  }

  #addTokens(record: TextRecord, inputName: string | undefined, outputName: string | undefined): void {
    const input = inputName === undefined ? null : record.textOf(inputName);
    const output = outputName === undefined ? null : record.textOf(outputName);
    if (input === null && output === null) return;
    this.#tokens ??= { input: 0, output: 0 };
    this.#tokens.input += Number(input) || 0;
    this.#tokens.output += Number(output) || 0;
  }

  #makeRoom(): void {
    if (this.#count < this.#places.length) return;
    const grow = <Words extends Float64Array | Int32Array>(words: Words, larger: Words): Words => {
      larger.set(words);
      return larger;
    };
    const room = this.#places.length * 2;
    this.#codes = grow(this.#codes, new Float64Array(room));
    this.#places = grow(this.#places, new Int32Array(room));
    if (this.#expects) this.#expected = grow(this.#expected, new Float64Array(room));
  }
}
