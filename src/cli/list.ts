/** `loom list`: every batch known, newest first. */
import type { ListDocument } from '../documents.ts';
import { hasStatus, type ListedBatch, listBatches } from '../orchestrator/list-batches.ts';
import { plainColumns, screenColumns } from './batch-columns.ts';
import { documentBatch, documentDamaged } from './batch-document.ts';
import { describeDamaged } from './fetch-events.ts';
import type { CommandContext, ListOptions } from './options.ts';
import { openHome } from './reach.ts';
import { printTable } from './table.ts';

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
