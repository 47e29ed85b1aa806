/** How long a batch takes to be submitted, and to be fetched and merged. */
import { join } from 'node:path';
import { writeInput } from '../inputs.mjs';
import { formatCount, formatMegabytes, formatSeconds, tableOfTimes } from '../report.mjs';
import { submitAndFetch } from '../submit-and-fetch.mjs';
import { runLoom } from '../workplace.mjs';

const providers = ['openai', 'anthropic', 'google'];

export async function measureBatches({ workplace, python, sizes, ceiling }) {
  const { batchRows } = sizes;
  const { folder } = await workplace.createPlace('inputs');
  const input = join(folder, 'reviews.csv');
  await writeInput(input, batchRows);

  const theirs = python && (await submitAndFetch(workplace, python.run, 'openai', input, batchRows));
  const rows = [];
  const peaks = [];
  for (const provider of providers) {
    const ours = await submitAndFetch(workplace, runLoom, provider, input, batchRows);
    const python = provider === 'openai' ? theirs : undefined;
    for (const step of ['submit', 'fetch']) {
      rows.push({
        what: `${formatCount(batchRows)} rows, ${provider}: ${step === 'fetch' ? 'fetch and merge' : step}`,
        ours: ours[step].seconds,
        python: python?.[step].seconds,
        target: provider === 'openai' ? { faster: 1 } : undefined,
      });
    }
    peaks.push(`${provider} ${describePeaks(ours)}`);
  }
  if (theirs) peaks.push(`the Python tool ${describePeaks(theirs)}`);
  return tableOfTimes('Batches', rows, {
    python,
    notes: [
      `Peak memory, submit and fetch: ${peaks.join('; ')}.`,
      'Each with a home of its own: nothing comes from a cache, and answers go into one where the tool does that.',
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
