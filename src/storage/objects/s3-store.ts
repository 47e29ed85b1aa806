/**
 * Objects in a bucket of Amazon S3, or of a store that speaks as it does, through Amazon's own client. Their versions are
 * their ETags: where the same bytes are written again, one may stay.
 */
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { loadClient } from './load-client.ts';
import {
  type ObjectContent,
  type ObjectFacts,
  type ObjectStore,
  ObjectStoreError,
  type WriteObjectOptions,
} from './object-store.ts';
import { faultOfStatus, guardPieces, PiecesError } from './store-faults.ts';

export interface S3Options {
  /** Where AWS_REGION, AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL stand. */
  readonly environment: NodeJS.ProcessEnv;
  /** Goes before those of the environment. */
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  /** Default: those that Amazon's own programs would find, by its client's chain. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** A write of several parts has 10,000 of them at most: 160 GB of an object whose length nobody knows. */
const partBytes = 16 * 1024 * 1024;

type S3 = typeof import('@aws-sdk/client-s3');

/** So long a store may take to give up the parts of a write that has failed. */
const giveUpMs = 10_000;

/** What a call is told beside its command. */
interface Sending {
  readonly abortSignal?: AbortSignal;
}

export async function openS3Store(bucket: string, options: S3Options): Promise<ObjectStore> {
  const s3 = await loadClient<S3>('@aws-sdk/client-s3', 'An s3:// address');
  const client = openClient(s3, options);
  const addressOf = (key: string) => `s3://${bucket}/${key}`;

  async function run<Result>(
    key: string,
    signal: AbortSignal | undefined,
    work: (sending: Sending) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    try {
      return await work(signal ? { abortSignal: signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw asStoreError(error, addressOf(key));
    }
  }

  return {
    look: (key, signal) =>
      run(key, signal, async (sending): Promise<ObjectFacts | undefined> => {
        try {
          const head = await client.send(new s3.HeadObjectCommand({ Bucket: bucket, Key: key }), sending);
          return readFacts(key, head.ContentLength, head);
        } catch (error) {
          if (statusOf(error) === 404) return undefined;
          throw error;
        }
      }),

    async *read(key, { range, signal } = {}) {
      const { start = 0, end } = range ?? {};
      if (end !== undefined && start >= end) return;
      const asked = range && { Range: `bytes=${start}-${end === undefined ? '' : end - 1}` };
      const found = await run(key, signal, async (sending) => {
        try {
          return await client.send(new s3.GetObjectCommand({ Bucket: bucket, Key: key, ...asked }), sending);
        } catch (error) {
          // It ends before the range begins.
          if (asked && statusOf(error) === 416) return undefined;
          throw error;
        }
      });
      if (found) yield* readBody(found, addressOf(key), signal);
    },

    write: (key, content, options = {}) =>
      run(key, options.signal, async (sending) => {
        try {
          return await writeContent(
            { s3, client, place: { Bucket: bucket, Key: key }, sending },
            content,
            options,
          );
        } catch (error) {
          throw asBrokenCondition(error, addressOf(key), options.only) ?? error;
        }
      }),

    async *list(prefix, signal) {
      let token: string | undefined;
      do {
        const asked = { Bucket: bucket, Prefix: prefix, ...(token && { ContinuationToken: token }) };
        const page = await run(prefix, signal, (sending) =>
          client.send(new s3.ListObjectsV2Command(asked), sending),
        );
        for (const object of page.Contents ?? []) yield readFacts(object.Key ?? '', object.Size, object);
        token = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },

    delete: (key, signal) =>
      run(key, signal, async (sending) => {
        await client.send(new s3.DeleteObjectCommand({ Bucket: bucket, Key: key }), sending);
      }),
  };
}

function openClient(s3: S3, { environment, region, endpoint, credentials }: S3Options): S3Client {
  const address = endpoint || environment.AWS_ENDPOINT_URL_S3 || environment.AWS_ENDPOINT_URL;
  const named = region || environment.AWS_REGION || environment.AWS_DEFAULT_REGION;
  const place = named || (address ? 'us-east-1' : undefined);
  return new s3.S3Client({
    ...(place && { region: place }),
    // Stores at an address of their own seldom have one for each bucket.
    ...(address && { endpoint: address, forcePathStyle: true }),
    ...(credentials && { credentials }),
    // Whoever asked knows whether a second try may do harm.
    maxAttempts: 1,
    // Stores of others do not know the newer sums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

async function* readBody(
  { Body: body, ContentLength: length }: GetObjectCommandOutput,
  address: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const stream = body as AsyncIterable<Uint8Array> & { destroy(error?: Error): void };
  const onAbort = () => stream.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', onAbort, { once: true });
  let bytes = 0;
  const broken = (cause?: unknown) =>
    new ObjectStoreError('unavailable', `The connection broke off while ${address} was read.`, { cause });
  const pieces = stream[Symbol.asyncIterator]();
  try {
    while (true) {
      const piece = await pieces.next().catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw broken(cause);
      });
      if (piece.done) break;
      bytes += piece.value.length;
      yield piece.value;
    }
    signal?.throwIfAborted();
    if (length !== undefined && bytes !== length) throw broken();
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}

interface WriteContext {
  readonly s3: S3;
  readonly client: S3Client;
  readonly place: { readonly Bucket: string; readonly Key: string };
  readonly sending: Sending;
}

/** Returns the version that was written. */
async function writeContent(
  context: WriteContext,
  content: ObjectContent,
  { only, contentType }: WriteObjectOptions,
): Promise<string> {
  const { s3, client, place, sending } = context;
  const condition =
    only === undefined ? {} : only === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: only.version };
  const kind = contentType === undefined ? {} : { ContentType: contentType };
  const put = async (body: Uint8Array) => {
    const command = new s3.PutObjectCommand({ ...place, ...condition, ...kind, Body: body });
    return requireVersion(await client.send(command, sending));
  };
  if (content instanceof Uint8Array) return put(content);
  const parts = splitIntoParts(content);
  try {
    const first = await parts.next();
    if (first.done) return await put(new Uint8Array());
    const second = await parts.next();
    if (second.done) return await put(first.value);
    return await writeParts(context, [first.value, second.value], parts, condition, kind);
  } finally {
    // What brings the pieces may hold a file open.
    await parts.return();
  }
}

/** The condition counts when all parts are there: until then nothing is to be seen of the object. */
async function writeParts(
  { s3, client, place, sending }: WriteContext,
  begun: readonly Uint8Array[],
  others: AsyncIterable<Uint8Array>,
  condition: { readonly IfNoneMatch?: string; readonly IfMatch?: string },
  kind: { readonly ContentType?: string },
): Promise<string> {
  const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand({ ...place, ...kind }), sending);
  const upload = { ...place, UploadId };
  const sent: { PartNumber: number; ETag: string }[] = [];
  const send = async (body: Uint8Array) => {
    const PartNumber = sent.length + 1;
    const part = await client.send(new s3.UploadPartCommand({ ...upload, PartNumber, Body: body }), sending);
    sent.push({ PartNumber, ETag: requireVersion(part) });
  };
  try {
    for (const part of begun) await send(part);
    for await (const part of others) await send(part);
    const command = new s3.CompleteMultipartUploadCommand({
      ...upload,
      ...condition,
      MultipartUpload: { Parts: sent },
    });
    return requireVersion(await client.send(command, sending));
  } catch (error) {
    // Parts that are left behind cost money. Without the caller's signal, which may be what ended the write.
    const abortSignal = AbortSignal.timeout(giveUpMs);
    await client.send(new s3.AbortMultipartUploadCommand(upload), { abortSignal }).catch(() => {});
    throw error;
  }
}

/** Parts of one size, and a last that may be smaller; none of nothing. */
async function* splitIntoParts(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let begun: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of guardPieces(content)) {
    for (let from = 0; from < piece.length; ) {
      const next = piece.subarray(from, from + partBytes - bytes);
      begun.push(next);
      bytes += next.length;
      from += next.length;
      if (bytes < partBytes) continue;
      yield Buffer.concat(begun);
      begun = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(begun);
}

function requireVersion({ ETag }: { readonly ETag?: string | undefined }): string {
  if (ETag) return ETag;
  throw new ObjectStoreError('unsupported', 'The store does not tell the ETag of what was written.');
}

function readFacts(
  key: string,
  bytes: number | undefined,
  {
    ETag = '',
    LastModified,
  }: { readonly ETag?: string | undefined; readonly LastModified?: Date | undefined },
): ObjectFacts {
  return { key, bytes: bytes ?? 0, version: ETag, modified: LastModified ?? new Date(0) };
}

/** What the client throws. */
interface ClientError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

function statusOf(error: unknown): number | undefined {
  return (error as ClientError).$metadata?.httpStatusCode;
}

/** The error of a write whose condition did not hold; undefined for another. */
function asBrokenCondition(
  error: unknown,
  address: string,
  only: WriteObjectOptions['only'],
): ObjectStoreError | undefined {
  const status = statusOf(error);
  if (only === undefined || status === undefined) return undefined;
  const details = { status, cause: error };
  if (only === 'absent')
    return status === 412
      ? new ObjectStoreError('exists', `There is a ${address} already.`, details)
      : undefined;
  const isGone = status === 404 && (error as ClientError).name === 'NoSuchKey';
  return status === 412 || isGone
    ? new ObjectStoreError('changed', `${address} is another by now.`, details)
    : undefined;
}

const keyFaults =
  /^(Credentials|TokenProvider|Expired|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|AccessDenied|AuthorizationHeader)/;

/** With status 400, of what went wrong on the way. */
const passingFaults = /^(RequestTimeout|BadDigest|IncompleteBody|XAmzContentSHA256Mismatch)$/;

function asStoreError(error: unknown, address: string): unknown {
  const { name, message, $metadata, $response } = error as ClientError;
  if (error instanceof ObjectStoreError) return error;
  if (error instanceof PiecesError) return error.cause;
  const status = $metadata?.httpStatusCode;
  const region = $response?.headers?.['x-amz-bucket-region'];
  if (status === 301 || (region && /Malformed|Redirect/.test(name))) {
    const place = region
      ? `the region ${region}: set AWS_REGION to it`
      : 'another region: set AWS_REGION to it';
    return new ObjectStoreError('refused', `${address} lies in ${place}.`, { status, cause: error });
  }
  if (status === 404 && name !== 'NoSuchBucket')
    return new ObjectStoreError('missing', `There is no ${address}.`, { status, cause: error });
  // An answer without a body has no words, and the client's own stand for them.
  const words = !message || /^Unknown/.test(message) ? `the store answered with status ${status}` : message;
  const isOld = /^(Expired|TokenProvider|CredentialsProvider)/.test(name);
  const advice = isOld ? ' Sign in with: aws sso login' : '';
  const worded = keyFaults.test(name) ? 'refused' : passingFaults.test(name) ? 'unavailable' : undefined;
  const fault = worded ?? faultOfStatus(status);
  return new ObjectStoreError(fault, `${address}: ${words}${advice}`, { status, cause: error });
}
