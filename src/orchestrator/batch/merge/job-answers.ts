/** The answers of a job, from its batches and from the cache as it was when the job was planned, by row. */

import { createReadStream } from 'node:fs';
import { openBackgroundCache } from '../../../cache/background-cache.ts';
import { LoomError } from '../../../core/errors.ts';
import { RowSet } from '../../../core/growing.ts';
import type { BatchRecord, Row, RowResult } from '../../../core/models.ts';
import { contentOf, contentText } from '../../../core/request/content.ts';
import { cachedAnswersName, idMapPath } from '../../../state/job-files.ts';
import type { Job } from '../../../state/jobs.ts';
import {
  readCachedResponses,
  readCustomIds,
  readIdMap,
  readMemberNames,
  resultsName,
} from '../../../state/records.ts';
import { indexResults } from '../../../state/results.ts';
import type { StoredJob } from '../../../state/stored-jobs.ts';
import { describeDiskError, errorCode, hashFile, tryRead } from '../../../storage/files.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { openAnswerCheck } from '../../answers/answer-check.ts';
import { openAnswerStore, selectCached } from '../../answers/store-answers.ts';
import { describeServer, nameServer } from '../../calls/answer-server.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { matchMappedRows, OwnRowMatcher, type RowMatcher } from '../../dataset/match-rows.ts';
import { recordedColumns } from '../../output/columns.ts';
import type { RowAnswer } from '../../output/merge.ts';
import { UsageTally } from '../../usage/usage-tally.ts';

/** A file of results that were made elsewhere. */
export interface ImportedResults {
  /** Among the results of the home. */
  readonly name: string;
  /** Whether all of them say what was asked. */
  readonly mayBeCached: boolean;
}

