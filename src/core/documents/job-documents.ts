/** Of commands about runs and their batches. */
import * as z from 'zod/mini';
import { batchStatuses } from '../names.ts';
import { ending, errorSchema, providerSchema, usageSchema } from './parts.ts';

const batchCountsSchema = z.object({
  total: z.nullable(z.number()),
  succeeded: z.nullable(z.number()),
  failed: z.nullable(z.number()),
});

const batchSchema = z.object({
  /** null for a part that the provider does not have: it waits, or was cancelled before. */
  batch_id: z.nullable(z.string()),
  /** null for a record of the Python tool. */
  job_id: z.nullable(z.string()),
  /** From 1. */
  part: z.number(),
  parts: z.number(),
  provider: providerSchema,
  model: z.string(),
  /** As last seen. */
  status: z.enum([...batchStatuses, 'queued']),
  /** ISO 8601, UTC. */
  created_at: z.string(),
  /** null when the rows came through stdin. */
  input_path: z.nullable(z.string()),
  output_path: z.nullable(z.string()),
  /** Requests by their state at the provider, as last seen. */
  counts: z.nullable(batchCountsSchema),
  /** Of a completed batch whose results are short: rows that were sent and have none. null for any other. */
  missing: z.nullable(z.number()),
  /** Pending for longer than its provider's completion window. */
  stuck: z.boolean(),
  /** The provider's reason of a failure, or ours of a failed call. */
  last_error: z.nullable(z.string()),
});
export type BatchDocument = z.infer<typeof batchSchema>;

/** An output that was written. */
const outputSchema = z.object({
  /** The batch or the job; null for a live run. */
  id: z.nullable(z.string()),
  provider: providerSchema,
  model: z.string(),
  /** null for stdout. */
  output_path: z.nullable(z.string()),
  rows: z.number(),
  answered: z.number(),
  /** Answers that ended at a limit of tokens. */
  cut_off: z.number(),
  failed: z.number(),
  /** Rows without a prompt, which are not sent. */
  blank: z.number(),
  /** Live calls that broke off after they were sent, and were made again: the provider may bill both. */
  made_again: z.number(),
  /** Live calls that asked again for an answer that did not fit its schema. */
  misfits_asked_again: z.number(),
  /** Of the answers to these, those that fit. */
  misfits_mended: z.number(),
  /** Rows whose answer was in the cache. */
  cached: z.number(),
  /** Rows without a response by their reason, the most frequent first; of each the first few, as ids and from 1. */
  failures: z.array(
    z.object({
      kind: z.string(),
      message: z.string(),
      count: z.number(),
      row_ids: z.array(z.string()),
      rows: z.array(z.number()),
    }),
  ),
  /** What the answers that were paid for cost; null when the provider told no tokens. */
  usage: z.nullable(usageSchema),
});
export type WrittenDocument = z.infer<typeof outputSchema>;

const estimateSchema = z.object({
  rows: z.number(),
  blank: z.number(),
  cached: z.number(),
  /** Answers kept from a run that was cut off. */
  kept: z.number(),
  equal: z.number(),
  too_large: z.number(),
  requests: z.number(),
  /** null with --sync. */
  batches: z.nullable(z.number()),
  input_tokens: z.number(),
  /** US dollars, of the input alone. */
  input_cost_usd: z.nullable(z.number()),
  /** US dollars, of the answers, by those of a sample that are in the cache; null where there are none. */
  answers_cost_usd: z.nullable(z.number()),
  /** So many answers. */
  sampled_answers: z.number(),
  /** US dollars, with answers of --max-tokens. */
  most_cost_usd: z.nullable(z.number()),
  /** A rehearsal: nothing would be paid for. */
  would_cost: z.boolean(),
});

/** By the answers of a sample that was run with --sync; US dollars. */
const wholeSchema = z.object({
  /** From so many rows the sample was drawn. */
  rows: z.number(),
  sampled_answers: z.number(),
  live_cost_usd: z.number(),
  /** null where the provider takes no batches. */
  batch_cost_usd: z.nullable(z.number()),
});

