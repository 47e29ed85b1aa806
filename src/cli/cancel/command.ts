/** `loom cancel`: end the batches of a job at its provider. */
import { type CancelBatchOptions, type CancelPlan, cancelBatch } from '../../api/cancel-batch.ts';
import type { CancelDocument } from '../../core/documents/documents.ts';
import type { ProviderName } from '../../core/names.ts';
import { quoteShell } from '../../core/shell.ts';
import type { CancelOptions, CommandContext } from '../options/options.ts';
import { nameProvider, withProviders } from '../options/reach.ts';
import { askFor } from '../terminal/questions.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { tellCalls } from '../words/calls.ts';
import { countOf } from '../words/counts.ts';
import { describeError, describeErrorFields } from '../words/describe-error.ts';
import { loom } from '../words/proposed-command.ts';

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
  let provider: ProviderName | undefined;
  const confirm = async (plan: CancelPlan) => {
    document.id = plan.id;
    provider = plan.provider;
    const isOver = plan.batches + plan.unsent + plan.inDoubt === 0;
    return isOver || options.yes || mayCancel(plan, terminal);
  };
  const onEvent = tellEvents(document, terminal);
  try {
    const summary = await withProviders(options, context, (reach) =>
      cancelBatch({ ...reach, id: options.id, confirm, onEvent }),
    );
    if (summary.isForgotten)
      terminal.note('Nothing of it was at the provider, and nothing is left of it here.');
    if (summary.cancelled.length > 0) tellNextSteps(document.id ?? options.id, options, terminal);
    return summary.errors.length > 0 ? 1 : 0;
  } catch (error) {
    throw provider ? nameProvider(provider, error) : error;
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
function describePlan({ id, provider, model, parts: all, batches, unsent, inDoubt }: CancelPlan): string {
  const source = `${provider}, ${model}`;
  if (all === 1)
    return inDoubt > 0
      ? `job ${id} (${source}), whose batch may have been created`
      : `batch ${id} (${source})`;
  const parts = [
    ...(batches > 0 ? [countOf(batches, 'batch')] : []),
    ...(unsent > 0 ? [countOf(unsent, 'part that was not sent', 'parts that were not sent')] : []),
    ...(inDoubt > 0 ? [`${countOf(inDoubt, 'part')} that may have been sent`] : []),
  ];
  return `job ${id} (${source}: ${parts.join(', and ')})`;
}

function tellEvents(
  document: DocumentFields<CancelDocument>,
  terminal: Terminal,
): CancelBatchOptions['onEvent'] {
  const tellCall = tellCalls(terminal);
  return (event) => {
    switch (event.type) {
      case 'waiting':
        return terminal.note(`Another process is working on ${event.id}; waiting for it.`);
      case 'cancelled':
        document.cancelled.push(event.batch.batch_id);
        return terminal.print(`Cancel requested. id=${event.batch.batch_id} status=${event.status}`);
      case 'over':
        document.over.push(event.batch.batch_id);
        return terminal.print(`Batch was over already. id=${event.batch.batch_id} status=${event.status}`);
      case 'dropped':
        document.dropped.push(event.id);
        return terminal.print(`Part dropped. id=${event.id}`);
      case 'failed': {
        const error = nameProvider(event.provider, event.error);
        document.errors.push({ id: event.id, ...describeErrorFields(error) });
        return terminal.fail(`batch ${event.id}: ${describeError(error)}`);
      }
      default:
        return tellCall(event);
    }
  };
}

function tellNextSteps(id: string, options: CancelOptions, terminal: Terminal): void {
  const fetch = loom(`fetch --id ${quoteShell(id)}`, options);
  terminal.note(
    `The provider ends what is under way, which may take it some minutes. Then ${fetch} tells what was answered, and with --partial writes it.`,
  );
}
