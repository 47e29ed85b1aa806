/**
 * The story of `loom fetch`: find what is pending, and fetch one job after the other. That of a job is loaded only where
 * there is one: most fetches, such as those of a cron job, find nothing to do.
 */

import { LoomError } from '../../../core/errors.ts';
import { findJob, isPending, loadState, type StoredJob } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { sweepHome } from '../../sweep/sweep-home.ts';
import { sweepInputs } from '../../sweep/sweep-inputs.ts';
import type { FetchEvent, FetchOrder, FetchOutcome, FetchRun, FetchSummary } from './fetch-run.ts';

/**
 * Fetches one job or all pending ones. An error of one job is reported and does not stop the others. LoomError `input`
 * when one provider's key or address would reach another.
 */
export async function fetchBatches(
  home: LoomHome,
  order: FetchOrder,
  signal: AbortSignal,
  onEvent: (event: FetchEvent) => void,
): Promise<FetchSummary> {
  const { run, targets } = await openFetch(home, order, signal, onEvent);
  for (const stored of targets) {
    try {
      const { fetchStoredJob } = await import('./fetch-stored-job.ts');
      const { fate } = await fetchStoredJob(run, stored);
      if (fate === 'busy') onEvent({ type: 'busy', id: stored.id });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      onEvent({ type: 'failed', id: stored.id, provider: stored.provider, error });
      run.outcome.troubled = true;
    }
  }
  await sweepInputs(home);
  const { troubled, incomplete } = run.outcome;
  return { jobs: targets.length, troubled, incomplete };
}

/** Finds the jobs that are to be fetched; LoomError as `fetchBatches` throws it. */
export async function openFetch(
  home: LoomHome,
  order: FetchOrder,
  signal: AbortSignal,
  onEvent: (event: FetchEvent) => void,
): Promise<{ run: FetchRun; targets: readonly StoredJob[] }> {
  const state = await loadState(home);
  const targets = order.id === undefined ? state.jobs.filter(isPending) : [findJob(state, order.id)];
  checkReach(order, targets);
  const { workingFolder, inputPath } = order;
  // Rows of a changed input are left out where one job is named, whose input somebody has looked at.
  const changedRows = order.partial && order.id !== undefined ? 'leave_out' : 'refuse';
  const merging = { workingFolder, inputPath, changedRows } as const;
  const outcome: FetchOutcome = { troubled: false, incomplete: false };
  for (const file of order.isOwnRun ? [] : state.damaged) {
    onEvent({ type: 'damaged', file });
    outcome.troubled = true;
  }
  await sweepHome(home, state);
  return {
    run: {
      home,
      order,
      merging,
      onEvent,
      signal,
      providers: new Map(),
      isRepeated: false,
      written: new Set(),
      outcome,
    },
    targets,
  };
}

function checkReach({ reachOfOne }: FetchOrder, targets: readonly StoredJob[]): void {
  const providers = [...new Set(targets.map(({ provider }) => provider))].sort();
  if (!reachOfOne || providers.length < 2) return;
  const what = `${reachOfOne} can't serve pending batches of several providers (${providers.join(', ')}).`;
  throw new LoomError('input', what, {
    code: 'reach_of_one',
    facts: { option: reachOfOne, providers },
    hint: 'Name one batch with id, or set the variables of each provider instead.',
  });
}
