/** Chooses the stops of a scenario and plays them; plays the cases. */

import { referenceOf, stateOf } from './expect.mjs';
import { listKills, listSuspends, readStop, signalNames, spread } from './stop.mjs';
import { playStopped } from './stopping.mjs';

/** The golden ratio moves the stops of each scenario, so that scenarios alike are stopped at other steps. */
const goldenRatio = 0.618034;

/** Kills at places spread over the command, some of them with a kill of the next command, and the other stops. */
function chooseStops(steps, { index, heldFrom, focus, share = 1, short: dailyStop }, { at, stops, short }) {
  if (at) return [at.split(',')];
  if (short) return [[dailyStop]];
  const offset = (index * goldenRatio) % 1;
  const count = stops === 'all' ? Number.POSITIVE_INFINITY : Math.ceil(Number(stops) * share);
  const suspends = (many) => spread(listSuspends(steps, heldFrom), many, offset).map((stop) => [stop]);
  const some = (part) => Math.max(1, Math.round(count / part));
  const numbers = steps.map((_, step) => step + 1);
  const inFocus = focus ? numbers.filter((number) => focus.test(steps[number - 1])) : numbers;
  const places = (many, turn) => spread(inFocus, many, (offset + turn) % 1);
  return [
    ...chooseKills(steps, { numbers, inFocus }, count, offset).map((stop) => [stop]),
    ...spread(listKills(steps, inFocus), some(4), 1 - offset).map((stop, turn) => [
      stop,
      `${3 + 11 * turn + index}after`,
    ]),
    ...suspends(some(3)),
    ...places(some(4), 0.2).map((step) => [`${step}full`]),
    ...places(some(8), 0.5).map((step) => [`${step}readonly`]),
    ...Object.keys(signalNames).flatMap((how, turn) =>
      places(some(8), 0.1 + 0.2 * turn).map((step) => [`${step}${how}`]),
    ),
  ];
}

/** Spread over all steps; half of them over those in focus, where a scenario has some. */
function chooseKills(steps, { numbers, inFocus }, count, offset) {
  if (inFocus === numbers) return spread(listKills(steps, numbers), count, offset);
  const half = Math.ceil(count / 2);
  return [
    ...spread(listKills(steps, inFocus), half, offset),
    ...spread(listKills(steps, numbers), count - half, offset),
  ];
}

export async function playScenario(scenario, options, report) {
  const reference = await attempt(() => readReference(scenario, options));
  if (reference.error) return report.fail(scenario.name, undefined, 'reference', [reference.error], '');
  for (const stops of chooseStops(reference.steps, scenario, options)) {
    const played = await attempt(() => playReached(scenario, reference, stops));
    const kind = describeKind(stops);
    if (played.error) report.fail(scenario.name, stops, kind, [played.error], '');
    else report.add(scenario.name, stops, kind, played);
  }
}

/**
 * Work that goes on at once takes a few steps more or less each time, as several answers are written together: a stop
 * near the end that there was no step for is tried once more, as far into the command.
 */
async function playReached(scenario, reference, stops) {
  const played = await playStopped(scenario, reference, stops);
  const nearer = nearerStop(stops[0], reference.steps, played);
  if (played.violations.length > 0 || nearer === undefined) return played;
  return playStopped(scenario, reference, [nearer, ...stops.slice(1)]);
}

function nearerStop(stop, steps, { reached, steps: taken }) {
  const { step, how, label } = readStop(stop);
  if (reached.length > 0 || label || taken === 0 || step <= taken) return undefined;
  return `${Math.max(1, Math.floor((step * taken) / steps.length))}${how}`;
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
