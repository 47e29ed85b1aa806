/** A million rows through every provider, format and mode: beside the build before, and whether they take more memory than a tenth of them. */
import { join } from 'node:path';
import { checkOutput, promptColumn, writeInput } from '../inputs.mjs';
import { formatCount, formatMegabytes, formatRatio, formatSeconds, verdict } from '../report.mjs';
import { submitAndFetch } from '../submit-and-fetch.mjs';
import { remove, runLoom } from '../workplace.mjs';
import { timeCachedRun } from './cache.mjs';

const mostMegabytes = 160;
const mostGrowth = 1.1;
const mostOfBefore = 0.6;

/** The cache makes a file for each answer, which takes the disk longer than all the rest: once is enough. */
const batchCases = [
  { provider: 'openai', format: 'csv', flags: [] },
  { provider: 'openai', format: 'csv', flags: ['--no-cache'] },
  { provider: 'anthropic', format: 'csv', flags: ['--no-cache'] },
  { provider: 'google', format: 'csv', flags: ['--no-cache'] },
  { provider: 'openai', format: 'json', flags: ['--no-cache'] },
  { provider: 'openai', format: 'csv.gz', flags: ['--no-cache'] },
  { provider: 'openai', format: 'tsv', flags: ['--no-cache'] },
  { provider: 'openai', format: 'jsonl', flags: ['--no-cache'] },
];

export async function measureMillion({ workplace, before, sizes }) {
  const rows = sizes.millionRows;
  const liveRows = Math.ceil(rows / 10);
  const results = [];
  for (const { provider, format, flags } of batchCases.slice(0, sizes.millionBatches)) {
    const measureBy = (runTool) => (input, count) =>
      submitAndFetch(workplace, runTool, provider, input, count, flags);
    const name = [`${provider}, ${format}`, ...flags].join(' ');
    const sizesTaken = await inBothSizes(
      workplace,
      name,
      rows,
      format,
      measureBy(runLoom),
      before && measureBy(before.run),
    );
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
    columns: [
      ...['what', 'rows', 'time', 'the build before', 'of it'],
      ...['peak memory', 'peak at a tenth of the rows', 'ratio', 'target', 'met'],
    ],
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

/**
 * Measures with a tenth of the rows and with all of them, and these by the build before too. A failure costs this case
 * only: the others took long.
 */
async function inBothSizes(workplace, name, rows, format, measure, measureBefore) {
  const { folder } = await workplace.createPlace('inputs');
  const results = [];
  let before;
  try {
    for (const count of [Math.ceil(rows / 10), rows]) {
      const input = join(folder, `reviews-${count}.${format}`);
      await writeInput(input, count);
      results.push(await measure(input, count));
      if (count === rows) before = await measureBefore?.(input, count);
      await remove(input);
      tell(`${name}, ${formatCount(count)} rows`, results.at(-1));
    }
    return { small: results[0], large: results[1], before };
  } catch (error) {
    return { trouble: `${name} failed: ${error.message}` };
  }
}

function pickStep(what, rows, { small, large, before, trouble }, pick) {
  return trouble === undefined
    ? { what, rows, small: pick(small), large: pick(large), before: before && pick(before) }
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

function describe({ what, rows, small, large, before, trouble }) {
  if (trouble !== undefined) return [what, formatCount(rows), ...Array(7).fill(''), verdict(false)];
  const growth = large.peakMegabytes / small.peakMegabytes;
  const share = before && large.seconds / before.seconds;
  return [
    what,
    formatCount(rows),
    formatSeconds(large.seconds),
    before ? formatSeconds(before.seconds) : '',
    share === undefined ? '' : formatRatio(share),
    formatMegabytes(large.peakMegabytes),
    formatMegabytes(small.peakMegabytes),
    formatRatio(growth),
    `≤ ${mostMegabytes} MB, ≤ ${formatRatio(mostGrowth)}${share === undefined ? '' : `, ≤ ${formatRatio(mostOfBefore)} of the time`}`,
    verdict(large.peakMegabytes <= mostMegabytes && growth <= mostGrowth && !(share > mostOfBefore)),
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
