/** Stories that make packs of many cached answers, put packs together, or clear a part of one, stopped in the middle. */
import { newFigures } from './checks.mjs';
import { model } from './inputs.mjs';
import {
  checkCount,
  checkHomeIsClean,
  countCached,
  expectedCsv,
  isServed,
  judgePacks,
  lettersOf,
  otherModel,
  packArgs,
  plantGatheredPack,
  plantPacks,
  promptsOf,
  seedPrompts,
  writePackedInput,
} from './pack-worlds.mjs';
import { fetchUntilDone } from './stories.mjs';

const mostTries = 6;
const inCache = /\/\.loom\/cache\b/;

/** The answers of a batch become a pack; with seven packs there, all are put together. */
export function fetchPackScenario(provider, { seeded }) {
  const prompts = promptsOf('x');
  let letters = [];
  return {
    name: `${provider} fetch that ${seeded ? 'puts packs together' : 'makes a pack'}`,
    provider,
    mode: 'batch',
    wholeOutput: expectedCsv(prompts),
    countsCache: true,
    focus: inCache,
    async prepare(world) {
      if (seeded) letters = await plantPacks(world, provider);
      await writePackedInput(world, provider, prompts);
      await world.loom(packArgs(provider));
    },
    command: () => ['fetch'],
    finish: (world) => fetchUntilDone(world),
    judge: (world) => judgePacks(world, { provider, prompts, batches: 1, seeded: letters }),
  };
}

/** More new answers than stay loose after a live run. */
const liveRows = 1_001;

export function livePackScenario(provider) {
  const prompts = promptsOf('x', liveRows);
  const args = packArgs(provider, '--sync');
  return {
    name: `${provider} run --sync that makes a pack`,
    provider,
    mode: 'sync',
    wholeOutput: expectedCsv(prompts),
    countsCache: true,
    // What comes once a run: the calls, and what keeps their answers, come a thousand times.
    focus: /Sync .*\/\.loom\/cache\b|^(writeFile|sync|link|rm) /,
    share: 0.5,
    prepare: (world) => writePackedInput(world, provider, prompts),
    command: () => args,
    async finish(world, ended) {
      let last = ended;
      for (let turn = 0; turn < mostTries && !isWritten(last); turn += 1) last = await world.loom(args);
    },
    judge: (world) => judgePacks(world, { provider, prompts, batches: 0 }),
  };
}

const isWritten = ({ stdout, stderr }) => /^Done\. wrote/m.test(stdout) || /already exists/.test(stderr);

/** Of a pack of two models the answers of one are cleared: the pack is written anew without them. */
export function clearPackScenario(provider) {
  const args = ['cache', 'clear', '--model', otherModel, '--yes'];
  let letters = [];
  return {
    name: `${provider} cache clear of a part of a pack`,
    provider,
    mode: 'ending',
    countsCache: true,
    heldFrom: inCache,
    focus: inCache,
    prepare: async (world) => (letters = await plantGatheredPack(world, provider)),
    command: () => args,
    async finish(world, ended) {
      let last = ended;
      for (let turn = 0; turn < mostTries && last.code !== 0; turn += 1) last = await world.loom(args);
    },
    judge: (world) => judgeClear(world, provider, letters),
  };
}

/** What was to be cleared is gone, and every other answer is there, once. */
async function judgeClear(world, provider, letters) {
  const violations = [];
  const figures = newFigures();
  const check = (holds, words) => holds || violations.push(words);
  const kept = seedPrompts(lettersOf(letters, model));
  await checkCount(world, kept.length, check);
  const { groups } = await countCached(world);
  check(
    groups.every((group) => group.model === model),
    'answers that were cleared are there',
  );
  check(await isServed(world, provider, model, kept), 'answers are gone that were not to be cleared');
  await checkHomeIsClean(world, check, figures);
  return { violations, figures };
}
