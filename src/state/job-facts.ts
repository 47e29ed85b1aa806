/** What a job was asked to do, the same whether its job file says so or only a record, as the Python tool leaves one. */
import type { BatchRecord } from '../core/models.ts';
import type { JobRecord } from './jobs.ts';

/** Resolved when the state is loaded: a job file says all of it itself. */
export interface JobFacts
  extends Pick<
    JobRecord,
    | 'model'
    | 'created_at'
    | 'original_file_path'
    | 'prompt_column'
    | 'prompt_template'
    | 'pick'
    | 'row_id_field'
    | 'with_meta'
    | 'with_error'
    | 'with_usage'
    | 'use_cache'
    | 'cached_rows'
    | 'base_url'
  > {
  /** Undefined for a record of the Python tool. */
  readonly job_id: string | undefined;
  /** What the input was, and how many rows it had; undefined where there is only a record, which says nothing of it. */
  readonly input_sha256: string | undefined;
  readonly rows: number | undefined;
  readonly blank_rows: number | undefined;
  /** Undefined where it has the usual name. */
  readonly output_path: string | undefined;
  readonly cache_dir?: string | null | undefined;
  readonly params?: BatchRecord['params'] | JobRecord['params'];
  /** Older versions noted none; a fetch finds it out. */
  server?: string | undefined;
}

/** The facts of a batch of which there is only a record. What is found out of its server is noted in the record. */
export function readFacts(record: BatchRecord): JobFacts {
  const { prompt_template, pick, row_id_field, cache_dir, params } = record;
  return {
    job_id: record.job_id,
    model: record.model,
    created_at: record.created_at,
    original_file_path: record.original_file_path,
    prompt_column: record.prompt_column ?? null,
    ...{ prompt_template, pick, row_id_field, cache_dir, params },
    input_sha256: undefined,
    rows: undefined,
    blank_rows: undefined,
    output_path: record.output_path || undefined,
    with_meta: record.with_meta,
    with_error: false,
    use_cache: record.use_cache ?? true,
    cached_rows: 0,
    base_url: record.base_url ?? null,
    get server() {
      return record.server ?? undefined;
    },
    set server(name) {
      record.server = name;
    },
  };
}
