/** Two servers with one model name: the sandbox, and the sandbox by another address. */
import { defineCase } from './expect.mjs';
import { allProviders, batchProviders, fetchUntilDone, outputName, runArgs } from './stories.mjs';

const addressOf = (world, provider) =>
  Object.values(world.environment)
    .find((value) => new URL(value, 'http://none').pathname.startsWith(`/${provider}`))
    .replace('127.0.0.1', 'localhost');

async function checkAskedTwice(trial, world, mode) {
  const counts = Object.values((await world.statistics()).prompts).map((prompt) => prompt[mode]);
  trial.check(counts.length > 0 && counts.every((count) => count >= 2), 'the second server was not asked');
}

const live = allProviders.map((provider) =>
  defineCase({
    name: `${provider}: the same run --sync at two servers`,
    kind: 'two servers live',
    provider,
    short: provider === 'openai',
    async play(trial, world) {
      await world.loom(runArgs(provider, '--sync', '-o', `first-${outputName(provider)}`));
      await world.loom(
        runArgs(
          provider,
          '--sync',
          '-o',
          `second-${outputName(provider)}`,
          '--base-url',
          addressOf(world, provider),
        ),
      );
      await checkAskedTwice(trial, world, 'live');
    },
  }),
);

const batches = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: the same run at two servers, fetched together`,
    kind: 'two servers in batches',
    provider,
    short: provider === 'anthropic',
    async play(trial, world) {
      await world.loom(runArgs(provider, '-o', `first-${outputName(provider)}`));
      await fetchUntilDone(world);
      const second = runArgs(
        provider,
        '-o',
        `second-${outputName(provider)}`,
        '--base-url',
        addressOf(world, provider),
      );
      const sent = await world.loom(second);
      trial.check(/^Batch submitted/m.test(sent.stdout), 'answers of the first server were taken');
      const again = await world.loom(second);
      trial.check(/^Nothing sent/m.test(again.stdout), 'the same work was sent twice');
      await fetchUntilDone(world);
      await checkAskedTwice(trial, world, 'batch');
    },
  }),
);

export const serverCases = [...live, ...batches];
