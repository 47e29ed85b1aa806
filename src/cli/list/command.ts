/** `loom list`: every batch known, newest first. */
import { listBatches } from '../../api/list-batches.ts';
import { locateHome } from '../../api/options/reach.ts';
import type { ListDocument } from '../../core/documents/documents.ts';
import { documentBatch, documentDamaged } from '../documents/batch-document.ts';
import { describeDamaged, isWaitedFor } from '../fetch/words.ts';
import type { CommandContext, ListOptions } from '../options/options.ts';
import { placeOf } from '../options/reach.ts';
import { printTable } from '../terminal/table.ts';
import { openShortLives } from '../words/short-lives.ts';
import { plainColumns, screenColumns } from './batch-columns.ts';

export async function list(options: ListOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const place = placeOf(options, context);
  const { status, provider } = options;
  const { batches, known, damaged } = await listBatches({ ...place, status, provider });
  context.document.begin<ListDocument>({
    command: 'list',
    batches: batches.map(documentBatch),
    damaged: damaged.map(documentDamaged),
  });
  for (const file of damaged) terminal.warn(describeDamaged(file, options));
  const warnOfShortLife = openShortLives(terminal, options);
  for (const batch of batches)
    if (isWaitedFor(batch.status) || batch.missing) warnOfShortLife(batch.provider);
  if (context.voice.json) return 0;
  if (known === 0) {
    terminal.printResult(`No batches stored under ${locateHome(place).label}/batches/.`);
  } else if (batches.length === 0) {
    terminal.note(`None of ${known} batches is ${describeFilter(options)}.`);
  } else {
    await printTable(terminal.screenWidth ? screenColumns(batches) : plainColumns(batches), terminal);
  }
  return 0;
}

function describeFilter({ status, provider }: ListOptions): string {
  return [
    ...(status ? [status.join(' or ')] : []),
    ...(provider ? [`at ${provider.join(' or ')}`] : []),
  ].join(' ');
}
