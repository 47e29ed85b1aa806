/**
 * Cuts a part that the provider does not take in two. The halves are written beside it first; then one save of the job
 * puts them in its place: whatever is cut off leaves either the part or its halves, whole, and what lies beside them is
 * written anew by the next try, or goes with the job.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { LoomError } from '../../../core/errors.ts';
import type { Framing } from '../../../providers/provider.ts';
import { idMapPath, nextFiles, removeRequestFiles, requestFilePath } from '../../../state/job-files.ts';
import { type Job, type JobPart, renewTag, saveJob } from '../../../state/jobs.ts';
import { openBufferedFile } from '../../../storage/buffered-file.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { isWholeMap } from './id-members.ts';

/**
 * Replaces a planned part of several requests, of which nothing is at the provider, by its halves: the first has its
 * number, the second is the last of the job. Its request file is whole.
 */
export async function halvePart(home: LoomHome, job: Job, part: JobPart, framing: Framing): Promise<void> {
  await home.ensureHeld();
  const free = nextFiles(job.parts);
  const number = Math.max(...job.parts.map((other) => other.part)) + 1;
  const lines = Math.ceil(part.requests / 2);
  const first = { part: part.part, files: free, requests: lines };
  const second = { part: number, files: free + 1, requests: part.requests - lines };
  const pathsOf = (pathOf: typeof requestFilePath) =>
    [pathOf(home, job.job_id, first), pathOf(home, job.job_id, second)] as const;
  const bytes = await cutFile(requestFilePath(home, job.job_id, part), pathsOf(requestFilePath), {
    ...framing,
    lines,
  });
  const ids = idMapPath(home, job.job_id, part);
  // Where it is not whole the map is made of the input, and so it is for the halves.
  if (await isWholeMap(ids, part.requests))
    await cutFile(ids, pathsOf(idMapPath), { before: '', between: ',\n', after: '', lines });
  const whole = { ...part };
  delete part.queue;
  Object.assign(part, first, { bytes: bytes.first, tag: renewTag(part.tag) });
  job.parts.push({
    ...second,
    bytes: bytes.second,
    state: part.state,
    tag: `loom-${job.job_id}-${number}`,
    ...(part.schema_told !== undefined && { schema_told: part.schema_told }),
  });
  await saveJob(home, job);
  await removeRequestFiles(home, job.job_id, whole);
}

/** After how many lines a file is cut, and what stands around and between them; no line end stands before the first. */
interface Cut extends Framing {
  readonly lines: number;
}

/** Writes the two halves of a file, each in its frame, and gives their sizes. */
async function cutFile(
  path: string,
  [first, second]: readonly [string, string],
  { before, between, after, lines }: Cut,
): Promise<{ readonly first: number; readonly second: number }> {
  const lineEnd = await findLineEnd(path, lines);
  return {
    first: await writeHalf(first, path, { end: lineEnd - between.length }, ['', after]),
    second: await writeHalf(second, path, { start: lineEnd + 1 }, [before, '']),
  };
}

/** Where the line with this number, from 1, ends. */
async function findLineEnd(path: string, line: number): Promise<number> {
  let [start, ends] = [0, 0];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) {
      ends += 1;
      if (ends === line) return start + at;
    }
    start += chunk.length;
  }
  throw new LoomError('state', `${path} is damaged: it has fewer than ${line} lines.`);
}

const newline = 0x0a;

/** Writes a piece of a file between two texts, durable when it returns, and gives its size. */
async function writeHalf(
  half: string,
  path: string,
  range: { readonly start?: number; readonly end?: number },
  [before, after]: readonly [string, string],
): Promise<number> {
  const file = await openBufferedFile(half);
  try {
    file.write(before);
    for await (const text of createReadStream(path, {
      ...range,
      encoding: 'utf8',
    }) as AsyncIterable<string>) {
      file.write(text);
      await file.drain();
    }
    file.write(after);
    await file.close();
  } catch (error) {
    await file.abandon();
    throw error;
  }
  return (await stat(half)).size;
}
