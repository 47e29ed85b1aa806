/** Cuts the rows of an input into parts that a provider takes as one batch each, encoded in request files on disk. */

import { openCache } from '../../../cache/cache.ts';
import { LoomError } from '../../../core/errors.ts';
import type { ProviderName } from '../../../core/models.ts';
import type { AskedContent } from '../../../core/parts.ts';
import { contentOf, contentText, digestContent } from '../../../core/request/content.ts';
import type { Connection } from '../../../providers/connection.ts';
import type { BatchEntry, BatchLimits, BatchProvider } from '../../../providers/provider.ts';
import { providerEntry } from '../../../providers/registry.ts';
import { attachedFilesName, cachedAnswersName } from '../../../state/job-files.ts';
import { type JobPart, type JobRecord, jobVersion } from '../../../state/jobs.ts';
import { encodeResult } from '../../../state/result-lines.ts';
import { openBufferedFile } from '../../../storage/buffered-file.ts';
import { ensurePrivateFolder, removeFile } from '../../../storage/files.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { watchInput } from '../../../storage/input-watch.ts';
import { tellSchema } from '../../answers/told-schema.ts';
import { describeServer } from '../../calls/answer-server.ts';
import { createCustomId } from '../../dataset/custom-ids.ts';
import { drawRows, readDataset } from '../../dataset/dataset.ts';
import { PromptIndex } from '../../dataset/first-rows.ts';
import type { RunOrder } from '../../orders/run-order.ts';
import { workOf } from '../../orders/same-work.ts';
import { largestRequest } from './part-cutter.ts';
import { createPartWriter } from './part-writer.ts';

/** What a person asked a batch run for. */
export interface BatchOrder extends RunOrder {
  /** Most rows in one batch, where people want fewer than the provider takes. */
  readonly batchSize: number | undefined;
}

/** A batch run and its way to the provider. */
export interface BatchRun {
  readonly home: LoomHome;
  readonly order: BatchOrder;
  readonly entry: BatchEntry;
  readonly connection: Connection;
  readonly signal: AbortSignal;
}

/** Room for what a provider counts and we don't. */
const safeShareOfBytes = 0.95;
/** Larger uploads cost memory: 189 MB peaks at 270 MB however it is streamed through fetch, 100 MB at 182 MB. */
const largestPartBytes = 100_000_000;

/** How much one part may hold at this provider. */
export function limitParts(limits: BatchLimits, batchSize: number | undefined): BatchLimits {
  return {
    ...limits,
    requests: Math.min(limits.requests, batchSize ?? limits.requests),
    bytes: Math.min(Math.floor(limits.bytes * safeShareOfBytes), largestPartBytes),
  };
}

interface PlannedJob {
  readonly home: LoomHome;
  readonly jobId: string;
  readonly order: BatchOrder;
  readonly provider: BatchProvider;
  readonly limits: BatchLimits;
  /** The schema goes into the system text. */
  readonly tellsSchema?: boolean;
  readonly signal: AbortSignal;
}

/** A job that is planned and not saved yet: nothing of it is on disk but its files of requests and cached answers. */
export interface Plan {
  readonly job: JobRecord;
  /** Removes those files. */
  discard(): Promise<void>;
}

/**
 * Checks the whole input and writes the request files of a new job. Nothing is left on disk when it throws: also where
 * the input is written to or replaced meanwhile, or a part would have fewer requests than the provider takes, a LoomError
 * `input`.
 */
