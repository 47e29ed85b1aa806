/** The input file as every story sees it: its format, its rows, and where its output goes. */

import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import type { BatchRecord, ProviderName, Row, RowPick } from '../../core/models.ts';
import { digestContent } from '../../core/request/content.ts';
import type { PromptSource } from '../../formats/format.ts';
import {
  detectFormat,
  namesOtherFormat,
  type ReadOptions,
  stripExtension,
  traitsOf,
} from '../../formats/format.ts';
import { converterFor } from '../../formats/index.ts';
import { checkInputFile } from '../../formats/text/file-bytes.ts';
import { isSameFile } from '../../storage/files.ts';
import { AttachedFiles } from './attachments/attached-files.ts';
import { lookUpContents, rowsAtOnce } from './attachments/row-contents.ts';
import type { DatasetOrder } from './dataset-order.ts';
import { recordedLayout, recordLayout } from './layout.ts';
import { createPicker } from './pick-rows.ts';
import { RepeatedIds } from './repeated-ids.ts';
import { StructuredPrompts } from './structured-prompts.ts';

/** An input of which it is settled what rows are run. */
export interface Dataset extends DatasetOrder {
  readonly pick: RowPick | undefined;
}

function holdsMessages(source: PromptSource | undefined): boolean {
  return source !== undefined && 'column' in source && source.holds === 'messages';
}

/** What a whole read of a dataset tells; the rows are those that are picked. */
export interface DatasetSummary {
  readonly rows: number;
  /** Rows without a prompt, which are never sent. */
  readonly blankRows: number;
  /** Of the file's bytes as they lie on disk, in hex. */
  readonly sha256: string;
  /** Of all that its rows ask with files; undefined where they attach none. */
  readonly contentsSha256: string | undefined;
}

/** The dataset at a path, with all its rows. LoomError `input` for what is no file, and for a name with another extension. */
export function describeDataset(
  path: string,
  promptSource: PromptSource | undefined,
  attach?: readonly string[] | undefined,
): Dataset {
  checkInputFile(path);
  const input = resolve(path);
  const files = attach || holdsMessages(promptSource) ? new AttachedFiles(input) : undefined;
  return { path: input, format: detectFormat(path), promptSource, attach, files, pick: undefined };
}

/**
 * What any read of a table without a prompt source throws, before anything else is done: a LoomError `input` that names
 * the columns.
 */
export async function requirePromptSource({
  path,
  format,
  layout,
  promptSource,
}: DatasetOrder): Promise<void> {
  if (promptSource || !traitsOf(format.fileType).isTable) return;
  await (await converterFor(format.fileType))
    .readRows(path, format.gzip, { layout })
    [Symbol.asyncIterator]()
    .next();
}

/** So many rows are looked at before anybody is asked about an output. */
const firstRows = 1_000;

/**
 * Reads the start of an input, and all of a small one: what is wrong there, such as a column that it does not have, is
 * told before anybody is asked anything. Throws as a reader does.
 */
export async function checkStart(order: DatasetOrder, signal: AbortSignal): Promise<void> {
  const converter = await converterFor(order.format.fileType);
  const options = { ...readOptionsOf(order), signal };
  let rows = 0;
  for await (const some of converter.readRows(order.path, order.format.gzip, options)) {
    rows += some.length;
    if (rows >= firstRows) return;
  }
}

/**
 * LoomError `usage` for rows that are picked of a file whose output holds all of them, and for an output of picked rows
 * in the input's place, where the other rows would be lost.
 */
export function checkPick({ path, pick, format }: DatasetOrder, outputPath: string): void {
  if (!pick) return;
  const { title, rowsCanBeLeftOut } = traitsOf(format.fileType);
  const option = 'limit' in pick ? 'limit' : 'sample';
  if (rowsCanBeLeftOut && !isSameFile(path, outputPath)) return;
  if (rowsCanBeLeftOut) {
    throw new LoomError('usage', `the output of ${option} can't replace its input, ${path}.`, {
      code: 'pick_replaces_input',
      facts: { path, option },
      hint: 'The rows that are not picked would be lost. Choose another output.',
    });
  }
  throw new LoomError('usage', `${option} can't pick rows of ${path}.`, {
    code: 'pick_impossible',
    facts: { path, option },
    hint: `The data of a ${title} file is copied as it is; write the rows that you want to run into a file of their own.`,
  });
}

/** LoomError `usage` for an output by whose name it would be taken for a file of another format. */
export function checkOutputName({ format: { fileType } }: DatasetOrder, outputPath: string): void {
  if (!namesOtherFormat(outputPath, fileType)) return;
  const { title, extensions } = traitsOf(fileType);
  const name = basename(outputPath);
  const stem = stripExtension(name);
  const proposed = `${stem === name ? name.replace(/\.[^.]*$/, '') : stem}${extensions[0]}`;
  throw new LoomError('usage', `${name} would hold ${title}: an output has the format of its input.`, {
    code: 'output_of_other_format',
    facts: { path: outputPath, title, proposed },
    hint: `Call the output ${proposed}.`,
  });
}

/** Settles what rows are run. A sample is drawn from a number of rows: the file is read to count them. */
export async function drawRows(order: DatasetOrder, signal: AbortSignal): Promise<Dataset> {
  const { pick } = order;
  if (!pick || 'limit' in pick) return { ...order, pick };
  const { rows } = await readDataset({ ...order, pick: undefined }, signal);
  return { ...order, pick: { ...pick, of: rows } };
}

