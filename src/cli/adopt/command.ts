/** `loom adopt`: rebuild the record of a batch. */
import type { AdoptDocument } from '../../core/documents.ts';
import { LoomError } from '../../core/errors.ts';
import { quoteShell } from '../../core/shell.ts';
import { describeRecord } from '../../orchestrator/batch/list/list-batches.ts';
import { adoptBatch } from '../../orchestrator/batch/manage/adopt-batch.ts';
import { findServer } from '../../orchestrator/calls/answer-server.ts';
import type { BatchEntry } from '../../providers/provider.ts';
import { providerEntry } from '../../providers/registry.ts';
import { documentBatch } from '../documents/batch-document.ts';
import type { AdoptOptions, CommandContext } from '../options/options.ts';
import { checkBatchStreams, describeOrder } from '../options/orders.ts';
import { nameProvider } from '../options/reach.ts';
import { nameSchemaFile } from '../options/settings.ts';
import { checkInputFlags, withInput } from '../options/stdin.ts';
import { openReach } from '../options/story-reach.ts';
import { loom } from '../words/proposed-command.ts';

export async function adopt(options: AdoptOptions, context: CommandContext): Promise<number> {
  const document = context.document.begin<AdoptDocument>({ command: 'adopt', batches: [] });
  const entry = providerEntry(options.provider);
  if (!entry.openBatch)
    throw new LoomError('provider', `${entry.title} has no batch API.`, {
      hint: 'There is nothing to adopt.',
    });
  checkInputFlags(options);
  checkBatchStreams(options);
  const reach = await openReach(options, context);
  try {
    const connection = reach.connect(entry);
    const record = await withInput(options, reach.home, context, async (inputPath) => {
      const order = await describeOrder(options, inputPath, context);
      const server = findServer(reach.home, entry.name, { ...options, ...connection });
      const batchOrder = { ...order, server, baseUrl: options.baseUrl, batchSize: undefined };
      return adoptBatch(reach.home, options.id, batchOrder, entry as BatchEntry, connection, context.signal);
    });
    document.batches.push(documentBatch(describeRecord(reach.home, record)));
    context.terminal.print(`Batch adopted. id=${record.batch_id} provider=${record.provider}`);
    context.terminal.print(
      `Metadata saved to ${reach.home.label}/batches/. Run ${loom(`fetch --id ${quoteShell(record.batch_id)}`, options)} later.`,
    );
    return 0;
  } catch (error) {
    throw nameProvider(entry.name, nameSchemaFile(error, options, context.workingFolder));
  } finally {
    await reach.close();
  }
}
