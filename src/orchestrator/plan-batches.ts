/** Cuts the rows of an input into parts that a provider takes as one batch each, encoded in request files on disk. */
import { LoomError } from '../errors.ts';
import type { ProviderName } from '../models.ts';
import type { BatchProvider } from '../providers/provider.ts';
import { ensurePrivateFolder } from '../utils/files.ts';
import type { LoomHome } from '../utils/home.ts';
import { createJobId, type JobPart, type JobRecord, jobVersion } from '../utils/jobs.ts';
import { createCustomId } from './custom-ids.ts';
import { type Census, type Dataset, readDataset } from './dataset.ts';
import { createPartWriter, type PartLimits } from './part-writer.ts';

/** What a person asked a batch run for. */
export interface BatchOrder {
  readonly dataset: Dataset;
  readonly provider: ProviderName;
  readonly model: string;
  /** Absolute. */
  readonly outputPath: string;
  readonly withMeta: boolean;
  readonly useCache: boolean;
  /** Kept for the fetch: the address that was given for this run. */
  readonly baseUrl: string | undefined;
  /** Most rows in one batch, where people want fewer than the provider takes. */
  readonly batchSize: number | undefined;
}

/** Room for what a provider counts and we don't. */
const safeShareOfBytes = 0.95;
/** Larger uploads cost memory: 189 MB peaks at 270 MB however it is streamed through fetch, 100 MB at 182 MB. */
const largestPartBytes = 100_000_000;

/** How much one part may hold at this provider. */
export function limitParts(limits: PartLimits, batchSize: number | undefined): PartLimits {
  return {
    requests: Math.min(limits.requests, batchSize ?? limits.requests),
    bytes: Math.min(Math.floor(limits.bytes * safeShareOfBytes), largestPartBytes),
  };
}

/**
 * Checks the whole input and writes the request files of a new job. The job is not saved yet: nothing but
 * request files is on disk when this returns, and not even those when it throws.
 */
export async function planBatches(
  home: LoomHome,
  order: BatchOrder,
  provider: BatchProvider,
  limits: PartLimits,
  signal: AbortSignal,
): Promise<JobRecord> {
  const jobId = createJobId();
  await ensurePrivateFolder(home.requests);
  const writer = createPartWriter(home, jobId, provider, limits);
  try {
    const census = await readDataset(order.dataset, signal, (row) => {
      if (row.prompt === null) return;
      const customId = createCustomId(row.index, row.prompt);
      return writer.add(row, { customId, model: order.model, prompt: row.prompt });
    });
    const parts = await writer.finish();
    if (parts.length === 0) throw allRowsTooLarge(order, limits);
    return describeJob(jobId, order, census, parts);
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

function allRowsTooLarge(order: BatchOrder, limits: PartLimits): LoomError {
  return new LoomError(
    'input',
    `every row of ${order.dataset.path} is larger than the ${limits.bytes} bytes that a batch can hold.`,
    {
      hint: 'Shorten the prompts.',
    },
  );
}

function describeJob(jobId: string, order: BatchOrder, census: Census, parts: JobPart[]): JobRecord {
  const { dataset } = order;
  return {
    version: jobVersion,
    job_id: jobId,
    created_at: new Date().toISOString(),
    provider: order.provider,
    model: order.model,
    original_file_path: dataset.path,
    file_type: dataset.format.fileType,
    prompt_column: dataset.column ?? null,
    input_sha256: census.sha256,
    rows: census.rows,
    blank_rows: census.blankRows,
    output_path: order.outputPath,
    with_meta: order.withMeta,
    use_cache: order.useCache,
    base_url: order.baseUrl ?? null,
    state: 'pending',
    parts,
  };
}
