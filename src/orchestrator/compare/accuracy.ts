/** How far the answers of an output are those that were expected. */
import { noAnswer } from './label-book.ts';

export interface ExpectedFigures {
  /** Rows that say what is expected. */
  readonly rows: number;
  readonly correct: number;
  /** Rows among them without an answer: they count as wrong. */
  readonly unanswered: number;
  /** Undefined where the answers are no labels. */
  readonly macroF1: number | undefined;
  /** By label; empty where the answers are no labels. */
  readonly labels: readonly LabelFigures[];
  /** How often each answer came where each was expected, the most frequent first; those that never did are left out. */
  readonly confusion: readonly ConfusionCell[];
}

export interface LabelFigures {
  readonly label: string;
  readonly expected: number;
  readonly answered: number;
  readonly correct: number;
  readonly f1: number;
}

export interface ConfusionCell {
  readonly expected: string;
  /** Null for rows without an answer. */
  readonly answered: string | null;
  readonly rows: number;
}

/** Counts rows by what was expected and what was answered. Memory grows with the square of the labels alone. */
export class ExpectedTally {
  readonly #size: number;
  readonly #cells: Uint32Array;
  #rows = 0;
  #correct = 0;
  #unanswered = 0;

  /** `labels`: how many there are, which are counted from 1; 0 is no answer. */
  constructor(labels: number) {
    this.#size = labels + 1;
    this.#cells = new Uint32Array(this.#size * this.#size);
  }

  add(expected: number, answered: number): void {
    this.#rows += 1;
    if (expected === answered) this.#correct += 1;
    if (answered === noAnswer) this.#unanswered += 1;
    if (expected >= this.#size || answered >= this.#size) return;
    const cell = expected * this.#size + answered;
    this.#cells[cell] = (this.#cells[cell] as number) + 1;
  }

  /** `textOf` gives the label with a code; undefined where the answers are no labels. */
  summarize(textOf: ((code: number) => string) | undefined): ExpectedFigures {
    const labels = textOf ? this.#countLabels(textOf) : [];
    const f1s = labels.map(({ f1 }) => f1);
    return {
      rows: this.#rows,
      correct: this.#correct,
      unanswered: this.#unanswered,
      macroF1: f1s.length === 0 ? undefined : f1s.reduce((sum, f1) => sum + f1, 0) / f1s.length,
      labels,
      confusion: textOf ? this.#listCells(textOf) : [],
    };
  }

  /**
   * Every label that is expected or answered somewhere. One that is never expected, or never answered, has an F1 of 0, as
   * scikit-learn counts it; no answer is no label, and a miss of the one that was expected.
   */
  #countLabels(textOf: (code: number) => string): LabelFigures[] {
    const labels: LabelFigures[] = [];
    for (let label = 1; label < this.#size; label += 1) {
      let expected = 0;
      let answered = 0;
      for (let other = 0; other < this.#size; other += 1) {
        expected += this.#cells[label * this.#size + other] as number;
        answered += this.#cells[other * this.#size + label] as number;
      }
      if (expected + answered === 0) continue;
      const correct = this.#cells[label * this.#size + label] as number;
      const f1 = (2 * correct) / (expected + answered);
      labels.push({ label: textOf(label), expected, answered, correct, f1 });
    }
    return labels;
  }

  #listCells(textOf: (code: number) => string): ConfusionCell[] {
    const cells: ConfusionCell[] = [];
    this.#cells.forEach((rows, cell) => {
      if (rows === 0) return;
      const answered = cell % this.#size;
      cells.push({
        expected: textOf(Math.floor(cell / this.#size)),
        answered: answered === noAnswer ? null : textOf(answered),
        rows,
      });
    });
    return cells.sort((a, b) => b.rows - a.rows);
  }
}
