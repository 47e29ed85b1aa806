/** What both converters do with rows. */
import type { Row } from '../../models.ts';

/** A prompt with something in it; null for one that is never sent. */
export function blankToNull(prompt: string): string | null {
  return /\S/.test(prompt) ? prompt : null;
}

/** The rows of all batches, one after the other. */
export async function* flatten(batches: AsyncGenerator<readonly Row[]>): AsyncGenerator<Row> {
  for await (const rows of batches) {
    for (const row of rows) yield row;
  }
}
