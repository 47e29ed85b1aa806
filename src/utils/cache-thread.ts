/** The second thread of a background cache: a process of files and nothing else. Started by background-cache.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CacheReply, CacheTask } from './background-cache.ts';
import { openCache } from './cache.ts';

const cache = openCache(...(workerData as Parameters<typeof openCache>));

parentPort?.on('message', (task: CacheTask) => parentPort?.postMessage(work(task)));

function work({ number, reads, writes }: CacheTask): CacheReply {
  const found = reads.map((read) => cache.get(...read));
  const troubles = writes.map((write) => {
    try {
      cache.set(...write);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  });
  return { number, found, troubles: troubles.map(describeTrouble) };
}

/** An error keeps its class between threads only if JavaScript itself made that. */
function describeTrouble(error: (Error & { hint?: string }) | undefined): CacheReply['troubles'][number] {
  return error && { message: error.message, hint: error.hint };
}
