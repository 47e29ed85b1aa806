/**
 * The id map of a part as it stands in the record of its batch. It is written when the job is planned; where that file is
 * gone, the input tells it too, since a custom id is made of a row's place and its prompt.
 */
import { createReadStream } from 'node:fs';
import { LoomError } from '../../../core/errors.ts';
import { contentOf, digestContent } from '../../../core/request/content.ts';
import { converterFor } from '../../../formats/index.ts';
import { idMapPath } from '../../../state/job-files.ts';
import type { Job, JobPart } from '../../../state/jobs.ts';
import { hashFile, isFile } from '../../../storage/files.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { lookUpContents } from '../../dataset/attachments/row-contents.ts';
import { createCustomId } from '../../dataset/custom-ids.ts';
import { readOptionsOf, recordedDataset } from '../../dataset/dataset.ts';
import { PromptIndex } from '../../dataset/first-rows.ts';
import { createPicker } from '../../dataset/pick-rows.ts';
import { formatIdMember } from './part-writer.ts';

/**
 * The lines of a part's id map, as JSON text. LoomError `input` when neither the file that was planned for it is there
 * nor the input as it was submitted, at `inputPath` or where it was.
 */
export async function readIdMembers(
  home: LoomHome,
  job: Job,
  part: JobPart,
  inputPath = job.original_file_path,
): Promise<AsyncIterable<string | Buffer>> {
  const path = idMapPath(home, job.job_id, part);
  if (await isWholeMap(path, part.requests)) return createReadStream(path) as AsyncIterable<Buffer>;
  const sha256 = await hashFile(inputPath).catch(() => undefined);
  if (sha256 === job.input_sha256) return makeIdMembers(job, inputPath);
  const fault = (await isFile(path)) ? 'cut short' : 'missing';
  throw describeLostMap(home, part, `${fault} (${path})`, inputPath, sha256 !== undefined);
}

/** Whether the file has a line for each request: a copy may be cut, and a batch counts by its map as sent. */
export async function isWholeMap(path: string, requests: number): Promise<boolean> {
  if (!(await isFile(path))) return false;
  let lines = 1;
  let last = '';
  for await (const chunk of createReadStream(path, 'latin1') as AsyncIterable<string>) {
    lines += chunk.split('\n').length - 1;
    last = chunk.at(-1) ?? last;
  }
  return lines === requests && last === '"';
}

/** Which part a row went to, nobody knows: the map has all that were sent, and the results name those of this part. */
async function* makeIdMembers(job: Job, inputPath: string): AsyncGenerator<string> {
  const dataset = recordedDataset(inputPath, job);
  const { path, format, pick } = dataset;
  const converter = await converterFor(format.fileType);
  const isPicked = createPicker(pick);
  const prompts = job.use_cache ? new PromptIndex() : undefined;
  let separator = '';
  for await (const rows of converter.readRows(path, format.gzip, readOptionsOf(dataset))) {
    let members = '';
    await lookUpContents(
      rows.filter(({ index }) => isPicked(index)),
      dataset,
    );
    for (const row of rows) {
      if (!isPicked(row.index)) continue;
      const content = contentOf(row);
      if (content === null) continue;
      const digest = digestContent(content);
      if (prompts && prompts.firstRowWith(digest, row.index) !== row.index) continue;
      members += separator + formatIdMember(createCustomId(row.index, digest), row.id);
      separator = ',\n';
    }
    yield members;
  }
}

function describeLostMap(
  { isSandbox }: LoomHome,
  { batch_id: id }: JobPart,
  fault: string,
  inputPath: string,
  isThere: boolean,
): LoomError {
  const batch = id === undefined ? '' : ` of batch ${id}, which is paid for,`;
  const input = isThere ? 'is not the one that was submitted' : 'is gone';
  const what = `the id map${batch} is ${fault}, and the input ${inputPath} ${input}.`;
  return new LoomError('input', what, {
    code: 'id_map_lost',
    facts: { id, path: inputPath, sandbox: isSandbox },
    hint: 'Put one of them back, then fetch.',
  });
}
