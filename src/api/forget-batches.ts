/** `forgetBatches` of the library. */
import { LoomError } from '../core/errors.ts';
import type { StatusWord } from '../core/names.ts';
import {
  type ForgetEvent,
  type ForgetTarget,
  findTargets,
  findTargetsByStatus,
  forgetJobs,
} from '../orchestrator/batch/manage/forget-jobs.ts';
import type { ReachOptions } from './options/options.ts';
import { type ListeningTo, type ReachEvent, withReach } from './options/reach.ts';

export type { ForgetEvent, ForgetTarget };

export interface ForgetBatchesOptions extends ReachOptions, ListeningTo<ForgetEvent | ReachEvent> {
  /** Batches or jobs; the id of a part means its whole job. */
  readonly ids?: readonly string[] | undefined;
  /** In place of `ids`: all jobs of which every part has one of these. */
  readonly status?: readonly StatusWord[] | undefined;
  /** Asked before anything is removed. Default: yes, also where answers are lost. */
  readonly confirm?: ((targets: readonly ForgetTarget[]) => Promise<boolean>) | undefined;
}

export interface ForgottenBatches {
  readonly forgotten: readonly string[];
  /** Those that another process works on: they stay. */
  readonly busy: readonly string[];
}

/**
 * Removes what the home holds of jobs, as `loom forget` does; outputs and the cache stay. LoomError `state` for an id that
 * there is not.
 */
export function forgetBatches(options: ForgetBatchesOptions): Promise<ForgottenBatches> {
  const { ids, status, confirm } = options;
  return withReach(options, async ({ home, connect }, signal) => {
    if (!ids && !status) throw new LoomError('usage', 'nothing says what to forget: give ids, or status.');
    const targets = ids ? await findTargets(home, ids) : await findTargetsByStatus(home, status ?? []);
    const told = { forgotten: [] as string[], busy: [] as string[] };
    if (!(await (confirm?.(targets) ?? true))) return told;
    await forgetJobs(home, targets, connect, signal, (event) => {
      if (event.type !== 'upload_left') told[event.type].push(event.id);
      options.onEvent?.(event);
    });
    return told;
  });
}
