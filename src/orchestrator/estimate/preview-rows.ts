/** The first rows of a run, with their prompts as they would be sent. */
import type { Row } from '../../core/models.ts';
import { converterFor } from '../../formats/index.ts';
import { lookUpContents } from '../dataset/attachments/row-contents.ts';
import { type Dataset, readOptionsOf } from '../dataset/dataset.ts';
import { createPicker } from '../dataset/pick-rows.ts';

/** So many of the rows that are picked, and no more of the input is read than that takes. Throws as a reader does. */
export async function readFirstRows(
  dataset: Dataset,
  count: number,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const converter = await converterFor(dataset.format.fileType);
  const options = { ...readOptionsOf(dataset), signal };
  const isPicked = createPicker(dataset.pick);
  const first: Row[] = [];
  for await (const rows of converter.readRows(dataset.path, dataset.format.gzip, options)) {
    first.push(...rows.filter(({ index }) => isPicked(index)).slice(0, count - first.length));
    if (first.length === count) break;
  }
  await lookUpContents(first, dataset);
  return first;
}
