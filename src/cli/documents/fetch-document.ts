/** What `--output-format json` tells of a fetch: gathered from its events. */
import type { BatchDocument, FetchDocument } from '../../core/documents.ts';
import { LoomError } from '../../core/errors.ts';
import { describeShort } from '../../orchestrator/batch/fetch/batch-account.ts';
import type { FetchEvents } from '../../orchestrator/batch/fetch/fetch-run.ts';
import { describeRecord, describeUnsentPart } from '../../orchestrator/batch/list/list-batches.ts';
import type { LoomHome } from '../../storage/home.ts';
import { outputExists } from '../../storage/output-file.ts';
import { nameProvider } from '../options/reach.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { describeErrorFields } from '../words/describe-error.ts';
import { describeUnwritten } from '../words/failures.ts';
import { documentBatch, documentDamaged } from './batch-document.ts';
import { documentOutput } from './output-document.ts';

/** Events that fill in the document, each batch as it was seen last. */
export function documentFetch(document: DocumentFields<FetchDocument>, home: LoomHome): FetchEvents {
  const nameBatch = (batch: BatchDocument) => `${batch.job_id ?? batch.batch_id}/${batch.part}`;
  const places = new Map(document.batches.map((batch, place) => [nameBatch(batch), place]));
  const noteBatch = (batch: BatchDocument) => {
    const name = nameBatch(batch);
    const place = places.get(name) ?? document.batches.length;
    places.set(name, place);
    document.batches[place] = batch;
  };
  const noteError = (id: string, error: unknown) => {
    document.errors.push({ id, ...describeErrorFields(error) });
  };
  return {
    onStatus: (record) => noteBatch(documentBatch(describeRecord(home, record))),
    onReady: (record) => noteBatch(documentBatch({ ...describeRecord(home, record), status: 'completed' })),
    onShort(record, short) {
      noteBatch(documentBatch(describeRecord(home, { ...record, status: 'completed' })));
      noteError(record.batch_id, describeShort(record, short, home.isSandbox));
    },
    onQueued(job, number) {
      const part = job.parts.find((other) => other.part === number);
      if (part) noteBatch(documentBatch(describeUnsentPart(home, job, part)));
    },
    onSubmitted: (record) => noteBatch(documentBatch(describeRecord(home, record))),
    async onMerged(merged) {
      if (!merged.summary.isWritten)
        return noteError(merged.id, new LoomError('output', `${describeUnwritten(merged.outputPath)}.`));
      document.outputs.push(await documentOutput({ ...merged, batch: true, isRehearsal: home.isSandbox }));
    },
    onKept(id, outputPath) {
      const fields = describeErrorFields(outputExists(outputPath));
      document.errors.push({ id, ...fields, hint: 'Pass --force to overwrite it, or move it.' });
    },
    onDamaged: (damaged) => document.damaged.push(documentDamaged(damaged)),
    onError: (id, provider, error) => noteError(id, nameProvider(provider, error)),
  };
}

/** Tells each event to both, one after the other. */
export function tellBoth<Events extends FetchEvents>(first: FetchEvents, second: Events): Events {
  const names = new Set([...Object.keys(first), ...Object.keys(second)]) as Set<keyof FetchEvents>;
  const joined = [...names].map((name) => [name, callBoth(first[name], second[name])]);
  return Object.fromEntries(joined) as Events;
}

type Listener = (...facts: never[]) => unknown;

function callBoth(first: Listener | undefined, second: Listener | undefined): Listener {
  return (...facts) => {
    const told = first?.(...facts);
    return told instanceof Promise ? told.then(() => second?.(...facts)) : second?.(...facts);
  };
}
