/** How long the program takes to do next to nothing. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promptColumn, writeInput } from '../inputs.mjs';
import { median, tableOfTimes } from '../report.mjs';
import { loom, runLoom } from '../workplace.mjs';

const records = 100;

export async function measureStartUp({ workplace, python, before, sizes }) {
  const place = await workplace.createPlace('start-up');
  await createRecords(workplace, place);
  const commands = [
    { what: 'loom --help', args: ['--help'], most: 1.6 },
    // The Python tool does not know this one.
    { what: 'loom --version', args: ['--version'], most: 1.6, onlyOurs: true },
    { what: `loom list, ${records} records`, args: ['list'], most: 2.5 },
  ];
  const timer = createTimer(place, sizes.startUps);
  const nodeSeconds = timer.add([process.execPath, '-e', '0']);
  const seconds = commands.map(({ args, onlyOurs }) => ({
    ours: timer.add([...loom, ...args]),
    before: before && timer.add([...before.command, ...args]),
    python: python && !onlyOurs ? timer.add([...python.command, ...args]) : undefined,
  }));
  timer.run();
  const beside = { what: 'node -e 0', seconds: median(nodeSeconds) };
  const rows = commands.map(({ what, most }, index) => ({
    what,
    ours: median(seconds[index].ours),
    beside,
    before: seconds[index].before && median(seconds[index].before),
    python: seconds[index].python && median(seconds[index].python),
    target: { most },
  }));
  const notes = [`Medians of ${sizes.startUps} starts each, taken in turns.`];
  return tableOfTimes('Start-up', rows, { python, before, notes });
}

/** A job of so many batches leaves as many records; the Python tool reads them too. */
async function createRecords(workplace, place) {
  const sandbox = await workplace.startSandbox();
  const input = join(place.folder, 'reviews.csv');
  await writeInput(input, records);
  await runLoom(
    { ...place, environment: { ...place.environment, ...sandbox.variables } },
    ...['run', '--file', input, '--col', promptColumn, '--provider', 'openai', '--model', 'gpt-4o-mini'],
    ...['--batch-size', '1'],
  );
  await sandbox.stop();
}

/** Times commands in turns, so that a busy moment of the machine hits all of them. */
function createTimer({ folder, environment }, turns) {
  const entries = [];

  function time([program, ...args]) {
    const startedAt = performance.now();
    const { status, stderr } = spawnSync(program, args, { cwd: folder, env: environment });
    const seconds = (performance.now() - startedAt) / 1000;
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
    return seconds;
  }

  return {
    /** The list that `run` fills with the command's times. */
    add(command) {
      const seconds = [];
      entries.push({ command, seconds });
      return seconds;
    },
    run() {
      // The first turn fills the disk cache.
      for (const { command } of entries) time(command);
      for (let turn = 0; turn < turns; turn++) {
        for (const { command, seconds } of entries) seconds.push(time(command));
      }
    },
  };
}
