/** Files of OpenAI's form: uploads as forms, and downloads of what batches made. */
import { createReadStream } from 'node:fs';
import { newId } from '../engine/store.ts';
import { unixSeconds } from '../engine/vendor.ts';
import { type Answer, type Call, Refused, type Route } from '../http/http.ts';
import { readForm } from '../http/multipart.ts';
import type { OpenaiBatches, OpenaiFile } from './batches.ts';
import { openaiJson } from './chat.ts';

const purposes = ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals', 'file-extract'];

/** What a call under `/v1/files` asks for. */
export function openaiFileRoutes(batches: OpenaiBatches): Route[] {
  const { files, limits } = batches;
  const showFile = (file: OpenaiFile) => openaiJson(fileObject(file, batches.isReady(file)));

  async function upload(call: Call): Promise<Answer> {
    const file = await files.writeBody(async (write): Promise<OpenaiFile> => {
      let name: string | undefined;
      let bytes = 0;
      const fields = await readForm(call, async (fileName) => {
        name = fileName;
        return async (chunk) => {
          bytes += chunk.length;
          if (bytes <= limits.fileBytes) await write(chunk);
        };
      });
      const upload = checkUpload(name, bytes, fields.get('purpose'), limits.fileBytes);
      return { id: `${batches.dialect.fileIds.input}${newId()}`, createdAt: Date.now(), ...upload };
    });
    await files.write(file);
    return showFile(file);
  }

  /** An uploaded file; throws a refusal where there is none. */
  async function find(id: string): Promise<OpenaiFile> {
    const file = await files.read(id);
    if (file === undefined) throw new Refused(404, `No such File object: ${id}`, { field: 'id' });
    return file;
  }

  async function download(_call: Call, id = ''): Promise<Answer> {
    const result = await batches.resultFile(id);
    const body = result ? result.content() : createReadStream(files.bodyPath((await find(id)).id));
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
  }

  async function remove(_call: Call, id = ''): Promise<Answer> {
    const result = await batches.resultFile(id);
    await (result ? result.remove() : files.remove((await find(id)).id));
    return openaiJson({ id, object: 'file', deleted: true });
  }

  return [
    ['uploadFile', 'POST /v1/files', upload],
    ['getFile', 'GET /v1/files/{id}', async (_call, id = '') => showFile(await find(id))],
    ['deleteFile', 'DELETE /v1/files/{id}', remove],
    ['download', 'GET /v1/files/{id}/content', download],
  ];
}

/** What came with an upload; throws a refusal of one that is not in order. */
function checkUpload(
  name: string | undefined,
  bytes: number,
  purpose: string | undefined,
  mostBytes: number,
): Pick<OpenaiFile, 'name' | 'bytes' | 'purpose'> {
  const refuse = (message: string, field?: string, status = 400) => new Refused(status, message, { field });
  if (name === undefined) throw refuse("'file' is a required property", 'file');
  if (purpose === undefined) throw refuse("'purpose' is a required property", 'purpose');
  if (!purposes.includes(purpose))
    throw refuse(`'${purpose}' is not one of ${JSON.stringify(purposes)} - 'purpose'`, 'purpose');
  const megabytes = Math.floor(mostBytes / 1_000_000);
  if (bytes > mostBytes) throw refuse(`The file is larger than the maximum of ${megabytes} MB.`, 'file', 413);
  if (bytes === 0) throw refuse('The file is empty.', 'file');
  if (purpose === 'batch' && !name.endsWith('.jsonl'))
    throw refuse('Invalid file format for Batch API. Must be .jsonl');
  return { name, bytes, purpose };
}

function fileObject({ id, bytes, createdAt, name, purpose }: OpenaiFile, isReady: boolean): object {
  return {
    id,
    object: 'file',
    bytes,
    created_at: unixSeconds(createdAt),
    filename: name,
    purpose,
    status: isReady ? 'processed' : 'pending',
    status_details: null,
  };
}
