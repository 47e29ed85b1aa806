/** What a provider or the network does wrong. */
import { checkAskedAgain, defineCase, lastSubmittedId, runAndFetch } from './expect.mjs';
import { atCreation } from './stop.mjs';
import {
  allProviders,
  batchProviders,
  carrierOf,
  fetchUntilDone,
  inputName,
  makeRows,
  outputName,
  pause,
  runArgs,
  writeInput,
} from './stories.mjs';

/** What may happen to a call; every call that a job makes meets it once. */
const callFaults = {
  '429 with Retry-After': { do: 'status', status: 429, retryAfter: 1 },
  '429 without Retry-After': { do: 'status', status: 429 },
  500: { do: 'status', status: 500 },
  529: { do: 'status', status: 529 },
  'reset before the answer': { do: 'cut', at: 'request' },
  'reset in the body': { do: 'cut', at: 'body', afterBytes: 20 },
  'reply lost after the work': { do: 'cut', at: 'reply' },
  'truncated JSON': { do: 'garble' },
  'a page of HTML': { do: 'html', status: 502 },
  'HTTP 200 with an error object': { do: 'bodyError', status: 500 },
};

const callsOfAJob = {
  openai: ['uploadFile', 'createBatch', 'getBatch', 'download'],
  anthropic: ['listBatches', 'createBatch', 'getBatch', 'download'],
  google: ['uploadFile', 'createBatch', 'getBatch', 'download'],
  alibaba: ['uploadFile', 'createBatch', 'getBatch', 'download'],
  xai: ['uploadFile', 'createBatch', 'getBatch', 'download'],
  fireworks: ['uploadFile', 'createBatch', 'getBatch', 'download'],
  openrouter: ['listBatches', 'createBatch', 'getBatch', 'download'],
  mistral: ['uploadFile', 'createBatch', 'getBatch', 'download'],
};

const inBatches = Object.entries(callFaults).flatMap(([kind, effect], index) =>
  batchProviders.map((provider, place) =>
    defineCase({
      name: `${provider} batch: ${kind} at each call`,
      kind: `${kind}, batch`,
      provider,
      short: index % batchProviders.length === place && index % 2 === 0,
      world: {
        faults: { calls: callsOfAJob[provider].map((operation) => ({ operation, times: 1, ...effect })) },
      },
      async play(trial, world) {
        await runAndFetch(world, provider);
        await trial.compare(`${provider} run`);
      },
    }),
  ),
);

/** Live, half of an answer is asked for once: frame-cases.mjs. */
const { 'truncated JSON': _, ...liveFaults } = callFaults;

const live = Object.entries(liveFaults).flatMap(([kind, effect], index) =>
  allProviders.map((provider, place) =>
    defineCase({
      name: `${provider} sync: ${kind} at half of the rows`,
      kind: `${kind}, sync`,
      provider,
      short: index % allProviders.length === place && index % 2 === 1,
      world: { faults: { calls: [{ operation: 'generate', share: 0.5, once: true, ...effect }] } },
      async play(trial, world) {
        await world.loom(runArgs(provider, '--sync'));
        await trial.compare(`${provider} run --sync`);
      },
    }),
  ),
);

/** A fate of the batch, after which fetch until nothing is pending gives the usual output. */
const harmlessFates = {
  '404 in the first seconds after create': { faults: { batches: [{ hiddenMs: 1_500 }] } },
  'reply to create lost, and listed only seconds later': {
    faults: {
      calls: [{ operation: 'createBatch', do: 'cut', at: 'reply', times: 1 }],
      batches: [{ hiddenMs: 2_000 }],
    },
  },
  'a status word never seen before, while it runs': {
    faults: { batches: [{ runningWord: 'pondering' }] },
    turnaroundMs: 1_500,
  },
  'duplicate results': { faults: { batches: [{ duplicateShare: 0.5 }] } },
  'results of unknown rows': { faults: { batches: [{ unknownRows: 3 }] } },
  'blank lines and blank file ids': { faults: { batches: [{ blankLines: true, blankFileIds: true }] } },
};

