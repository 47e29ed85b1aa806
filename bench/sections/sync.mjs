/** How well `--sync` keeps its workers busy. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkOutput, promptColumn, writeInput } from '../inputs.mjs';
import { run } from '../processes.mjs';
import { formatCount, median, tableOfTimes } from '../report.mjs';
import { runLoom } from '../workplace.mjs';

const bareLoop = fileURLToPath(import.meta.resolve('../bare-loop.mjs'));

/** Up to this many workers the waiting takes longer than the work: nothing but the latency counts. */
const mostIdealWorkers = 8;

/** Times what is beside it: the ideal, or the bare loop. With 256 workers the physical limit is half of that loop. */
const targets = { 8: 1.05, 64: 0.95, 256: 0.75 };

export async function measureSync(context) {
  const { workplace, python, before, sizes, ceiling } = context;
  const { prompts, latencyMs, workers: workerCounts } = sizes;
  const inputs = await workplace.createPlace('inputs');
  const csv = join(inputs.folder, 'reviews.csv');
  const json = join(inputs.folder, 'reviews.json');
  await writeInput(csv, prompts);
  await writeInput(json, prompts);
  const sandbox = await workplace.startSandbox({ latencyMs });

  const rows = [];
  for (const workers of workerCounts) {
    const bound = workers > mostIdealWorkers;
    const repeats = bound ? sizes.repeats : 1;
    const ours = [];
    const bare = [];
    const earlier = [];
    for (let turn = 0; turn < repeats; turn++) {
      ours.push(await timeRun(workplace, sandbox, csv, prompts, workers, runLoom));
      if (before) earlier.push(await timeRun(workplace, sandbox, csv, prompts, workers, before.run));
      if (bound) bare.push(await timeBareLoop(workplace, sandbox, json, workers));
    }
    const ideal = (Math.ceil(prompts / workers) * latencyMs) / 1000;
    rows.push({
      what: `${formatCount(prompts)} prompts, ${workers} workers`,
      ours: median(ours),
      beside: bound ? { what: 'bare loop', seconds: median(bare) } : { what: 'ideal', seconds: ideal },
      before: before && median(earlier),
      python: python && (await timeRun(workplace, sandbox, csv, prompts, workers, python.run)),
      target: { most: targets[workers] },
    });
  }
  await sandbox.stop();
  return tableOfTimes(`Live: --sync, ${latencyMs} ms latency`, rows, {
    python,
    before,
    notes: notes(rows, sizes, ceiling),
  });
}

/** With the cache on and empty, as at anyone's first run. */
async function timeRun(workplace, sandbox, input, prompts, workers, runTool) {
  const place = await workplace.createPlace('live', sandbox.variables);
  const output = join(place.folder, 'answers.csv');
  const { seconds } = await runTool(
    place,
    ...['run', '--sync', '--file', input, '--col', promptColumn, '--provider', 'openai'],
    ...['--model', 'gpt-4o-mini', '--workers', String(workers), '--output', output],
  );
  await checkOutput(output, prompts);
  return seconds;
}

async function timeBareLoop(workplace, sandbox, input, workers) {
  const place = await workplace.createPlace('bare-loop', sandbox.variables);
  return (await run([process.execPath, bareLoop, input, String(workers)], place)).seconds;
}

function notes(rows, { prompts, latencyMs, repeats }, { callsPerSecond }) {
  const fastest = prompts / Math.min(...rows.map((row) => row.ours));
  const share = callsPerSecond && Math.round((fastest / callsPerSecond) * 100);
  return [
    `Whole processes, from start to output, with the cache on and empty. Ideal: ceil(prompts / workers) × ${latencyMs} ms.`,
    `Bare loop: the OpenAI SDK under p-limit in a process of its own, which keeps no answer; medians of ${repeats} in turns.`,
    ...(share
      ? [
          `The fastest run asks ${formatCount(fastest)} calls a second of the sandbox, ${share} % of its ceiling.`,
        ]
      : []),
  ];
}
