/** A wait looks at the same batches many times; what it sees is told when it is new. */
import type { WaitEvents } from './wait-batches.ts';

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
