/** Outputs that are in the way, come meanwhile, or are wanted by two: nothing is overwritten unasked. */
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { submittedIds } from './checks.mjs';
import { checkAskedAgain, defineCase, stopOf } from './expect.mjs';
import {
  allProviders,
  batchProviders,
  fetchUntilDone,
  model,
  outputName,
  pause,
  runArgs,
} from './stories.mjs';

const theirs = 'written by somebody meanwhile\n';

/** When somebody else's file comes: early, and just before the output is put in its place, told by its label. */
const moments = {
  early: (steps) => Math.round(steps.length / 3),
  'when all answers are there': (steps) => steps.findLastIndex((label) => /^call/.test(label)) + 1,
  'just before it is put there': '1suspend:^sync /place/.*\\.errors\\.',
};

async function checkIsKept(trial, world, name, words) {
  const kept = (await world.read(name)) === theirs;
  if (!kept) trial.figures.foreignTouched += 1;
  trial.check(kept, `${words} was overwritten unasked`);
}

/** A file that comes to the output's path while a command works. */
function comesMeanwhile({ provider, command, args, prepare, moment, short }) {
  return defineCase({
    name: `${provider} ${command}: an output comes meanwhile, ${moment}`,
    kind: 'an output comes meanwhile',
    provider,
    short,
    async play(trial, world) {
      await prepare(world);
      const stop = await stopOf(`${provider} ${command}`, moments[moment]);
      const { isSuspended, resume, ended } = await world.suspend(args, stop, { isOvertaken: false });
      await world.write(outputName(provider), theirs);
      const { code, stderr } = isSuspended ? await resume() : await ended;
      trial.check(code === 1, `exit ${code} with a file in the way: ${stderr}`);
      await checkIsKept(trial, world, outputName(provider), 'a file that came meanwhile');
      await world.clearFolder(outputName(provider));
      if (command === 'fetch') await fetchUntilDone(world);
      else await world.loom(args);
      await trial.compare(`${provider} ${command}`, { announced: false });
    },
  });
}

const meanwhile = Object.keys(moments).flatMap((moment, turn) => [
  ...allProviders.map((provider, place) =>
    comesMeanwhile({
      provider,
      command: 'run --sync',
      args: runArgs(provider, '--sync'),
      prepare: () => {},
      moment,
      short: turn === 2 && place === 4,
    }),
  ),
  ...batchProviders.map((provider, place) =>
    comesMeanwhile({
      provider,
      command: 'fetch',
      args: ['fetch'],
      prepare: (world) => world.loom(runArgs(provider)),
      moment,
      short: turn === 2 && place === 0,
    }),
  ),
]);

/** A file of that name is there before; it is nobody's errors file. */
const errorsFiles = allProviders.flatMap((provider) =>
  (batchProviders.includes(provider) ? ['--sync', ''] : ['--sync']).map((flag) =>
    defineCase({
      name: `${provider} run ${flag}: a foreign errors file beside the output`,
      kind: 'a foreign errors file',
      provider,
      async play(trial, world) {
        const name = `${outputName(provider)}.errors.jsonl`;
        await world.write(name, theirs);
        await world.loom(runArgs(provider, ...(flag ? [flag] : [])));
        await fetchUntilDone(world);
        await checkIsKept(trial, world, name, 'an errors file that is not of this output');
      },
    }),
  ),
);

const bothArgs = (provider, letter, ...flags) => [
  ...runArgs(provider, ...flags).map((word) => (word === model ? `model-${letter}` : word)),
  '--output',
  `both.${outputName(provider).split('.').at(-1)}`,
];

/** Two orders with one output: one of them has it, the other keeps its answers and says so. */
const twoJobs = batchProviders.flatMap((provider, place) =>
  [true, false].map((atOnce) =>
    defineCase({
      name: `${provider}: two jobs with one output, fetched ${atOnce ? 'at once' : 'one by one'}`,
      kind: 'two jobs with one output',
      provider,
      short: place === 1 && atOnce,
      async play(trial, world) {
        for (const letter of ['a', 'b']) await world.loom(bothArgs(provider, letter, '--no-cache'));
        const ids = [...submittedIds(world)];
        const runs = ids.map((id) => () => world.loomBeside(['fetch', '--id', id]));
        const ends = atOnce
          ? await Promise.all(runs.map((run) => run()))
          : [await runs[0]?.(), await runs[1]?.()];
        const written = ends.filter((ended) => /^Fabric complete/m.test(ended?.stdout ?? '')).length;
        trial.check(written === 1, `${written} of ${ids.length} fetches say that they wrote the output`);
        const left = await world.listState('batches');
        trial.check(left.length === ids.length - 1, `${left.length} records are left of ${ids.length}`);
        const refused = ends.find((ended) => ended?.code === 1);
        trial.check(ids.length < 2 || refused, 'nobody is told that the output is in the way');
        await checkAskedAgain(trial, world, 1);
      },
    }),
  ),
);

const twoLiveRuns = allProviders.map((provider) =>
  defineCase({
    name: `${provider} sync: two models with one output at once`,
    kind: 'two jobs with one output',
    provider,
    world: { latencyMs: 100 },
    async play(trial, world) {
      const orders = ['a', 'b'].map((letter) => bothArgs(provider, letter, '--sync'));
      const ends = await Promise.all(orders.map((args) => world.start(args).ended));
      const written = ends.filter(({ code }) => code === 3).length;
      trial.check(written === 1, `${written} of 2 runs wrote the output`);
      const loser = ends.findIndex(({ code }) => code !== 3);
      if (loser === -1) return;
      await world.loom([...orders[loser], '--force']);
      const { prompts } = await world.statistics();
      const again = Object.values(prompts).filter(({ live }) => live > 2).length;
      trial.figures.paidAgain += Math.max(0, again - 1);
      trial.check(again <= 1, `${again} prompts were paid for again`);
    },
  }),
);

const ownMode = 0o640;

/** The output that is replaced keeps its mode. */
const modes = allProviders.flatMap((provider) =>
  (batchProviders.includes(provider) ? ['run --sync', 'fetch'] : ['run --sync']).map((command) =>
    defineCase({
      name: `${provider} ${command} --force: the mode of the output`,
      kind: 'an output is replaced',
      provider,
      async play(trial, world) {
        await world.write(outputName(provider), theirs);
        await chmod(join(world.folder, outputName(provider)), ownMode);
        if (command === 'fetch') {
          await world.loom(runArgs(provider, '--force'));
          await pause(50);
          await fetchUntilDone(world, '--force');
        } else await world.loom(runArgs(provider, '--sync', '--force'));
        const { mode } = await stat(join(world.folder, outputName(provider)));
        trial.check((mode & 0o777) === ownMode, `the mode is ${(mode & 0o777).toString(8)}`);
        await trial.compare(`${provider} ${command}`, { only: ['folder', 'prompts'] });
      },
    }),
  ),
);

export const outputCases = [...meanwhile, ...errorsFiles, ...twoJobs, ...twoLiveRuns, ...modes];
