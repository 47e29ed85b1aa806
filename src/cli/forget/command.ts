/** `loom forget`: remove what the home holds of jobs. */
import type { ForgetDocument } from '../../core/documents.ts';
import { LoomError } from '../../core/errors.ts';
import {
  type ForgetTarget,
  findTargets,
  findTargetsByStatus,
  forgetJobs,
} from '../../orchestrator/batch/manage/forget-jobs.ts';
import type { Connect } from '../../orchestrator/batch/parts/job-reach.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { CommandContext, ForgetOptions } from '../options/options.ts';
import { nameProvider, openReach, type Reach } from '../options/reach.ts';
import { askFor } from '../terminal/questions.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { describeError, describeErrorFields } from '../words/describe-error.ts';

export async function forget(options: ForgetOptions, context: CommandContext): Promise<number> {
  const document = context.document.begin<ForgetDocument>({
    command: 'forget',
    forgotten: [],
    uploads_left: [],
    errors: [],
  });
  const { id: ids, status: words } = options;
  if (!ids && !words) {
    throw new LoomError('usage', 'nothing says what to forget.', {
      hint: 'Name batches with --id, or all of a --status.',
    });
  }
  const reach = await openReach({ sandbox: options.sandbox }, context);
  try {
    return await forgetFrom(reach, options, context, document);
  } finally {
    await reach.close();
  }
}

async function forgetFrom(
  { home, connect }: Reach,
  { id: ids, status: words, yes }: ForgetOptions,
  { terminal, signal }: CommandContext,
  document: DocumentFields<ForgetDocument>,
): Promise<number> {
  const targets = ids ? await findTargets(home, ids) : await findTargetsByStatus(home, words ?? []);
  if (targets.length === 0) terminal.note(`There is no job that is ${words?.join(' or ')}.`);
  if (!yes && !(await mayForget(targets, terminal))) return 0;
  const connectTo: Connect = (provider, baseUrl) => connect(providerEntry(provider), baseUrl);
  await forgetJobs(home, targets, connectTo, signal, {
    onUploadLeft(id, provider, fileId, error) {
      document.uploads_left.push({ id, file_id: fileId });
      const entry = providerEntry(provider);
      const why = describeError(nameProvider(entry, error));
      terminal.warn(
        `the upload ${fileId} of ${id} is still at ${entry.title}, where it expires by itself: ${why}`,
      );
    },
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
