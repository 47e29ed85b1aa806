/** Results that are short, not ours, not whole yet, or gone: over means accounted for. */
import { checkAskedAgain, defineCase, lastSubmittedId, runAndFetch } from './expect.mjs';
import { batchProviders, fetchUntilDone, outputName, runArgs } from './stories.mjs';

const lacks = {
  'rows are missing': { missingShare: 0.3 },
  'rows of others': { foreignShare: 0.3 },
  'a page of HTML in the middle': { pageShare: 0.3 },
  'only the errors yet': { onlyErrors: true },
};

const hourMs = 3600_000;
const dayMs = 25 * hourMs;

/** A fetch that finds less than was sent. */
async function checkIsShort(trial, world, provider) {
  const ended = await world.loom(['fetch']);
  trial.checkExit(ended, 1, 'a fetch whose results are short');
  trial.check(!(await world.exists(outputName(provider))), 'an output was written from short results');
  const records = await world.listState('batches');
  trial.check(records.length > 0, 'the record is gone though results are missing');
}

/** What becomes of short results. */
const ends = {
  async 'whole later'(trial, world, provider) {
    await checkIsShort(trial, world, provider);
    await world.changeBatchFaults(provider, {});
    await fetchUntilDone(world);
    await trial.compare(`${provider} run`);
  },
  async 'never whole, with --partial'(trial, world, provider, share) {
    const partial = await world.loom(['fetch', '--partial']);
    trial.check([1, 3].includes(partial.code), `--partial ends with exit ${partial.code}`);
    await askAgain(trial, world, provider, share);
  },
  async 'never whole, a day later'(trial, world, provider, share) {
    await checkIsShort(trial, world, provider);
    for (const id of await world.batchIds(provider))
      await world.changeBatch(provider, id, ({ createdAt }) => ({ createdAt: createdAt - dayMs }));
    const written = await fetchUntilDone(world);
    trial.check([1, 3].includes(written.code), `the fetch of what there is ends with exit ${written.code}`);
    await askAgain(trial, world, provider, share);
  },
};

/** The same run once more asks for what gave no answer, and for nothing else. */
async function askAgain(trial, world, provider, share) {
  await world.setFaults({});
  await world.loom(runArgs(provider, '--force'));
  await fetchUntilDone(world, '--force');
  await trial.compare(`${provider} run`, { only: ['folder'] });
  await checkAskedAgain(trial, world, share);
}

const short = batchProviders.flatMap((provider, place) =>
  Object.entries(lacks).flatMap(([lack, fault], turn) =>
    Object.entries(ends).map(([end, play]) =>
      defineCase({
        name: `${provider} results: ${lack}, ${end}`,
        kind: `short results, ${end}`,
        provider,
        short: turn === place && end === 'whole later',
        world: { faults: { batches: [{ ...fault, times: 1 }] } },
        async play(trial, world) {
          // The day counts from when the batch was first seen to be over.
          if (provider === 'xai' && end.endsWith('a day later'))
            return 'it does not tell when a batch was over';
          await world.loom(runArgs(provider));
          await play(trial, world, provider, Object.values(fault)[0] === true ? 1 : 0.3);
        },
      }),
    ),
  ),
);

const shortParts = batchProviders.flatMap((provider) =>
  Object.entries(lacks).map(([lack, fault]) =>
    defineCase({
      name: `${provider} results: ${lack} in one of three parts, whole later`,
      kind: 'short results, whole later',
      provider,
      world: { faults: { batches: [{ ...fault, skip: 1, times: 1 }] } },
      async play(trial, world) {
        await world.loom(runArgs(provider, '--batch-size', '6'));
        await world.loom(['fetch']);
        await world.loom(['fetch']);
        await world.changeBatchFaults(provider, {});
        await fetchUntilDone(world);
        await trial.compare(`${provider} run of 3 parts`);
      },
    }),
  ),
);

/** A download that says at its first bytes that it is something else: nothing of it is taken. */
const strangeDownloads = {
  'a page of HTML': { do: 'html', status: 200 },
  'nothing under HTTP 200': { do: 'empty' },
  'HTTP 403': { do: 'status', status: 403 },
  'HTTP 404 once': { do: 'status', status: 404 },
};

const downloads = batchProviders.flatMap((provider) =>
  Object.entries(strangeDownloads).map(([kind, effect]) =>
    defineCase({
      name: `${provider} results: the download gives ${kind}`,
      kind: 'a strange download',
      provider,
      world: { hurry: true, faults: { calls: [{ operation: 'download', times: 1, ...effect }] } },
      async play(trial, world) {
        await runAndFetch(world, provider);
        await trial.compare(`${provider} run`);
      },
    }),
  ),
);

/** The fetch that finds results gone, and what follows: nothing speaks of them any more, and nothing waits for them. */
async function checkIsGone(trial, world, provider, fetched, id) {
  trial.checkExit(fetched, 1, 'the fetch that finds the results gone');
  trial.check(`${fetched.stdout}${fetched.stderr}`.includes(id), 'the batch is not named');
  const later = await world.loom(['fetch']);
  trial.checkExit(later, 0, 'a fetch after the results are gone');
  await world.setFaults({});
  const again = await world.loom(runArgs(provider));
  trial.check(/^Batch submitted/m.test(again.stdout), 'a batch whose results are gone holds up the run');
  await fetchUntilDone(world, '--force');
  await trial.compare(`${provider} run`, { only: ['folder'] });
}

/** A refusal of the results says that they are gone, where they stand nowhere else. */
const gone = batchProviders
  .filter((provider) => provider !== 'openrouter')
  .flatMap((provider) =>
    [404, 410].map((status) =>
      defineCase({
        name: `${provider} results: gone for good, HTTP ${status}`,
        kind: 'results gone',
        provider,
        world: { hurry: true, faults: { calls: [{ operation: 'download', do: 'status', status }] } },
        async play(trial, world) {
          await world.loom(runArgs(provider));
          const id = lastSubmittedId(world);
          const first = await world.loom(['fetch']);
          await checkIsGone(trial, world, provider, first, id);
        },
      }),
    ),
  );

/** Results of OpenRouter come in pages, and stand within the batch as well. */
const withinBatch = [
  ...[404, 410].map((status) =>
    defineCase({
      name: `openrouter results: no pages of them, HTTP ${status}`,
      kind: 'results within the batch',
      provider: 'openrouter',
      world: { faults: { calls: [{ operation: 'download', do: 'status', status }] } },
      async play(trial, world) {
        await runAndFetch(world, 'openrouter');
        await trial.compare('openrouter run');
      },
    }),
  ),
  defineCase({
    name: 'openrouter results: late at first, gone for good after an hour',
    kind: 'results gone',
    provider: 'openrouter',
    world: { hurry: true, faults: { batches: [{ archived: true, times: 1 }] } },
    async play(trial, world) {
      await world.loom(runArgs('openrouter'));
      const id = lastSubmittedId(world);
      const first = await world.loom(['fetch']);
      trial.checkExit(first, 1, 'the fetch of results that may be late');
      const again = await world.loom(runArgs('openrouter'));
      trial.check(/^Nothing sent/m.test(again.stdout), 'what may be late is paid for once more');
      await world.changeBatch('openrouter', id, ({ createdAt }) => ({ createdAt: createdAt - 2 * hourMs }));
      await checkIsGone(trial, world, 'openrouter', await world.loom(['fetch']), id);
    },
  }),
];

export const resultCases = [...short, ...shortParts, ...downloads, ...gone, ...withinBatch];
