/** A wait looks at the same batches many times; what it sees is told when it is new. */

import type { ProviderError } from '../../../core/errors.ts';
import type { EventOf } from '../../../core/models.ts';
import type { ProviderName } from '../../../core/names.ts';
import type { FetchEvent } from '../fetch/fetch-run.ts';
import type { ListedBatch } from '../list/list-batches.ts';

export type WaitEvent =
  | FetchEvent
  /** How the batches are that are waited for: before the first look and after each one. */
  | EventOf<'watch', { watch: Watch }>
  /** A look failed; the next one tries again. */
  | EventOf<'trouble', { id: string; provider: ProviderName; error: ProviderError }>
  /** Another process fetched it meanwhile, or its record was deleted: there is nothing to wait for. */
  | EventOf<'gone', { id: string }>;

export interface Watch {
  /** Those that are waited for, and the other parts of their jobs. */
  readonly batches: readonly ListedBatch[];
  readonly pending: number;
  /** How many there were at the start. */
  readonly total: number;
}

/** Tells on what is not known already. */
export function tellNews(onEvent: (event: WaitEvent) => void): (event: WaitEvent) => void {
  const known = new Map<string, string>();

  function note(subject: string, ...facts: unknown[]): boolean {
    const text = JSON.stringify(facts);
    const isNew = known.get(subject) !== text;
    known.set(subject, text);
    return isNew;
  }

  function isNews(event: WaitEvent): boolean {
    switch (event.type) {
      case 'status':
        return note(`batch ${event.record.batch_id}`, event.record.status, event.record.counts);
      case 'ready':
        return note(`batch ${event.record.batch_id}`, 'ready');
      case 'stuck':
        return note(`stuck ${event.record.batch_id}`);
      case 'queued':
        return note(`part ${event.jobId}/${event.part}`, 'queued');
      case 'submitted':
        known.delete(`part ${event.record.job_id}/${event.record.part}`);
        return true;
      case 'parts':
        return note(`parts ${event.id}`, event.partsIn);
      case 'miscount':
        return note(`count ${event.record.batch_id}`, event.counted, event.held);
      case 'short':
        // When it is in at last, that is news again.
        known.delete(`batch ${event.record.batch_id}`);
        return note(`short ${event.record.batch_id}`, event.account);
      case 'failed':
        return note(`error ${event.id}`, String(event.error));
      case 'trouble':
        return note(`trouble ${event.id}`, event.error.code);
      default:
        return true;
    }
  }

  return (event) => {
    if (isNews(event)) onEvent(event);
  };
}
