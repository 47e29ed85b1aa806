/** What a fetch has told of so far, each batch as it was seen last: a wait sees them many times. */
import type { BatchRecord } from '../core/models.ts';
import type { WrittenOutput } from '../orchestrator/batch/fetch/fetch-run.ts';
import type { ListedBatch, QueuedPart } from '../orchestrator/batch/list/list-batches.ts';
import type { WaitEvent } from '../orchestrator/batch/wait/wait-news.ts';
import { hasEndedBadly } from '../state/stored-jobs.ts';
import type { ReachEvent } from './options/reach.ts';

/** A batch with its record, or a part that waits to become one. */
type Seen = { readonly batch: ListedBatch; readonly record: BatchRecord } | QueuedPart;

/** What `fetchBatches` tells. */
export type FetchBatchesEvent = WaitEvent | ReachEvent;

export class FetchLog {
  /** The outputs that were written. */
  readonly merged: WrittenOutput[] = [];
  /** Jobs that could not be fetched, and batches whose results are short. */
  readonly errors: { readonly id: string; readonly error: unknown }[] = [];
  readonly #seen = new Map<string, Seen>();
  readonly #done = new Set<string>();

  note(event: FetchBatchesEvent): void {
    switch (event.type) {
      case 'short':
        this.#note({ ...event, record: { ...event.record, status: 'completed' } });
        this.errors.push({ id: event.record.batch_id, error: event.error });
        break;
      case 'ready':
        this.#note(event);
        this.#done.add(placeOf(event.batch));
        break;
      case 'status':
      case 'submitted':
      case 'queued':
        this.#note(event);
        break;
      case 'gone':
        for (const [place, { batch }] of this.#seen)
          if (batch.batchId === event.id || batch.jobId === event.id) this.#done.add(place);
        break;
      case 'merged':
        this.merged.push(event.output);
        break;
      case 'failed':
        this.errors.push({ id: event.id, error: event.error });
        break;
    }
  }

  #note(seen: Seen): void {
    const place = placeOf(seen.batch);
    this.#done.delete(place);
    this.#seen.set(place, 'record' in seen ? { batch: seen.batch, record: { ...seen.record } } : seen);
  }

  /** All that were told of. */
  get batches(): ListedBatch[] {
    return [...this.#seen.values()].map(({ batch }) => batch);
  }

  get pending(): BatchRecord[] {
    return this.#records().filter(({ status }) => !hasEndedBadly(status));
  }

  get ended(): BatchRecord[] {
    return this.#records().filter(({ status }) => hasEndedBadly(status));
  }

  get queued(): QueuedPart[] {
    return this.#open().flatMap((seen) => ('record' in seen ? [] : [seen]));
  }

  #records(): BatchRecord[] {
    return this.#open().flatMap((seen) => ('record' in seen ? [seen.record] : []));
  }

  #open(): Seen[] {
    return [...this.#seen].flatMap(([place, seen]) => (this.#done.has(place) ? [] : [seen]));
  }
}

/** The same for a part and for the batch that it becomes. */
function placeOf({ jobId, batchId, part }: ListedBatch): string {
  return `${jobId ?? batchId}/${part}`;
}
