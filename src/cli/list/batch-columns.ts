/** How a batch is told in a table. */
import { basename } from 'node:path';
import type { ListedBatch } from '../../api/list-batches.ts';
import type { Column } from '../terminal/table.ts';
import type { Colour } from '../terminal/terminal.ts';
import { describeProgress, formatAge } from '../words/counts.ts';

/** What scripts cut out of a pipe: these columns, in this order. */
export function plainColumns(batches: readonly ListedBatch[]): Column[] {
  return [
    { title: 'batch_id', cells: batches.map((batch) => batch.batchId ?? '-') },
    { title: 'provider', cells: batches.map((batch) => batch.provider) },
    { title: 'model', cells: batches.map((batch) => batch.model) },
    { title: 'status', cells: batches.map((batch) => batch.status) },
    { title: 'created_at', cells: batches.map((batch) => batch.createdAt) },
    { title: 'file', cells: batches.map(nameInput) },
    ...jobColumns(batches),
  ];
}

/** The same for people, with how far each batch is. At 80 columns no id is cut, and provider and model are there. */
export function screenColumns(batches: readonly ListedBatch[], now = Date.now()): Column[] {
  const [id, provider, model, status, createdAt, file, ...job] = plainColumns(batches) as [
    Column,
    Column,
    Column,
    Column,
    Column,
    Column,
    ...Column[],
  ];
  const statuses = batches.map(describeStatus);
  const ages = batches.map((batch) => formatAge(now - Date.parse(batch.createdAt)));
  return [
    id,
    { ...provider, goesAtWorst: true },
    { ...model, least: 15, goesAtWorst: true },
    { ...status, leastAtWorst: 11, cells: statuses, colourOf: (row) => colourOf(batches[row]) },
    { title: 'progress', cells: batches.map(({ counts }) => describeProgress(counts)), worth: 4 },
    { title: 'age', cells: ages, worth: 3 },
    // The age says it.
    { ...createdAt, worth: 0 },
    { ...file, worth: 2, least: 12 },
    ...job.map((column) => ({ ...column, worth: 1 })),
  ];
}

function jobColumns(batches: readonly ListedBatch[]): Column[] {
  if (!batches.some((batch) => batch.parts > 1)) return [];
  const nameJob = ({ jobId, part, parts }: ListedBatch) => (parts > 1 ? `${jobId} ${part}/${parts}` : '-');
  return [{ title: 'job', cells: batches.map(nameJob) }];
}

/** `completed (2 missing)` */
function describeStatus({ status, isStuck, isInDoubt, missing }: ListedBatch): string {
  if (isInDoubt) return `${status} (in doubt)`;
  if (missing !== undefined) return `${status} (${missing} missing)`;
  return isStuck ? `${status} (stuck)` : status;
}

function nameInput({ isFromStdin, inputPath }: ListedBatch): string {
  return isFromStdin ? 'stdin' : basename(inputPath);
}

function colourOf(batch: ListedBatch | undefined): Colour | undefined {
  if (!batch) return undefined;
  if (batch.isStuck || batch.isInDoubt || batch.missing !== undefined || batch.status === 'unknown')
    return 'yellow';
  if (batch.status === 'completed') return 'green';
  return ['failed', 'expired', 'cancelled'].includes(batch.status) ? 'red' : 'cyan';
}