const harmless = Object.entries(harmlessFates).flatMap(([kind, world], index) =>
  batchProviders.map((provider, place) =>
    defineCase({
      name: `${provider} batch: ${kind}`,
      kind,
      provider,
      short: index === place,
      world,
      async play(trial) {
        await runAndFetch(trial.world, provider);
        await trial.compare(`${provider} run`);
      },
    }),
  ),
);

/** A first batch that gives no or not all answers; the same run again sends what is missing, and nothing else. */
const lossyFates = {
  'missing results': { missingShare: 0.3 },
  'every row failed: an error file only': { failedShare: 1 },
  'a third of the rows failed': { failedShare: 0.33, failedStatus: 429 },
  'a failed batch': { end: 'failed', code: 'invalid_file', message: 'made to fail' },
  'a cancelled batch': { end: 'cancelled', doneShare: 0.5 },
  'an expired batch': { end: 'expired', doneShare: 0.5 },
  'an expired batch with nothing done': { end: 'expired', doneShare: 0 },
};

const lossy = Object.entries(lossyFates).flatMap(([kind, fate]) =>
  batchProviders.map((provider) =>
    defineCase({
      name: `${provider} batch: ${kind}, and the same run again`,
      kind,
      provider,
      world: { faults: { batches: [{ ...fate, times: 1 }] } },
      async play(trial, world) {
        await world.loom(runArgs(provider));
        // What is missing is waited for; a person who does not want to says so.
        const first = await fetchUntilDone(world, ...(fate.missingShare ? ['--partial'] : []));
        trial.check(first.code === 1 || first.code === 3, `the fetch of it ends with exit ${first.code}`);
        const written = await world.exists(outputName(provider));
        await world.loom(runArgs(provider));
        await fetchUntilDone(world, '--force');
        await trial.compare(`${provider} run`, { only: ['folder'] });
        await checkAskedAgain(trial, world, written && fate.missingShare);
      },
    }),
  ),
);

/** A second home stands for a colleague who shares the key; the prompts are as many, and others. */
async function submitAsAnother(world, provider) {
  const prompts = makeRows().map((prompt) => prompt && `${prompt} (asked by another)`);
  await writeInput(
    { write: (_, content) => world.write(`../${inputName(provider)}`, content) },
    provider,
    prompts,
  );
  const [command, flag, file, ...rest] = runArgs(provider);
  await world.loom([command, flag, `../${file}`, ...rest], { home: world.root, stop: undefined });
}

