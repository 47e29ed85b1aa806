import { type Answer, type Call, type Operation, pageSize } from './http.ts';
import { BrokenForm, boundaryOf, readForm } from './multipart.ts';
import { openaiResultFile } from './openai-batches.ts';
import type { OpenaiWorkshop } from './openai-dialect.ts';
import { listObject, type OpenaiFile, openaiError, openaiJson } from './openai-forms.ts';
import { bytesOf } from './results.ts';
import { type FileSink, newId } from './store.ts';
import { unixSeconds } from './vendor.ts';

/** What a call under `/v1/files` asks for. */
export function openaiFileOperation(workshop: OpenaiWorkshop, call: Call): Operation | undefined {
  const found = /^\/v1\/files(?:\/([^/]+)(\/content)?)?$/.exec(call.path);
  if (found === null) return undefined;
  const [, id, content] = found;
  if (id === undefined) {
    if (call.method === 'POST') return { kind: 'uploadFile', run: () => upload(workshop, call) };
    if (call.method === 'GET') return { kind: 'listFiles', run: () => list(workshop, call) };
    return undefined;
  }
  if (content !== undefined) return { kind: 'download', run: () => download(workshop, id) };
  if (call.method === 'GET') return { kind: 'getFile', run: () => retrieve(workshop, id) };
  if (call.method === 'DELETE') return { kind: 'deleteFile', run: () => remove(workshop, id) };
  return undefined;
}

async function upload(workshop: OpenaiWorkshop, call: Call): Promise<Answer> {
  const boundary = boundaryOf(call.request.headers['content-type']);
  if (boundary === undefined) {
    return openaiError({ status: 400, message: 'The request must be multipart/form-data.' });
  }
  const received: { file?: { sink: FileSink; name: string } } = {};
  try {
    const fields = await readForm(call.request, boundary, async (_field, name) => {
      received.file = { sink: await workshop.store.newBody(workshop.files), name };
      return new LimitedSink(received.file.sink, workshop.taken.fileBytes);
    });
    return await keep(workshop, received.file, fields);
  } catch (error) {
    await received.file?.sink.discard();
    if (error instanceof BrokenForm) return openaiError({ status: 400, message: error.message });
    throw error;
  }
}

/** Counts on, but keeps nothing, past a limit: a client gets its answer after it has sent everything. */
class LimitedSink {
  readonly #sink: FileSink;
  readonly #limit: number;

  constructor(sink: FileSink, limit: number) {
    this.#sink = sink;
    this.#limit = limit;
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.#sink.bytes + chunk.length <= this.#limit) await this.#sink.write(chunk);
    else this.#sink.bytes = Number.POSITIVE_INFINITY;
  }
}

async function keep(
  workshop: OpenaiWorkshop,
  received: { sink: FileSink; name: string } | undefined,
  fields: Map<string, string>,
): Promise<Answer> {
  const refusal = refuseUpload(workshop, received, fields);
  if (refusal !== undefined || received === undefined) {
    await received?.sink.discard();
    return openaiError({ status: 400, message: '', ...refusal });
  }
  const id = `${workshop.dialect.fileIds.input}${newId()}`;
  const seconds = Number(fields.get('expires_after[seconds]') ?? Number.NaN);
  const file: OpenaiFile = {
    id,
    bytes: received.sink.bytes,
    createdAt: Date.now(),
    name: received.name,
    purpose: fields.get('purpose') as string,
    expiresAfter: Number.isFinite(seconds) ? seconds : undefined,
  };
  await received.sink.keep(workshop.store.bodyPath(workshop.files, id));
  await workshop.store.write(workshop.files, id, file);
  return openaiJson(fileObject(file));
}

