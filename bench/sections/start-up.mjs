/** How long the program takes to do next to nothing. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { writeInput } from '../inputs.mjs';
import { median, tableOfTimes } from '../report.mjs';
import { orderOf } from '../submit-and-fetch.mjs';
import { loom, runLoom } from '../workplace.mjs';

const records = 100;

export async function measureStartUp({ workplace, python, before, sizes }) {
  const place = await workplace.createPlace('start-up');
  await createRecords(workplace, place);
  const commands = [
    { what: 'loom --help', args: ['--help'], most: 1.4 },
    // The Python tool does not know this one.
    { what: 'loom --version', args: ['--version'], most: 1.4, onlyOurs: true },
    { what: `loom list, ${records} records`, args: ['list'], most: 2 },
    { what: 'loom fetch, nothing pending', args: ['fetch'], most: 2, inEmptyHome: true },
  ];
  const empty = await workplace.createPlace('empty-home');
  const live = await createLive(workplace);
  const timer = createTimer(sizes.startUps);
  const nodeSeconds = timer.add(place, [process.execPath, '-e', '0']);
  const seconds = commands.map(({ args, onlyOurs, inEmptyHome }) => {
    const where = inEmptyHome ? empty : place;
    return {
      ours: timer.add(where, [...loom, ...args]),
      before: before && timer.add(where, [...before.command, ...args]),
      python: python && !onlyOurs ? timer.add(where, [...python.command, ...args]) : undefined,
    };
  });
  const liveSeconds = {
    ours: timer.add(live.place, [...loom, ...live.args]),
    before: before && timer.add(live.place, [...before.command, ...live.args]),
  };
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
  rows.push({
    what: 'loom run --sync, one row, no latency',
    ours: median(liveSeconds.ours),
    before: liveSeconds.before && median(liveSeconds.before),
    target: { ofBefore: 0.5 },
  });
  const notes = [`Medians of ${sizes.startUps} starts each, taken in turns.`];
  return tableOfTimes('Start-up', rows, { python, before, notes });
}

/** A live run of one row, over the output of the last one, and what the command line is. It asks each time. */
async function createLive(workplace) {
  const sandbox = await workplace.startSandbox();
  const place = await workplace.createPlace('one-row', sandbox.variables);
  const input = join(place.folder, 'reviews.csv');
  await writeInput(input, 1);
  const flags = ['--no-cache', '--force', '--output', join(place.folder, 'answers.csv')];
  return { place, args: ['run', '--sync', ...orderOf(input), ...flags] };
}

/** A job of so many batches leaves as many records; the Python tool reads them too. */
async function createRecords(workplace, place) {
  const sandbox = await workplace.startSandbox();
  const input = join(place.folder, 'reviews.csv');
  await writeInput(input, records);
  await runLoom(
    { ...place, environment: { ...place.environment, ...sandbox.variables } },
    ...['run', ...orderOf(input), '--batch-size', '1'],
  );
  await sandbox.stop();
}

/** Times commands in turns, so that a busy moment of the machine hits all of them. */
function createTimer(turns) {
  const entries = [];

  function time({ folder, environment }, [program, ...args]) {
    const startedAt = performance.now();
    const { status, stderr } = spawnSync(program, args, { cwd: folder, env: environment });
    const seconds = (performance.now() - startedAt) / 1000;
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
    return seconds;
  }

  return {
    /** The list that `run` fills with the command's times. */
    add(place, command) {
      const seconds = [];
      entries.push({ place, command, seconds });
      return seconds;
    },
    run() {
      // The first turn fills the disk cache.
      for (const { place, command } of entries) time(place, command);
      for (let turn = 0; turn < turns; turn++) {
        for (const { place, command, seconds } of entries) seconds.push(time(place, command));
      }
    },
  };
}
