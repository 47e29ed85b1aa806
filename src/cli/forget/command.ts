/** `loom forget`: remove what the home holds of jobs. */
import { type ForgetBatchesOptions, type ForgetTarget, forgetBatches } from '../../api/forget-batches.ts';
import { titleOf } from '../../api/providers.ts';
import type { ForgetDocument } from '../../core/documents/documents.ts';
import { LoomError } from '../../core/errors.ts';
import { listSome } from '../../core/words.ts';
import type { CommandContext, ForgetOptions } from '../options/options.ts';
import { nameProvider, withProviders } from '../options/reach.ts';
import { askFor } from '../terminal/questions.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { tellCalls } from '../words/calls.ts';
import { describeError, describeErrorFields } from '../words/describe-error.ts';

export async function forget(options: ForgetOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const document = context.document.begin<ForgetDocument>({
    command: 'forget',
    forgotten: [],
    uploads_left: [],
    errors: [],
  });
  const { id: ids, status, yes } = options;
  if (!ids && !status) {
    throw new LoomError('usage', 'nothing says what to forget.', {
      hint: 'Name batches with --id, or all of a --status.',
    });
  }
  const confirm = async (targets: readonly ForgetTarget[]) => {
    if (targets.length === 0) terminal.note(`There is no job that is ${status?.join(' or ')}.`);
    return yes || mayForget(targets, terminal);
  };
  const onEvent = tellEvents(document, terminal);
  const { busy } = await withProviders(options, context, (reach) =>
    forgetBatches({ ...reach, ids, status, confirm, onEvent }),
  );
  return busy.length > 0 ? 1 : 0;
}

function tellEvents(
  document: DocumentFields<ForgetDocument>,
  terminal: Terminal,
): ForgetBatchesOptions['onEvent'] {
  const tellCall = tellCalls(terminal);
  return (event) => {
    switch (event.type) {
      case 'upload_left': {
        const { id, provider, fileId } = event;
        document.uploads_left.push({ id, file_id: fileId });
        const where = `${fileId} of ${id} is still at ${titleOf(provider)}`;
        const why = describeError(nameProvider(provider, event.error));
        return terminal.warn(`the upload ${where}, where it expires by itself: ${why}`);
      }
      case 'forgotten':
        document.forgotten.push(event.id);
        return terminal.print(`Forgotten. id=${event.id} batches=${event.batches}`);
      case 'busy': {
        const what = `another process is working on ${event.id}; it was not forgotten.`;
        const error = new LoomError('state', what, { hint: 'Try again later.' });
        document.errors.push({ id: event.id, ...describeErrorFields(error) });
        return terminal.fail(describeError(error));
      }
      default:
        return tellCall(event);
    }
  };
}

/** Asks only where answers would be lost. */
async function mayForget(targets: readonly ForgetTarget[], terminal: Terminal): Promise<boolean> {
  const losing = targets.filter((target) => target.losesAnswers);
  if (losing.length === 0) return true;
  const names = nameTargets(losing);
  return askFor(terminal, {
    question: `Forget ${names}? Answers that are not written yet are lost; a batch that runs goes on, and is paid for, until loom cancel ends it.`,
    refusal: `nothing was forgotten: the answers of ${names} would be lost, and there is no terminal to ask on.`,
    hint: 'Pass --yes to forget them all the same.',
  });
}

/** `batch_1 (in_progress), job_2 (completed, queued) and 3 more` */
function nameTargets(targets: readonly ForgetTarget[]): string {
  const statusesOf = ({ parts }: ForgetTarget) => [...new Set(parts.map(({ status }) => status))].join(', ');
  const names = targets.map((target) => `${target.id} (${statusesOf(target)})`);
  return listSome(names, 5);
}