export async function planBatches(planned: PlannedJob): Promise<Plan> {
  const { home, jobId, order, provider, limits, tellsSchema = false, signal } = planned;
  const { model } = order;
  // One object for all rows: the encoder looks anew at each that it has not seen.
  const settings = tellsSchema && order.settings ? tellSchema(order.settings) : order.settings;
  // Its digest and its requests have to be of the same bytes; a Parquet file is read by place, after its digest is taken.
  const inputWatch = await watchInput(order.dataset.path);
  const dataset = await drawRows(order.dataset, signal);
  await ensurePrivateFolder(home.requests);
  const writer = createPartWriter(home, jobId, provider, limits, dataset.files);
  const answers = await openKnownAnswers(planned);
  const discard = async () => {
    await writer.discard();
    await answers.discard();
    if (dataset.files) await home.results.delete(attachedFilesName(jobId));
  };
  try {
    const { rows, blankRows, sha256, contentsSha256 } = await readDataset(dataset, signal, (row) => {
      const content = contentOf(row);
      if (content === null) return;
      const digest = digestContent(content);
      const customId = createCustomId(row.index, digest);
      if (answers.has(row.index, customId, digest, content)) return answers.drain();
      return writer.add(row, { customId, model, content, settings });
    });
    await inputWatch.ensureUnchanged();
    const parts = await writer.finish();
    const cachedRows = await answers.finish();
    if (parts.length === 0 && cachedRows === 0) {
      throw allRowsTooLarge(order, largestRequest(limits, provider.framing));
    }
    requireLeast(parts, limits, order.provider);
    const files = dataset.files?.write();
    if (files !== undefined) await home.results.write(attachedFilesName(jobId), files);
    const job: JobRecord = {
      version: jobVersion,
      job_id: jobId,
      created_at: new Date().toISOString(),
      ...workOf({ ...order, dataset }),
      ...(order.headers?.length && { headers: [...order.headers] }),
      ...(order.address !== undefined && { address: order.address }),
      file_type: dataset.format.fileType,
      input_sha256: sha256,
      ...(contentsSha256 !== undefined && { contents_sha256: contentsSha256 }),
      rows,
      blank_rows: blankRows,
      cached_rows: cachedRows,
      ...(order.useCache && home.chosenCache !== undefined && { cache_dir: home.chosenCache }),
      announced: false,
      state: 'pending',
      ...(tellsSchema && { schema_told: true }),
      parts: tellsSchema ? parts.map((part) => ({ ...part, schema_told: true })) : parts,
    };
    return { job, discard };
  } catch (error) {
    await discard();
    throw await inputWatch.explain(error);
  }
}

/** Refuses a job of which the provider would take a part, and not the last, or the only one. */
function requireLeast(parts: readonly JobPart[], { least = 1 }: BatchLimits, provider: ProviderName): void {
  const short = parts.find(({ requests }) => requests < least);
  if (!short) return;
  const total = parts.reduce((sum, { requests }) => sum + requests, 0);
  const evenSize = Math.ceil(total / parts.length);
  const isEnough = total - (parts.length - 1) * evenSize >= least;
  const what = parts.length === 1 ? 'there are' : 'the last one would have';
  const message = `${providerEntry(provider).title} takes batches of at least ${least} requests, and ${what} ${short.requests}; nothing was sent.`;
  throw new LoomError('input', message, {
    hint: isEnough
      ? `With at most ${evenSize} rows in a batch each has enough.`
      : 'Take more rows, or ask for them live.',
  });
}

/** Rows that need no request: their answer is in the cache, or an earlier row asks the same. */
interface KnownAnswers {
  has(row: number, customId: string, digest: Buffer, content: AskedContent): boolean;
  drain(): Promise<void> | undefined;
  /** How many answers were in the cache; they are in the job's own file then. */
  finish(): Promise<number>;
  discard(): Promise<void>;
}

async function openKnownAnswers({ home, jobId, order }: PlannedJob): Promise<KnownAnswers> {
  if (!order.useCache) {
    return { has: () => false, drain: () => undefined, finish: async () => 0, discard: async () => {} };
  }
  await ensurePrivateFolder(home.results.locate(''));
  const server = describeServer(order.provider, order.server);
  const cache = openCache(home.cache, order.provider, order.model, order.settings, server, {
    isSnapshot: true,
  });
  const path = home.results.locate(cachedAnswersName(jobId));
  const file = await openBufferedFile(path);
  let prompts: PromptIndex | undefined = new PromptIndex();
  let cachedRows = 0;
  return {
    has(row, customId, digest, content) {
      if (prompts?.firstRowWith(digest, row) !== row) return true;
      const answer = cache.get(contentText(content));
      if (!answer) return false;
      file.write(encodeResult({ customId, outcome: 'succeeded', ...answer }));
      cachedRows += 1;
      return true;
    },
    drain: () => file.drain(),
    async finish() {
      // `discard` outlives the planning, and would keep 33 bytes a row through every upload.
      prompts = undefined;
      cache.close();
      await file.close();
      if (cachedRows === 0) await removeFile(path);
      return cachedRows;
    },
    async discard() {
      cache.close();
      await file.abandon();
      await removeFile(path);
    },
  };
}

function allRowsTooLarge(order: BatchOrder, mostBytes: number): LoomError {
  const { path } = order.dataset;
  const what = `every row of ${path} is larger than the ${mostBytes} bytes that one request may have.`;
  return new LoomError('input', what, { hint: 'Shorten the prompts.' });
}
