/** The rows of a comparison with their texts, side by side. */
import { readPromptSource } from '../../formats/template/prompt-source.ts';
import type { Comparison } from './compare-outputs.ts';
import type { ComparedOutput } from './compared-output.ts';
import { noAnswer } from './label-book.ts';
import { readOutputBatches } from './output-records.ts';
import type { AnswerTable } from './read-answers.ts';

export interface SideBySideRow {
  /** In the first output, from 0. */
  readonly index: number;
  readonly differs: boolean;
  /** Of the columns that the first output has of its input. */
  readonly inputs: readonly (string | null)[];
  readonly answers: readonly (string | null)[];
  readonly expected: string | null;
}

/** Which rows are shown. */
export interface SideBySideChoice {
  readonly rows: number;
  /** Of those that differ. */
  readonly differing: number;
  /** The columns of `inputs`: first those that were asked about, which a page shows before others. */
  readonly inputNames: readonly string[];
}

/** A browser opens a page of this size without trouble, and the answers of those rows are held. */
const mostCharacters = 60_000_000;
const shortest = 200;
const longest = 20_000;

/** At most so many rows; those that differ come first. */
export function chooseSideBySide(
  { figures, reading, expect }: Comparison,
  mostRows: number,
): SideBySideChoice {
  const [first] = reading.compared;
  const rows = Math.min(figures.rows, mostRows);
  return {
    rows,
    differing: Math.min(figures.differing, rows),
    inputNames: first ? nameInputs(first, expect) : [],
  };
}

function nameInputs({ source, ownNames }: ComparedOutput, expect: string | undefined): string[] {
  const names = source.names.filter((name) => !ownNames.has(name) && name !== expect);
  const prompts = new Set(source.promptSource ? readPromptSource(source.promptSource).names : []);
  return [...names.filter((name) => prompts.has(name)), ...names.filter((name) => !prompts.has(name))];
}

/** The rows that are shown, in the order of the first output, evenly from all over it. Very long texts are cut. */
export async function* readSideBySide(
  comparison: Comparison,
  choice: SideBySideChoice,
  signal: AbortSignal,
): AsyncGenerator<SideBySideRow> {
  const { reading, expect } = comparison;
  const { compared, table } = reading;
  const [first] = compared;
  if (!first) return;
  const shown = markShown(comparison, choice);
  const texts = choice.inputNames.length + compared.length + 1;
  const room = Math.floor(mostCharacters / Math.max(1, choice.rows) / texts);
  const cut = (text: string | null) => cutText(text, Math.min(longest, Math.max(shortest, room)));
  const others: ReadonlyMap<number, string>[] = [];
  for (const [place, output] of compared.entries())
    others.push(place === 0 ? new Map() : await readShownAnswers(output, table, place, shown, cut, signal));
  const wanted = [...choice.inputNames, first.answer];
  const expecting = compared.findIndex(({ source }) => source.names.includes(expect ?? ''));
  let rows = 0;
  for await (const records of readOutputBatches(first.source, wanted, signal)) {
    for (const record of records) {
      const row = rows;
      rows += 1;
      if (!shown[row]) continue;
      yield {
        index: row,
        differs: shown[row] === differing,
        inputs: choice.inputNames.map((name) => cut(record.textOf(name))),
        answers: compared.map(({ answer }, place) =>
          place === 0 ? cut(record.textOf(answer)?.trim() || null) : (others[place]?.get(row) ?? null),
        ),
        expected: expecting < 0 ? null : describeExpected(table, row),
      };
    }
  }
}

function describeExpected({ expected, labels }: AnswerTable, row: number): string | null {
  const code = expected?.get(row) ?? noAnswer;
  return code === noAnswer ? null : labels.textOf(code);
}

const differing = 2;

/** For each row of the first output 0 where it is not shown, 1, or `differing`. */
function markShown({ figures, reading: { table } }: Comparison, choice: SideBySideChoice): Uint8Array {
  const { outputs } = table;
  const [first] = outputs;
  const shown = new Uint8Array(first?.rows ?? 0);
  const isPicked = [
    createEvenPicker(choice.rows - choice.differing, figures.rows - figures.differing),
    createEvenPicker(choice.differing, figures.differing),
  ] as const;
  for (let row = 0; row < shown.length; row += 1) {
    if (outputs.some(({ places }) => places.get(row) === 0)) continue;
    const differs = outputs.some(({ codes }) => codes.get(row) !== first?.codes.get(row));
    if (isPicked[differs ? 1 : 0]()) shown[row] = differs ? differing : 1;
  }
  return shown;
}

/** Says yes so many times out of so many, at even distances. */
function createEvenPicker(chosen: number, of: number): () => boolean {
  let seen = 0;
  return () => {
    seen += 1;
    return Math.floor((seen * chosen) / of) > Math.floor(((seen - 1) * chosen) / of);
  };
}

/** The answers of the rows that are shown, by the rows of the first output: this one's may have another order. */
async function readShownAnswers(
  output: ComparedOutput,
  { outputs }: AnswerTable,
  place: number,
  shown: Uint8Array,
  cut: (text: string | null) => string | null,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const { rows = 0, places } = outputs[place] ?? {};
  const rowAt = new Int32Array(rows);
  shown.forEach((isShown, row) => {
    const at = isShown ? (places?.get(row) ?? 0) : 0;
    if (at > 0) rowAt[at - 1] = row + 1;
  });
  const answers = new Map<number, string>();
  let at = -1;
  for await (const records of readOutputBatches(output.source, [output.answer], signal)) {
    for (const record of records) {
      at += 1;
      const row = rowAt[at] ?? 0;
      const text = row > 0 ? cut(record.textOf(output.answer)?.trim() || null) : null;
      if (text !== null) answers.set(row - 1, text);
    }
  }
  return answers;
}

/** Not within a pair of surrogates. */
function cutText(text: string | null, most: number): string | null {
  if (text === null || text.length <= most) return text;
  const code = text.charCodeAt(most);
  return `${text.slice(0, code >= 0xdc00 && code <= 0xdfff ? most - 1 : most)}…`;
}
