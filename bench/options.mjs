/** What the benchmark was asked for. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** The last commit before the program was made light and fast. */
const usualBefore = '1b3961c';

const help = `npm run bench -- [options]

Measures the built program against the sandbox, beside the Python tool of the same name, the build before and physical
limits, and writes bench/results.md. A full run takes about 40 minutes and up to 15 GB below the temporary folder (TMPDIR).

  --only <names>    Only these sections, separated by commas:
                    SECTIONS
  --short           Small sizes, without the Python tool and the build before (unless it is named): does the benchmark
                    itself work? The figures mean little.
  --rows <number>   Rows of the section "million" instead of 1,000,000; a tenth of them is what it is compared with.
  --no-python       Leave the Python tool out.
  --before <what>   The build before: a commit of this repository, which is built first, or a folder with a built one.
                    Otherwise commit ${usualBefore}.
  --no-before       Leave it out.
  --output <path>   Where to write the tables; needed to have a part of the benchmark written.`;

const fullSizes = {
  startUps: 25,
  installs: 2,
  ceilingCalls: 20_000,
  prompts: 2_000,
  latencyMs: 100,
  workers: [8, 64, 256],
  repeats: 3,
  cachedRows: 100_000,
  batchRows: 50_000,
  millionRows: 1_000_000,
  millionBatches: Number.POSITIVE_INFINITY,
};

const shortSizes = {
  startUps: 1,
  ceilingCalls: 200,
  prompts: 64,
  latencyMs: 50,
  workers: [8, 64],
  repeats: 1,
  cachedRows: 200,
  batchRows: 200,
  millionRows: 1_000,
  millionBatches: 1,
};

export function readOptions(args, sectionNames) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      short: { type: 'boolean', default: false },
      rows: { type: 'string' },
      'no-python': { type: 'boolean', default: false },
      before: { type: 'string' },
      'no-before': { type: 'boolean', default: false },
      output: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help.replace('SECTIONS', sectionNames.join(', ')));
    process.exit(0);
  }
  const sections = values.only?.split(',') ?? sectionNames;
  const unknown = sections.find((name) => !sectionNames.includes(name));
  if (unknown !== undefined) throw new Error(`There is no section ${unknown}: ${sectionNames.join(', ')}.`);
  const sizes = values.short ? shortSizes : fullSizes;
  const complete = !values.short && values.only === undefined && values.rows === undefined;
  return {
    sections,
    sizes: { ...sizes, millionRows: readRows(values.rows) ?? sizes.millionRows },
    python: !values['no-python'] && !values.short,
    before: values['no-before'] ? undefined : (values.before ?? (values.short ? undefined : usualBefore)),
    resultsPath: values.output ? resolve(values.output) : complete ? defaultResultsPath : undefined,
  };
}

const defaultResultsPath = join(import.meta.dirname, 'results.md');

function readRows(text) {
  if (text === undefined) return undefined;
  const rows = Number(text.replaceAll(/[_,]/g, ''));
  if (!Number.isInteger(rows) || rows < 100)
    throw new Error('--rows must be a whole number of at least 100.');
  return rows;
}
