/** The rows of an output that is compared, with the columns that are asked for. */
import type { TextRecord } from '../../formats/format.ts';
import { converterFor } from '../../formats/index.ts';
import type { OutputSource } from '../report/output-rows.ts';

/** Every row in its order. Ends with the signal's reason. */
export async function readOutputRecords(
  { path, format, layout }: OutputSource,
  names: Iterable<string>,
  signal: AbortSignal,
): Promise<AsyncIterable<TextRecord>> {
  const wanted = new Set(names);
  const converter = await converterFor(format.fileType);
  const isWanted = (name: string) => wanted.has(name);
  return converter.readRecords(path, format.gzip, { layout, isWanted, signal });
}
