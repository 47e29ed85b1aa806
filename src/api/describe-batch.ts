/** `describeBatch` of the library. */
import { describeJob, type JobReport, type PartReport } from '../orchestrator/batch/manage/describe-job.ts';
import type { RetryEvent } from '../orchestrator/calls/retry.ts';
import type { ReachOptions } from './options/options.ts';
import { type ListeningTo, type ReachEvent, withReach } from './options/reach.ts';

export type { JobReport, PartReport };

export interface DescribeBatchOptions extends ReachOptions, ListeningTo<RetryEvent | ReachEvent> {
  /** A batch or a job. */
  readonly id: string;
  /** Asks no provider: the records tell what was seen last. Default false. */
  readonly offline?: boolean | undefined;
}

/** All that is known of one job, as `loom status` shows it. LoomError `state` for an id that there is not. */
export function describeBatch(options: DescribeBatchOptions): Promise<JobReport> {
  const { id, offline, onEvent = () => {} } = options;
  return withReach(options, ({ home, connect, workingFolder }, signal) => {
    const order = { id, connect: offline ? undefined : connect, workingFolder };
    return describeJob(home, order, signal, onEvent);
  });
}
