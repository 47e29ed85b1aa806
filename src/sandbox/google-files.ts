/** Google's files: resumable uploads, and downloads of what batches made. */

import { googleResultFile } from './google-batches.ts';
import { type GoogleFile, googleError, nextPage } from './google-forms.ts';
import {
  type Answer,
  type Call,
  chunksOf,
  isObject,
  json,
  type Operation,
  pageSize,
  parseJson,
  readText,
} from './http.ts';
import { newId } from './store.ts';
import { headerOf, isoTime, type Refusal, type Workshop } from './vendor.ts';

/** An upload that was begun; how far it got is the size of its body. */
interface Upload {
  readonly fileId: string;
  readonly bytes: number | undefined;
  readonly mimeType: string;
  readonly displayName: string | undefined;
}

const shelf = 'google/files';
const uploads = 'google/uploads';
/** Files are kept for 48 hours, and an id has up to 40 characters (Google's Files API). */
const keptMs = 48 * 3600 * 1000;
const longestId = 40;

/** What a call about files asks for. */
export function googleFileOperation(workshop: Workshop, call: Call): Operation | undefined {
  if (/^\/upload\/v1(beta|alpha)?\/files$/.test(call.path) && call.method === 'POST') {
    return { kind: 'uploadFile', run: () => upload(workshop, call) };
  }
  const found = /^\/v1(?:beta|alpha)?\/files(?:\/([^/:]+)(:download)?)?$/.exec(call.path);
  if (found === null) return undefined;
  const [, id, download] = found;
  if (id === undefined)
    return call.method === 'GET' ? { kind: 'listFiles', run: () => list(workshop, call) } : undefined;
  if (download !== undefined) return { kind: 'download', run: () => content(workshop, call, id) };
  if (call.method === 'GET') return { kind: 'getFile', run: () => retrieve(workshop, call, id) };
  if (call.method === 'DELETE') return { kind: 'deleteFile', run: () => remove(workshop, id) };
  return undefined;
}

async function upload(workshop: Workshop, call: Call): Promise<Answer> {
  const commands = (headerOf(call, 'x-goog-upload-command') ?? '').split(',').map((word) => word.trim());
  if (commands.includes('start')) return start(workshop, call);
  const id = new URLSearchParams(call.query).get('upload_id') ?? '';
  const begun = await workshop.store.read<Upload>(uploads, id);
  if (begun === undefined) return googleError({ status: 404, message: `There is no upload ${id}.` });
  if (commands.includes('query')) return status(workshop, id);
  if (!commands.includes('upload') && !commands.includes('finalize')) {
    return googleError(invalid(`Unknown x-goog-upload-command: ${commands.join(', ')}`));
  }
  const refusal = await append(workshop, call, id);
  if (refusal !== undefined) return googleError(refusal);
  if (!commands.includes('finalize')) return status(workshop, id);
  return finalize(workshop, call, id, begun);
}

async function start(workshop: Workshop, call: Call): Promise<Answer> {
  if (headerOf(call, 'x-goog-upload-protocol') !== 'resumable') {
    return googleError(invalid('The sandbox takes resumable uploads only.'));
  }
  const body = parseJson((await readText(call.request, workshop.limits.bodyBytes)) || '{}');
  const file = isObject(body) && isObject(body.file) ? body.file : {};
  const size = headerOf(call, 'x-goog-upload-header-content-length');
  const begun: Upload = {
    fileId: typeof file.name === 'string' ? file.name.replace(/^files\//, '') : newId(),
    bytes: size === undefined ? undefined : Number(size),
    mimeType: headerOf(call, 'x-goog-upload-header-content-type') ?? String(file.mimeType ?? ''),
    displayName: typeof file.displayName === 'string' ? file.displayName : undefined,
  };
  const refusal = await refuseStart(workshop, begun);
  if (refusal !== undefined) return googleError(refusal);
  const id = newId();
  await workshop.store.write(uploads, id, begun);
  const url = `${call.origin}${call.path}?upload_id=${id}&upload_protocol=resumable`;
  return json({}, 200, { 'x-goog-upload-url': url, 'x-goog-upload-status': 'active' });
}

async function refuseStart(workshop: Workshop, begun: Upload): Promise<Refusal | undefined> {
  if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(begun.fileId) || begun.fileId.length > longestId) {
    return invalid(
      '* CreateFileRequest.file.name: Only lowercase letters, digits and dashes, at most 40 characters.',
    );
  }
  if (begun.mimeType === '')
    return invalid('* CreateFileRequest.file.mime_type: mime_type must be specified.');
  if ((begun.bytes ?? 0) > workshop.limits.google.fileBytes) return tooLarge(workshop);
  if ((await workshop.store.read(shelf, begun.fileId)) === undefined) return undefined;
  return { status: 409, message: `The file files/${begun.fileId} already exists.` };
}

