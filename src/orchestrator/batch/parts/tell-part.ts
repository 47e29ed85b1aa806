/**
 * A part whose provider has no structured output is sent with the schema in the system text. Its requests are written
 * anew beside the old ones first; then one save of the job puts them in their place: whatever is cut off leaves the part
 * as it was, or told in words, and what lies beside them goes with the job. The answers to both are filed alike.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { SchemaAsked } from '../../../cache/schema-refusals.ts';
import { plainContent } from '../../../core/request/content.ts';
import type { BatchProvider, Framing } from '../../../providers/provider.ts';
import { idMapPath, nextFiles, removeRequestFiles, requestFilePath } from '../../../state/job-files.ts';
import { type Job, type JobPart, renewTag, saveJob } from '../../../state/jobs.ts';
import { readLineGroups } from '../../../state/result-lines.ts';
import { type BufferedFile, openBufferedFile } from '../../../storage/buffered-file.ts';
import { isFile } from '../../../storage/files.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { tellSchema } from '../../answers/told-schema.ts';
import { openRequestEncoder, openRequestReader } from './request-encoder.ts';

/** What a job asks of whom, where a refused schema is looked up. */
export function schemaAskedBy({ provider, model, server, base_url, params }: Job): SchemaAsked {
  return { provider, model, server: server ?? base_url ?? '', settings: params };
}

/** Whether the requests of a part ask for structured output. */
export function asksForSchema(job: Job, part: JobPart): boolean {
  return job.params?.schema !== undefined && !part.schema_told;
}

/** The same, and as far as is known they can be told in words: they are this home's, and not of another version. */
export function canBeTold(job: Job, part: JobPart): boolean {
  return asksForSchema(job, part) && part.schema_told === undefined && !part.adopted;
}

/** The settings that the requests of a part are encoded with. */
export function settingsOfPart({ params }: Job, { schema_told }: JobPart): Job['params'] {
  return schema_told && params ? tellSchema(params) : params;
}

/**
 * Writes the schema of a planned part into the system text of its requests, whose file is whole, and notes that the job
 * is told so from here on. False where they can't be read, as another version encoded them: they stay as they are, and the
 * part notes it, so that nobody tries again.
 */
export async function tellPart(
  home: LoomHome,
  job: Job,
  part: JobPart,
  provider: Pick<BatchProvider, 'encode' | 'framing'>,
): Promise<boolean> {
  await home.ensureHeld();
  const told = { part: part.part, files: nextFiles(job.parts) };
  const path = requestFilePath(home, job.job_id, told);
  const isWritten = await writeNewFile(path, (file) =>
    writeTold(file, requestFilePath(home, job.job_id, part), job, part, provider),
  );
  if (!isWritten) {
    await removeRequestFiles(home, job.job_id, told);
    part.schema_told = false;
    await saveJob(home, job);
    return false;
  }
  const ids = idMapPath(home, job.job_id, part);
  // Where there is none the map is made of the input, and so it is for the new files.
  if (await isFile(ids)) await writeNewFile(idMapPath(home, job.job_id, told), (file) => copyInto(file, ids));
  const before = { ...part };
  Object.assign(part, told, {
    bytes: (await stat(path)).size,
    tag: renewTag(part.tag),
    schema_told: true,
  });
  job.schema_told = true;
  await saveJob(home, job);
  await removeRequestFiles(home, job.job_id, before);
  return true;
}

/** Whether `write` said that it is whole; it is durable then. */
async function writeNewFile(path: string, write: (file: BufferedFile) => Promise<boolean>): Promise<boolean> {
  const file = await openBufferedFile(path);
  try {
    const isWhole = await write(file);
    await (isWhole ? file.close() : file.abandon());
    return isWhole;
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

async function copyInto(file: BufferedFile, path: string): Promise<boolean> {
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    file.write(piece);
    await file.drain();
  }
  return true;
}

/** Whether every request of the part could be read and written. */
async function writeTold(
  file: BufferedFile,
  path: string,
  { model, params = {} }: Job,
  { requests }: JobPart,
  { encode, framing }: Pick<BatchProvider, 'encode' | 'framing'>,
): Promise<boolean> {
  const read = openRequestReader(encode, { model, settings: params });
  const write = openRequestEncoder({ encode });
  const settings = tellSchema(params);
  let count = 0;
  for await (const line of readFramedLines(path, framing, requests)) {
    const request = read(line);
    if (!request) return false;
    file.write(count === 0 ? framing.before : framing.between);
    const { customId, prompt } = request;
    file.write(await write({ customId, model, content: plainContent(prompt), settings }));
    count += 1;
    await file.drain();
  }
  file.write(framing.after);
  return count === requests;
}

const lineEnd = Buffer.from('\n');

/** The encoded requests of a file, without what stands around and between them; each is on a line of its own. */
async function* readFramedLines(
  path: string,
  { before, between, after }: Framing,
  requests: number,
): AsyncGenerator<string> {
  let count = 0;
  for await (const lines of readLineGroups(endLastLine(createReadStream(path)))) {
    for (const { line } of lines) {
      if (count === requests) return;
      count += 1;
      const end = (count === requests ? after : between).replace(/\n$/, '');
      const text = line.toString('utf8');
      yield text.slice(count === 1 ? before.length : 0, text.length - end.length);
    }
  }
}

async function* endLastLine(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* pieces;
  yield lineEnd;
}