/** Reads a dataset once, whole: every picked row goes to `visit`, and what is wrong with the file is thrown. */
export async function readDataset(
  dataset: Dataset,
  signal: AbortSignal,
  visit: (row: Row) => void | Promise<void> = () => {},
): Promise<DatasetSummary> {
  const converter = await converterFor(dataset.format.fileType);
  const hash = createHash('sha256');
  const contents = dataset.files && createHash('sha256');
  const options = {
    ...readOptionsOf(dataset),
    signal,
    onRemark: dataset.onRemark,
    onBytes: (chunk: Buffer) => void hash.update(chunk),
  };
  const ids = new RepeatedIds();
  const structured = new StructuredPrompts();
  const isPicked = createPicker(dataset.pick);
  const isPickedRow = ({ index }: Row) => isPicked(index);
  let rows = 0;
  let blankRows = 0;
  for await (const some of converter.readRows(dataset.path, dataset.format.gzip, options)) {
    signal.throwIfAborted();
    for (const [place, row] of some.entries()) {
      // A few rows ahead, no more: what was read of their files is at hand then, when their requests are written.
      if (dataset.files && place % rowsAtOnce === 0)
        await lookUpContents(some.slice(place, place + rowsAtOnce).filter(isPickedRow), dataset);
      if (!isPicked(row.index)) continue;
      rows += 1;
      if (row.prompt === null) blankRows += 1;
      if (row.content) contents?.update(digestContent(row.content));
      ids.add(row);
      if (!holdsMessages(dataset.promptSource)) structured.add(row);
      const visited = visit(row);
      if (visited) await visited;
    }
  }
  requirePrompts(dataset, rows - blankRows);
  for (const remark of [...ids.describe(dataset), ...structured.describe(dataset)])
    dataset.onRemark?.(remark);
  return { rows, blankRows, sha256: hash.digest('hex'), contentsSha256: contents?.digest('hex') };
}

/** How the rows of a dataset are read, by every pass over it. */
export function readOptionsOf({
  promptSource,
  attach,
  rowId,
  layout,
  reserved,
}: DatasetOrder): Pick<ReadOptions, 'promptSource' | 'attach' | 'rowId' | 'layout' | 'reserved'> {
  return { promptSource, attach, rowId, layout, reserved };
}

/** LoomError `input` for a dataset of which no row that is run has a prompt. */
export function requirePrompts(dataset: Dataset, prompts: number): void {
  if (prompts > 0) return;
  if (dataset.pick) {
    throw new LoomError('input', `none of the picked rows of ${dataset.path} has a prompt.`, {
      code: 'no_prompt_picked',
      facts: { path: dataset.path },
      hint: 'Pick more rows, or others with sampleSeed.',
    });
  }
  const { path, promptSource } = dataset;
  const source = promptSource && ('template' in promptSource ? 'template' : 'column');
  throw new LoomError('input', 'Input file contains no prompts.', {
    code: 'no_prompt',
    facts: { path, source },
    hint: `Check ${path}${describeSource(dataset)}.`,
  });
}

function describeSource({ promptSource, format }: Dataset): string {
  if (!promptSource) return '';
  if ('template' in promptSource) return ' and what prompt names';
  return ` and its ${traitsOf(format.fileType).isTable ? 'column' : 'field'} "${promptSource.column}"`;
}

/** The fields of a record that say how its input is read. */
export type DatasetFields = Partial<
  Pick<
    BatchRecord,
    'prompt_column' | 'prompt_template' | 'prompt_holds' | 'attach' | 'pick' | 'row_id_field' | 'layout'
  >
>;

export function recordDataset({
  promptSource,
  attach,
  pick,
  rowId,
  layout,
}: Dataset): DatasetFields & { prompt_column: string | null } {
  const column = promptSource && 'column' in promptSource ? promptSource.column : null;
  const template = promptSource && 'template' in promptSource ? promptSource.template : undefined;
  return {
    prompt_column: column,
    prompt_template: template,
    prompt_holds: holdsMessages(promptSource) ? 'messages' : undefined,
    attach,
    pick,
    row_id_field: rowId,
    layout: recordLayout(layout),
  };
}

/** The dataset at a path, read as a record says. Throws like `describeDataset`. */
export function recordedDataset(path: string, record: DatasetFields): Dataset {
  const { prompt_column: column, prompt_template: template, attach, pick, row_id_field: rowId } = record;
  const settled = { pick, rowId, layout: recordedLayout(record.layout) };
  if (template !== undefined) return { ...describeDataset(path, { template }, attach), ...settled };
  return {
    ...describeDataset(
      path,
      typeof column === 'string' ? { column, holds: record.prompt_holds } : undefined,
      attach,
    ),
    ...settled,
  };
}

/** A provider or model as part of a file name. */
function sanitizeForFileName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^_+|_+$/g, '') || 'unknown';
}

/**
 * `<name>_results_<provider>_<model>.<ext>` next to the input. That of a rehearsal ends in `_sandbox.<ext>`: it must not
 * be taken for answers of a model, nor stand in their way.
 */
export function defaultOutputPath(
  dataset: DatasetOrder,
  provider: ProviderName,
  model: string,
  isRehearsal = false,
): string {
  const name = `${nameBeside(dataset.path, 'results', provider, model)}${isRehearsal ? '_sandbox' : ''}`;
  return join(dirname(dataset.path), `${name}${traitsOf(dataset.format.fileType).extensions[0]}`);
}

/** `<name>_requests_<provider>_<model>.jsonl` next to the input; `.json` where they are one object. */
export function defaultRequestsPath(
  path: string,
  provider: ProviderName,
  model: string,
  isOneObject: boolean,
): string {
  const name = nameBeside(path, 'requests', provider, model);
  return join(dirname(path), `${name}${isOneObject ? '.json' : '.jsonl'}`);
}

function nameBeside(path: string, what: string, provider: ProviderName, model: string): string {
  const stem = stripExtension(basename(path));
  return [stem, what, sanitizeForFileName(provider), sanitizeForFileName(model)].join('_');
}
