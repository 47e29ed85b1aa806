/** Parts of the home that are gone between two commands, or while one works: a paid batch is named, and stops no other. */
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCase, lastSubmittedId, runAndFetch, stateOf, stopOf } from './expect.mjs';
import { atCreation } from './stop.mjs';
import {
  askFor,
  batchProviders,
  fetchUntilDone,
  model,
  orderArgs,
  outputName,
  runArgs,
  writeCsv,
} from './stories.mjs';

/** Files of the first job that somebody removes after its run; `known`: the next fetch can go on without them. */
const losses = {
  'its record': { pattern: /^batches\// },
  'its job': { pattern: /^jobs\// },
  'its id map': { pattern: /^requests\/.*\.ids$/ },
  'its request file': { pattern: /^requests\/.*\.jsonl$/ },
  'all of its requests': { pattern: /^requests\// },
  'the locks': { pattern: /^locks\// },
  'the cache': { pattern: /^cache\// },
  'its record and its requests': { pattern: /^(batches|requests)\// },
};

const otherPrompts = Array.from({ length: 5 }, (_, index) => `What does the other job ask, ${index}?`);
const otherArgs = (provider) => [
  ...['run', '-f', 'other.csv', '-c', 'text', '-p', provider, '-m', model],
  ...askFor(provider, []),
];

async function removeState(world, pattern) {
  const names = (await world.listHome()).filter((name) => pattern.test(name));
  for (const name of names) await rm(world.statePath(name));
  return names;
}

const between = batchProviders.flatMap((provider, place) =>
  Object.entries(losses).map(([loss, { pattern }], turn) =>
    defineCase({
      name: `${provider}: ${loss} removed between run and fetch`,
      kind: 'files of the home removed',
      provider,
      short: turn === place * 2,
      async play(trial, world) {
        await world.loom(runArgs(provider));
        const id = lastSubmittedId(world);
        const backup = join(world.root, 'backup');
        await cp(world.statePath(''), backup, { recursive: true, preserveTimestamps: true });
        await removeState(world, pattern);
        await world.write('other.csv', writeCsv(otherPrompts));
        await world.loom(otherArgs(provider));
        const ended = await world.loom(['fetch']);
        const other = (await world.read(`other_results_${provider}_${model}.csv`)) ?? '';
        trial.check(other.includes('Sandbox answer'), 'the other job was not fetched');
        trial.check([0, 1, 3].includes(ended.code), `the fetch ends with exit ${ended.code}`);
        if (ended.code === 1)
          trial.check(ended.stderr.includes(id), `the paid batch is not named: ${ended.stderr}`);
        // What was removed comes back, as from a backup, unless the job is done without it.
        if (!(await world.exists(outputName(provider)))) {
          await cp(backup, world.statePath(''), { recursive: true, force: false, preserveTimestamps: true });
          await fetchUntilDone(world);
        }
        const { state } = await stateOf(`${provider} run`);
        const name = outputName(provider);
        const same = (await world.read(name)) === state.folder[name];
        if (!same) trial.figures.rowsLost += 1;
        trial.check(same, 'the output is not that of an undisturbed run');
        const { prompts } = await world.statistics();
        const twice = Object.values(prompts).filter(({ batch }) => batch > 1).length;
        trial.figures.askedTwice += twice;
        trial.check(twice === 0, `${twice} prompts were asked twice in batches`);
      },
    }),
  ),
);

/** A run that is cut off with its part at the provider or not there yet, and loses what it would send again. */
const cutOff = batchProviders.flatMap((provider) =>
  ['before', 'after'].flatMap((when) =>
    ['its id map', 'its request file', 'all of its requests'].map((loss) =>
      defineCase({
        name: `${provider}: ${loss} removed after a kill ${when} the creation`,
        kind: 'files of the home removed',
        provider,
        async play(trial, world) {
          await world.loom(runArgs(provider), { stop: atCreation(when) });
          await removeState(world, losses[loss].pattern);
          const ended = await world.loom(['fetch']);
          trial.check([0, 1, 3].includes(ended.code), `the fetch ends with exit ${ended.code}`);
          if (when === 'after') {
            const [id] = await world.batchIds(provider);
            const named = [world.said, ...(await readJobs(world))].join('\n').includes(id);
            trial.check(named, `the paid batch ${id} is named nowhere`);
          }
          const { prompts } = await world.statistics();
          const twice = Object.values(prompts).filter(({ batch }) => batch > 1).length;
          trial.figures.askedTwice += twice;
          trial.check(twice === 0, `${twice} prompts were asked twice in batches`);
        },
      }),
    ),
  ),
);

async function readJobs(world) {
  const names = (await world.listHome()).filter((name) => /^(jobs|batches)\//.test(name));
  return Promise.all(names.map((name) => readFile(world.statePath(name), 'utf8').catch(() => '')));
}

const folders = ['batches', 'jobs', 'requests', 'results', 'locks'];

/** A folder of the home vanishes while a command works. */
const vanishing = batchProviders.flatMap((provider) =>
  folders.flatMap((folder) =>
    [0.4, 0.8].map((moment) =>
      defineCase({
        name: `${provider} fetch: ${folder}/ vanishes at ${moment * 100} % of it`,
        kind: 'a part of the home vanishes',
        provider,
        world: { plants: false },
        async play(trial, world) {
          await world.loom(runArgs(provider));
          const id = lastSubmittedId(world);
          const stop = await stopOf(`${provider} fetch`, ({ length }) => Math.round(length * moment));
          const { isSuspended, resume, ended } = await world.suspend(['fetch'], stop, { isOvertaken: false });
          await rm(world.statePath(folder), { recursive: true, force: true });
          const { code, stderr } = isSuspended ? await resume() : await ended;
          trial.check([0, 1, 3].includes(code), `exit ${code}`);
          if (code === 1) trial.check(/^Error: /m.test(stderr), `exit 1 without an error: ${stderr}`);
          const written = await world.exists(outputName(provider));
          trial.check(
            written || world.said.includes(id) || (await isKnown(world, id)),
            'the paid batch is named nowhere',
          );
          await world.loom(['fetch']);
          if (!(await world.exists(outputName(provider))) && !(await isKnown(world, id)))
            await adopt(world, provider, id);
          await fetchUntilDone(world);
          if (!(await world.exists(outputName(provider)))) await runAndFetch(world, provider);
          await trial.compare(`${provider} run`, { only: ['folder'] });
          const { prompts } = await world.statistics();
          // A refused row is asked again by a run that comes after the output.
          const twice = Object.values(prompts).filter(({ batch }) => batch > 1).length;
          trial.figures.askedTwice += Math.max(0, twice - 1);
          trial.check(twice <= 1, `${twice} prompts were asked twice in batches`);
        },
      }),
    ),
  ),
);

async function isKnown(world, id) {
  return (await readJobs(world)).join('\n').includes(id);
}

async function adopt(world, provider, id) {
  await world.loom(['adopt', '--id', id, ...orderArgs(provider)]);
}

export const lossCases = [...between, ...cutOff, ...vanishing];
