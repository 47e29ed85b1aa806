/** Google's files: resumable uploads, and downloads of what batches made. */
import { open, stat } from 'node:fs/promises';
import { newId } from '../engine/store.ts';
import { isoTime, type SandboxContext } from '../engine/vendor.ts';
import {
  type Answer,
  type Call,
  chunksOf,
  headerOf,
  isObject,
  json,
  pageSize,
  parseJson,
  Refused,
  type Route,
  readText,
} from '../http/http.ts';
import { type GoogleBatches, type GoogleFile, nextPage } from './batches.ts';
import { invalid } from './content.ts';

/** An upload that was begun; how far it got is the size of its body. */
interface Upload {
  readonly id: string;
  readonly fileId: string;
  readonly bytes: number | undefined;
  readonly mimeType: string;
  readonly displayName: string | undefined;
}

/** Files are kept for 48 hours, and an id has up to 40 characters (Google's Files API). */
const keptMs = 48 * 3600 * 1000;
const longestId = 40;

/** What a call about files asks for. */
export function googleFileRoutes(context: SandboxContext, batches: GoogleBatches): Route[] {
  const { files } = batches;
  const { fileBytes } = batches.limits;
  const uploads = context.store.collection<Upload>('google', 'uploads');
  const tooLarge = invalid(`The file is too large: at most ${fileBytes} bytes.`);

  async function upload(call: Call): Promise<Answer> {
    const commands = (headerOf(call, 'x-goog-upload-command') ?? '').split(',').map((word) => word.trim());
    if (commands.includes('start')) return start(call);
    const id = call.query.get('upload_id') ?? '';
    const begun = await uploads.read(id);
    if (begun === undefined) throw new Refused(404, `There is no upload ${id}.`);
    if (!commands.includes('upload') && !commands.includes('finalize'))
      throw invalid(`Unknown x-goog-upload-command: ${commands.join(', ')}`);
    const received = await append(call, uploads.bodyPath(id));
    if (commands.includes('finalize')) return finalize(call, begun, received);
    const headers = { 'x-goog-upload-status': 'active', 'x-goog-upload-size-received': String(received) };
    return json({}, 200, headers);
  }

  async function start(call: Call): Promise<Answer> {
    if (headerOf(call, 'x-goog-upload-protocol') !== 'resumable')
      throw invalid('The sandbox takes resumable uploads only.');
    const body = parseJson((await readText(call.request, context.limits.bodyBytes)) || '{}');
    const { name, mimeType = '', displayName } = isObject(body) && isObject(body.file) ? body.file : {};
    const size = headerOf(call, 'x-goog-upload-header-content-length');
    const begun: Upload = {
      id: newId(),
      fileId: typeof name === 'string' ? name.replace(/^files\//, '') : newId(),
      bytes: size === undefined ? undefined : Number(size),
      mimeType: headerOf(call, 'x-goog-upload-header-content-type') ?? String(mimeType),
      displayName: typeof displayName === 'string' ? displayName : undefined,
    };
    await checkStart(begun);
    await uploads.write(begun);
    const url = `${call.origin}${call.path}?upload_id=${begun.id}&upload_protocol=resumable`;
    return json({}, 200, { 'x-goog-upload-url': url, 'x-goog-upload-status': 'active' });
  }

  async function checkStart({ fileId, mimeType, bytes = 0 }: Upload): Promise<void> {
    if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(fileId) || fileId.length > longestId) {
      const wanted = 'Only lowercase letters, digits and dashes, at most 40 characters.';
      throw invalid(`* CreateFileRequest.file.name: ${wanted}`);
    }
    if (mimeType === '') throw invalid('* CreateFileRequest.file.mime_type: mime_type must be specified.');
    if (bytes > fileBytes) throw tooLarge;
    if (await files.read(fileId)) throw new Refused(409, `The file files/${fileId} already exists.`);
  }

  /** Writes a chunk to its place, which can only be the end of what is there; gives how much is there then. */
  async function append(call: Call, path: string): Promise<number> {
    let received = await stat(path).then(
      ({ size }) => size,
      () => 0,
    );
    const offset = Number(headerOf(call, 'x-goog-upload-offset') ?? '0');
    if (offset !== received)
      throw invalid(`Upload offset ${offset} does not match: ${received} bytes have been received.`);
    const handle = await open(path, 'a', 0o600);
    try {
      for await (const chunk of chunksOf(call.request)) {
        received += chunk.length;
        if (received > fileBytes) throw tooLarge;
        await handle.writeFile(chunk);
      }
    } finally {
      await handle.close();
    }
    return received;
  }

  async function finalize(call: Call, begun: Upload, received: number): Promise<Answer> {
    const { id, fileId, mimeType, displayName, bytes = received } = begun;
    if (received !== bytes)
      throw invalid(`The upload was announced with ${bytes} bytes and has ${received}.`);
    const file = { id: fileId, bytes, mimeType, displayName, createdAt: Date.now() };
    await files.linkBody(uploads.bodyPath(id), fileId);
    await files.write(file);
    await uploads.remove(id);
    return json({ file: fileObject(file, call) }, 200, { 'x-goog-upload-status': 'final' });
  }

  async function list(call: Call): Promise<Answer> {
    const place = { after: call.query.get('pageToken') };
    const { records, hasMore } = await files.page(pageSize(call, 'pageSize', 10, 100), place);
    return json({ files: records.map((file) => fileObject(file, call)), ...nextPage(records, hasMore) });
  }

  /** Ids of result files are longer than those that this takes, at the real one too: they can only be downloaded. */
  async function find(id: string): Promise<GoogleFile> {
    if (id.length > longestId)
      throw invalid('* GetFileRequest.name: The file id must have at most 40 characters.\n');
    return (await files.read(id)) ?? refuseUnknown(id);
  }

  async function remove(id: string): Promise<Answer> {
    await files.remove((await find(id)).id);
    return json({});
  }

  async function download(call: Call, id: string): Promise<Answer> {
    if (call.query.get('alt') !== 'media') throw invalid('The download needs alt=media.');
    const body = await batches.resultFile(id);
    if (body !== undefined) return { status: 200, headers: { 'content-type': 'application/jsonl' }, body };
    if ((await files.read(id)) === undefined) refuseUnknown(id);
    throw invalid(`The file files/${id} was uploaded: only generated files can be downloaded.`);
  }

  return [
    ['uploadFile', 'POST /upload/*/files', upload],
    ['listFiles', 'GET /*/files', list],
    ['getFile', 'GET /*/files/{id}', async (call, id = '') => json(fileObject(await find(id), call))],
    ['deleteFile', 'DELETE /*/files/{id}', (_call, id = '') => remove(id)],
    ['download', 'GET /*/files/{id}:download', (call, id = '') => download(call, id)],
  ];
}

/** Google does not tell a file that is not there from one that belongs to somebody else. */
function refuseUnknown(id: string): never {
  throw new Refused(403, `You do not have permission to access the File ${id} or it may not exist.`);
}

function fileObject({ id, displayName, mimeType, bytes, createdAt }: GoogleFile, { origin }: Call): object {
  return {
    name: `files/${id}`,
    displayName,
    mimeType,
    sizeBytes: String(bytes),
    createTime: isoTime(createdAt),
    updateTime: isoTime(createdAt),
    expirationTime: isoTime(createdAt + keptMs),
    uri: `${origin}/v1beta/files/${id}`,
    state: 'ACTIVE',
    source: 'UPLOADED',
  };
}
