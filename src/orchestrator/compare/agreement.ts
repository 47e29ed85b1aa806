/** How far two outputs agree. */

export interface PairFigures {
  /** Places of the two outputs among all. */
  readonly outputs: readonly [number, number];
  /** Rows that both have an answer for: the others say nothing of agreement. */
  readonly rows: number;
  readonly equal: number;
  /** Cohen's kappa; undefined where the answers are no labels, or chance alone makes all of them equal. */
  readonly kappa: number | undefined;
}

/** Counts the rows of two outputs, and how often each gives each label where both answered. */
export class PairTally {
  readonly #outputs: readonly [number, number];
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  #rows = 0;
  #equal = 0;

  /** `labels`: how many there are, which are counted from 1; others count as different from all. */
  constructor(outputs: readonly [number, number], labels: number) {
    this.#outputs = outputs;
    this.#first = new Float64Array(labels + 1);
    this.#second = new Float64Array(labels + 1);
  }

  add(first: number, second: number): void {
    this.#rows += 1;
    if (first === second) this.#equal += 1;
    if (first < this.#first.length) this.#first[first] = (this.#first[first] as number) + 1;
    if (second < this.#second.length) this.#second[second] = (this.#second[second] as number) + 1;
  }

  summarize(areLabels: boolean): PairFigures {
    const kappa = areLabels ? this.#computeKappa() : undefined;
    return { outputs: this.#outputs, rows: this.#rows, equal: this.#equal, kappa };
  }

  /** Agreement beyond what two such distributions of labels would have by chance, of what there could be beyond it. */
  #computeKappa(): number | undefined {
    const rows = this.#rows;
    let chance = 0;
    for (let label = 1; label < this.#first.length; label += 1)
      chance += ((this.#first[label] as number) / rows) * ((this.#second[label] as number) / rows);
    return rows === 0 || 1 - chance < Number.EPSILON
      ? undefined
      : (this.#equal / rows - chance) / (1 - chance);
  }
}
