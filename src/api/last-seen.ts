/** What a fetch saw of batches that are not in, each as it was seen last: a wait sees them many times. */
import type { BatchRecord } from '../core/models.ts';
import { hasEndedBadly } from '../state/stored-jobs.ts';

/** A part, from 1, that waits because the provider's queue is full. */
export interface QueuedPart {
  readonly jobId: string;
  readonly part: number;
}

export class LastSeen {
  readonly #batches = new Map<string, BatchRecord>();
  readonly #queued = new Map<string, QueuedPart>();

  /** A batch that is pending, or has ended early. */
  noteBatch(record: BatchRecord): void {
    this.#queued.delete(placeOf(record));
    this.#batches.set(placeOf(record), { ...record });
  }

  noteReady(record: BatchRecord): void {
    this.#batches.delete(placeOf(record));
  }

  noteQueued(queued: QueuedPart): void {
    const place = `${queued.jobId}/${queued.part}`;
    this.#batches.delete(place);
    this.#queued.set(place, queued);
  }

  /** Another process has done the batch or the job. */
  noteGone(id: string): void {
    for (const [place, { batch_id, job_id }] of this.#batches)
      if (batch_id === id || job_id === id) this.#batches.delete(place);
    for (const [place, { jobId }] of this.#queued) if (jobId === id) this.#queued.delete(place);
  }

  get pending(): BatchRecord[] {
    return [...this.#batches.values()].filter(({ status }) => !hasEndedBadly(status));
  }

  get ended(): BatchRecord[] {
    return [...this.#batches.values()].filter(({ status }) => hasEndedBadly(status));
  }

  get queued(): QueuedPart[] {
    return [...this.#queued.values()];
  }
}

/** The same for a part and for the batch that it becomes. */
function placeOf({ job_id, batch_id, part }: BatchRecord): string {
  return `${job_id ?? batch_id}/${part ?? 1}`;
}
