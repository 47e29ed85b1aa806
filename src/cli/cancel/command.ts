/** `loom cancel`: end the batches of a job at its provider. */
import type { CancelDocument } from '../../core/documents.ts';
import { quoteShell } from '../../core/shell.ts';
import {
  type CancelEvents,
  type CancelPlan,
  type CancelSummary,
  cancelJob,
  planCancel,
} from '../../orchestrator/batch/manage/cancel-job.ts';
import { providerEntry } from '../../providers/registry.ts';
import { namePart } from '../../state/stored-jobs.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { CancelOptions, CommandContext } from '../options/options.ts';
import { nameProvider, openHome, openReach } from '../options/reach.ts';
import { askFor } from '../terminal/questions.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { formatCount } from '../words/counts.ts';
import { describeError, describeErrorFields } from '../words/describe-error.ts';
import { tellRetriesOf } from '../words/retries.ts';

export async function cancel(options: CancelOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const document = context.document.begin<CancelDocument>({
    command: 'cancel',
    id: null,
    cancelled: [],
    over: [],
    dropped: [],
    errors: [],
  });
  const plan = await planCancel(openHome(options, context), options.id);
  const { stored } = plan;
  document.id = stored.id;
  const isOver = plan.batches + plan.unsent + plan.inDoubt === 0;
  if (!isOver && !options.yes && !(await mayCancel(plan, terminal))) return 0;
  const entry = providerEntry(stored.provider);
  const reach = await openReach(options, context);
  try {
    const summary = await cancelJob(
      reach.home,
      stored,
      (_, recordedBaseUrl) => reach.connect(entry, recordedBaseUrl),
      context.signal,
      printEvents(document, terminal),
    );
    tellNextSteps(stored.id, summary, reach.home, terminal);
    return summary.refused > 0 ? 1 : 0;
  } catch (error) {
    throw nameProvider(entry, error);
  } finally {
    await reach.close();
  }
}

async function mayCancel(plan: CancelPlan, terminal: Terminal): Promise<boolean> {
  const what = describePlan(plan);
  return askFor(terminal, {
    question: `Cancel ${what}? What is answered by then is kept, and paid for.`,
    refusal: `${what} was not cancelled: there is no terminal to ask on.`,
    hint: 'Pass --yes to cancel it.',
  });
}

/** `batch batch_1 (openai, m)`, `job job_1 (openai, m: 2 batches, and 1 part that was not sent)` */
function describePlan({ stored, batches, unsent, inDoubt }: CancelPlan): string {
  const { id, provider, job } = stored;
  const source = `${provider}, ${job.model}`;
  if (job.parts.length === 1)
    return inDoubt > 0
      ? `job ${id} (${source}), whose batch may have been created`
      : `batch ${id} (${source})`;
  const parts = [
    ...(batches > 0 ? [batches === 1 ? '1 batch' : `${formatCount(batches)} batches`] : []),
    ...(unsent > 0
      ? [unsent === 1 ? '1 part that was not sent' : `${formatCount(unsent)} parts that were not sent`]
      : []),
    ...(inDoubt > 0
      ? [
          inDoubt === 1
            ? '1 part that may have been sent'
            : `${formatCount(inDoubt)} parts that may have been sent`,
        ]
      : []),
  ];
  return `job ${id} (${source}: ${parts.join(', and ')})`;
}

function printEvents(document: DocumentFields<CancelDocument>, terminal: Terminal): CancelEvents {
  return {
    onWait: (id) => terminal.note(`Another process is working on ${id}; waiting for it.`),
    onCancelled(record, check) {
      document.cancelled.push(record.batch_id);
      terminal.print(`Cancel requested. id=${record.batch_id} status=${check.status}`);
    },
    onOver(record, status) {
      document.over.push(record.batch_id);
      terminal.print(`Batch was over already. id=${record.batch_id} status=${status}`);
    },
    onDropped(job, part) {
      const name = namePart(job, part);
      document.dropped.push(name);
      terminal.print(`Part dropped. id=${name}`);
    },
    onError(id, provider, error) {
      const named = nameProvider(providerEntry(provider), error);
      document.errors.push({ id, ...describeErrorFields(named) });
      terminal.fail(`batch ${id}: ${describeError(named)}`);
    },
    onRetry: tellRetriesOf(terminal),
  };
}

function tellNextSteps(
  id: string,
  { cancelled, isForgotten }: CancelSummary,
  { flag }: LoomHome,
  terminal: Terminal,
): void {
  if (isForgotten) terminal.note('Nothing of it was at the provider, and nothing is left of it here.');
  if (cancelled === 0) return;
  const fetch = `loom fetch --id ${quoteShell(id)}${flag}`;
  terminal.note(
    `The provider ends what is under way, which may take it some minutes. Then ${fetch} tells what was answered, and with --partial writes it.`,
  );
}
