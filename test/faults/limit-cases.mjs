/**
 * Limits that waiting does not mend: of a day, longer than patience, smaller than a part; and models and settings that are
 * refused for every row. The run ends, what was paid for is kept, and the same command goes on from there.
 */
import { defineCase } from './expect.mjs';
import { judgeHalves, smallQueue } from './limit-scenarios.mjs';
import { allProviders, batchProviders, carrierOf, fetchUntilDone, outputName, runArgs } from './stories.mjs';

const answeredBefore = 5;
/** Those under way together, and one that tries. */
const mostRefused = 6;

/** How a limit is told, and with what flags it ends the run. */
const limits = {
  'of a day, in words': [{ message: 'Rate limit reached on requests per day (RPD): Limit 200, Used 200.' }],
  'of a day, which invites to come again soon': [{ message: 'Daily limit reached.', retryAfter: 1 }],
  'that ends in seven hours': [{ retryAfter: 25_200 }],
  'that ends after --patience': [{ retryAfter: 30 }, '--patience', '10s'],
};

const liveLimits = allProviders.flatMap((provider, place) =>
  Object.entries(limits).map(([limit, [effect, ...flags]], turn) =>
    defineCase({
      name: `${provider} sync: a limit ${limit}`,
      kind: 'a limit beyond patience',
      provider,
      short: turn === 0 && place === 0,
      world: {
        faults: {
          calls: [{ operation: 'generate', do: 'status', status: 429, skip: answeredBefore, ...effect }],
        },
      },
      async play(trial, world) {
        const args = runArgs(provider, '--sync', ...flags);
        const ended = await world.loom(args);
        trial.checkExit(ended, 1, 'a run that meets a limit beyond patience');
        trial.check(!(await world.exists(outputName(provider))), 'an output was written');
        trial.check(/are kept/.test(ended.stderr), 'it is not told that the answers are kept');
        await checkRefused(trial, world, provider);
        await world.setFaults({});
        const again = await world.loom(args);
        trial.check([0, 3].includes(again.code), `the same run later ends with exit ${again.code}`);
        await trial.compare(`${provider} run --sync`);
      },
    }),
  ),
);

async function checkRefused(trial, world, provider) {
  const { vendors } = await world.statistics();
  const { generate = 0 } = vendors[provider].calls;
  const refused = generate - answeredBefore;
  trial.check(refused <= mostRefused, `${refused} calls were refused before the run ended`);
}

const refusals = {
  'a setting': {
    code: 'unsupported_value',
    message: "The value of 'temperature' is not supported with this model.",
  },
  'a model': { code: 'model_decommissioned', message: 'The model has been decommissioned.' },
};

const refusedSettings = allProviders.flatMap((provider, place) =>
  Object.entries(refusals).map(([what, effect], turn) =>
    defineCase({
      name: `${provider} sync: ${what} that is refused for every row`,
      kind: 'a model or a setting refused',
      provider,
      short: turn === 0 && place === 1,
      world: { faults: { calls: [{ operation: 'generate', do: 'status', status: 400, ...effect }] } },
      async play(trial, world) {
        const ended = await world.loom(runArgs(provider, '--sync'));
        trial.checkExit(ended, 1, 'a run of which every row is refused');
        trial.check(!(await world.exists(outputName(provider))), 'an output of gaps was written');
        trial.check(ended.stderr.includes(effect.message), 'the refusal is not told');
        const { vendors } = await world.statistics();
        trial.check(vendors[provider].calls.generate <= 12, 'more than a handful of calls were made');
        await world.setFaults({});
        const again = await world.loom(runArgs(provider, '--sync'));
        trial.check([0, 3].includes(again.code), `the run with the setting mended ends with ${again.code}`);
        await trial.compare(`${provider} run --sync`);
      },
    }),
  ),
);

const impossibleQueues = batchProviders.flatMap((provider, place) => [
  defineCase({
    name: `${provider} batch: the queue is smaller than the part`,
    kind: 'impossible queue',
    provider,
    short: place === 0,
    world: { hurry: true, faults: smallQueue(provider) },
    async play(trial, world) {
      const run = await world.loom(runArgs(provider));
      trial.checkExit(run, 0, 'a run whose queue is too small');
      await fetchUntilDone(world);
      trial.take(await judgeHalves(world, provider));
      trial.check(/--batch-size 8/.test(world.said), '--batch-size is not named');
    },
  }),
  defineCase({
    name: `${provider} batch: the file is too large`,
    kind: 'too large a file',
    provider,
    short: place === 1,
    world: {
      faults: {
        calls: [
          {
            operation: carrierOf(provider),
            do: 'status',
            status: 413,
            times: 1,
          },
        ],
      },
    },
    async play(trial, world) {
      const run = await world.loom(runArgs(provider));
      trial.checkExit(run, 0, 'a run whose file is too large');
      trial.check(/--batch-size 8/.test(run.stderr), '--batch-size is not named');
      await fetchUntilDone(world);
      trial.take(await judgeHalves(world, provider));
    },
  }),
  defineCase({
    name: `${provider} batch: a limit of a day on creations`,
    kind: 'a limit of a day on batches',
    provider,
    world: {
      hurry: true,
      faults: {
        calls: [
          { operation: 'createBatch', do: 'status', status: 429, message: 'Limit of batches per day.' },
        ],
      },
    },
    async play(trial, world) {
      const run = await world.loom(runArgs(provider));
      trial.check(/per day/.test(run.stderr), 'the limit is not told');
      await world.loom(['fetch']);
      await world.loom(['fetch']);
      await world.setFaults({});
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`, { announced: false });
    },
  }),
]);

export const limitCases = [...liveLimits, ...refusedSettings, ...impossibleQueues];