function refuseUpload(
  workshop: OpenaiWorkshop,
  received: { sink: FileSink; name: string } | undefined,
  fields: Map<string, string>,
): { status?: number; message: string; field?: string } | undefined {
  const purpose = fields.get('purpose');
  const { purposes } = workshop.dialect;
  if (received === undefined) return { message: "'file' is a required property", field: 'file' };
  if (purpose === undefined) return { message: "'purpose' is a required property", field: 'purpose' };
  if (!purposes.includes(purpose)) {
    return {
      message: `'${purpose}' is not one of ${JSON.stringify(purposes)} - 'purpose'`,
      field: 'purpose',
    };
  }
  if (!Number.isFinite(received.sink.bytes)) {
    const megabytes = Math.floor(workshop.taken.fileBytes / 1_000_000);
    return { status: 413, message: `The file is larger than the maximum of ${megabytes} MB.`, field: 'file' };
  }
  if (received.sink.bytes === 0) return { message: 'The file is empty.', field: 'file' };
  if (purpose === 'batch' && !received.name.endsWith('.jsonl')) {
    return { message: 'Invalid file format for Batch API. Must be .jsonl' };
  }
  return undefined;
}

function fileObject(file: OpenaiFile): object {
  const expiresAt =
    file.expiresAfter === undefined ? {} : { expires_at: unixSeconds(file.createdAt) + file.expiresAfter };
  return {
    id: file.id,
    object: 'file',
    bytes: file.bytes,
    created_at: unixSeconds(file.createdAt),
    filename: file.name,
    purpose: file.purpose,
    status: 'processed',
    status_details: null,
    ...expiresAt,
  };
}

async function list(workshop: OpenaiWorkshop, call: Call): Promise<Answer> {
  const query = new URLSearchParams(call.query);
  const purpose = query.get('purpose');
  const after = query.get('after');
  const limit = pageSize(query, 'limit', 10_000, 10_000);
  const files: OpenaiFile[] = [];
  for await (const file of workshop.store.recordsNewestFirst<OpenaiFile>(workshop.files)) {
    if (after !== null && file.id >= after) continue;
    if (purpose !== null && file.purpose !== purpose) continue;
    files.push(file);
    if (files.length > limit) break;
  }
  return openaiJson(
    listObject(files.slice(0, limit).map(fileObject), files.slice(0, limit), files.length > limit),
  );
}

async function retrieve(workshop: OpenaiWorkshop, id: string): Promise<Answer> {
  const file = await workshop.store.read<OpenaiFile>(workshop.files, id);
  if (file !== undefined) return openaiJson(fileObject(file));
  const result = await openaiResultFile(workshop, id);
  if (result === undefined) return notFound(id);
  const bytes = await bytesOf(result.content());
  const { createdAt, name } = result;
  return openaiJson(
    fileObject({ id, bytes, createdAt, name, purpose: 'batch_output', expiresAfter: undefined }),
  );
}

async function download(workshop: OpenaiWorkshop, id: string): Promise<Answer> {
  const result = await openaiResultFile(workshop, id);
  if (result !== undefined) return { status: 200, headers: binary, body: result.content() };
  const file = await workshop.store.read<OpenaiFile>(workshop.files, id);
  if (file === undefined) return notFound(id);
  if (!workshop.dialect.returnsUploads) {
    return openaiError({ status: 400, message: `Not allowed to download the file ${id}.`, field: 'id' });
  }
  return { status: 200, headers: binary, body: workshop.store.readBody(workshop.files, id) };
}

const binary = { 'content-type': 'application/octet-stream' };

async function remove(workshop: OpenaiWorkshop, id: string): Promise<Answer> {
  const result = await openaiResultFile(workshop, id);
  if (result !== undefined) {
    await result.remove();
    return openaiJson({ id, object: 'file', deleted: true });
  }
  if ((await workshop.store.read<OpenaiFile>(workshop.files, id)) === undefined) return notFound(id);
  await workshop.store.remove(workshop.files, id);
  return openaiJson({ id, object: 'file', deleted: true });
}

function notFound(id: string): Answer {
  return openaiError({ status: 404, message: `No such File object: ${id}`, field: 'id' });
}