const previewSchema = z.object({
  prompts: z.array(
    z.object({
      /** From 1. */
      row: z.number(),
      id: z.nullable(z.string()),
      /** null for a row that is never sent. */
      prompt: z.nullable(z.string()),
    }),
  ),
  /** Of the first row with a prompt: a call, or with batches a line of their file, which has a body alone. */
  request: z.nullable(
    z.object({
      method: z.nullable(z.string()),
      url: z.nullable(z.string()),
      headers: z.nullable(z.record(z.string(), z.string())),
      /** JSON. */
      body: z.unknown(),
    }),
  ),
});

/** A file of the state that can't be read. */
const damagedSchema = z.object({
  path: z.string(),
  reason: z.string(),
  /** Batches that are paid for and wait for it, as far as that can be told. */
  batch_ids: z.array(z.string()),
});
export type DamagedDocument = z.infer<typeof damagedSchema>;

export const runDocumentSchema = z.object({
  command: z.literal('run'),
  ...ending,
  mode: z.enum(['batch', 'sync', 'dry_run', 'preview']),
  provider: providerSchema,
  model: z.string(),
  /**
   * submitted: as a batch. pending: nothing was sent, the same work is pending already. answered: the output is written,
   * live or from the cache. null with --dry-run, and for a run that came to none of these.
   */
  kind: z.nullable(z.enum(['submitted', 'pending', 'answered'])),
  /** What loom fetch takes: the batch or the job that was submitted, or that was found pending; null with --sync. */
  id: z.nullable(z.string()),
  /** Those that were submitted, and the parts that wait for room in the provider's queue. */
  batches: z.array(batchSchema),
  output: z.nullable(outputSchema),
  /** With --wait: why the job could not be fetched. */
  errors: z.array(z.object({ id: z.string(), ...errorSchema.shape })),
  estimate: z.nullable(estimateSchema),
  /** What the whole input would cost; null but for a sample with --sync whose answers have a price. */
  whole: z.nullable(wholeSchema),
  /** With --preview. */
  preview: z.nullable(previewSchema),
});
export type RunDocument = z.infer<typeof runDocumentSchema>;

export const fetchDocumentSchema = z.object({
  command: z.literal('fetch'),
  ...ending,
  /** Every batch that was looked at, as it was seen last. */
  batches: z.array(batchSchema),
  outputs: z.array(outputSchema),
  /** Jobs that could not be fetched; the others were. */
  errors: z.array(z.object({ id: z.string(), ...errorSchema.shape })),
  damaged: z.array(damagedSchema),
});
export type FetchDocument = z.infer<typeof fetchDocumentSchema>;

export const adoptDocumentSchema = z.object({
  command: z.literal('adopt'),
  ...ending,
  batches: z.array(batchSchema),
});
export type AdoptDocument = z.infer<typeof adoptDocumentSchema>;

export const exportDocumentSchema = z.object({
  command: z.literal('export'),
  ...ending,
  /** null when no file was written. */
  output_path: z.nullable(z.string()),
  /** Rows with equal prompts share one. */
  requests: z.nullable(z.number()),
  bytes: z.nullable(z.number()),
  rows: z.nullable(z.number()),
  /** Rows without a prompt. */
  blank: z.nullable(z.number()),
  /** Rows that have their answer in the cache, and no request. */
  cached: z.nullable(z.number()),
});
export type ExportDocument = z.infer<typeof exportDocumentSchema>;

export const importDocumentSchema = z.object({
  command: z.literal('import'),
  ...ending,
  output: z.nullable(outputSchema),
});
export type ImportDocument = z.infer<typeof importDocumentSchema>;

export const listDocumentSchema = z.object({
  command: z.literal('list'),
  ...ending,
  /** Newest first; parts of a job together, in their order. */
  batches: z.array(batchSchema),
  damaged: z.array(damagedSchema),
});
export type ListDocument = z.infer<typeof listDocumentSchema>;

