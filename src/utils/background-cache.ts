/**
 * The cache, read and written by a second thread: a hundred thousand small files take seconds, and a slow disk must not
 * hold up the calls under way.
 */
import { Worker } from 'node:worker_threads';
import { LoomError } from '../errors.ts';
import type { openCache, ResponseCache } from './cache.ts';

type Read = Parameters<ResponseCache['get']>;
type Write = Parameters<ResponseCache['set']>;
type Found = ReturnType<ResponseCache['get']>;

export interface BackgroundCache {
  /** What the cache has for each of these, in their order. */
  getAll(reads: readonly Read[]): Promise<readonly Found[]>;
  /** Stored when this resolves. LoomError `state` where the disk refuses one of them; the others are stored. */
  setAll(writes: readonly Write[]): Promise<void>;
  /** Ends the thread. What was not awaited may be lost. */
  close(): Promise<void>;
}

/** What the thread is asked; tasks are done in the order in which they were sent. */
export interface CacheTask {
  readonly number: number;
  readonly reads: readonly Read[];
  readonly writes: readonly Write[];
}

export interface CacheReply {
  readonly number: number;
  readonly found: readonly Found[];
  /** Why the first write failed that did. */
  readonly trouble: { readonly message: string; readonly hint: string | undefined } | undefined;
}

interface Waiting<Value> {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** Takes what `openCache` takes. The thread starts with the first use. */
export function openBackgroundCache(...place: Parameters<typeof openCache>): BackgroundCache {
  let thread: Worker | undefined;
  let sent = 0;
  const replies = new Map<number, Waiting<CacheReply>>();

  function ask(reads: readonly Read[], writes: readonly Write[]): Promise<CacheReply> {
    thread ??= startThread();
    const number = sent++;
    const reply = new Promise<CacheReply>((resolve, reject) => replies.set(number, { resolve, reject }));
    thread.ref();
    thread.postMessage({ number, reads, writes } satisfies CacheTask);
    return reply;
  }

  function startThread(): Worker {
    const worker = new Worker(new URL('./cache-thread.js', import.meta.url), {
      workerData: place,
      execArgv: [],
      // All it makes is garbage at once; without this the thread takes 20 MB more.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    worker.on('message', (reply: CacheReply) => {
      replies.get(reply.number)?.resolve(reply);
      replies.delete(reply.number);
      // Nothing under way: the process may end.
      if (replies.size === 0) worker.unref();
    });
    worker.on('error', (error) => {
      thread = undefined;
      for (const waiting of replies.values()) waiting.reject(describeDeadThread(error));
      replies.clear();
    });
    return worker;
  }

  return {
    async getAll(reads) {
      return reads.length === 0 ? [] : (await ask(reads, [])).found;
    },
    async setAll(writes) {
      const { trouble } = await ask([], writes);
      if (trouble) throw new LoomError('state', trouble.message, trouble.hint ? { hint: trouble.hint } : {});
    },
    async close() {
      await thread?.terminate();
      thread = undefined;
    },
  };
}

function describeDeadThread(cause: unknown): LoomError {
  return new LoomError(
    'state',
    `the thread that reads and writes the cache ended: ${(cause as Error).message}.`,
    {
      hint: 'Run again, or with --no-cache.',
      cause,
    },
  );
}
