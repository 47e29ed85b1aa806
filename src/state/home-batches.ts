/** All batches of a home, for a command that works on one job of it. */
import type { BatchRecord } from '../core/models.ts';
import type { LoomHome } from '../storage/home.ts';
import { type JobRecord, loadJobs } from './jobs.ts';
import { loadRecords } from './records.ts';

/**
 * What lies in a home as it was first asked for, under the lock of the job that is worked on: each file is read once,
 * however many parts the job has. What the command itself writes from then on is known from its job.
 */
export class HomeBatches {
  readonly #home: LoomHome;
  #records: Promise<readonly BatchRecord[]> | undefined;
  #jobs: Promise<readonly JobRecord[]> | undefined;

  /** With the records as they were read just now, or to be read when they are first asked for. */
  constructor(home: LoomHome, records?: readonly BatchRecord[]) {
    this.#home = home;
    this.#records = records && Promise.resolve(records);
  }

  listRecords(): Promise<readonly BatchRecord[]> {
    this.#records ??= loadRecords(this.#home.batches).then(({ records }) => records);
    return this.#records;
  }

  listJobs(): Promise<readonly JobRecord[]> {
    this.#jobs ??= loadJobs(this.#home.jobs).then(({ jobs }) => jobs);
    return this.#jobs;
  }
}
