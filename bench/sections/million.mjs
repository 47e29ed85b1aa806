/** A million rows through every provider, format and mode, and whether they take more memory than a tenth of them. */
import { join } from 'node:path';
import { checkOutput, promptColumn, writeInput } from '../inputs.mjs';
import { formatCount, formatMegabytes, formatRatio, formatSeconds, verdict } from '../report.mjs';
import { submitAndFetch } from '../submit-and-fetch.mjs';
import { remove, runLoom } from '../workplace.mjs';
import { timeCachedRun } from './cache.mjs';

const mostMegabytes = 250;
const mostGrowth = 1.2;

/** The cache makes a file for each answer, which takes the disk longer than all the rest: once is enough. */
const batchCases = [
  { provider: 'openai', format: 'csv', flags: [] },
  { provider: 'openai', format: 'csv', flags: ['--no-cache'] },
  { provider: 'anthropic', format: 'csv', flags: ['--no-cache'] },
  { provider: 'google', format: 'csv', flags: ['--no-cache'] },
  { provider: 'openai', format: 'json', flags: ['--no-cache'] },
  { provider: 'openai', format: 'csv.gz', flags: ['--no-cache'] },
];

export async function measureMillion({ workplace, sizes }) {
  const rows = sizes.millionRows;
  const liveRows = Math.ceil(rows / 10);
  const results = [];
  for (const { provider, format, flags } of batchCases.slice(0, sizes.millionBatches)) {
    const measure = (input, count) => submitAndFetch(workplace, runLoom, provider, input, count, flags);
    const name = [`${provider}, ${format}`, ...flags].join(' ');
    const sizesTaken = await inBothSizes(workplace, name, rows, format, measure);
    results.push(pickStep(`${name}: submit`, rows, sizesTaken, ({ submit }) => submit));
    results.push(pickStep(`${name}: fetch and merge`, rows, sizesTaken, ({ fetch }) => fetch));
  }
  for (const [name, count, measure] of [
    ['openai, csv: --sync from the cache', rows, runFromCache],
    ['openai, csv: --sync, live calls', liveRows, runLive],
  ]) {
    const sizesTaken = await inBothSizes(workplace, name, count, 'csv', (input, count) =>
      measure(workplace, input, count),
    );
    results.push(pickStep(name, count, sizesTaken, (result) => result));
  }
  return {
    title: `A large job: ${formatCount(rows)} rows`,
    columns: ['what', 'rows', 'time', 'peak memory', 'peak at a tenth of the rows', 'ratio', 'target', 'met'],
    rows: results.map(describe),
    failed: results.some((result) => result.trouble !== undefined),
    notes: [
      ...new Set(results.flatMap(({ trouble }) => trouble ?? [])),
      "The sandbox keeps the providers' real limits. The Python tool can't do this: it sends one batch, of 50,000 rows at most.",
      'Each with a home of its own. MB are millions of bytes.',
      'Live calls take a millisecond or two each: they are made for a tenth of the rows, without latency.',
    ],
  };
}

/** Measures with a tenth of the rows and with all of them. A failure costs this case only: the others took long. */
async function inBothSizes(workplace, name, rows, format, measure) {
  const { folder } = await workplace.createPlace('inputs');
  const results = [];
  try {
    for (const count of [Math.ceil(rows / 10), rows]) {
      const input = join(folder, `reviews-${count}.${format}`);
      await writeInput(input, count);
      results.push(await measure(input, count));
      await remove(input);
      tell(`${name}, ${formatCount(count)} rows`, results.at(-1));
    }
    return { small: results[0], large: results[1] };
  } catch (error) {
    return { trouble: `${name} failed: ${error.message}` };
  }
}

function pickStep(what, rows, { small, large, trouble }, pick) {
  return trouble === undefined
    ? { what, rows, small: pick(small), large: pick(large) }
    : { what, rows, trouble };
}

async function runFromCache(workplace, input, count) {
  const sandbox = await workplace.startSandbox();
  const result = await timeCachedRun(workplace, sandbox, input, count, 'loom', runLoom);
  await sandbox.stop();
  return result;
}

async function runLive(workplace, input, count) {
  const sandbox = await workplace.startSandbox();
  const place = await workplace.createPlace('live', sandbox.variables);
  const output = join(place.folder, 'answers.csv');
  const result = await runLoom(
    place,
    ...['run', '--sync', '--file', input, '--col', promptColumn, '--provider', 'openai'],
    ...['--model', 'gpt-4o-mini', '--workers', '64', '--output', output],
  );
  await checkOutput(output, count);
  await sandbox.stop();
  await place.discard();
  return result;
}

function describe({ what, rows, small, large, trouble }) {
  if (trouble !== undefined) return [what, formatCount(rows), '', '', '', '', '', verdict(false)];
  const growth = large.peakMegabytes / small.peakMegabytes;
  return [
    what,
    formatCount(rows),
    formatSeconds(large.seconds),
    formatMegabytes(large.peakMegabytes),
    formatMegabytes(small.peakMegabytes),
    formatRatio(growth),
    `≤ ${mostMegabytes} MB, ≤ ${mostGrowth.toFixed(2)} ×`,
    verdict(large.peakMegabytes <= mostMegabytes && growth <= mostGrowth),
  ];
}

/** This section takes long: what is known is told at once. */
function tell(what, result) {
  const steps = 'submit' in result ? [result.submit, result.fetch] : [result];
  const words = steps.map(
    ({ seconds, peakMegabytes }) => `${formatSeconds(seconds)}, ${formatMegabytes(peakMegabytes)}`,
  );
  console.log(`  ${what}: ${words.join('; ')}`);
}
