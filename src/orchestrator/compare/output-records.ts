/** The rows of an output that is compared, with the columns that are asked for. */
import type { TextRecord } from '../../formats/format.ts';
import { converterFor } from '../../formats/index.ts';
import type { OutputSource } from '../report/output-rows.ts';

/** Every row in its order, as many at a time as were read. Ends with the signal's reason. */
export async function* readOutputBatches(
  { path, format, layout }: OutputSource,
  names: Iterable<string>,
  signal: AbortSignal,
): AsyncGenerator<Iterable<TextRecord>> {
  const wanted = new Set(names);
  const converter = await converterFor(format.fileType);
  const isWanted = (name: string) => wanted.has(name);
  for await (const records of converter.readRecords(path, format.gzip, { layout, isWanted, signal })) {
    signal.throwIfAborted();
    yield records;
  }
}

/** One after the other, where only some are looked at, or the rows of two outputs in turns. */
export async function* readOutputRecords(
  ...asked: Parameters<typeof readOutputBatches>
): AsyncGenerator<TextRecord> {
  for await (const records of readOutputBatches(...asked)) yield* records;
}
