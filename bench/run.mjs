/** `npm run bench`: how fast the built program is and how much memory it takes, as a table. `--help` tells the options. */
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { prepareBefore } from './build-before.mjs';
import { readOptions } from './options.mjs';
import { preparePython } from './python-tool.mjs';
import { describeMachine, printTables, writeResults } from './report.mjs';
import { measureBatches } from './sections/batch.mjs';
import { measureCache } from './sections/cache.mjs';
import { measureCeiling } from './sections/ceiling.mjs';
import { measureInstall } from './sections/install.mjs';
import { measureMillion } from './sections/million.mjs';
import { measureStartUp } from './sections/start-up.mjs';
import { measureSync } from './sections/sync.mjs';
import { openWorkplace } from './workplace.mjs';

const sections = {
  install: measureInstall,
  'start-up': measureStartUp,
  ceiling: measureCeiling,
  sync: measureSync,
  cache: measureCache,
  batch: measureBatches,
  million: measureMillion,
};

const options = readOptions(process.argv.slice(2), Object.keys(sections));
const workplace = await openWorkplace();
try {
  process.exitCode = await bench();
} finally {
  await workplace.close();
}

/** Measures section after section, prints each table as it is done, and writes all of them down. */
async function bench() {
  const machine = describeMachine(cpus(), totalmem(), loadavg());
  console.log(machine.join('\n'));
  const python = options.python ? await preparePython(workplace) : undefined;
  if (options.python && !python) console.log('Without the Python tool: python3 or the package is not there.');
  const before = options.before ? await prepareBefore(workplace, options.before) : undefined;
  machine.push(`The build before: ${before?.name ?? 'left out'}`);

  const tables = [];
  const context = { workplace, python, before, sizes: options.sizes, ceiling: {} };
  for (const name of options.sections) {
    const table = await measure(name, context);
    printTables([table]);
    tables.push(table);
  }
  if (options.resultsPath) {
    await writeResults(options.resultsPath, machine, tables);
    console.log(`\nWritten to ${options.resultsPath}.`);
  } else {
    console.log(`\nNot written to ${join('bench', 'results.md')}: this was only a part of the benchmark.`);
  }
  return tables.some((table) => table.failed) ? 1 : 0;
}

/** A section that fails is told of in its place, and the others go on. */
async function measure(name, context) {
  try {
    return await sections[name](context);
  } catch (error) {
    return { title: name, failed: true, columns: [], rows: [], notes: [`It failed: ${error.stack}`] };
  } finally {
    await context.workplace.tidy();
  }
}
