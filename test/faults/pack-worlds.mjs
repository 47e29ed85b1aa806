/** Caches with packs, made once and copied into each world that begins with them, and what must hold of a cache. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashOf, newFigures } from './checks.mjs';
import { inputName, model, outputName, writeCsv } from './inputs.mjs';
import { isKill, readStop } from './stop.mjs';
import { fetchUntilDone, runArgs } from './stories.mjs';
import { createWorld } from './world.mjs';

/** One more than stay loose. */
export const packedRows = 33;
/** So many packs are put together. */
const gathered = 8;
export const otherModel = 'faults-2';

export const promptsOf = (letter, count = packedRows) =>
  Array.from({ length: count }, (_, index) => `What is said of ${letter}${index}?`);

/** The letters of the batches whose answers a cache begins with; every other one is of another model. */
export const seedLetters = (count) => [...'abcdefgh'.slice(0, count)];
export const seedModel = (letter) => (letter.charCodeAt(0) % 2 === 0 ? otherModel : model);
export const seedPrompts = (letters) => letters.flatMap((letter) => promptsOf(letter));
export const lettersOf = (letters, ofModel) => letters.filter((letter) => seedModel(letter) === ofModel);

/** Each world's sandbox is at another address, and its answers are those of one server. */
const atServer = ['--server-name', 'packs'];

const argsFor = (name, provider, ofModel, ...flags) => [
  ...['run', '-f', name, '-c', 'text', '-p', provider, '-m', ofModel],
  ...atServer,
  ...flags,
];

export const packArgs = (provider, ...flags) => runArgs(provider, ...atServer, ...flags);

const seeds = new Map();

/** Seven packs, too few to be put together. */
export const plantPacks = (world, provider) => plantCache(world, provider, gathered - 1);

/** One pack, of answers of two models. */
export const plantGatheredPack = (world, provider) => plantCache(world, provider, gathered);

async function plantCache(world, provider, count) {
  const name = `${provider} ${count}`;
  if (!seeds.has(name)) seeds.set(name, makeSeeds(provider, count));
  for (const [path, content] of await seeds.get(name)) {
    const target = world.statePath(join('cache', path));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  return seedLetters(count);
}

/** The files of a cache after so many batches. */
async function makeSeeds(provider, count) {
  const world = await createWorld({ plants: false });
  try {
    for (const letter of seedLetters(count)) {
      await world.write(`${letter}.csv`, writeCsv(promptsOf(letter)));
      await world.loom(argsFor(`${letter}.csv`, provider, seedModel(letter)));
    }
    await fetchUntilDone(world);
    const folder = world.statePath('cache');
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return Promise.all(paths.map(async (path) => [path.slice(folder.length + 1), await readFile(path)]));
  } finally {
    await world.remove();
  }
}

export function writePackedInput(world, provider, prompts) {
  return world.write(inputName(provider), writeCsv(prompts));
}

const answerOf = (prompt, ofModel) => `Sandbox answer from ${ofModel}: ${prompt}`;

export function expectedCsv(prompts, ofModel = model) {
  const lines = prompts.map(
    (prompt, index) => `00${index},${prompt},n${index},${answerOf(prompt, ofModel)}\n`,
  );
  return `id,text,note,llm_response\n${lines.join('')}`;
}

/** What `loom cache stats` counts. */
export async function countCached(world) {
  const { stdout } = await world.loom(['cache', 'stats', '--output-format', 'json']);
  return JSON.parse(stdout);
}

/** Whether a run of these prompts gets all of its answers from the cache, and asks nobody. */
export async function isServed(world, provider, ofModel, prompts) {
  await world.write('again.csv', writeCsv(prompts));
  const calls = async () => JSON.stringify((await world.statistics()).vendors[provider]);
  const before = await calls();
  await world.loom(argsFor('again.csv', provider, ofModel, '--force'));
  const output = `again_results_${provider}_${ofModel}.csv`;
  const isWhole = (await world.read(output)) === expectedCsv(prompts, ofModel);
  return isWhole && before === (await calls());
}

/**
 * Each of these many answers is counted once. Where a pack is in place and what it replaces is not deleted yet, a stop
 * leaves them in both, until packs are put together.
 */
export async function checkCount(world, answers, check) {
  const { entries } = await countCached(world);
  const most = answers * (1 + world.traces.filter(({ reached }) => reached).length);
  check(entries >= answers && entries <= most, `${entries} answers are cached, not ${answers}`);
}

/** So many live calls may have been paid for twice: those under way at a kill. */
const callsAtOnce = 4;

/** The output is whole, each prompt was paid for once, the cache has each answer, and nothing else lies about. */
export async function judgePacks(world, { provider, prompts, batches, seeded = [] }) {
  const violations = [];
  const figures = newFigures();
  const check = (holds, words) => holds || violations.push(words);
  const output = (await world.read(outputName(provider))) ?? '';
  figures.rowsLost = prompts.filter((prompt) => !output.includes(answerOf(prompt, model))).length;
  check(output === expectedCsv(prompts), 'the output is not whole');
  const { prompts: asked, vendors } = await world.statistics();
  for (const prompt of prompts) {
    const { live, batch } = asked[hashOf(prompt)] ?? { live: 0, batch: 0 };
    figures.askedTwice += Math.max(0, batch - 1);
    figures.paidAgain += Math.max(0, live - 1);
  }
  check(figures.askedTwice === 0, `${figures.askedTwice} rows were asked twice in batches`);
  check(vendors[provider].batches === batches, `${vendors[provider].batches} batches, not ${batches}`);
  const kills = world.traces.filter(({ reached, stop }) => reached && isKillOrDisk(stop)).length;
  check(
    figures.paidAgain <= callsAtOnce * kills,
    `${figures.paidAgain} live calls were paid for again, and ${callsAtOnce * kills} may be`,
  );
  await checkCount(world, prompts.length + seedPrompts(seeded).length, check);
  const ofModel = [...prompts, ...seedPrompts(lettersOf(seeded, model))];
  check(await isServed(world, provider, model, ofModel), 'a later run had to ask, or was answered wrongly');
  if (seeded.length > 0) {
    const others = seedPrompts(lettersOf(seeded, otherModel));
    check(await isServed(world, provider, otherModel, others), 'answers of the other model are gone');
  }
  await checkHomeIsClean(world, check, figures);
  return { violations, figures };
}

const isKillOrDisk = (stop) => !/int|term|hup/.test(readStop(stop).how) || isKill(readStop(stop).how);

/** Nothing but answers in the cache. */
export async function checkHomeIsClean(world, check, figures) {
  const left = (await world.listHome()).filter(
    (name) => !/^cache\/([0-9a-f]{64}\.json|packs\/.*)$/.test(name),
  );
  figures.leftBehind += left.length;
  check(left.length === 0, `left behind in the home: ${left.join(', ')}`);
  const packs = (await world.listHome()).filter((name) => name.startsWith('cache/packs/'));
  const odd = packs.filter((name) => !/^cache\/packs\/answers_\d+_[0-9a-f]+\.pack$/.test(name));
  check(odd.length === 0, `no packs: ${odd.join(', ')}`);
}
