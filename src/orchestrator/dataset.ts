/** The input file as every story sees it: its format, its rows, and where its output goes. */
import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { LoomError } from '../errors.ts';
import type { ProviderName, Row } from '../models.ts';
import { detectFormat, type InputFormat, stripExtension } from '../utils/converters/format.ts';
import { converterFor } from '../utils/converters/index.ts';
import type { PromptSource } from '../utils/converters/prompt-source.ts';

export interface Dataset {
  /** Absolute. */
  readonly path: string;
  readonly format: InputFormat;
  /** undefined: the field `prompt` of JSON. */
  readonly promptSource: PromptSource | undefined;
}

/** What a whole read of a dataset tells. */
export interface Census {
  readonly rows: number;
  /** Rows without a prompt, which are never sent. */
  readonly blankRows: number;
  /** Of the file's bytes as they lie on disk, in hex. */
  readonly sha256: string;
}

/** The dataset at a path. LoomError `input` for a name with another extension, and for CSV without a prompt source. */
export function describeDataset(path: string, promptSource: PromptSource | undefined): Dataset {
  const format = detectFormat(path);
  if (promptSource || format.fileType === 'json') return { path: resolve(path), format, promptSource };
  throw new LoomError('input', '--col is required for CSV input.', {
    hint: `Name the column of ${path} that holds the prompt, or fill several into a --prompt.`,
  });
}

/** Reads a dataset once, whole: every row goes to `visit`, and what is wrong with the file is thrown. */
export async function readDataset(
  dataset: Dataset,
  signal: AbortSignal,
  visit: (row: Row) => void | Promise<void> = () => {},
): Promise<Census> {
  const converter = await converterFor(dataset.format.fileType);
  const hash = createHash('sha256');
  const options = { promptSource: dataset.promptSource, onBytes: (chunk: Buffer) => void hash.update(chunk) };
  let rows = 0;
  let blankRows = 0;
  for await (const row of converter.readRows(dataset.path, dataset.format.gzip, options)) {
    signal.throwIfAborted();
    rows += 1;
    if (row.prompt === null) blankRows += 1;
    const visited = visit(row);
    if (visited) await visited;
  }
  requirePrompts(dataset, rows - blankRows);
  return { rows, blankRows, sha256: hash.digest('hex') };
}

/** LoomError `input` for a dataset of which no row has a prompt. */
export function requirePrompts(dataset: Dataset, prompts: number): void {
  if (prompts > 0) return;
  throw new LoomError('input', 'Input file contains no prompts.', {
    hint: `Check ${dataset.path}${describeSource(dataset)}.`,
  });
}

function describeSource({ promptSource, format }: Dataset): string {
  if (!promptSource) return '';
  if ('template' in promptSource) return ' and what --prompt names';
  return ` and its ${format.fileType === 'csv' ? 'column' : 'field'} "${promptSource.column}"`;
}

/** The fields of a record that say where the prompts come from. */
export interface SourceFields {
  readonly prompt_column: string | null;
  readonly prompt_template?: string;
}

export function recordPromptSource({ promptSource }: Dataset): SourceFields {
  if (!promptSource) return { prompt_column: null };
  if ('column' in promptSource) return { prompt_column: promptSource.column };
  return { prompt_column: null, prompt_template: promptSource.template };
}

/** The source that a record names. */
export function recordedPromptSource(record: {
  readonly prompt_column?: string | null | undefined;
  readonly prompt_template?: string | undefined;
}): PromptSource | undefined {
  const { prompt_column: column, prompt_template: template } = record;
  if (template !== undefined) return { template };
  return typeof column === 'string' ? { column } : undefined;
}

/** A provider or model as part of a file name. */
function sanitizeForFileName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^_+|_+$/g, '') || 'unknown';
}

/** `<name>_results_<provider>_<model>.<ext>` next to the input. */
export function defaultOutputPath(dataset: Dataset, provider: ProviderName, model: string): string {
  const stem = stripExtension(basename(dataset.path));
  const name = [stem, 'results', sanitizeForFileName(provider), sanitizeForFileName(model)].join('_');
  return join(dirname(dataset.path), `${name}.${dataset.format.fileType}`);
}
