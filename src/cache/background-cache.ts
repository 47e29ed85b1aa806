/**
 * The cache, read and written by a second thread as soon as there is more than a little to do: a hundred thousand small
 * files take seconds, and a slow disk must not hold up the calls under way.
 */
import type { CodeWithFacts } from '../core/error-facts.ts';
import { LoomError, type Told } from '../core/errors.ts';
import { Thread } from '../core/thread.ts';
import { openCache, type ResponseCache } from './cache.ts';

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

/** What the thread is asked. */
export interface CacheTask {
  readonly reads: readonly Read[];
  readonly writes: readonly Write[];
}

export interface CacheReply {
  readonly found: readonly Found[];
  /** Why the first write failed that did. */
  readonly trouble: Told | undefined;
}

/** What this thread does by itself, in look-ups and writes at once and in milliseconds in all: to start another costs more. */
const ownShare = { entries: 100, ms: 30 };

/** Takes what `openCache` takes. The thread starts when this one has done its share. */
export function openBackgroundCache(...place: Parameters<typeof openCache>): BackgroundCache {
  const thread = new Thread<CacheTask, CacheReply>(new URL('./cache-thread.js', import.meta.url), {
    data: place,
    // All it makes is garbage at once; without this the thread takes 20 MB more.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
    describeEnd: describeDeadThread,
  });
  const cache = openCache(...place);
  let ownMs = 0;

  async function perform(task: CacheTask): Promise<CacheReply> {
    const isSmall = task.reads.length + task.writes.length <= ownShare.entries;
    if (!isSmall || ownMs >= ownShare.ms) return thread.ask(task);
    const started = performance.now();
    const reply = performTask(cache, task);
    ownMs += performance.now() - started;
    return reply;
  }

  return {
    async getAll(reads) {
      return reads.length === 0 ? [] : (await perform({ reads, writes: [] })).found;
    },
    async setAll(writes) {
      const { trouble } = await perform({ reads: [], writes });
      if (trouble) throw new LoomError('state', trouble.message, trouble as CodeWithFacts);
    },
    async close() {
      await thread.close();
    },
  };
}

/** One task, in whichever thread. */
export function performTask(cache: ResponseCache, { reads, writes }: CacheTask): CacheReply {
  const found = reads.map((read) => cache.get(...read));
  let trouble: CacheReply['trouble'];
  for (const write of writes) {
    try {
      cache.set(...write);
    } catch (error) {
      // An error keeps its class between threads only if JavaScript itself made that.
      const { message, hint, code, facts } = error as Told;
      trouble ??= { message, hint, code, facts };
    }
  }
  return { found, trouble };
}

function describeDeadThread(cause: unknown): LoomError {
  return new LoomError(
    'state',
    `the thread that reads and writes the cache ended: ${(cause as Error).message}.`,
    {
      code: 'cache_ended',
      facts: {},
      hint: 'Run again, or set cache to false.',
      cause,
    },
  );
}
