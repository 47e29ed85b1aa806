/** Work in a second thread: tasks go there one after the other, and each comes back as its reply. */
import { parentPort, type ResourceLimits, type Transferable, Worker } from 'node:worker_threads';
import type { LoomError } from './errors.ts';

interface ThreadOptions<Task> {
  /** What the thread finds as its `workerData`. */
  readonly data?: unknown;
  readonly resourceLimits?: ResourceLimits | undefined;
  /** How long a task may take, in milliseconds; without it, as long as it does. */
  longestMs?(task: Task): number;
  /** What the tasks under way are rejected with when the thread fails, or is ended because one took too long. */
  describeEnd(reason: 'late' | Error): LoomError;
}

interface WaitingTask<Reply> {
  readonly longestMs: number | undefined;
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/** The thread starts with its first task, and holds up the end of the process only while it has one. */
export class Thread<Task, Reply> {
  readonly #script: URL;
  readonly #options: ThreadOptions<Task>;
  #worker: Worker | undefined;
  /** In the order in which they were given, which is that of their replies. */
  #waiting: WaitingTask<Reply>[] = [];
  #alarm: NodeJS.Timeout | undefined;

  /** The script calls `answerTasks`. */
  constructor(script: URL, options: ThreadOptions<Task>) {
    this.#script = script;
    this.#options = options;
  }

  ask(task: Task, moved: readonly Transferable[] = []): Promise<Reply> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiting.push({ longestMs: this.#options.longestMs?.(task), resolve, reject });
    });
    worker.ref();
    worker.postMessage(task, moved);
    if (this.#waiting.length === 1) this.#setAlarm();
    return reply;
  }

  /** Ends the thread at once, whatever it does. Tasks under way are rejected with the reason; without one, they stay. */
  async close(reason?: unknown): Promise<void> {
    clearTimeout(this.#alarm);
    const worker = this.#worker;
    this.#worker = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (reason !== undefined) for (const task of waiting) task.reject(reason);
    await worker?.terminate();
  }

  #start(): Worker {
    const { data, resourceLimits } = this.#options;
    const worker = new Worker(this.#script, {
      workerData: data,
      execArgv: [],
      ...(resourceLimits && { resourceLimits }),
    });
    worker.on('message', (reply: Reply) => {
      // Of a thread that is being ended: only its end holds up the process now.
      if (worker !== this.#worker) return;
      this.#waiting.shift()?.resolve(reply);
      this.#setAlarm();
      // Nothing under way: the process may end.
      if (this.#waiting.length === 0) worker.unref();
    });
    worker.on('error', (error) => void this.close(this.#options.describeEnd(error as Error)));
    return worker;
  }

  /** For the task that the thread is at. */
  #setAlarm(): void {
    clearTimeout(this.#alarm);
    const longestMs = this.#waiting[0]?.longestMs;
    if (longestMs === undefined) return;
    this.#alarm = setTimeout(() => void this.close(this.#options.describeEnd('late')), longestMs);
  }
}

/**
 * The other side, in the thread: each task is answered before the next one is looked at. `listMoved` tells what of a reply
 * is given away with it.
 */
export function answerTasks<Task, Reply>(
  work: (task: Task) => Reply,
  listMoved: (reply: Reply) => readonly Transferable[] = () => [],
): void {
  parentPort?.on('message', (task: Task) => {
    const reply = work(task);
    parentPort?.postMessage(reply, listMoved(reply));
  });
}
