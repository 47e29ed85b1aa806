/**
 * What makes work the same: one object, and the texts by which it is compared and named. Live runs and batches ask about
 * each other's; the names of their journals and locks stay what they are from version to version.
 */
import { createHash } from 'node:crypto';
import { settingsText, wherePresent } from '../../core/request/settings-text.ts';
import type { Job } from '../../state/jobs.ts';
import { isSameServer, placeOfServer } from '../calls/answer-server.ts';
import { recordDataset } from '../dataset/dataset.ts';
import { recordColumns } from '../output/columns.ts';
import type { DrawnOrder } from './run-order.ts';

/** As a job notes it, but for the content of its input. */
export type Work = Pick<
  Job,
  | 'original_file_path'
  | 'prompt_column'
  | 'prompt_template'
  | 'prompt_holds'
  | 'attach'
  | 'pick'
  | 'row_id_field'
  | 'layout'
  | 'provider'
  | 'model'
  | 'base_url'
  | 'server'
  | 'output_path'
  | 'with_meta'
  | 'with_error'
  | 'with_usage'
  | 'columns'
  | 'use_cache'
  | 'params'
>;

/** The same with the content of the input: two jobs that agree in it write the same output from the same answers. */
export type SettledWork = Work & Pick<Job, 'input_sha256'> & Partial<Pick<Job, 'contents_sha256'>>;

export function workOf({ dataset, settings, ...order }: DrawnOrder) {
  return {
    provider: order.provider,
    model: order.model,
    original_file_path: dataset.path,
    ...recordDataset(dataset),
    output_path: order.outputPath,
    ...recordColumns(order.columns),
    use_cache: order.useCache,
    ...(settings && { params: settings }),
    base_url: order.baseUrl ?? null,
    server: order.server,
  } satisfies Work;
}

export function isSameWork(one: SettledWork, other: SettledWork): boolean {
  return describeWork(one) === describeWork(other) && isOfSameServer(one, other);
}

/** Names a lock that those take who settle who does it. */
export function nameWork(work: SettledWork): string {
  return `work_${hashText(describeWork(work))}`;
}

/**
 * Names what live runs of the same work share: they ask the same server the same of the rows of one input for the same
 * output. `input` is its path, or its content.
 */
export function hashLiveWork(work: Work & { readonly server: string }, input: string): string {
  const {
    prompt_column,
    provider,
    model,
    output_path,
    prompt_template,
    prompt_holds,
    attach,
    pick,
    row_id_field,
  } = work;
  const settings = settingsText(work.params);
  const described = [
    ...[input, prompt_column, provider, model, output_path],
    ...(settings === undefined ? [] : [settings]),
    ...wherePresent({ prompt_template, pick, row_id_field }),
    ...wherePresent({ attach, prompt_holds }),
    ...wherePresent({ base_url: placeOfServer(provider, work.server) }),
  ];
  return hashText(JSON.stringify(described));
}

function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

/** Jobs of older versions name none, and are known by the address that they were given. */
function isOfSameServer(one: Work, other: Work): boolean {
  if (one.server === undefined || other.server === undefined) return one.base_url === other.base_url;
  return isSameServer(one.server, other.server);
}

/** All but the server. */
function describeWork(work: SettledWork): string {
  return JSON.stringify([
    work.input_sha256,
    work.original_file_path,
    work.prompt_column,
    work.provider,
    work.model,
    work.output_path,
    work.with_meta,
    work.with_error,
    work.with_usage ?? false,
    work.use_cache,
    settingsText(work.params),
    ...wherePresent({
      prompt_template: work.prompt_template,
      pick: work.pick,
      columns: work.columns,
      layout: work.layout,
    }),
    ...wherePresent({ attach: work.attach, prompt_holds: work.prompt_holds, contents: work.contents_sha256 }),
  ]);
}
