/** What the three vendors' batches share: their beginning, their early end, and the queue. */
import { type Line, lineBlocks } from './lines.ts';
import type { Shelf } from './store.ts';
import { progressOf, rowsDone, type StoredBatch } from './timeline.ts';
import { isRefusal, type Refusal, type Workshop } from './vendor.ts';
import type { VendorName } from './vendors.ts';

/** Says what would come of a request line: its prompt is answered, or it is refused. */
export type RowJudge = (line: Line) => { readonly prompt: string } | Refusal;

/** The common part of a batch that is created now; its failed rows are not counted yet. */
export function newBatch(workshop: Workshop, vendor: VendorName, id: string, requests: number): StoredBatch {
  const fault = workshop.faults.forBatch(vendor);
  const done = rowsDone(requests, fault);
  const batch: StoredBatch = {
    id,
    createdAt: Date.now(),
    turnaroundMs: workshop.turnaroundMs,
    requests,
    end: fault?.end ?? 'completed',
    done,
    failed: 0,
  };
  const { aheadMs } = workshop.faults.clockOf(vendor);
  return { ...batch, ...(fault && { fault }), ...(aheadMs !== undefined && { aheadMs }) };
}

/** Counts, among the rows that will be done, those that fail, and tells the statistics about the others. */
export async function countFailed(
  workshop: Workshop,
  vendor: VendorName,
  path: string,
  batch: StoredBatch,
  judge: RowJudge,
): Promise<number> {
  let failed = 0;
  for await (const block of lineBlocks(path)) {
    for (const line of block) {
      if (line.index >= batch.done) return failed;
      const row = judge(line);
      if (isRefusal(row)) failed += 1;
      else workshop.statistics.batchRow(vendor, row.prompt);
    }
  }
  return failed;
}

/** A batch cancelled now: with what was done up to here, and without what will not be answered after all. */
export async function cancelled<Batch extends StoredBatch>(
  workshop: Workshop,
  vendor: VendorName,
  path: string,
  batch: Batch,
  judge: RowJudge,
  keepsResults = true,
): Promise<Batch> {
  const at = Date.now();
  const done = keepsResults ? progressOf(batch, at).done : 0;
  let failed = 0;
  for await (const block of lineBlocks(path)) {
    for (const line of block) {
      if (line.index >= batch.done) break;
      const row = judge(line);
      if (isRefusal(row)) failed += line.index < done ? 1 : 0;
      else if (line.index >= done) workshop.statistics.batchRow(vendor, row.prompt, -1);
    }
  }
  return { ...batch, cancel: { at, done, failed } };
}

/** The requests and the number of a vendor's batches that have not ended. */
export async function openBatches(
  workshop: Workshop,
  shelf: Shelf,
): Promise<{ batches: number; requests: number }> {
  const sum = { batches: 0, requests: 0 };
  const now = Date.now();
  for await (const batch of workshop.store.recordsNewestFirst<StoredBatch>(shelf)) {
    if (progressOf(batch, now).phase === 'ended') continue;
    sum.batches += 1;
    sum.requests += batch.requests;
  }
  return sum;
}

/** True when so many more requests would be more than the vendor's queue takes. */
export async function isQueueFull(
  workshop: Workshop,
  vendor: VendorName,
  shelf: Shelf,
  requests: number,
): Promise<boolean> {
  const limit = workshop.faults.queueLimit(vendor);
  return limit !== undefined && (await openBatches(workshop, shelf)).requests + requests > limit;
}
