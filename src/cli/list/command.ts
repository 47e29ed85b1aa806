/** `loom list`: every batch known, newest first. */
import type { ListDocument } from '../../core/documents.ts';
import { hasStatus, type ListedBatch, listBatches } from '../../orchestrator/batch/list/list-batches.ts';
import { documentBatch, documentDamaged } from '../documents/batch-document.ts';
import { describeDamaged } from '../fetch/words.ts';
import type { CommandContext, ListOptions } from '../options/options.ts';
import { openHome } from '../options/reach.ts';
import { printTable } from '../terminal/table.ts';
import { plainColumns, screenColumns } from './batch-columns.ts';

export async function list(options: ListOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const home = openHome(options, context);
  const { batches: all, damaged } = await listBatches(home);
  const batches = all.filter((batch) => isAskedFor(batch, options));
  context.document.begin<ListDocument>({
    command: 'list',
    batches: batches.map(documentBatch),
    damaged: damaged.map(documentDamaged),
  });
  for (const file of damaged) terminal.warn(describeDamaged(file, home.flag));
  if (context.voice.json) return 0;
  if (all.length === 0) {
    terminal.printResult(`No batches stored under ${home.label}/batches/.`);
  } else if (batches.length === 0) {
    terminal.note(`None of ${all.length} batches is ${describeFilter(options)}.`);
  } else {
    await printTable(terminal.screenWidth ? screenColumns(batches) : plainColumns(batches), terminal);
  }
  return 0;
}

function isAskedFor(batch: ListedBatch, { status, provider }: ListOptions): boolean {
  return (!status || hasStatus(batch, status)) && (!provider || provider.includes(batch.provider));
}

function describeFilter({ status, provider }: ListOptions): string {
  return [
    ...(status ? [status.join(' or ')] : []),
    ...(provider ? [`at ${provider.join(' or ')}`] : []),
  ].join(' ');
}
