/** The second thread of a background cache: a process of files and nothing else. Started by background-cache.ts. */
import { workerData } from 'node:worker_threads';
import { answerTasks } from '../core/thread.ts';
import { openCacheWork } from './background-cache.ts';

answerTasks(openCacheWork(workerData));
