/** The second thread of a background cache: a process of files and nothing else. Started by background-cache.ts. */
import { workerData } from 'node:worker_threads';
import { answerTasks } from '../core/thread.ts';
import { performTask } from './background-cache.ts';
import { openCache } from './cache.ts';

const cache = openCache(...(workerData as Parameters<typeof openCache>));

answerTasks((task: Parameters<typeof performTask>[1]) => performTask(cache, task));
