/** How long a batch takes to be submitted, and to be fetched and merged: providers, formats, with the cache and without. */
import { join } from 'node:path';
import { writeInput } from '../inputs.mjs';
import { formatCount, formatMegabytes, formatSeconds, median, tableOfTimes } from '../report.mjs';
import { submitAndFetch } from '../submit-and-fetch.mjs';
import { remove, runLoom } from '../workplace.mjs';

const noCache = ['--no-cache'];

/**
 * The first two are measured in turns with the Python tool, which keeps no answer of a batch in its cache: `--no-cache`
 * does the same work as it.
 */
const cases = [
  { provider: 'openai', format: 'csv', flags: noCache, beside: true },
  { provider: 'openai', format: 'csv', flags: [], beside: true },
  { provider: 'anthropic', format: 'csv', flags: [] },
  { provider: 'google', format: 'csv', flags: [] },
  ...['tsv', 'json', 'jsonl', 'csv.gz', 'parquet'].flatMap((format) =>
    [noCache, []].map((flags) => ({ provider: 'openai', format, flags })),
  ),
];

export async function measureBatches(context) {
  const { workplace, python, before, sizes, ceiling } = context;
  const { folder } = await workplace.createPlace('inputs');
  const results = [];
  const theirs = [];
  const inTurns = cases.filter(({ beside }) => beside);
  await withInput(folder, 'csv', sizes, async (input) => {
    for (let turn = 0; turn < sizes.repeats; turn++) {
      for (const one of inTurns) results.push(await measureCase(context, input, one));
      if (python) theirs.push(await submitAndFetch(workplace, python.run, 'openai', input, sizes.batchRows));
    }
  });
  for (const one of cases.filter(({ beside }) => !beside))
    await withInput(folder, one.format, sizes, async (input) => {
      results.push(await measureCase(context, input, one));
    });
  const peaks = cases.map(
    (one) => `${nameOf(one)} ${describePeaks(of(results, one).map(({ ours }) => ours))}`,
  );
  if (python) peaks.push(`the Python tool ${describePeaks(theirs)}`);
  return tableOfTimes('Batches', describeCases(results, theirs, sizes), {
    python,
    before,
    notes: [
      `Peak memory, submit and fetch: ${peaks.join('; ')}.`,
      `Those beside the Python tool are medians of ${sizes.repeats} in turns.`,
      'Each with a home of its own: nothing comes from a cache. Without --no-cache every answer goes into one, in a pack; the Python tool keeps none of a batch.',
      ...describeCeiling(ceiling),
    ],
  });
}

/** An input of this format, which goes afterwards. */
async function withInput(folder, format, { batchRows }, work) {
  const input = join(folder, `reviews.${format}`);
  await writeInput(input, batchRows);
  await work(input);
  await remove(input);
}

async function measureCase({ workplace, before, sizes }, input, one) {
  const { provider, flags } = one;
  const measure = (runTool) =>
    submitAndFetch(workplace, runTool, provider, input, sizes.batchRows, { flags });
  return { one, ours: await measure(runLoom), before: before && (await measure(before.run)) };
}

const of = (results, wanted) => results.filter(({ one }) => one === wanted);
const nameOf = ({ provider, format, flags }) => [`${provider}, ${format}`, ...flags].join(' ');

function describeCases(results, theirs, { batchRows }) {
  const secondsOf = (measured, step) =>
    measured.length > 0 ? median(measured.map((one) => one[step].seconds)) : undefined;
  return cases.flatMap((one) =>
    ['submit', 'fetch'].map((step) => {
      const found = of(results, one);
      const isFetchWithCache = one.beside && step === 'fetch' && one.flags.length === 0;
      const ours = found.map((result) => result.ours);
      return {
        what: `${formatCount(batchRows)} rows, ${nameOf(one)}: ${step === 'fetch' ? 'fetch and merge' : step}`,
        ours: secondsOf(ours, step),
        before: secondsOf(
          found.flatMap((result) => result.before ?? []),
          step,
        ),
        python: one.beside && secondsOf(theirs, step),
        beside: isFetchWithCache && {
          what: '--no-cache',
          seconds: secondsOf(
            of(results, cases[0]).map((result) => result.ours),
            step,
          ),
        },
        target: one.beside && (isFetchWithCache ? { most: 1.1, faster: 1.25 } : { faster: 1 }),
      };
    }),
  );
}

function describePeaks(measured) {
  const peakOf = (step) => formatMegabytes(Math.max(...measured.map((one) => one[step].peakMegabytes)));
  return `${peakOf('submit')} and ${peakOf('fetch')}`;
}

function describeCeiling({ uploadSeconds, downloadSeconds }) {
  if (uploadSeconds === undefined) return [];
  const [upload, download] = [uploadSeconds, downloadSeconds].map(formatSeconds);
  return [
    `Of that, the sandbox takes ${upload} for OpenAI's upload and ${download} for the download, asked with bare HTTP.`,
  ];
}
