/** `loom adopt`: rebuild the record of a batch. */

import { adoptBatch } from '../../api/adopt-batch.ts';
import { locateHome } from '../../api/options/reach.ts';
import type { AdoptDocument } from '../../core/documents/documents.ts';
import { quoteShell } from '../../core/shell.ts';
import { documentBatch } from '../documents/batch-document.ts';
import type { AdoptOptions, CommandContext } from '../options/options.ts';
import { checkBatchStreams, describeRun } from '../options/orders.ts';
import { nameProvider, withProviders } from '../options/reach.ts';
import { nameSchemaFile } from '../options/settings.ts';
import { checkInputFlags } from '../options/stdin.ts';
import { tellFileNames } from '../options/text-flag.ts';
import { tellCalls } from '../words/calls.ts';
import { loom } from '../words/proposed-command.ts';

export async function adopt(options: AdoptOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const document = context.document.begin<AdoptDocument>({ command: 'adopt', batches: [] });
  checkInputFlags(options);
  tellFileNames(options, context);
  checkBatchStreams(options);
  const onEvent = tellCalls(terminal);
  try {
    await withProviders(options, context, async (reach) => {
      const run = await describeRun(options, context);
      const { record, batch } = await adoptBatch({ ...reach, ...run, id: options.id, onEvent });
      document.batches.push(documentBatch(batch));
      terminal.print(`Batch adopted. id=${record.batch_id} provider=${record.provider}`);
      terminal.print(
        `Metadata saved to ${locateHome(reach).label}/batches/. Run ${loom(`fetch --id ${quoteShell(record.batch_id)}`, options)} later.`,
      );
    });
    return 0;
  } catch (error) {
    throw nameProvider(options.provider, nameSchemaFile(error, options, context.workingFolder));
  }
}