export interface JobAnswers {
  /** What is known of a row; answers of a batch are put into the cache on the way. Call it for every row, in order. */
  answerFor(row: Row): RowAnswer;
  /** The tokens of the rows so far, but for answers that were in the cache. */
  readonly usage: UsageTally;
  /** Results with a custom id that was not sent. */
  readonly unknownResults: number;
  /** Waits until the cache has every answer; why it could not take one, when it couldn't. */
  finishCaching(): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * `records` are those of the job's batches whose results are on disk; `imported` is a file of results of what the job has
 * planned, and nobody sent from here. LoomError `input` when the input is gone.
 */
export async function openJobAnswers(
  home: LoomHome,
  dataset: Dataset,
  stored: StoredJob,
  records: readonly BatchRecord[],
  imported?: ImportedResults,
): Promise<JobAnswers> {
  const { provider, job } = stored;
  const settings = job.params;
  const columns = recordedColumns(job);
  const name = job.server ?? nameServer(home, provider, { baseUrl: job.base_url ?? undefined });
  const server = describeServer(provider, name);
  const cache = job.use_cache
    ? openBackgroundCache(home.cacheOf(job.cache_dir), provider, job.model, settings, server)
    : undefined;
  const checkAnswer = await openAnswerCheck(settings);
  const known = job.cached_rows > 0 ? [cachedAnswersName(job.job_id)] : [];
  const matcher = await matchRows(home, dataset, stored, records, imported !== undefined);
  const own = matcher instanceof OwnRowMatcher ? matcher : undefined;
  const results = await indexResults(
    home.results,
    [...known, ...records.map(resultsName), ...(imported ? [imported.name] : [])],
    (customId, file) => {
      if (file < known.length) own?.add(customId);
      return matcher.slotOf(customId);
    },
  );
  if (own) await proveInput(own, dataset.path, job);
  const cachedResponses = await readPythonAnswers(home, matcher, records[0]);
  const store = cache && (imported?.mayBeCached ?? true) ? openAnswerStore(cache) : undefined;
  const usage = new UsageTally();
  /** By slot: rows with equal prompts share one answer, which the cache takes once. */
  const cachedSlots = new RowSet();

  /** The whole answer, also one that does not fit its schema: it is paid for, and asked for again only without the cache. */
  function keepInCache(row: Row, result: RowResult): void {
    const content = contentOf(row);
    if (content === null || result.outcome !== 'succeeded') return;
    store?.add(contentText(content), selectCached(result, columns));
  }

  return {
    answerFor(row) {
      const slot = matcher.locate(row);
      if (typeof slot !== 'number') return slot;
      const found = results.get(slot);
      if (!found) {
        const known = cachedResponses.get(slot);
        return known ? checkAnswer(known) : 'no_result';
      }
      if (found.file >= known.length) {
        // Rows with equal prompts share the answer of the first of them.
        if (!own || slot === row.index) usage.add(found.result);
        if (!cachedSlots.has(slot)) keepInCache(row, found.result);
        cachedSlots.add(slot);
      }
      return checkAnswer(found.result);
    },
    usage,
    unknownResults: results.unknown,
    finishCaching: async () => store?.finish(),
    async close() {
      await results.close();
      await cache?.close();
    },
  };
}

/** What the Python tool had in its cache, and did not send, by slot. */
async function readPythonAnswers(
  home: LoomHome,
  matcher: RowMatcher,
  record: BatchRecord | undefined,
): Promise<ReadonlyMap<number, RowResult>> {
  const answers = new Map<number, RowResult>();
  if (!record || record.job_id !== undefined) return answers;
  for (const [customId, text] of Object.entries(await readCachedResponses(home.batches, record))) {
    const slot = matcher.slotOf(customId);
    if (slot !== undefined) answers.set(slot, { customId, outcome: 'succeeded', text });
  }
  return answers;
}

async function matchRows(
  home: LoomHome,
  dataset: Dataset,
  stored: StoredJob,
  records: readonly BatchRecord[],
  isPlanned: boolean,
): Promise<RowMatcher> {
  const [first] = records;
  if (first && first.job_id === undefined) {
    return matchMappedRows(await readIdMap(home.batches, first), first.file_type);
  }
  const { input_sha256, rows, blank_rows: blankRows = 0, use_cache } = stored.job;
  if (input_sha256 !== undefined) await readInput(dataset.path, tryRead);
  const matcher = new OwnRowMatcher({
    // Older versions, whose records say nothing of it, asked for every row.
    equalPromptsOnce: use_cache && (rows !== undefined || first?.use_cache === true),
    unknownRow: describeUnknownRow(stored, records),
    rowsWithPrompt: rows === undefined ? undefined : rows - blankRows,
  });
  for await (const some of readSentIds(home, stored, records, isPlanned))
    for (const id of some) matcher.add(id);
  return matcher;
}

/** Of the job's batches; for results that were made elsewhere, of its parts, which were only planned. */
async function* readSentIds(
  home: LoomHome,
  { job }: StoredJob,
  records: readonly BatchRecord[],
  isPlanned: boolean,
): AsyncGenerator<readonly string[]> {
  for (const record of records) yield* readCustomIds(home.batches, record);
  if (!isPlanned) return;
  for (const part of job.parts)
    yield* readMemberNames(createReadStream(idMapPath(home, job.job_id, part)) as AsyncIterable<Buffer>);
}

/** What it means that no record knows of a row. */
function describeUnknownRow({ job }: StoredJob, records: readonly BatchRecord[]) {
  if (job.rows === undefined) return 'not_sent';
  return records.length === job.parts.length ? 'too_large' : 'no_result';
}

/**
 * Finds out whether the input is the file that was submitted, where that matters: its digest is not taken when every row
 * of that file is known. Each row is compared with what was sent all the same.
 */
async function proveInput(own: OwnRowMatcher, path: string, { input_sha256 }: Job): Promise<void> {
  if (input_sha256 === undefined || own.knowsEveryRow) return;
  if ((await readInput(path, hashFile)) === input_sha256) own.noteUnchanged();
}

/** LoomError `input` when the input is gone, or can't be read. */
async function readInput<Read>(path: string, read: (path: string) => Promise<Read>): Promise<Read> {
  try {
    return await read(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw inputIsGone(path, error);
    throw new LoomError('input', `can't read the input ${path}: ${describeDiskError(error)}.`, {
      cause: error,
    });
  }
}

function inputIsGone(path: string, cause: unknown): LoomError {
  return new LoomError('input', `the input ${path} is gone.`, {
    code: 'input_gone',
    facts: { path },
    hint: 'Put it back; the batch and its answers are kept.',
    cause,
  });
}
