/** Chooses the stops of a scenario and plays them; plays the cases. */

import { referenceOf, stateOf } from './expect.mjs';
import { listKills, listSuspends, readStop, signalNames, spread } from './stop.mjs';
import { playStopped } from './stopping.mjs';

/** The golden ratio moves the stops of each scenario, so that scenarios alike are stopped at other steps. */
const goldenRatio = 0.618034;

/** Kills at places spread over the command, some of them with a kill of the next command, and the other stops. */
function chooseStops(steps, { index, heldFrom, short: dailyStop }, { at, stops, short }) {
  if (at) return [at.split(',')];
  if (short) return [[dailyStop]];
  const offset = (index * goldenRatio) % 1;
  const count = stops === 'all' ? Number.POSITIVE_INFINITY : Number(stops);
  const kills = listKills(steps);
  const suspends = (many) => spread(listSuspends(steps, heldFrom), many, offset).map((stop) => [stop]);
  const some = (share) => Math.max(1, Math.round(count / share));
  const places = (many, turn) =>
    spread(
      steps.map((_, step) => step + 1),
      many,
      (offset + turn) % 1,
    );
  return [
    ...spread(kills, count, offset).map((stop) => [stop]),
    ...spread(kills, some(4), 1 - offset).map((stop, turn) => [stop, `${3 + 11 * turn + index}after`]),
    ...suspends(some(3)),
    ...places(some(4), 0.2).map((step) => [`${step}full`]),
    ...places(some(8), 0.5).map((step) => [`${step}readonly`]),
    ...Object.keys(signalNames).flatMap((how, turn) =>
      places(some(8), 0.1 + 0.2 * turn).map((step) => [`${step}${how}`]),
    ),
  ];
}

export async function playScenario(scenario, options, report) {
  const reference = await attempt(() => readReference(scenario, options));
  if (reference.error) return report.fail(scenario.name, undefined, 'reference', [reference.error], '');
  for (const stops of chooseStops(reference.steps, scenario, options)) {
    const played = await attempt(() => playStopped(scenario, reference, stops));
    const kind = describeKind(stops);
    if (played.error) report.fail(scenario.name, stops, kind, [played.error], '');
    else report.add(scenario.name, stops, kind, played);
  }
}

/** A stop that is told by its label needs no steps, and a story that judges its own end no end to compare it with. */
function readReference({ name, judge }, { short }) {
  if (!short) return referenceOf(name);
  return judge ? { state: { folder: {} } } : stateOf(name);
}

const kindNames = {
  full: 'disk full',
  readonly: 'disk read-only',
  ...signalNames,
  suspend: 'paused, overtaken, resumed',
};

function describeKind(stops) {
  const [{ how }] = stops.map(readStop);
  if (kindNames[how]) return kindNames[how];
  return stops.length > 1 ? 'two SIGKILLs in a row' : 'SIGKILL';
}

export async function playCase(one, report) {
  const played = await attempt(() => one.play());
  if (played.error) report.fail(one.name, undefined, one.kind, [played.error], '');
  else if (played.skipped) report.skip(one.name, played.skipped);
  else report.add(one.name, undefined, one.kind, played);
}

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    return { error: error.stack };
  }
}
