/** How fast a run is whose answers are all in the cache. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createAnswer, fillCache } from '../cache-entries.mjs';
import { checkOutput, promptColumn, writeInput } from '../inputs.mjs';
import { formatCount, formatMegabytes, tableOfTimes } from '../report.mjs';
import { requireHits } from '../submit-and-fetch.mjs';
import { runLoom } from '../workplace.mjs';

export async function measureCache({ workplace, python, before, sizes }) {
  const { cachedRows } = sizes;
  const { folder } = await workplace.createPlace('inputs');
  const input = join(folder, 'reviews.csv');
  await writeInput(input, cachedRows);
  const sandbox = await workplace.startSandbox();
  const time = (form, runTool) => timeCachedRun(workplace, sandbox, input, cachedRows, form, runTool);
  const packed = await timePackedRun(workplace, sandbox, input, cachedRows);
  const loose = await time('loom', runLoom);
  const earlier = before && (await time('loom', before.run));
  const theirs = python && (await time('python', python.run));
  await sandbox.stop();
  const others = { before: earlier?.seconds, python: theirs?.seconds };
  const rows = [
    {
      what: `${formatCount(cachedRows)} rows, all cached, in packs`,
      ours: packed.seconds,
      ...others,
      target: { faster: 6 },
    },
    { what: `${formatCount(cachedRows)} rows, all cached, a file each`, ours: loose.seconds, ...others },
  ];
  const peaks = [
    `Peak memory: ${formatMegabytes(packed.peakMegabytes)}, with a file each ${formatMegabytes(loose.peakMegabytes)}`,
  ];
  if (theirs) peaks.push(`the Python tool ${formatMegabytes(theirs.peakMegabytes)}`);
  return tableOfTimes('Live, from the cache', rows, {
    python,
    before,
    notes: [
      `${peaks.join(', ')}.`,
      `The packs are those of a batch, ${packed.cacheBytes.toFixed(0)} bytes an answer, which is ${packed.share.toFixed(2)} times the answer and 64 bytes. Files of their own are made by the benchmark, in each tool's form.`,
    ],
  });
}

/** The same rows as a batch first, whose answers are then in packs: the live run, and how large the packs are. */
async function timePackedRun(workplace, sandbox, input, rows) {
  const place = await workplace.createPlace('cached-packs', sandbox.variables);
  const work = ['--file', input, '--col', promptColumn, '--provider', 'openai', '--model', 'gpt-4o-mini'];
  const output = join(place.folder, 'answers.csv');
  await runLoom(place, 'run', ...work, '--output', output);
  await runLoom(place, 'fetch');
  const result = await runLoom(place, 'run', '--sync', '--force', ...work, '--output', output);
  requireHits(result, rows);
  await checkOutput(output, rows);
  const cacheBytes = (await measurePacks(place)) / rows;
  const answerBytes = measureAnswers(rows);
  await place.discard();
  return { ...result, cacheBytes, share: cacheBytes / (answerBytes + 64) };
}

/** The bytes of all packs in a place's cache. */
async function measurePacks({ home }) {
  const folder = join(home, '.loom', 'cache', 'packs');
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** The mean length of the answers that the sandbox gives, in bytes. */
function measureAnswers(rows) {
  let bytes = 0;
  for (let row = 0; row < rows; row++) bytes += Buffer.byteLength(createAnswer(row));
  return bytes / rows;
}

/** Runs a tool against a cache that holds every answer. Throws when the tool had to ask for one. */
async function timeCachedRun(workplace, sandbox, input, rows, form, runTool) {
  const place = await workplace.createPlace(`cached-${form}`, sandbox.variables);
  await fillCache(place.home, form, rows);
  const output = join(place.folder, 'answers.csv');
  const result = await runTool(
    place,
    ...['run', '--sync', '--file', input, '--col', promptColumn, '--provider', 'openai'],
    ...['--model', 'gpt-4o-mini', '--output', output],
  );
  requireHits(result, rows);
  await checkOutput(output, rows);
  await place.discard();
  return result;
}
