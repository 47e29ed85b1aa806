/** A wait looks at the same batches many times; what it sees is told when it is new. */

import type { ProviderError } from '../../../core/errors.ts';
import type { ProviderName } from '../../../core/names.ts';
import type { FetchEvents } from '../fetch/fetch-run.ts';
import type { ListedBatch } from '../list/list-batches.ts';

export function tellNews(events: WaitEvents): WaitEvents {
  const known = new Map<string, string>();
  const isNews = (subject: string, ...facts: unknown[]) => {
    const text = JSON.stringify(facts);
    const isNew = known.get(subject) !== text;
    known.set(subject, text);
    return isNew;
  };
  return {
    ...events,
    onStatus(record, reason) {
      if (isNews(`batch ${record.batch_id}`, record.status, record.counts)) events.onStatus?.(record, reason);
    },
    onReady(record) {
      if (isNews(`batch ${record.batch_id}`, 'ready')) events.onReady?.(record);
    },
    onStuck(record) {
      if (isNews(`stuck ${record.batch_id}`)) events.onStuck?.(record);
    },
    onQueued(job, part) {
      if (isNews(`part ${job.job_id}/${part}`, 'queued')) events.onQueued?.(job, part);
    },
    onSubmitted(record) {
      known.delete(`part ${record.job_id}/${record.part}`);
      events.onSubmitted?.(record);
    },
    onParts(jobId, partsIn, parts) {
      if (isNews(`parts ${jobId}`, partsIn)) events.onParts?.(jobId, partsIn, parts);
    },
    onMiscount(record, counted, held) {
      if (isNews(`count ${record.batch_id}`, counted, held)) events.onMiscount?.(record, counted, held);
    },
    onShort(record, short) {
      // When it is in at last, that is news again.
      known.delete(`batch ${record.batch_id}`);
      if (isNews(`short ${record.batch_id}`, short.account)) events.onShort?.(record, short);
    },
    onError(id, provider, error) {
      if (isNews(`error ${id}`, String(error))) events.onError?.(id, provider, error);
    },
    onTrouble(id, provider, error) {
      if (isNews(`trouble ${id}`, error.code)) events.onTrouble?.(id, provider, error);
    },
  };
}

export interface WaitEvents extends FetchEvents {
  /** How the batches are that are waited for: before the first look and after each one. */
  onWatch?(watch: Watch): void;
  /** A look failed; the next one tries again. */
  onTrouble?(id: string, provider: ProviderName, error: ProviderError): void;
  /** Another process fetched it meanwhile, or its record was deleted: there is nothing to wait for. */
  onGone?(id: string): void;
}

export interface Watch {
  /** Those that are waited for, and the other parts of their jobs. */
  readonly batches: readonly ListedBatch[];
  readonly pending: number;
  /** How many there were at the start. */
  readonly total: number;
}
