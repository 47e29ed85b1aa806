/** Files of OpenAI's form: uploads as forms, and downloads of what batches made. */
import { createReadStream } from 'node:fs';
import { type FileSink, newId } from '../engine/store.ts';
import { unixSeconds } from '../engine/vendor.ts';
import { type Answer, type Call, pageSize, Refused, type Route } from '../http/http.ts';
import { readForm } from '../http/multipart.ts';
import type { OpenaiBatches, OpenaiFile } from './batches.ts';
import { listObject, openaiJson } from './chat.ts';

const purposes = ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals', 'file-extract'];

/** What a call under `/v1/files` asks for. */
export function openaiFileRoutes(batches: OpenaiBatches): Route[] {
  const { files } = batches;

  async function upload(call: Call): Promise<Answer> {
    let received: Upload | undefined;
    try {
      const fields = await readForm(call.request, async (name) => {
        const upload: Upload = { name, sink: await files.newBody(), bytes: 0 };
        received = upload;
        return async (chunk) => {
          upload.bytes += chunk.length;
          // Past the limit nothing is kept: a client gets its answer after it has sent everything.
          if (upload.bytes <= batches.limits.fileBytes) await upload.sink.write(chunk);
        };
      });
      const file = readUpload(received, fields, batches);
      await received?.sink.keep(files.bodyPath(file.id));
      await files.write(file);
      return openaiJson(fileObject(file));
    } catch (error) {
      await received?.sink.discard();
      throw error;
    }
  }

  async function list(call: Call): Promise<Answer> {
    const purpose = call.query.get('purpose');
    const { records, hasMore } = await files.page(
      pageSize(call, 'limit', 10_000, 10_000),
      { after: call.query.get('after') },
      (file) => purpose === null || file.purpose === purpose,
    );
    return listObject(records, fileObject, hasMore);
  }

  /** An uploaded file; throws a refusal where there is none. */
  async function find(id: string): Promise<OpenaiFile> {
    const file = await files.read(id);
    if (file === undefined) throw new Refused(404, `No such File object: ${id}`, { field: 'id' });
    return file;
  }

  async function retrieve(id: string): Promise<Answer> {
    const result = await batches.resultFile(id);
    if (result === undefined) return openaiJson(fileObject(await find(id)));
    let bytes = 0;
    for await (const piece of result.content()) bytes += Buffer.byteLength(piece);
    const { createdAt, name } = result;
    return openaiJson(
      fileObject({ id, bytes, createdAt, name, purpose: 'batch_output', expiresAfter: undefined }),
    );
  }

  async function download(id: string): Promise<Answer> {
    const result = await batches.resultFile(id);
    const body = result ? result.content() : createReadStream(files.bodyPath((await find(id)).id));
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
  }

  async function remove(id: string): Promise<Answer> {
    const result = await batches.resultFile(id);
    await (result ? result.remove() : files.remove((await find(id)).id));
    return openaiJson({ id, object: 'file', deleted: true });
  }

  return [
    ['uploadFile', 'POST /v1/files', upload],
    ['listFiles', 'GET /v1/files', list],
    ['getFile', 'GET /v1/files/{id}', (_call, id = '') => retrieve(id)],
    ['deleteFile', 'DELETE /v1/files/{id}', (_call, id = '') => remove(id)],
    ['download', 'GET /v1/files/{id}/content', (_call, id = '') => download(id)],
  ];
}

/** A file that has come, as far as it was taken. */
interface Upload {
  readonly name: string;
  readonly sink: FileSink;
  bytes: number;
}

/** The record of an upload; throws a refusal of one that is not in order. */
function readUpload(
  received: Upload | undefined,
  fields: ReadonlyMap<string, string>,
  { limits: { fileBytes }, dialect }: OpenaiBatches,
): OpenaiFile {
  const purpose = fields.get('purpose');
  const refuse = (message: string, field?: string, status = 400) => new Refused(status, message, { field });
  if (received === undefined) throw refuse("'file' is a required property", 'file');
  if (purpose === undefined) throw refuse("'purpose' is a required property", 'purpose');
  if (!purposes.includes(purpose))
    throw refuse(`'${purpose}' is not one of ${JSON.stringify(purposes)} - 'purpose'`, 'purpose');
  const { name, bytes } = received;
  const megabytes = Math.floor(fileBytes / 1_000_000);
  if (bytes > fileBytes) throw refuse(`The file is larger than the maximum of ${megabytes} MB.`, 'file', 413);
  if (bytes === 0) throw refuse('The file is empty.', 'file');
  if (purpose === 'batch' && !name.endsWith('.jsonl'))
    throw refuse('Invalid file format for Batch API. Must be .jsonl');
  const id = `${dialect.fileIds.input}${newId()}`;
  const seconds = Number(fields.get('expires_after[seconds]') ?? Number.NaN);
  const expiresAfter = Number.isFinite(seconds) ? seconds : undefined;
  return { id, bytes, createdAt: Date.now(), name, purpose, expiresAfter };
}

function fileObject({ id, bytes, createdAt, name, purpose, expiresAfter }: OpenaiFile): object {
  return {
    id,
    object: 'file',
    bytes,
    created_at: unixSeconds(createdAt),
    filename: name,
    purpose,
    status: 'processed',
    status_details: null,
    ...(expiresAfter !== undefined && { expires_at: unixSeconds(createdAt) + expiresAfter }),
  };
}
