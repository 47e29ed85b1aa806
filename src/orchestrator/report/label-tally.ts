/** How often each label stands in a column, where it has few. */

import { labelsOf } from '../../core/words.ts';

/** A column with more different values has texts, no labels. */
const mostLabels = 20;
const longestLabel = 80;

/** A label, or null for nothing; and in how many rows it stands. */
export interface LabelCount {
  readonly label: string | null;
  readonly count: number;
}

/** Counts in constant memory. Each element of a JSON list is a label of its own. */
export class LabelTally {
  #counts: Map<string | null, number> | undefined = new Map();
  #counted = 0;

  add(text: string | null): void {
    for (const label of this.#counts ? labelsOf(text) : []) {
      this.#counted += 1;
      const isLabel = label === null || (label.length <= longestLabel && !label.startsWith('{'));
      this.#counts?.set(label, (this.#counts.get(label) ?? 0) + 1);
      if (!isLabel || (this.#counts?.size ?? 0) > mostLabels) this.#counts = undefined;
    }
  }

  /** Numbers in their order, other labels by how many they are, nothing at the end. Undefined where there are no labels. */
  summarize(): readonly LabelCount[] | undefined {
    if (!this.#counts || !isRepeated(this.#counts.size, this.#counted)) return undefined;
    const counts = [...this.#counts].map(([label, count]) => ({ label, count }));
    const known = counts.filter(({ label }) => label !== null);
    if (known.length === 0) return undefined;
    const areNumbers = known.every(({ label }) => label?.trim() !== '' && Number.isFinite(Number(label)));
    known.sort((a, b) => (areNumbers ? Number(a.label) - Number(b.label) : b.count - a.count));
    return [...known, ...counts.filter(({ label }) => label === null)];
  }
}

/** A few rows have different texts by chance alone. */
function isRepeated(labels: number, counted: number): boolean {
  return labels < counted && (labels <= 5 || 2 * labels <= counted);
}
