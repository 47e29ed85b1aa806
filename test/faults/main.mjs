/**
 * The fault suite: the built program as a process, the sandbox as another, and everything that can go wrong between
 * them. `--only <part of a name>` chooses scenarios, `--at 37after,12` stops them at these steps, `--stops <n>` says
 * how many stops each scenario gets, `--short` is the selection for every day, `--list` names what there is. `--part
 * 2/5` is the second of five shares of it, for as many processes; `--report <file>` keeps what one found, and `--sum`
 * adds up such files.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { playCase, playScenario } from './play.mjs';
import { Report } from './report.mjs';
import { scenarios } from './scenarios.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    at: { type: 'string' },
    stops: { type: 'string', default: '8' },
    short: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    kind: { type: 'string' },
    part: { type: 'string', default: '1/1' },
    report: { type: 'string' },
    sum: { type: 'boolean', default: false },
  },
});

/** Says what was found; the suite has failed when something did, or nothing was tried. */
function end(report) {
  console.log(report.summarize());
  process.exit(report.failures.length > 0 || report.tried === 0 ? 1 : 0);
}

if (options.sum) {
  const sum = new Report();
  for (const path of positionals) sum.take(JSON.parse(await readFile(path, 'utf8')));
  end(sum);
}

const [share, shares] = options.part.split('/').map(Number);
const inShare = (_, place) => place % shares === share - 1;

const fits = ({ name }) =>
  options.only === undefined || (options.at ? name === options.only : name.includes(options.only));
/** For every day: each scenario that is chosen for it, and of each kind of case the first. */
const isFirstShort = (one, place, list) =>
  one.short &&
  (one.kind === undefined || list.findIndex(({ short, kind }) => short && kind === one.kind) === place);
const choose = (list) =>
  list
    .map((one, index) => ({ ...one, index }))
    .filter((one, place, all) => fits(one) && (!options.short || isFirstShort(one, place, all)))
    .filter(inShare);
const chosenScenarios = options.kind === 'cases' ? [] : choose(scenarios);
const chosenCases = options.at || options.kind === 'stops' ? [] : choose(cases);

if (options.list) {
  for (const { name } of [...chosenScenarios, ...chosenCases]) console.log(name);
  process.exit(0);
}

const report = new Report();
const work = [
  ...chosenScenarios.map((scenario) => () => playScenario(scenario, options, report)),
  ...chosenCases.map((one) => () => playCase(one, report)),
];
await Promise.all(
  Array.from({ length: Number(options.jobs) }, async () => {
    for (let next = work.shift(); next; next = work.shift()) await next();
  }),
);
if (options.report) await writeFile(options.report, JSON.stringify(report));
end(report);
