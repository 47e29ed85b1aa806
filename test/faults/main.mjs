/**
 * The fault suite: the built program as a process, the sandbox as another, and everything that can go wrong between
 * them. `--only <part of a name>` chooses scenarios, `--at 37after,12` stops them at these steps, `--stops <n>` says
 * how many stops each scenario gets, `--short` is the selection for every day, `--list` names what there is.
 */
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { playCase, playScenario } from './play.mjs';
import { Report } from './report.mjs';
import { scenarios } from './scenarios.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    at: { type: 'string' },
    stops: { type: 'string', default: '8' },
    short: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    kind: { type: 'string' },
  },
});

const fits = ({ name }) =>
  options.only === undefined || (options.at ? name === options.only : name.includes(options.only));
const chosenScenarios =
  options.kind === 'cases' ? [] : scenarios.filter((one) => fits(one) && (!options.short || one.short));
const chosenCases =
  options.at || options.kind === 'stops'
    ? []
    : cases.filter((one) => fits(one) && (!options.short || one.short));

if (options.list) {
  for (const { name } of [...chosenScenarios, ...chosenCases]) console.log(name);
  process.exit(0);
}

const report = new Report();
const work = [
  ...chosenScenarios.map((scenario, index) => () => playScenario(scenario, index, options, report)),
  ...chosenCases.map((one) => () => playCase(one, report)),
];
await Promise.all(
  Array.from({ length: Number(options.jobs) }, async () => {
    for (let next = work.shift(); next; next = work.shift()) await next();
  }),
);
console.log(report.summarize());
process.exit(report.failures.length > 0 || report.tried === 0 ? 1 : 0);
