/** Packs are made, put together and cleared by several processes at once. */
import { defineCase } from './expect.mjs';
import { model, outputName } from './inputs.mjs';
import {
  checkHomeIsClean,
  countCached,
  expectedCsv,
  isServed,
  lettersOf,
  otherModel,
  packArgs,
  packedRows,
  plantGatheredPack,
  plantPacks,
  promptsOf,
  seedPrompts,
  writePackedInput,
} from './pack-worlds.mjs';

const prompts = promptsOf('x');
const clearAll = ['cache', 'clear', '--yes'];
const clearOther = ['cache', 'clear', '--model', otherModel, '--yes'];
const cacheWorld = { countsCache: true };

/** Where a fetch makes its pack (1) and puts it together with others (2), and what is left of the packs by then. */
const gatherStops = [
  '1suspend:^openSync .*cache/tmp',
  '1suspend:^renameSync .*cache/tmp',
  '2suspend:^openSync .*cache/tmp',
  '2suspend:^mkdirSync .*cache/packs',
  '2suspend:^renameSync .*cache/tmp',
  '3suspend:^rmSync .*cache/packs',
];

/** The cache is cleared while a fetch is at its packs: what was cleared does not come back. */
const clearDuringFetch = gatherStops.map((stop, index) =>
  defineCase({
    name: `google: the cache is cleared at ${stop.replace('suspend:^', '. ')} of a fetch`,
    kind: 'cache clear beside packs',
    provider: 'google',
    short: index === 3,
    world: cacheWorld,
    async play(trial, world) {
      const letters = await prepareFetch(world, 'google');
      const { resume, isSuspended } = await world.suspend(['fetch'], stop, { isOvertaken: false });
      trial.check(isSuspended, 'the fetch was not suspended');
      trial.checkExit(await world.loom(clearAll), 0, 'cache clear');
      trial.checkExit(await resume(), 0, 'fetch');
      await checkOutput(trial, world, 'google');
      const { entries, groups } = await countCached(world);
      trial.check(entries === 0 || entries === packedRows, `${entries} answers came back, or some were lost`);
      trial.check(
        groups.every((group) => group.model === model),
        'answers of the other model came back',
      );
      // Asked anew, which shows that none of them is there.
      if (entries === 0) return;
      trial.check(await isServed(world, 'google', model, prompts), 'the new answers are not in the cache');
      trial.check(letters.length > 0, 'no packs were there');
    },
  }),
);

async function prepareFetch(world, provider) {
  const letters = await plantPacks(world, provider);
  await writePackedInput(world, provider, prompts);
  await world.loom(packArgs(provider));
  return letters;
}

async function checkOutput(trial, world, provider) {
  const isWhole = (await world.read(outputName(provider))) === expectedCsv(prompts);
  trial.check(isWhole, 'the output is not whole');
  await checkHomeIsClean(world, (holds, words) => trial.check(holds, words), trial.figures);
}

/** A part of the cache is cleared, held up, and a fetch makes a pack and puts packs together meanwhile. */
const fetchDuringClear = [
  '1suspend:^unlinkSync .*packs',
  '2suspend:^unlinkSync .*packs',
  '3suspend:^unlinkSync .*packs',
].map((stop) =>
  defineCase({
    name: `google: a fetch puts packs together at ${stop.replace('suspend:^', '. ')} of a cache clear`,
    kind: 'cache clear beside packs',
    provider: 'google',
    world: cacheWorld,
    async play(trial, world) {
      const letters = await prepareFetch(world, 'google');
      const { resume, isSuspended } = await world.suspend(clearOther, stop, { isOvertaken: false });
      trial.check(isSuspended, 'the clear was not suspended');
      trial.checkExit(await world.loom(['fetch']), 0, 'fetch');
      trial.checkExit(await resume(), 0, 'cache clear');
      await checkOutput(trial, world, 'google');
      const kept = [...prompts, ...seedPrompts(lettersOf(letters, model))];
      const served = await isServed(world, 'google', model, kept);
      trial.check(served, 'answers are gone that were not to be cleared');
    },
  }),
);

/** The pack is written anew by one clear, which is held up, and a run reads what it does not clear. */
const readDuringClear = [
  '1suspend:^fsyncSync .*cache/tmp',
  '1suspend:^renameSync .*cache/tmp',
  '1suspend:^unlinkSync .*packs',
].map((stop) =>
  defineCase({
    name: `google: a run reads a pack at ${stop.replace('suspend:^', '. ')} of a clear of a part of it`,
    kind: 'cache clear beside packs',
    provider: 'google',
    world: cacheWorld,
    async play(trial, world) {
      const letters = await plantGatheredPack(world, 'google');
      const kept = seedPrompts(lettersOf(letters, model));
      const { resume, isSuspended } = await world.suspend(clearOther, stop, { isOvertaken: false });
      trial.check(isSuspended, 'the clear was not suspended');
      trial.check(await isServed(world, 'google', model, kept), 'a run beside the clear had to ask');
      // Another clear of the same answers is none too many.
      trial.checkExit(await world.loom(clearOther), 0, 'the second cache clear');
      trial.checkExit(await resume(), 0, 'cache clear');
      trial.check(
        await isServed(world, 'google', model, kept),
        'answers are gone that were not to be cleared',
      );
      const { entries } = await countCached(world);
      // Both clears may leave what they kept: it is counted twice until packs are put together (decision 0046).
      const isTold = [kept.length, 2 * kept.length].includes(entries);
      trial.check(isTold, `${entries} answers are cached, not ${kept.length}`);
    },
  }),
);

export const packCases = [...clearDuringFetch, ...fetchDuringClear, ...readDuringClear];