function tooLarge(workshop: Workshop): Refusal {
  return invalid(`The file is too large: at most ${workshop.limits.google.fileBytes} bytes.`);
}

/** Writes a chunk to its place, which can only be the end of what is there. */
async function append(workshop: Workshop, call: Call, id: string): Promise<Refusal | undefined> {
  let received = await workshop.store.bodyBytes(uploads, id);
  const offset = Number(headerOf(call, 'x-goog-upload-offset') ?? '0');
  if (offset !== received) {
    return invalid(`Upload offset ${offset} does not match: ${received} bytes have been received.`);
  }
  const handle = await workshop.store.appendBody(uploads, id);
  try {
    for await (const chunk of chunksOf(call.request)) {
      received += chunk.length;
      if (received <= workshop.limits.google.fileBytes) await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
  return received > workshop.limits.google.fileBytes ? tooLarge(workshop) : undefined;
}

async function status(workshop: Workshop, id: string): Promise<Answer> {
  const received = await workshop.store.bodyBytes(uploads, id);
  return json({}, 200, { 'x-goog-upload-status': 'active', 'x-goog-upload-size-received': String(received) });
}

async function finalize(workshop: Workshop, call: Call, id: string, begun: Upload): Promise<Answer> {
  const bytes = await workshop.store.bodyBytes(uploads, id);
  if (begun.bytes !== undefined && bytes !== begun.bytes) {
    return googleError(invalid(`The upload was announced with ${begun.bytes} bytes and has ${bytes}.`));
  }
  const { fileId, mimeType, displayName } = begun;
  const file: GoogleFile = { id: fileId, bytes, mimeType, displayName, createdAt: Date.now() };
  await workshop.store.moveBody({ shelf: uploads, id }, { shelf, id: fileId });
  await workshop.store.write(shelf, fileId, file);
  await workshop.store.remove(uploads, id);
  return json({ file: fileObject(file, call) }, 200, { 'x-goog-upload-status': 'final' });
}

function fileObject(file: GoogleFile, call: Call): object {
  return {
    name: `files/${file.id}`,
    ...(file.displayName === undefined ? {} : { displayName: file.displayName }),
    mimeType: file.mimeType,
    sizeBytes: String(file.bytes),
    createTime: isoTime(file.createdAt),
    updateTime: isoTime(file.createdAt),
    expirationTime: isoTime(file.createdAt + keptMs),
    uri: `${call.origin}/v1beta/files/${file.id}`,
    state: 'ACTIVE',
    source: 'UPLOADED',
  };
}

async function list(workshop: Workshop, call: Call): Promise<Answer> {
  const query = new URLSearchParams(call.query);
  const page = await workshop.store.page<GoogleFile>(
    shelf,
    pageSize(query, 'pageSize', 10, 100),
    query.get('pageToken'),
  );
  return json({ files: page.records.map((file) => fileObject(file, call)), ...nextPage(page.next) });
}

async function retrieve(workshop: Workshop, call: Call, id: string): Promise<Answer> {
  const refusal = refuseId(id);
  if (refusal !== undefined) return googleError(refusal);
  const file = await workshop.store.read<GoogleFile>(shelf, id);
  return file === undefined ? notFound(id) : json(fileObject(file, call));
}

/** Ids of result files are longer than those that this call takes, at the real one too: they can only be downloaded. */
function refuseId(id: string): Refusal | undefined {
  if (id.length <= longestId) return undefined;
  return invalid('* GetFileRequest.name: The file id must have at most 40 characters.\n');
}

async function content(workshop: Workshop, call: Call, id: string): Promise<Answer> {
  if (new URLSearchParams(call.query).get('alt') !== 'media') {
    return googleError(invalid('The download needs alt=media.'));
  }
  const result = await googleResultFile(workshop, id);
  if (result !== undefined)
    return { status: 200, headers: { 'content-type': 'application/jsonl' }, body: result };
  if ((await workshop.store.read(shelf, id)) === undefined) return notFound(id);
  return googleError(invalid(`The file files/${id} was uploaded: only generated files can be downloaded.`));
}

async function remove(workshop: Workshop, id: string): Promise<Answer> {
  const refusal = refuseId(id);
  if (refusal !== undefined) return googleError(refusal);
  if ((await workshop.store.read(shelf, id)) === undefined) return notFound(id);
  await workshop.store.remove(shelf, id);
  return json({});
}

/** Google does not tell a file that is not there from one that belongs to somebody else. */
function notFound(id: string): Answer {
  const message = `You do not have permission to access the File ${id} or it may not exist.`;
  return googleError({ status: 403, message });
}

function invalid(message: string): Refusal {
  return { status: 400, message };
}
