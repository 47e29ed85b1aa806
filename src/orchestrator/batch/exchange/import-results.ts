/**
 * The story of `loom import`: results that were made elsewhere, of requests that were exported, merged into the file that
 * these came from. A result belongs to the row whose place and prompt its custom id names.
 */
import { createReadStream } from 'node:fs';
import { ensurePlaces } from '../../../cache/cache.ts';
import { LoomError, ProviderError } from '../../../core/errors.ts';
import type { RowResult } from '../../../core/models.ts';
import { quoteValue } from '../../../core/words.ts';
import { readFileBytes } from '../../../formats/text/file-bytes.ts';
import type { BatchProvider } from '../../../providers/provider.ts';
import { readJsonLines } from '../../../providers/transport/json-lines.ts';
import { idMapPath, importedResultsName } from '../../../state/job-files.ts';
import type { JobRecord } from '../../../state/jobs.ts';
import { readMemberNames } from '../../../state/records.ts';
import { keepResults } from '../../../state/results.ts';
import { storedJob } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import type { Placing } from '../../../storage/output-file.ts';
import { splitAskedMark } from '../../dataset/custom-ids.ts';
import { SentIds } from '../../dataset/match-rows.ts';
import { type MergedJob, mergeJob, noteJobOutput } from '../merge/merge-job.ts';
import type { BatchRun } from '../parts/plan-batches.ts';
import { planUnsent } from './plan-unsent.ts';

/**
 * Writes the output, with what is in the cache for rows that have no result. LoomError `input` for a file that holds no
 * results, or none of this input's rows: nothing is written then.
 */
export function importResults(run: BatchRun, files: readonly string[], placing: Placing): Promise<MergedJob> {
  const { home, order, entry, signal } = run;
  ensurePlaces(home, order.useCache);
  return planUnsent(run, async ({ job, provider, mark, home: held }) => {
    const { decode } = provider;
    if (!decode) {
      throw new LoomError('provider', `results of ${entry.title} are no lines of a file.`, {
        hint: 'Results in the form of OpenAI, Anthropic and Google can be imported.',
      });
    }
    const seen = { others: 0, unmarked: 0 };
    const results = takeMarks(readResults(files, decode, signal), mark, seen);
    const name = await keepImported(held, job, results, () =>
      seen.others > 0 ? ofOtherQuestion(files) : noneOf(files, order.dataset.path),
    );
    // What does not say what was asked is taken at its word, and is not given out as the answer of anything later.
    const imported = { name, mayBeCached: seen.unmarked === 0 };
    const options = { workingFolder: '/', inputPath: undefined, changedRows: 'refuse', imported } as const;
    const stored = storedJob(job, []);
    try {
      const merged = await mergeJob(held, stored, [], options, placing);
      await noteJobOutput(held, stored, merged, options);
      return { ...merged, unknownResults: merged.unknownResults + seen.others };
    } finally {
      await held.results.delete(name);
    }
  });
}

/** Results by what their marks say of what was asked. */
interface SeenMarks {
  /** Of another model, or other settings: they are left out. */
  others: number;
  /** Without a mark, as of requests that were not exported. */
  unmarked: number;
}

/** Takes the marks off the custom ids. */
async function* takeMarks(
  lists: AsyncIterable<readonly RowResult[]>,
  mark: string,
  seen: SeenMarks,
): AsyncGenerator<readonly RowResult[]> {
  for await (const results of lists) {
    yield results.flatMap((result) => {
      const split = splitAskedMark(result.customId);
      if (split && split.mark !== mark) {
        seen.others += 1;
        return [];
      }
      if (!split) seen.unmarked += 1;
      return [split ? { ...result, customId: split.id } : result];
    });
  }
}

/** The name of a file of results, those of one row under its first answer. */
async function keepImported(
  home: LoomHome,
  job: JobRecord,
  results: AsyncIterable<readonly RowResult[]>,
  describeNone: () => LoomError,
): Promise<string> {
  const sent = new SentIds();
  for (const part of job.parts) {
    const members = createReadStream(idMapPath(home, job.job_id, part));
    for await (const ids of readMemberNames(members)) for (const id of ids) sent.add(id);
  }
  const name = importedResultsName(job.job_id);
  const slotOf = (customId: string) => sent.slotOf(customId);
  try {
    const { answered, refused, trouble } = await keepResults(home, name, results, {
      slotOf,
      isTrusted: false,
    });
    if (trouble) throw trouble;
    if (answered + refused === 0 && job.parts.length > 0) throw describeNone();
    return name;
  } catch (error) {
    await home.results.delete(name);
    throw error;
  }
}

/** Of each file in its order. LoomError `input` names the file that can't be read, or has no result in it. */
async function* readResults(
  files: readonly string[],
  decode: NonNullable<BatchProvider['decode']>,
  signal: AbortSignal,
): AsyncGenerator<readonly RowResult[]> {
  for (const path of files) {
    let count = 0;
    try {
      const bytes = readFileBytes(path, /\.gz$/i.test(path), { signal });
      for await (const lines of readJsonLines(bytes, Number.POSITIVE_INFINITY)) {
        const results = decode(lines);
        count += results.filter(saysHowItEnded).length;
        yield results;
      }
    } catch (error) {
      if (error instanceof ProviderError) throw notWhole(path, error);
      throw error instanceof LoomError && error.code === 'input_missing' ? isMissing(path, error) : error;
    }
    if (count === 0) throw notResults(path);
  }
}

/** Requests have custom ids as results do: of a request nothing is said. */
function saysHowItEnded(result: RowResult): boolean {
  return result.outcome !== 'failed' || !['not_processed', 'unreadable'].includes(result.error.kind);
}

function isMissing(path: string, cause: LoomError): LoomError {
  return new LoomError('input', `there is no file of results ${path}.`, {
    hint: 'Give the paths of files of results.',
    cause,
  });
}

/** Its last line breaks off, or no line of it is JSON. */
function notWhole(path: string, cause: ProviderError): LoomError {
  return new LoomError('input', `${path} is no file of results, or not the whole of one.`, {
    hint: 'Nothing was written. Take its last line out if you want what is ahead of it.',
    cause,
  });
}

function notResults(path: string): LoomError {
  return new LoomError('input', `${path} holds no results of requests with custom ids.`, {
    hint: 'Give the file of results, as the provider or a program such as vllm run-batch writes it.',
  });
}

function ofOtherQuestion(files: readonly string[]): LoomError {
  const what = `the results in ${files.map(quoteValue).join(', ')} are of another model, or of other settings.`;
  return new LoomError('input', what, {
    code: 'results_of_other_question',
    facts: { files: files.length },
    hint: 'Give the provider, the model and the settings that the requests were exported with.',
  });
}

function noneOf(files: readonly string[], path: string): LoomError {
  const what = `no result in ${files.map(quoteValue).join(', ')} is of a row of ${path}.`;
  return new LoomError('input', what, {
    code: 'results_of_other_input',
    facts: { path },
    hint: 'Give the input, the column or prompt, and the rows that the requests were exported with.',
  });
}
