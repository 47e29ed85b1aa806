/** The second thread of a background cache: a process of files and nothing else. Started by background-cache.ts. */
import { workerData } from 'node:worker_threads';
import { answerTasks } from '../core/thread.ts';
import type { CacheReply, CacheTask } from './background-cache.ts';
import { openCache } from './cache.ts';

const cache = openCache(...(workerData as Parameters<typeof openCache>));

answerTasks(({ reads, writes }: CacheTask): CacheReply => {
  const found = reads.map((read) => cache.get(...read));
  let trouble: CacheReply['trouble'];
  for (const write of writes) {
    try {
      cache.set(...write);
    } catch (error) {
      // An error keeps its class between threads only if JavaScript itself made that.
      const { message, hint } = error as Error & { hint?: string };
      trouble ??= { message, hint };
    }
  }
  return { found, trouble };
});
