/** A million rows through every provider, format and mode: beside the build before, and whether they take more memory than a tenth of them. */
import { join } from 'node:path';
import { checkOutput, writeInput } from '../inputs.mjs';
import { formatCount, formatMegabytes, formatRatio, formatSeconds, verdict } from '../report.mjs';
import { orderOf, submitAndFetch } from '../submit-and-fetch.mjs';
import { remove, runLoom } from '../workplace.mjs';

const mostMegabytes = 160;
const mostGrowth = 1.1;
const mostOfBefore = 0.6;

/** With the cache on, its answers are asked for once more, live: all come from there. */
const batchCases = [
  { provider: 'openai', format: 'csv', flags: [], again: true },
  { provider: 'openai', format: 'csv', flags: ['--no-cache'] },
  { provider: 'anthropic', format: 'csv', flags: ['--no-cache'] },
  { provider: 'google', format: 'csv', flags: ['--no-cache'] },
  { provider: 'openai', format: 'json', flags: ['--no-cache'] },
  { provider: 'openai', format: 'csv.gz', flags: ['--no-cache'] },
  { provider: 'openai', format: 'tsv', flags: ['--no-cache'] },
  { provider: 'openai', format: 'jsonl', flags: ['--no-cache'] },
  { provider: 'openai', format: 'parquet', flags: ['--no-cache'] },
];

export async function measureMillion({ workplace, before, sizes }) {
  const rows = sizes.millionRows;
  const liveRows = Math.ceil(rows / 10);
  const results = [];
  for (const { provider, format, flags, again } of batchCases.slice(0, sizes.millionBatches)) {
    const name = [`${provider}, ${format}`, ...flags].join(' ');
    const taken = await inBothSizes(workplace, name, rows, format, before, (runTool, input, count) =>
      submitAndFetch(workplace, runTool, provider, input, count, { flags, again }),
    );
    results.push(pickStep(`${name}: submit`, rows, taken, ({ submit }) => submit));
    results.push(pickStep(`${name}: fetch and merge`, rows, taken, ({ fetch }) => fetch));
    if (again) results.push(pickStep(`${name}: --sync from the cache`, rows, taken, ({ cached }) => cached));
  }
  const name = 'openai, csv: --sync, live calls';
  const taken = await inBothSizes(workplace, name, liveRows, 'csv', before, (runTool, input, count) =>
    runLive(workplace, runTool, input, count),
  );
  results.push(pickStep(name, liveRows, taken, (result) => result));
  return {
    title: `A large job: ${formatCount(rows)} rows`,
    columns: [
      ...['what', 'rows', 'time', 'a tenth of the rows', 'that by the build before', 'ours / before'],
      ...['peak memory', 'peak at a tenth of the rows', 'ratio', 'target', 'met'],
    ],
    rows: results.map(describe),
    failed: results.some((result) => result.trouble !== undefined),
    notes: [
      ...new Set(results.flatMap(({ trouble }) => trouble ?? [])),
      "The sandbox keeps the providers' real limits. The Python tool can't do this: it sends one batch, of 50,000 rows at most.",
      'Each with a home of its own. MB are millions of bytes. The build before is measured with a tenth of the rows, beside ours.',
      'Live calls take a millisecond or two each: they are made for a tenth of the rows, without latency.',
    ],
  };
}

/**
 * Measures with a tenth of the rows, which the build before gets too, and with all of them. A failure costs this case
 * only: the others took long.
 */
async function inBothSizes(workplace, name, rows, format, before, measure) {
  const { folder } = await workplace.createPlace('inputs');
  const path = (count) => join(folder, `reviews-${count}.${format}`);
  const tenth = Math.ceil(rows / 10);
  try {
    await writeInput(path(tenth), tenth);
    const small = await measure(runLoom, path(tenth), tenth);
    tell(`${name}, ${formatCount(tenth)} rows`, small);
    const earlier = before && (await measure(before.run, path(tenth), tenth));
    if (earlier) tell(`${name}, ${formatCount(tenth)} rows, the build before`, earlier);
    await remove(path(tenth));
    await writeInput(path(rows), rows);
    const large = await measure(runLoom, path(rows), rows);
    tell(`${name}, ${formatCount(rows)} rows`, large);
    await remove(path(rows));
    return { small, large, before: earlier };
  } catch (error) {
    return { trouble: `${name} failed: ${error.message}` };
  }
}

function pickStep(what, rows, { small, large, before, trouble }, pick) {
  return trouble === undefined
    ? { what, rows, small: pick(small), large: pick(large), before: before && pick(before) }
    : { what, rows, trouble };
}

async function runLive(workplace, runTool, input, count) {
  const sandbox = await workplace.startSandbox();
  const place = await workplace.createPlace('live', sandbox.variables);
  const output = join(place.folder, 'answers.csv');
  const result = await runTool(
    place,
    ...['run', '--sync', ...orderOf(input), '--workers', '64', '--output', output],
  );
  await checkOutput(output, count);
  await sandbox.stop();
  await place.discard();
  return result;
}

function describe({ what, rows, small, large, before, trouble }) {
  if (trouble !== undefined) return [what, formatCount(rows), ...Array(8).fill(''), verdict(false)];
  const growth = large.peakMegabytes / small.peakMegabytes;
  const share = before && small.seconds / before.seconds;
  return [
    what,
    formatCount(rows),
    formatSeconds(large.seconds),
    formatSeconds(small.seconds),
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
  const steps = 'submit' in result ? [result.submit, result.fetch, result.cached].filter(Boolean) : [result];
  const words = steps.map(
    ({ seconds, peakMegabytes }) => `${formatSeconds(seconds)}, ${formatMegabytes(peakMegabytes)}`,
  );
  console.log(`  ${what}: ${words.join('; ')}`);
}
