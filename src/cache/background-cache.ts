/**
 * The cache, read and written by a second thread as soon as there is more than a little to do: a hundred thousand small
 * files take seconds, and a slow disk must not hold up the calls under way.
 */
import type { CodeWithFacts } from '../core/error-facts.ts';
import { LoomError, type Told } from '../core/errors.ts';
import { Thread } from '../core/thread.ts';
import { createKeys } from './answer-keys.ts';
import { openCache, type ResponseCache } from './cache.ts';
import { gatherPacks, hasMany } from './packs/gather-packs.ts';
import { GrowingWriter } from './packs/growing-writer.ts';
import { describeSource } from './packs/pack-answers.ts';
import { listAbandoned, mostLoose, settleGrowing } from './packs/settle-growing.ts';

type Place = Parameters<typeof openCache>;
type Read = Parameters<ResponseCache['get']>;
type Write = Parameters<ResponseCache['set']>;
type Found = ReturnType<ResponseCache['get']>;

export interface BackgroundCache {
  /** What the cache has for each of these, in their order. */
  getAll(reads: readonly Read[]): Promise<readonly Found[]>;
  /** So many answers of live calls may come. Many go into one file as they do, which all others read meanwhile. */
  expectLive(answers: number): void;
  /**
   * Stores answers of live calls: each is safe when this resolves. What comes while others are written goes together.
   * LoomError `state` where the disk refuses one of what went together; others of it may be stored.
   */
  setAll(writes: readonly Write[]): Promise<void>;
  /** Stores an answer so that it is found in place of the one that is stored, wherever that is. Throws like `setAll`. */
  replace(write: Write): Promise<void>;
  /** For look-ups one by one beside the calls, which find what others have stored until then. */
  openLookUps(): ResponseCache;
  /**
   * Adds an answer of a batch, of which there may be many: as they come they go into one file, by this thread, which has
   * them at hand. LoomError `state` where the disk refuses; what was added before is lost to the cache then.
   */
  add(...write: Write): void;
  /** All that was added is in place and durable when this resolves. LoomError `state` as above. */
  seal(): Promise<void>;
  /** Brings what this has stored live where it stays, if it has gone into one file. */
  settleLive(): Promise<void>;
  /** Ends the thread. What was not awaited may be lost. */
  close(): Promise<void>;
}

/** What the thread is asked. */
export type CacheTask =
  | { readonly type: 'read'; readonly reads: readonly Read[] }
  | { readonly type: 'write'; readonly writes: readonly Write[] }
  /** Growing packs, by their paths. */
  | { readonly type: 'settle'; readonly paths: readonly string[] }
  | { readonly type: 'gather' };

export interface CacheReply {
  readonly found: readonly Found[];
  /** Why the first write failed that did. */
  readonly trouble: Told | undefined;
}

/** What this thread does by itself, in entries at once and in milliseconds in all: to start another costs more. */
const ownShare = { entries: 100, settled: 5_000, ms: 30 };

