/** A record as the Python tool writes it. */
import type { World } from '../../program.ts';

export interface OldRecord {
  provider?: string;
  model?: string;
  status?: string;
  path?: string;
  hoursAgo?: number;
  counts?: object;
}

/** Writes one with these fields, and tells when it says that it was made. */
export async function writeOldRecord(
  world: World,
  batchId: string,
  { provider = 'openai', model = 'm', status = 'in_progress', hoursAgo = 3, ...fields }: OldRecord = {},
): Promise<string> {
  const createdAt = new Date(Date.now() - hoursAgo * 3_600_000).toISOString();
  const record = {
    ...{ batch_id: batchId, provider, model, original_file_path: fields.path ?? '/data/in.csv' },
    ...{ file_type: 'csv', prompt_column: 'text', id_map: {}, created_at: createdAt, status },
    ...{ output_path: null, with_meta: false, ...(fields.counts && { counts: fields.counts }) },
  };
  await world.writeState(`batches/${provider}_${batchId}.json`, JSON.stringify(record));
  return createdAt;
}
