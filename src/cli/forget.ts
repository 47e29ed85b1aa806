/** `loom forget`: remove what the home holds of jobs. */
import type { ForgetDocument } from '../documents.ts';
import { LoomError } from '../errors.ts';
import {
  type ForgetTarget,
  findTargets,
  findTargetsByStatus,
  forgetJobs,
} from '../orchestrator/forget-jobs.ts';
import { describeError } from './describe-error.ts';
import type { CommandContext, ForgetOptions } from './options.ts';
import { askFor } from './questions.ts';
import { openHome } from './reach.ts';
import type { Terminal } from './terminal.ts';
import { describeErrorFields } from './voice.ts';

export async function forget(options: ForgetOptions, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const document = context.document.begin<ForgetDocument>({ command: 'forget', forgotten: [], errors: [] });
  const { id: ids, status: words } = options;
  if (!ids && !words) {
    throw new LoomError('usage', 'nothing says what to forget.', {
      hint: 'Name batches with --id, or all of a --status.',
    });
  }
  const home = openHome(options, context);
  const targets = ids ? await findTargets(home, ids) : await findTargetsByStatus(home, words ?? []);
  if (targets.length === 0) terminal.note(`There is no job that is ${words?.join(' or ')}.`);
  if (!options.yes && !(await mayForget(targets, terminal))) return 0;
  await forgetJobs(home, targets, signal, {
    onForgotten(id, records) {
      document.forgotten.push(id);
      terminal.print(`Forgotten. id=${id} batches=${records}`);
    },
    onBusy(id) {
      const error = new LoomError('state', `another process is working on ${id}; it was not forgotten.`, {
        hint: 'Try again later.',
      });
      document.errors.push({ id, ...describeErrorFields(error) });
      terminal.fail(describeError(error));
    },
  });
  return document.errors.length > 0 ? 1 : 0;
}

/** Asks only where answers would be lost. */
async function mayForget(targets: readonly ForgetTarget[], terminal: Terminal): Promise<boolean> {
  const losing = targets.filter((target) => target.losesAnswers);
  if (losing.length === 0) return true;
  const names = nameTargets(losing);
  return askFor(terminal, {
    question: `Forget ${names}? What is answered there, and not written, is lost; what runs goes on and is paid for, until loom cancel ends it.`,
    refusal: `nothing was forgotten: the answers of ${names} would be lost, and there is no terminal to ask on.`,
    hint: 'Pass --yes to forget them all the same.',
  });
}

const mostNames = 5;

/** `batch_1 (in_progress), job_2 (completed, queued) and 3 more` */
function nameTargets(targets: readonly ForgetTarget[]): string {
  const names = targets
    .slice(0, mostNames)
    .map(
      ({ stored, parts }) => `${stored.id} (${[...new Set(parts.map((part) => part.status))].join(', ')})`,
    );
  const more = targets.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