const others = batchProviders.flatMap((provider) => [
  defineCase({
    name: `${provider} batch: a status word never seen before, at the end`,
    kind: 'a status word never seen before',
    provider,
    world: { faults: { batches: [{ endedWord: 'transcended' }] } },
    async play(trial, world) {
      if (provider === 'xai') return 'a batch there has no status word';
      await world.loom(runArgs(provider));
      const ended = await world.loom(['fetch']);
      trial.checkExit(ended, 1, 'a fetch that does not know the word');
      trial.check(/status=unknown/.test(ended.stdout), 'the status is not told as unknown');
      trial.check(
        (await world.listHome()).some((name) => name.startsWith('batches/')),
        'the record is gone',
      );
      const again = await world.loom(['fetch']);
      trial.check(/status=unknown/.test(again.stdout), 'the next fetch does not ask again');
    },
  }),
  defineCase({
    name: `${provider} batch: the queue is full`,
    kind: 'queue full',
    provider,
    world: { faults: { queue: { [provider]: 7 } }, turnaroundMs: 700 },
    async play(trial, world) {
      await runAndFetch(world, provider, '--batch-size', '6');
      await trial.compare(`${provider} run of 3 parts`, { only: ['folder', 'prompts', 'home'] });
    },
  }),
  defineCase({
    name: `${provider} batch: upload or create is refused`,
    kind: 'upload failing',
    provider,
    short: provider === 'openai',
    world: {
      faults: {
        calls: [
          {
            operation: carrierOf(provider),
            do: 'status',
            status: 400,
            times: 1,
          },
        ],
      },
    },
    async play(trial, world) {
      const ended = await world.loom(runArgs(provider));
      trial.checkExit(ended, 1, 'a run whose upload is refused');
      const left = (await world.listHome()).filter((name) => !name.startsWith('cache/'));
      trial.check(left.length === 0, `left behind in the home: ${left.join(', ')}`);
      await runAndFetch(world, provider);
      await trial.compare(`${provider} run`);
    },
  }),
  defineCase({
    name: `${provider} batch: what an expired batch gave, with --partial`,
    kind: '--partial',
    provider,
    world: { faults: { batches: [{ end: 'expired', doneShare: 0.5, times: 1 }] } },
    async play(trial, world) {
      // At Anthropic a batch that gave some answers counts as completed.
      if (provider === 'anthropic' || provider === 'xai') return 'the batch counts as completed';
      await runAndFetch(world, provider);
      trial.check(!(await world.exists(outputName(provider))), 'an expired batch wrote an output by itself');
      const id = lastSubmittedId(world);
      const partial = await world.loom(['fetch', '--id', id, '--partial']);
      // Google gives no results of an expired batch: every row is without a response.
      trial.checkExit(partial, provider === 'google' ? 1 : 3, '--partial');
      await world.loom(runArgs(provider));
      await fetchUntilDone(world, '--force');
      await trial.compare(`${provider} run`, { only: ['folder', 'home'] });
      await checkAskedAgain(trial, world, 0);
    },
  }),
  defineCase({
    name: `${provider} batch: run after an expired batch sends the rest`,
    kind: 'run after an expired batch',
    provider,
    world: { faults: { batches: [{ end: 'expired', doneShare: 0.5, times: 1 }] } },
    async play(trial, world) {
      await runAndFetch(world, provider);
      const again = await world.loom(runArgs(provider));
      trial.check(/^Batch submitted/m.test(again.stdout), 'it takes an expired batch for a pending one');
      await fetchUntilDone(world, '--force');
      await trial.compare(`${provider} run`, { only: ['folder'] });
    },
  }),
  ...['before', 'after'].map((when) =>
    defineCase({
      name: `${provider} batch: another's batch of the same size, and a kill ${when} our create`,
      kind: "another's batch in the same account",
      provider,
      // Ours is created late, so that the other's is the first that could be taken for it.
      world: { faults: { calls: [{ operation: 'createBatch', do: 'delay', ms: 2_500, times: 1 }] } },
      async play(trial, world) {
        const ours = world.loom(runArgs(provider), { stop: atCreation(when) });
        if (when === 'before') await ours;
        else await pause(1_500);
        await submitAsAnother(world, provider);
        await ours;
        await runAndFetch(world, provider);
        await trial.compare(`${provider} run`, {
          only: ['folder', 'prompts', 'home'],
          sharedAccount: true,
        });
      },
    }),
  ),
]);

const liveOthers = allProviders.flatMap((provider) => [
  defineCase({
    name: `${provider} sync: a sustained rate limit`,
    kind: 'rate limit, sync',
    provider,
    world: { faults: { calls: [{ operation: 'generate', do: 'rateLimit', perSecond: 6, header: 'none' }] } },
    async play(trial, world) {
      await world.loom(runArgs(provider, '--sync'));
      await trial.compare(`${provider} run --sync`);
    },
  }),
  defineCase({
    name: `${provider} sync: the key is refused in the middle`,
    kind: 'key refused, sync',
    provider,
    world: { faults: { calls: [{ operation: 'generate', skip: 6, times: 1, do: 'status', status: 401 }] } },
    async play(trial, world) {
      const ended = await world.loom(runArgs(provider, '--sync', '--no-cache'));
      trial.checkExit(ended, 1, 'a run whose key is refused');
      trial.check(!(await world.exists(outputName(provider))), 'an output was written all the same');
      await world.loom(runArgs(provider, '--sync', '--no-cache'));
      await trial.compare(`${provider} run --sync --no-cache`);
    },
  }),
]);

export const providerCases = [...inBatches, ...live, ...harmless, ...lossy, ...others, ...liveOthers];
