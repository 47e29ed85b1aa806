/** `loom list`: every batch known, newest first. */
import { basename } from 'node:path';
import type { ListDocument } from '../documents.ts';
import { listBatches } from '../orchestrator/list-batches.ts';
import { documentBatch } from './batch-document.ts';
import type { CommandContext, ListOptions } from './options.ts';
import { openHome } from './reach.ts';

const columns = ['batch_id', 'provider', 'model', 'status', 'created_at', 'file'];

export async function list(options: ListOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const home = openHome(options, context);
  const { batches, damaged } = await listBatches(home);
  context.document.begin<ListDocument>({
    command: 'list',
    batches: batches.map(documentBatch),
    damaged: [...damaged],
  });
  for (const { path, reason } of damaged)
    terminal.warn(`can't read ${path}: ${reason}. Repair it, or rebuild a record with loom adopt.`);
  if (context.voice.json) return 0;
  if (batches.length === 0) {
    terminal.print(`No batches stored under ${home.label}/batches/.`);
    return 0;
  }
  const inParts = batches.some((batch) => batch.parts > 1);
  const rows = batches.map((batch) => [
    batch.batchId ?? '-',
    batch.provider,
    batch.model,
    batch.status,
    batch.createdAt,
    batch.isFromStdin ? 'stdin' : basename(batch.inputPath),
    ...(inParts ? [batch.parts > 1 ? `${batch.jobId} ${batch.part}/${batch.parts}` : '-'] : []),
  ]);
  for (const line of alignColumns([[...columns, ...(inParts ? ['job'] : [])], ...rows])) terminal.print(line);
  return 0;
}

/** Lines with each column as wide as its widest cell. */
function alignColumns(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
