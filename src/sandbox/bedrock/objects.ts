/** Amazon S3, as far as batches need it: objects of any bucket by path, writes with conditions and in parts, ranges, lists. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type Collection, newId, type Write } from '../engine/store.ts';
import { isoTime } from '../engine/vendor.ts';
import { type Answer, type Call, invalid, Refused, type Route } from '../http/http.ts';

/** An object on disk, with its content as the body. The newest of a key counts. */
export interface StoredObject {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  readonly modified: number;
}

/** A write in parts that is begun, or a part of one, whose content is the body. */
export interface StoredPart {
  readonly id: string;
  readonly bytes?: number;
  readonly etag?: string;
}

/** `objects` and `parts` are where it keeps them. */
export function objectRoutes(
  objects: Collection<StoredObject>,
  parts: Collection<StoredPart>,
  mostPerPage = 1000,
): Route[] {
  /** One write is settled after another: a condition counts for what it finds. */
  let last: Promise<unknown> = Promise.resolve();

  async function find(bucket: string, key: string): Promise<StoredObject | undefined> {
    const isIt = (object: StoredObject) => object.bucket === bucket && object.key === key;
    return (await objects.page(1, null, isIt)).records[0];
  }

  async function requireObject(bucket: string, key: string): Promise<StoredObject> {
    const object = await find(bucket, key);
    if (object) return object;
    throw new Refused(404, 'The specified key does not exist.', { code: 'NoSuchKey' });
  }

  /** Puts an object there whose content is on disk, if the condition of the call holds. */
  async function settle(call: Call, made: StoredObject): Promise<void> {
    const before = await find(made.bucket, made.key);
    const match = call.header('if-match');
    try {
      if (match !== undefined && before === undefined) await requireObject(made.bucket, made.key);
      const isHeld = match === undefined || before?.etag === match;
      if (!isHeld || (call.header('if-none-match') === '*' && before)) throw conditionFailed;
    } catch (error) {
      await objects.remove(made.id);
      throw error;
    }
    await objects.write(made);
    if (before) await objects.remove(before.id);
  }

  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  async function put(call: Call, bucket: string, key: string): Promise<Answer> {
    const upload = call.query.get('uploadId');
    if (upload !== null) return putPart(call, upload);
    const content = await objects.writeBody((write) => takeContent(call, newId(), write));
    const made = { ...content, bucket, key, modified: Date.now() };
    await inTurn(() => settle(call, made));
    return { status: 200, headers: { etag: made.etag }, body: '' };
  }

  async function putPart(call: Call, upload: string): Promise<Answer> {
    await requireUpload(upload);
    const id = `${upload}-${call.query.get('partNumber')}`;
    const part = await parts.writeBody((write) => takeContent(call, id, write));
    await parts.write(part);
    return { status: 200, headers: { etag: part.etag }, body: '' };
  }

  async function requireUpload(id: string): Promise<void> {
    if ((await parts.read(id)) === undefined)
      throw new Refused(404, 'The specified multipart upload does not exist.', { code: 'NoSuchUpload' });
  }

  async function post(call: Call, bucket: string, key: string): Promise<Answer> {
    const upload = call.query.get('uploadId');
    if (upload !== null) return complete(call, bucket, key, upload);
    if (!call.query.has('uploads')) throw invalid('Nothing of the kind can be asked of an object.');
    const id = newId();
    await parts.write({ id });
    const fields = `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId>`;
    return xml(`<InitiateMultipartUploadResult>${fields}</InitiateMultipartUploadResult>`);
  }

  async function complete(call: Call, bucket: string, key: string, upload: string): Promise<Answer> {
    await requireUpload(upload);
    const numbers = [...(await call.text()).matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)];
    const ids = numbers.map(([, number]) => `${upload}-${number}`);
    const hash = createHash('md5');
    let bytes = 0;
    const content = await objects.writeBody(async (write) => {
      for (const id of ids) {
        const part = await parts.read(id);
        if (part === undefined) throw invalid('A part is not there.', { code: 'InvalidPart' });
        bytes += part.bytes ?? 0;
        hash.update(part.etag ?? '');
        for await (const chunk of createReadStream(parts.bodyPath(id))) await write(chunk);
      }
      return { id: newId() };
    });
    const etag = `"${hash.digest('hex')}-${ids.length}"`;
    await inTurn(() => settle(call, { ...content, bucket, key, bytes, etag, modified: Date.now() }));
    await dropUpload(upload);
    const fields = `<Key>${escapeXml(key)}</Key><ETag>${escapeXml(etag)}</ETag>`;
    return xml(`<CompleteMultipartUploadResult>${fields}</CompleteMultipartUploadResult>`);
  }

  async function dropUpload(upload: string): Promise<void> {
    const isPart = ({ id }: StoredPart) => id === upload || id.startsWith(`${upload}-`);
    const { records } = await parts.page(Number.POSITIVE_INFINITY, null, isPart);
    for (const { id } of records) await parts.remove(id);
  }

  async function remove(call: Call, bucket: string, key: string): Promise<Answer> {
    const upload = call.query.get('uploadId');
    if (upload !== null) await dropUpload(upload);
    else {
      const object = await find(bucket, key);
      if (object) await objects.remove(object.id);
    }
    return { status: 204, headers: {}, body: '' };
  }

  async function get(call: Call, bucket: string, key: string): Promise<Answer> {
    const object = await requireObject(bucket, key);
    const { bytes, etag, modified } = object;
    const headers = { etag, 'last-modified': new Date(modified).toUTCString(), 'accept-ranges': 'bytes' };
    if (call.method === 'HEAD')
      return { status: 200, headers: { ...headers, 'content-length': String(bytes) }, body: noBody() };
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(call.header('range') ?? '') ?? [];
    const start = Number(from ?? 0);
    const end = Math.min(to ? Number(to) + 1 : bytes, bytes);
    if (from !== undefined && start >= bytes)
      throw new Refused(416, 'The requested range is not satisfiable.', { code: 'InvalidRange' });
    const length = { 'content-length': String(end - start) };
    const range = from === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${bytes}` };
    const body =
      start === end ? noBody() : createReadStream(objects.bodyPath(object.id), { start, end: end - 1 });
    return { status: from === undefined ? 200 : 206, headers: { ...headers, ...length, ...range }, body };
  }

  async function list(call: Call, bucket: string): Promise<Answer> {
    const prefix = call.query.get('prefix') ?? '';
    const after = call.query.get('continuation-token') ?? '';
    const most = call.pageSize('max-keys', mostPerPage, mostPerPage);
    const { records } = await objects.page(
      Number.POSITIVE_INFINITY,
      null,
      (object) => object.bucket === bucket && object.key.startsWith(prefix),
    );
    // The first of a key is the newest.
    const byKey = new Map([...records].reverse().map((object) => [object.key, object]));
    const left = [...byKey.values()]
      .sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)))
      .filter(({ key }) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
    const page = left.slice(0, most);
    const isCut = left.length > page.length;
    const next = isCut
      ? `<NextContinuationToken>${escapeXml(page.at(-1)?.key ?? '')}</NextContinuationToken>`
      : '';
    const contents = page.map(
      ({ key, bytes, etag, modified }) =>
        `<Contents><Key>${escapeXml(key)}</Key><Size>${bytes}</Size><ETag>${escapeXml(etag)}</ETag>` +
        `<LastModified>${isoTime(modified)}</LastModified></Contents>`,
    );
    const head = `<Name>${escapeXml(bucket)}</Name><IsTruncated>${isCut}</IsTruncated>${next}`;
    return xml(`<ListBucketResult>${head}${contents.join('')}</ListBucketResult>`);
  }

  const address = '/{bucket}/{key+}';
  const own: Route[] = [
    ['uploadFile', `PUT ${address}`, (call, bucket = '', key = '') => put(call, bucket, key)],
    ['uploadFile', `POST ${address}`, (call, bucket = '', key = '') => post(call, bucket, key)],
    ['getFile', `HEAD ${address}`, (call, bucket = '', key = '') => get(call, bucket, key)],
    ['download', `GET ${address}`, (call, bucket = '', key = '') => get(call, bucket, key)],
    ['deleteFile', `DELETE ${address}`, (call, bucket = '', key = '') => remove(call, bucket, key)],
    ['listFiles', 'GET /{bucket}/?', (call, bucket = '') => list(call, bucket)],
  ];
  return own.map(([kind, where, run]) => [
    kind,
    where,
    (call, ...places) => inOwnWords(() => run(call, ...places.map(decodeURIComponent))),
  ]);
}

const conditionFailed = new Refused(412, 'At least one of the preconditions you specified did not hold.', {
  code: 'PreconditionFailed',
});

/** Takes the content of a call in. */
async function takeContent(call: Call, id: string, write: Write) {
  const hash = createHash('md5');
  let bytes = 0;
  for await (const chunk of call.chunks()) {
    bytes += chunk.length;
    hash.update(chunk);
    await write(chunk);
  }
  return { id, bytes, etag: `"${hash.digest('hex')}"` };
}

async function* noBody(): AsyncGenerator<string> {}

function xml(content: string, status = 200): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${content}`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

async function inOwnWords(run: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return objectRefusal(error);
  }
}

/** A refusal in the form of S3. */
export function objectRefusal({ status, message, details }: Refused): Answer {
  const code = details.code ?? 'InvalidRequest';
  return xml(`<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`, status);
}
