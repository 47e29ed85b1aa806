/** Chooses scenarios and cases, and plays them. Options are those of main.mjs. */
import { cases } from './cases.mjs';
import { playCase, playScenario } from './play.mjs';
import { Report } from './report.mjs';
import { scenarios } from './scenarios.mjs';
import { runWithin } from './world.mjs';

/** For every day: each scenario that is chosen for it, and of each kind of case the first. */
const isFirstShort = (one, place, list) =>
  one.short &&
  (one.kind === undefined || list.findIndex(({ short, kind }) => short && kind === one.kind) === place);

export function choose({ only, at, short, kind, part = '1/1' }) {
  const [share, shares] = part.split('/').map(Number);
  const fits = ({ name }) => only === undefined || (at ? name === only : name.includes(only));
  const chosen = (list) =>
    list
      .map((one, index) => ({ ...one, index }))
      .filter((one, place, all) => fits(one) && (!short || isFirstShort(one, place, all)))
      .filter((_, place) => place % shares === share - 1);
  return {
    scenarios: kind === 'cases' ? [] : chosen(scenarios),
    cases: at || kind === 'stops' ? [] : chosen(cases),
  };
}

/** `jobs`: so many at a time. `host`: as `runWithin` takes it. */
export async function playSuite(options) {
  runWithin(options.host);
  const report = new Report();
  const chosen = choose(options);
  const work = [
    ...chosen.scenarios.map((scenario) => () => playScenario(scenario, options, report)),
    ...chosen.cases.map((one) => () => playCase(one, report)),
  ];
  await Promise.all(
    Array.from({ length: Number(options.jobs) }, async () => {
      for (let next = work.shift(); next; next = work.shift()) await next();
    }),
  );
  return report;
}
