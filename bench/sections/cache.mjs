/** How fast a run is whose answers are all in the cache. */
import { join } from 'node:path';
import { fillCache } from '../cache-entries.mjs';
import { checkOutput, promptColumn, writeInput } from '../inputs.mjs';
import { formatCount, formatMegabytes, tableOfTimes } from '../report.mjs';
import { runLoom } from '../workplace.mjs';

export async function measureCache({ workplace, python, sizes }) {
  const { cachedRows } = sizes;
  const { folder } = await workplace.createPlace('inputs');
  const input = join(folder, 'reviews.csv');
  await writeInput(input, cachedRows);
  const sandbox = await workplace.startSandbox();
  const ours = await timeCachedRun(workplace, sandbox, input, cachedRows, 'loom', runLoom);
  const theirs = python && (await timeCachedRun(workplace, sandbox, input, cachedRows, 'python', python.run));
  await sandbox.stop();
  const row = {
    what: `${formatCount(cachedRows)} rows, all cached`,
    ours: ours.seconds,
    python: theirs?.seconds,
    target: { faster: 3 },
  };
  const peaks = [`Peak memory: ours ${formatMegabytes(ours.peakMegabytes)}`];
  if (theirs) peaks.push(`the Python tool ${formatMegabytes(theirs.peakMegabytes)}`);
  return tableOfTimes('Live, from the cache', [row], {
    python,
    notes: [`${peaks.join(', ')}. The cache is filled by the benchmark, in each tool's own form.`],
  });
}

/** Runs a tool against a cache that holds every answer. Throws when the tool had to ask for one. */
export async function timeCachedRun(workplace, sandbox, input, rows, form, runTool) {
  const place = await workplace.createPlace(`cached-${form}`, sandbox.variables);
  await fillCache(place.home, form, rows);
  const output = join(place.folder, 'answers.csv');
  const result = await runTool(
    place,
    ...['run', '--sync', '--file', input, '--col', promptColumn, '--provider', 'openai'],
    ...['--model', 'gpt-4o-mini', '--output', output],
  );
  const hits = Number(result.stdout.match(/(\d+) cache hits/)?.[1]);
  if (hits !== rows) throw new Error(`${hits} of ${rows} rows came from the cache: ${result.stdout}`);
  await checkOutput(output, rows);
  await place.discard();
  return result;
}
