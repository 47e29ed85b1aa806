/** Model Studio's batches: those of OpenAI, with larger files of smaller requests, and with a name that a batch can be found by. */

import type { Connection } from '../connection.ts';
import { openChatBatch } from '../openai/batch.ts';
import type { BatchProvider } from '../provider.ts';
import { modelStudio } from './sync.ts';

export function openBatch(connection: Connection): Promise<BatchProvider> {
  return openChatBatch(connection, {
    ...modelStudio,
    // One larger request, and the whole batch is refused.
    limits: { requests: 50_000, bytes: 500_000_000, requestBytes: 6_000_000 },
    // The metadata that it is documented to keep; the console shows it as the name of the task.
    tagField: 'ds_name',
    listFilter: (tag) => ({ ds_name: tag }),
  });
}
