/** Objects in a bucket of Google Cloud Storage, through Google's own client. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { File, Storage } from '@google-cloud/storage';
import { loadClient } from './load-client.ts';
import {
  type ObjectContent,
  type ObjectFacts,
  type ObjectStore,
  ObjectStoreError,
  type WriteObjectOptions,
} from './object-store.ts';
import { faultOfStatus, guardPieces, PiecesError } from './store-faults.ts';

export interface GcsOptions {
  /** Where STORAGE_EMULATOR_HOST may name a stand-in, which wants no credentials. */
  readonly environment: NodeJS.ProcessEnv;
  /** A stand-in that is asked in any case, such as `http://127.0.0.1:4443`. */
  readonly endpoint?: string | undefined;
  /** For so long a download may bring nothing before it counts as broken off, in milliseconds; default two minutes. */
  readonly silenceMs?: number | undefined;
}

/** What is sent at once of an object whose length nobody knows. A multiple of 256 kB, by Google's rules. */
const pieceBytes = 8 * 1024 * 1024;
const pageSize = 1000;
const usualSilenceMs = 120_000;
const emulatorVariable = 'STORAGE_EMULATOR_HOST';

export async function openGcsStore(bucketName: string, options: GcsOptions): Promise<ObjectStore> {
  const storage = await openClient(options);
  const bucket = storage.bucket(bucketName);
  const addressOf = (key: string) => `gs://${bucketName}/${key}`;
  const brokenOff = (key: string) =>
    new ObjectStoreError('unavailable', `The connection broke off while ${addressOf(key)} was read.`);

  /** The client gives no way to stop a call: who waits for one is let go. */
  async function run<Result>(
    key: string,
    signal: AbortSignal | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    let onAbort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal?.reason);
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work(), aborted]);
    } catch (error) {
      signal?.throwIfAborted();
      throw asStoreError(error, addressOf(key));
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  const look = (key: string, signal?: AbortSignal) =>
    run(key, signal, async () => {
      try {
        const [metadata] = await bucket.file(key).getMetadata();
        return readFacts(key, metadata);
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });

  return {
    look,

    async *read(key, { range, signal } = {}) {
      // A look names the version that is read: one that comes meanwhile is another.
      const facts = await look(key, signal);
      if (!facts) throw new ObjectStoreError('missing', `There is no ${addressOf(key)}.`, { status: 404 });
      const start = range?.start ?? 0;
      const end = Math.min(range?.end ?? facts.bytes, facts.bytes);
      if (start >= end) return;
      const file = bucket.file(key, { generation: facts.version });
      const body = file.createReadStream({ start, end: end - 1, validation: false, decompress: false });
      const onAbort = () => body.destroy(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
      // The client does not tell of a connection that is cut in the middle: its stream stays open, and says nothing more.
      const { silenceMs = usualSilenceMs } = options;
      const wait = () => setTimeout(() => body.destroy(brokenOff(key)), silenceMs);
      let silence = wait();
      let bytes = 0;
      try {
        for await (const piece of body as AsyncIterable<Uint8Array>) {
          clearTimeout(silence);
          bytes += piece.length;
          yield piece;
          silence = wait();
        }
      } catch (error) {
        signal?.throwIfAborted();
        // It was there a moment ago: another try finds what is there now.
        if (statusOf(error) === 404)
          throw new ObjectStoreError('unavailable', `${addressOf(key)} was replaced while it was read.`);
        throw asStoreError(error, addressOf(key));
      } finally {
        clearTimeout(silence);
        signal?.removeEventListener('abort', onAbort);
        body.destroy();
      }
      if (bytes !== end - start) throw brokenOff(key);
    },

    write: (key, content, options = {}) =>
      run(key, options.signal, async () => {
        try {
          return await writeFile(bucket.file(key), content, options);
        } catch (error) {
          if (statusOf(error) !== 412 || options.only === undefined) throw error;
          throw options.only === 'absent'
            ? new ObjectStoreError('exists', `There is a ${addressOf(key)} already.`, { status: 412 })
            : new ObjectStoreError('changed', `${addressOf(key)} is another by now.`, { status: 412 });
        }
      }),

    async *list(prefix, signal) {
      let pageToken: string | undefined;
      do {
        const query = { prefix, maxResults: pageSize, autoPaginate: false, ...(pageToken && { pageToken }) };
        const [files, next] = await run(prefix, signal, () => bucket.getFiles(query));
        for (const file of files) yield readFacts(file.name, file.metadata);
        pageToken = (next as { pageToken?: string } | null)?.pageToken;
      } while (pageToken !== undefined);
    },

    delete: (key, signal) =>
      run(key, signal, async () => {
        await bucket.file(key).delete({ ignoreNotFound: true });
      }),
  };
}

async function openClient({ environment, endpoint }: GcsOptions): Promise<Storage> {
  const { Storage, IdempotencyStrategy } = await loadClient<typeof import('@google-cloud/storage')>(
    '@google-cloud/storage',
    'A gs:// address',
  );
  const named = endpoint ?? environment[emulatorVariable];
  const apiEndpoint = named && (named.includes('://') ? named : `http://${named}`);
  // With this variable the client leaves the path of the API out of its addresses.
  const hidden = Object.entries(process.env).filter(([name]) => name === emulatorVariable);
  for (const [name] of hidden) delete process.env[name];
  try {
    return new Storage({
      ...(apiEndpoint && { apiEndpoint, projectId: 'emulator' }),
      // Whoever asked knows whether a second try may do harm.
      retryOptions: {
        autoRetry: false,
        maxRetries: 0,
        idempotencyStrategy: IdempotencyStrategy.RetryNever,
      },
    });
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}

/** Returns the generation that was written. */
async function writeFile(
  file: File,
  content: ObjectContent,
  { only, contentType, signal }: WriteObjectOptions,
): Promise<string> {
  const ifGenerationMatch = only === undefined ? undefined : only === 'absent' ? 0 : only.version;
  const options = {
    // The client would delete an object whose sum is another, and what was there before is gone by then.
    validation: false,
    ...(contentType !== undefined && { contentType }),
    ...(ifGenerationMatch !== undefined && { preconditionOpts: { ifGenerationMatch } }),
  } as const;
  if (content instanceof Uint8Array) {
    await file.save(Buffer.from(content), { ...options, resumable: false });
  } else {
    const body = file.createWriteStream({ ...options, resumable: true, chunkSize: pieceBytes });
    await pipeline(Readable.from(guardPieces(content)), body, { signal });
  }
  return String(file.metadata.generation);
}

function readFacts(key: string, { size, generation, updated }: File['metadata']): ObjectFacts {
  return { key, bytes: Number(size), version: String(generation), modified: new Date(String(updated)) };
}

function statusOf(error: unknown): number | undefined {
  const { code, status } = error as { code?: unknown; status?: unknown };
  const found = Number(code ?? status);
  return Number.isInteger(found) && found >= 400 && found <= 599 ? found : undefined;
}

function asStoreError(error: unknown, address: string): unknown {
  if (error instanceof ObjectStoreError) return error;
  if (error instanceof PiecesError) return error.cause;
  const { message } = error as Error;
  const status = statusOf(error);
  const isKeyless = /default credentials|invalid_grant|invalid_rapt|reauth/i.test(message);
  const advice = isKeyless ? ' Sign in with: gcloud auth application-default login' : '';
  const fault = isKeyless ? 'refused' : faultOfStatus(status);
  return new ObjectStoreError(fault, `${address}: ${message}${advice}`, { status, cause: error });
}
