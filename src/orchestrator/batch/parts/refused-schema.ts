/** What is known and told of a job whose provider refuses structured output. */

import { loadSchemaRefusal, noteSchemaRefusal, type SchemaRefusal } from '../../../cache/schema-refusals.ts';
import type { EventOf } from '../../../core/models.ts';
import { type Job, type JobPart, saveJob } from '../../../state/jobs.ts';
import { namePart } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { canBeTold, schemaAskedBy } from './tell-part.ts';

export type SchemaEvent =
  /** This schema was refused before: what is sent has it in the system text. */
  | EventOf<'schema_known', { refusal: SchemaRefusal }>
  /** Structured output is refused, with the creation of a batch or in so many of its rows, which cost nothing. */
  | EventOf<'schema_refused', RefusedPart>;

interface RefusedPart {
  /** The batch, or the part that was to become one. */
  readonly name: string;
  /** In the provider's words. */
  readonly reason: string;
  readonly refused: number;
  readonly requests: number;
  /** No row came through: for a while batches with this schema have it in the system text from the start. */
  readonly isRemembered: boolean;
  /** Whether answers of the job are cached: the next run of the same work asks for the others alone then. */
  readonly useCache: boolean;
  /** All of it is sent once more, with the schema in the system text. Otherwise the rows have failed. */
  readonly isSentAgain: boolean;
}

type OfJob = { readonly home: LoomHome; readonly job: Job };

/** Parts that are not sent yet need not be refused first where their schema was before. */
export async function recallRefusal(
  { home, job }: OfJob,
  onEvent: (event: SchemaEvent) => void,
): Promise<void> {
  if (job.schema_told || !job.parts.some((part) => part.state === 'planned' && canBeTold(job, part))) return;
  const refusal = await loadSchemaRefusal(home, schemaAskedBy(job));
  if (!refusal) return;
  job.schema_told = true;
  await saveJob(home, job);
  onEvent({ type: 'schema_known', refusal });
}

/** Notes and tells that the creation of a part's batch was refused. */
export async function tellRefusal(
  { home, job }: OfJob,
  part: JobPart,
  reason: string,
  onEvent: (event: SchemaEvent) => void,
): Promise<void> {
  await noteSchemaRefusal(home, schemaAskedBy(job), reason);
  const { requests } = part;
  onEvent({
    type: 'schema_refused',
    name: namePart(job, part.part),
    reason,
    refused: requests,
    requests,
    isRemembered: true,
    useCache: job.use_cache,
    isSentAgain: true,
  });
}
