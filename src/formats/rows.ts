/** What converters do with rows. */
import type { Row } from '../core/models.ts';
import type { AddedFields, TextRecord } from './format.ts';

/** So far does the reading run ahead of what waits to be prepared. */
const batchesAhead = 8;

/** The batches as they come, each after its rows are prepared; the next ones are read and prepared meanwhile. */
export async function* prepareBatches<Batch extends { readonly rows: readonly Row[] }>(
  batches: AsyncGenerator<Batch>,
  { prepareRows }: Pick<AddedFields, 'prepareRows'>,
): AsyncGenerator<Batch> {
  if (!prepareRows) return yield* batches;
  const ahead: { batch: Batch; prepared: Promise<void> }[] = [];
  for await (const batch of batches) {
    const prepared = prepareRows(batch.rows);
    // A failure counts when its turn comes.
    prepared.catch(() => {});
    ahead.push({ batch, prepared });
    if (ahead.length > batchesAhead) yield await takeNext();
  }
  while (ahead.length > 0) yield await takeNext();

  async function takeNext(): Promise<Batch> {
    const next = ahead.shift() as (typeof ahead)[number];
    await next.prepared;
    return next.batch;
  }
}

/** The names in the first record; none where there is no record. */
export async function readFirstNames(
  batches: AsyncIterable<Iterable<TextRecord>>,
): Promise<readonly string[]> {
  for await (const records of batches) for (const { names } of records) return names;
  return [];
}
