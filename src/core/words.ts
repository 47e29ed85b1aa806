/** Pieces of one-line messages: sentences, values from a file, and the name that a mistyped one may stand for. */

/** The sentence with a stop at its end, so that another can follow. */
export function endSentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** The sentence without its stop, to stand within another. */
export function withoutStop(text: string): string {
  return text.replace(/[.!?…]*$/, '');
}

const longestShown = 60;
const mostNamesShown = 20;

/** The value in quotes, on one line and not too long. */
export function quoteValue(value: string): string {
  return JSON.stringify(value.length > longestShown ? `${value.slice(0, longestShown)}…` : value);
}

/** `a, b and 3 more` */
export function listSome(items: readonly string[], most: number): string {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}

/** `"a", "b" and 3 more` */
export function listNames(names: readonly string[]): string {
  return listSome(names.map(quoteValue), mostNamesShown);
}

/** `the columns "a", "b"` */
export function describeColumns(header: readonly string[]): string {
  return `the ${header.length === 1 ? 'column' : 'columns'} ${listNames(header)}`;
}

/** The candidate that takes the fewest edits to reach, letter case apart; undefined when none is near. */
export function findClosestName(name: string, candidates: readonly string[]): string | undefined {
  const farthest = Math.max(1, Math.floor(name.length / 2));
  const ranked = candidates
    .map((candidate) => ({
      candidate,
      distance: countEdits(name.trim().toLowerCase(), candidate.trim().toLowerCase()),
    }))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0] && ranked[0].distance <= farthest ? ranked[0].candidate : undefined;
}

/** Levenshtein's distance, in which two letters in each other's place are one edit too. */
function countEdits(from: string, to: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] as number) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const isSwapped = row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const swapped = isSwapped ? (before[column - 2] as number) + 1 : replaced;
      const inserted = Math.min(previous[column] as number, current[column - 1] as number) + 1;
      current.push(Math.min(replaced, swapped, inserted));
    }
    before = previous;
    previous = current;
  }
  return previous[to.length] as number;
}

/** The labels of a value: itself, or the different elements of a JSON list; null where there is nothing. */
export function labelsOf(text: string | null): readonly (string | null)[] {
  const list = text?.startsWith('[') ? readList(text) : undefined;
  if (!list) return [text];
  const words = list.map((element) => (typeof element === 'string' ? element : JSON.stringify(element)));
  return words.length === 0 ? [null] : [...new Set(words)];
}

function readList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
