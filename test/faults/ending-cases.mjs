/** Waits, cancels and forgets beside fetches: several processes at one job at the same time. */
import {
  finishCancel,
  finishForget,
  judgeCancel,
  judgeForget,
  leaveMixedJob,
  leaveTwoJobs,
} from './ending-scenarios.mjs';
import { defineCase } from './expect.mjs';
import { batchProviders, fetchUntilDone, pause, runArgs, takesCancels } from './stories.mjs';

const waitFlags = ['--wait', '--interval', '0.1'];
const shortPauseMs = 120;

/** Fetches that come by one after the other. */
async function startFetches(world, count) {
  const running = [];
  for (let turn = 0; turn < count; turn += 1) {
    running.push(world.loomBeside(['fetch']));
    await pause(shortPauseMs);
  }
  return Promise.all(running);
}

const waits = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: two waits and fetches at once`,
    kind: 'wait + fetch at once',
    provider,
    world: { turnaroundMs: 1_200 },
    async play(trial, world) {
      const running = [world.start(runArgs(provider, '--batch-size', '6', ...waitFlags)).ended];
      for (let turn = 0; turn < 40 && !(await world.listHome()).some(isRecord); turn += 1)
        await pause(shortPauseMs);
      running.push(world.start(['fetch', ...waitFlags]).ended);
      const ends = [...(await startFetches(world, 5)), ...(await Promise.all(running))];
      for (const ended of ends)
        trial.check([0, 3].includes(ended.code), `one of them ends with exit ${ended.code}: ${ended.stderr}`);
      await fetchUntilDone(world);
      await trial.compare(`${provider} run of 3 parts`);
    },
  }),
);

const isRecord = (name) => name.startsWith('batches/');

/** A wait is under way, too: it ends by itself. */
const cancels = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: cancel, wait and fetches at once`,
    kind: 'cancel + fetch at once',
    provider,
    short: provider === 'openai',
    world: { turnaroundMs: 3_000 },
    async play(trial, world) {
      const id = await leaveMixedJob(world, provider);
      const cancel = world.loomBeside(['cancel', '--id', id, '--yes']);
      const wait = world.loomBeside(['fetch', ...waitFlags]);
      await startFetches(world, 3);
      const cancelled = await cancel;
      trial.check((await wait).code !== null, 'the wait does not end');
      await finishCancel(world, cancelled, { provider, id, recovery: 'again' });
      await trial.clearLeftovers();
      trial.take(await judgeCancel(world, provider));
    },
  }),
);

const forgets = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: forget, wait and fetches at once`,
    kind: 'forget + fetch at once',
    provider,
    world: { turnaroundMs: 3_000 },
    async play(trial, world) {
      const plot = await leaveTwoJobs(world, provider);
      const forget = world.start(['forget', '--id', plot.id, '--yes']);
      const wait = world.start(['fetch', ...waitFlags]);
      await startFetches(world, 2);
      await finishForget(world, await forget.ended, plot, 'again');
      trial.check((await wait.ended).code !== null, 'the wait does not end');
      await fetchUntilDone(world);
      await trial.clearLeftovers();
      // Whoever came first had the job: its rows may have been sent before it was forgotten.
      trial.take(await judgeForget(world, provider, { ...plot, rows: Number.POSITIVE_INFINITY }));
    },
  }),
);

/** The provider's queue has no room for the last part: it refuses it, or gives it back unstarted later. */
const fullQueues = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: cancel of a job that waits for the queue`,
    kind: 'cancel with a full queue',
    provider,
    world: { faults: { queue: { [provider]: 13 } }, turnaroundMs: 3_000 },
    async play(trial, world) {
      const { stdout } = await world.loom(runArgs(provider, '--batch-size', '6'));
      const [, id] = /^Job submitted\. id=(\S+)/m.exec(stdout) ?? [];
      // OpenAI takes the part, and gives it back when it has looked at it.
      await pause(1_000);
      const cancelled = await world.loom(['cancel', '--id', id, '--yes']);
      trial.checkExit(cancelled, takesCancels(provider) ? 0 : 1, 'cancel');
      await finishCancel(world, cancelled, { provider, id, recovery: 'again' });
      await trial.clearLeftovers();
      trial.take(await judgeCancel(world, provider));
    },
  }),
);

export const endingCases = [...waits, ...cancels, ...forgets, ...fullQueues];
