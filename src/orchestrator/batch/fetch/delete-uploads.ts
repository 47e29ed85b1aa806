/**
 * What was uploaded for a batch is deleted at the provider as soon as the batch is over, however it ended, except with
 * `--keep`: it is data of people's, and it takes room there. A part that goes back to the queue keeps its upload, which
 * is sent again. Where the deletion fails the upload expires by itself.
 */
import type { BatchRecord } from '../../../core/models.ts';
import { findPart } from '../../../state/stored-jobs.ts';
import type { JobFetch } from './job-fetch.ts';

/** Deletes the upload of a batch that is over, and notes that it is gone: to be saved. */
export async function deleteUpload(fetching: JobFetch, record: BatchRecord): Promise<void> {
  if (fetching.run.order.keep || !(await isDeleted(fetching, record))) return;
  record.file_id = null;
  delete findPart(fetching, record).file_id;
}

async function isDeleted({ run, provider, callSignal }: JobFetch, { file_id: id }: BatchRecord) {
  if (!id || !provider.deleteFile) return false;
  await run.home.ensureHeld();
  return provider.deleteFile(id, callSignal).then(
    () => true,
    () => false,
  );
}
