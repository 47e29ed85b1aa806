/** Says where two outputs that were to have the same rows at the same places do not. */
import { quoteValue } from '../../core/words.ts';
import type { ComparedOutput } from './compared-output.ts';
import { readOutputRecords } from './output-records.ts';

/** `row 3 of b.csv differs from that of a.csv in the column "text"`; undefined where only their numbers of rows differ. */
export async function findDifference(
  [first, ...others]: readonly ComparedOutput[],
  names: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const other of others) {
    if (!first) return undefined;
    const found = await compareTwo(first, other, names, signal);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function compareTwo(
  first: ComparedOutput,
  other: ComparedOutput,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const others = readOutputRecords(other.source, names, signal);
  try {
    let row = 0;
    for await (const record of readOutputRecords(first.source, names, signal)) {
      row += 1;
      const { value, done } = await others.next();
      if (done) return undefined;
      const name = names.find((name) => record.textOf(name) !== value.textOf(name));
      if (name !== undefined)
        return `row ${row} of ${other.source.path} differs from that of ${first.source.path} in the column ${quoteValue(name)}`;
    }
    return undefined;
  } finally {
    await others.return(undefined);
  }
}
