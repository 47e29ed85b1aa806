/** Google's files: resumable uploads, and downloads of what batches made. */
import { open } from 'node:fs/promises';
import { newId } from '../engine/store.ts';
import { isoTime, type SandboxContext } from '../engine/vendor.ts';
import { type Answer, type Call, invalid, isObject, json, Refused, type Route } from '../http/http.ts';
import type { GoogleBatches, GoogleFile } from './batches.ts';

/** An upload that was begun; how far it got is the size of its body. */
interface Upload {
  readonly id: string;
  readonly fileId: string;
  readonly bytes: number | undefined;
  readonly mimeType: string;
  readonly displayName: string | undefined;
}

/** Files are kept for 48 hours (Google's Files API). */
const keptMs = 48 * 3600 * 1000;

/** What a call about files asks for. */
export function googleFileRoutes(context: SandboxContext, batches: GoogleBatches): Route[] {
  const { files, limits } = batches;
  const uploads = context.store.collection<Upload>('google', 'uploads');
  const tooLarge = invalid(`The file is too large: at most ${limits.fileBytes} bytes.`);

  async function upload(call: Call): Promise<Answer> {
    const commands = (call.header('x-goog-upload-command') ?? '').split(/, */);
    if (commands.includes('start')) return start(call);
    const id = call.query.get('upload_id') ?? '';
    const begun = await uploads.read(id);
    if (begun === undefined) throw new Refused(404, `There is no upload ${id}.`);
    const received = await append(call, uploads.bodyPath(id));
    if (commands.includes('finalize')) return finalize(call, begun, received);
    return json({}, 200, { 'x-goog-upload-status': 'active', 'x-goog-upload-size-received': `${received}` });
  }

  async function start(call: Call): Promise<Answer> {
    const body = await call.json();
    const { mimeType = '', displayName } = isObject(body) && isObject(body.file) ? body.file : {};
    const size = call.header('x-goog-upload-header-content-length');
    const begun: Upload = {
      id: newId(),
      fileId: newId(),
      bytes: size === undefined ? undefined : Number(size),
      mimeType: call.header('x-goog-upload-header-content-type') ?? String(mimeType),
      displayName: typeof displayName === 'string' ? displayName : undefined,
    };
    if (call.header('x-goog-upload-protocol') !== 'resumable')
      throw invalid('The sandbox takes resumable uploads only.');
    if (begun.mimeType === '')
      throw invalid('* CreateFileRequest.file.mime_type: mime_type must be specified.');
    if ((begun.bytes ?? 0) > limits.fileBytes) throw tooLarge;
    await uploads.write(begun);
    const url = `${call.origin}${call.path}?upload_id=${begun.id}&upload_protocol=resumable`;
    return json({}, 200, { 'x-goog-upload-url': url, 'x-goog-upload-status': 'active' });
  }

  /** Writes a chunk to its place, which can only be the end of what is there; gives how much is there then. */
  async function append(call: Call, path: string): Promise<number> {
    const handle = await open(path, 'a', 0o600);
    try {
      let { size } = await handle.stat();
      const offset = Number(call.header('x-goog-upload-offset') ?? '0');
      if (offset !== size)
        throw invalid(`Upload offset ${offset} does not match: ${size} bytes have been received.`);
      for await (const chunk of call.chunks()) {
        size += chunk.length;
        if (size > limits.fileBytes) throw tooLarge;
        await handle.writeFile(chunk);
      }
      return size;
    } finally {
      await handle.close();
    }
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

  /** Google does not tell a file that is not there from one that belongs to somebody else. */
  async function find(id: string): Promise<GoogleFile> {
    const file = await files.read(id);
    if (file !== undefined) return file;
    throw new Refused(403, `You do not have permission to access the File ${id} or it may not exist.`);
  }

  async function show(call: Call, id = ''): Promise<Answer> {
    return json(fileObject(await find(id), call));
  }

  async function remove(_call: Call, id = ''): Promise<Answer> {
    await files.remove((await find(id)).id);
    return json({});
  }

  async function download(call: Call, id = ''): Promise<Answer> {
    if (call.query.get('alt') !== 'media') throw invalid('The download needs alt=media.');
    const body = await batches.resultFile(id);
    if (body !== undefined) return { status: 200, headers: { 'content-type': 'application/jsonl' }, body };
    await find(id);
    throw invalid(`The file files/${id} was uploaded: only generated files can be downloaded.`);
  }

  return [
    ['uploadFile', 'POST /upload/*/files', upload],
    ['getFile', 'GET /*/files/{id}', show],
    ['deleteFile', 'DELETE /*/files/{id}', remove],
    ['download', 'GET /*/files/{id}:download', download],
  ];
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