/** Takes what `openCache` takes. The thread starts when this one has done its share. */
export function openBackgroundCache(
  folder: string,
  provider: string,
  model: string,
  settings?: Place[3],
  server?: Place[4],
): BackgroundCache {
  const place: Place = [folder, provider, model, settings, server, { isSnapshot: true }];
  const thread = new Thread<CacheTask, CacheReply>(new URL('./cache-thread.js', import.meta.url), {
    data: place,
    // All it makes is garbage at once; without this the thread takes 20 MB more.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
    describeEnd: describeDeadThread,
  });
  const cache = openCache(...place);
  const work = openCacheWork(place, cache);
  const group = openGroup((writes) => perform({ type: 'write', writes }, writes.length));
  const keyOf = createKeys({ provider, model, settings }, server);
  let growing: GrowingWriter | undefined;
  let ownMs = 0;
  let hasPacked = false;

  async function addLive(pack: GrowingWriter, writes: readonly Write[]): Promise<void> {
    const answers = writes.filter(([, { text }]) => text !== '');
    await Promise.all(answers.map(([asked, answer]) => pack.add(keyOf(asked), answer)));
  }

  async function perform(task: CacheTask, entries: number): Promise<CacheReply> {
    if (entries > ownShare.entries || ownMs >= ownShare.ms) return thread.ask(task);
    return performHere(task);
  }

  function performHere(task: CacheTask): CacheReply {
    const started = performance.now();
    const reply = work(task);
    ownMs += performance.now() - started;
    return reply;
  }

  return {
    async getAll(reads) {
      const found: Found[] = [];
      while (found.length < reads.length) {
        const isOwn = ownMs < ownShare.ms;
        const next = reads.slice(found.length, isOwn ? found.length + ownShare.entries : undefined);
        found.push(...(await perform({ type: 'read', reads: next }, isOwn ? 0 : next.length)).found);
      }
      return found;
    },
    expectLive(answers) {
      const packed = describeSource({ provider, model, settings }, server?.name);
      const params = packed.settings === undefined ? undefined : settings;
      if (answers > mostLoose) growing ??= new GrowingWriter(folder, { ...packed, params });
    },
    async setAll(writes) {
      if (growing) await addLive(growing, writes);
      else throwTrouble(await group.add(writes));
    },
    // A loose entry is found ahead of what packs have.
    async replace(write) {
      throwTrouble(await group.add([write]));
    },
    openLookUps() {
      const leaveOut = (path: string) => growing?.paths.includes(path) ?? false;
      return openCache(folder, provider, model, settings, server, { leaveOut });
    },
    add: cache.add,
    async seal() {
      await cache.seal();
      hasPacked = true;
    },
    async settleLive() {
      const { paths, records } = growing ?? { paths: [], records: 0 };
      growing?.close();
      growing = undefined;
      if (paths.length === 0) return;
      const task = { type: 'settle', paths } as const;
      await (records <= ownShare.settled ? performHere(task) : thread.ask(task));
      hasPacked = true;
    },
    async close() {
      // It is for speed alone: what ends the thread meanwhile is no trouble.
      const paths = listAbandoned(folder);
      if (paths.length > 0) await thread.ask({ type: 'settle', paths }).catch(() => {});
      if (hasPacked && hasMany(folder)) await thread.ask({ type: 'gather' }).catch(() => {});
      growing?.close();
      cache.close();
      await thread.close();
    },
  };
}

/** Does one task after the other, in whichever thread. */
export function openCacheWork(place: Place, cache = openCache(...place)): (task: CacheTask) => CacheReply {
  const [folder] = place;
  return (task) => {
    switch (task.type) {
      case 'read':
        return { found: task.reads.map((read) => cache.get(...read)), trouble: undefined };
      case 'write':
        return tell(tryEach(task.writes, (write) => cache.set(...write)));
      case 'settle':
        for (const path of task.paths) settleGrowing(folder, path);
        return tell(undefined);
      case 'gather':
        gatherPacks(folder);
        return tell(undefined);
    }
  };
}

/** The first error; the others are tried all the same. */
function tryEach(writes: readonly Write[], store: (write: Write) => void): unknown {
  const errors = writes.map((write) => tryAll(() => store(write)));
  return errors.find((error) => error !== undefined);
}

function tryAll(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** An error keeps its class between threads only if JavaScript itself made that. */
function tell(error: unknown): CacheReply {
  if (error === undefined) return { found: [], trouble: undefined };
  const { message, hint, code, facts } = error as Told;
  return { found: [], trouble: { message, hint, code, facts } };
}

function throwTrouble({ trouble }: CacheReply): void {
  if (trouble) throw new LoomError('state', trouble.message, trouble as CodeWithFacts);
}

/** Sends what comes while an earlier group is under way as one. */
function openGroup(send: (writes: readonly Write[]) => Promise<CacheReply>) {
  let underWay: Promise<CacheReply> | undefined;
  let next: { readonly writes: Write[]; readonly sent: Promise<CacheReply> } | undefined;

  async function sendNext(after: Promise<CacheReply> | undefined, writes: readonly Write[]) {
    await after?.catch(() => {});
    next = undefined;
    const sending = send(writes);
    underWay = sending;
    return sending.finally(() => {
      if (underWay === sending) underWay = undefined;
    });
  }

  return {
    add(writes: readonly Write[]): Promise<CacheReply> {
      if (next) {
        next.writes.push(...writes);
        return next.sent;
      }
      const group = [...writes];
      next = { writes: group, sent: sendNext(underWay, group) };
      return next.sent;
    },
  };
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
