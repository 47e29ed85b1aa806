/** What `--output-format json` tells of a fetch: gathered from its events. */
import type { FetchBatchesEvent } from '../../api/fetch-batches.ts';
import type { FetchDocument } from '../../core/documents/documents.ts';
import { LoomError } from '../../core/errors.ts';
import { nameProvider } from '../options/reach.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { describeErrorFields } from '../words/describe-error.ts';
import { describeUnwritten } from '../words/failures.ts';
import { documentDamaged } from './batch-document.ts';
import { documentOutput } from './output-document.ts';

/** Fills in all but the batches. */
export function documentFetch(
  { outputs, errors, damaged }: Pick<DocumentFields<FetchDocument>, 'outputs' | 'errors' | 'damaged'>,
  isRehearsal: boolean,
): (event: FetchBatchesEvent) => void {
  const noteError = (id: string, error: unknown) => errors.push({ id, ...describeErrorFields(error) });
  return (event) => {
    switch (event.type) {
      case 'merged': {
        const { id, outputPath, summary } = event.output;
        if (summary.isWritten) outputs.push(documentOutput(event.output, isRehearsal));
        else noteError(id, new LoomError('output', `${describeUnwritten(outputPath)}.`));
        break;
      }
      case 'kept': {
        const { id, error } = event;
        errors.push({
          id,
          ...describeErrorFields(error),
          hint: 'Pass --force to overwrite it, or move it.',
        });
        break;
      }
      case 'damaged':
        damaged.push(documentDamaged(event.file));
        break;
      case 'short':
        noteError(event.record.batch_id, event.error);
        break;
      case 'failed':
        noteError(event.id, nameProvider(event.provider, event.error));
        break;
    }
  };
}