export const forgetDocumentSchema = z.object({
  command: z.literal('forget'),
  ...ending,
  /** Ids of jobs, and of batches that are jobs by themselves. */
  forgotten: z.array(z.string()),
  /** Uploads that no batch needs any more, and that could not be deleted at the provider. */
  uploads_left: z.array(z.object({ id: z.string(), file_id: z.string() })),
  /** Jobs that were not forgotten, as another process works on them. */
  errors: z.array(z.object({ id: z.string(), ...errorSchema.shape })),
});
export type ForgetDocument = z.infer<typeof forgetDocumentSchema>;

/** When things happened to a batch, by the provider's clock: ISO 8601, UTC. */
const batchTimesSchema = z.object({
  created: z.nullable(z.string()),
  /** The first request was taken on. */
  started: z.nullable(z.string()),
  cancel_requested: z.nullable(z.string()),
  ended: z.nullable(z.string()),
  /** When the provider ends it, if it is not done by then. */
  expires: z.nullable(z.string()),
  results_end: z.nullable(z.string()),
});

const partSchema = z.object({
  ...batchSchema.shape,
  requests: z.nullable(z.number()),
  /** The provider's own word, of just now; null when it was not asked, or did not answer. */
  provider_status: z.nullable(z.string()),
  times: z.nullable(batchTimesSchema),
});
export type PartDocument = z.infer<typeof partSchema>;

const jobReportSchema = z.object({
  /** The id that loom fetch takes. */
  id: z.string(),
  job_id: z.nullable(z.string()),
  provider: providerSchema,
  model: z.string(),
  base_url: z.nullable(z.string()),
  created_at: z.string(),
  /** How far the output is; null for a record of the Python tool. */
  state: z.nullable(z.enum(['pending', 'writing', 'merged', 'kept'])),
  /** Those that are run, with a prompt or without; null for a record of the Python tool. */
  rows: z.nullable(z.number()),
  blank: z.nullable(z.number()),
  cached: z.nullable(z.number()),
  settings: z.nullable(z.record(z.string(), z.unknown())),
  /** `path` is null when the rows came through stdin; `unchecked` is an input that is there. */
  input: z.object({
    path: z.nullable(z.string()),
    state: z.enum(['unchanged', 'changed', 'gone', 'unchecked']),
  }),
  output: z.object({ path: z.string(), exists: z.boolean() }),
  batches: z.array(partSchema),
});
export type JobDocument = z.infer<typeof jobReportSchema>;

export const statusDocumentSchema = z.object({
  command: z.literal('status'),
  ...ending,
  /** null when there is no such job. */
  job: z.nullable(jobReportSchema),
});
export type StatusDocument = z.infer<typeof statusDocumentSchema>;

export const cancelDocumentSchema = z.object({
  command: z.literal('cancel'),
  ...ending,
  /** null when there is no such job. */
  id: z.nullable(z.string()),
  /** Batches that the provider ends now. */
  cancelled: z.array(z.string()),
  /** Batches that were over already. */
  over: z.array(z.string()),
  /** Parts that were not sent, and will not be: a job, or `<job>/<part>` where it has several. */
  dropped: z.array(z.string()),
  /** Batches that could not be cancelled: the provider refused, or they may be another's. */
  errors: z.array(z.object({ id: z.string(), ...errorSchema.shape })),
});
export type CancelDocument = z.infer<typeof cancelDocumentSchema>;

export const tokensDocumentSchema = z.object({
  command: z.literal('tokens'),
  ...ending,
  provider: providerSchema,
  model: z.string(),
  rows: z.nullable(z.number()),
  blank: z.nullable(z.number()),
  input_tokens: z.nullable(z.number()),
  /** Rows that could not be counted. */
  failed: z.nullable(z.number()),
  /** The tokenizer of an estimate; null for a count by the provider. */
  estimated_with: z.nullable(z.string()),
  /** US dollars. */
  live_cost_usd: z.nullable(z.number()),
  batch_cost_usd: z.nullable(z.number()),
});
export type TokensDocument = z.infer<typeof tokensDocumentSchema>;
