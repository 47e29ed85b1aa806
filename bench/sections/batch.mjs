/** How long a batch takes to be submitted, and to be fetched and merged. */
import { join } from 'node:path';
import { writeInput } from '../inputs.mjs';
import { formatCount, formatMegabytes, formatSeconds, tableOfTimes } from '../report.mjs';
import { submitAndFetch } from '../submit-and-fetch.mjs';
import { runLoom } from '../workplace.mjs';

/** The Python tool keeps no answer of a batch in its cache: `--no-cache` does the same work as it. */
const cases = [
  { provider: 'openai', flags: ['--no-cache'], beside: true },
  { provider: 'openai', flags: [], beside: true },
  { provider: 'anthropic', flags: [] },
  { provider: 'google', flags: [] },
];

export async function measureBatches({ workplace, python, sizes, ceiling }) {
  const { batchRows } = sizes;
  const { folder } = await workplace.createPlace('inputs');
  const input = join(folder, 'reviews.csv');
  await writeInput(input, batchRows);

  const theirs = python && (await submitAndFetch(workplace, python.run, 'openai', input, batchRows));
  const rows = [];
  const peaks = [];
  for (const { provider, flags, beside } of cases) {
    const ours = await submitAndFetch(workplace, runLoom, provider, input, batchRows, flags);
    const name = [provider, ...flags].join(' ');
    for (const step of ['submit', 'fetch']) {
      rows.push({
        what: `${formatCount(batchRows)} rows, ${name}: ${step === 'fetch' ? 'fetch and merge' : step}`,
        ours: ours[step].seconds,
        python: beside && theirs?.[step].seconds,
        target: beside && { faster: 1 },
      });
    }
    peaks.push(`${name} ${describePeaks(ours)}`);
  }
  if (theirs) peaks.push(`the Python tool ${describePeaks(theirs)}`);
  return tableOfTimes('Batches', rows, {
    python,
    notes: [
      `Peak memory, submit and fetch: ${peaks.join('; ')}.`,
      'Each with a home of its own: nothing comes from a cache. Without --no-cache every answer goes into one, in a pack; the Python tool keeps none of a batch.',
      ...describeCeiling(ceiling),
    ],
  });
}

function describePeaks({ submit, fetch }) {
  return `${formatMegabytes(submit.peakMegabytes)} and ${formatMegabytes(fetch.peakMegabytes)}`;
}

function describeCeiling({ uploadSeconds, downloadSeconds }) {
  if (uploadSeconds === undefined) return [];
  const [upload, download] = [uploadSeconds, downloadSeconds].map(formatSeconds);
  return [
    `Of that, the sandbox takes ${upload} for OpenAI's upload and ${download} for the download, asked with bare HTTP.`,
  ];
}
