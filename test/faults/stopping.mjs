/** Runs a scenario undisturbed for reference, and again with its command stopped at a step. */
import {
  addFigures,
  captureState,
  checkCommands,
  checkHarm,
  compareStates,
  findUnnamedBatches,
  newFigures,
} from './checks.mjs';
import { isKill, never, readStop } from './stop.mjs';
import { fetchUntilDone, outputName, writeInput } from './stories.mjs';
import { createWorld } from './world.mjs';

/** A live run makes so many calls at once: all of them may be lost with the process. */
const callsAtOnce = 4;

/** The undisturbed story: what it leaves, and the steps of its command, which takes a process of its own. */
export async function playUndisturbed(scenario, { countSteps = true } = {}) {
  const world = await createWorld(scenario);
  try {
    await writeInput(world, scenario.provider);
    await scenario.prepare(world);
    const ended = await world.loom(scenario.command(world), countSteps ? { stop: never } : {});
    const outputAfterCommand = await world.read(outputName(scenario.provider));
    await scenario.finish(world, ended, 'again');
    const state = await captureState(world, scenario.provider);
    if ((await world.ageLeftovers()) > 0) await world.loom(['fetch']);
    const wrong = (await scenario.judge?.(world))?.violations ?? [];
    const output = outputName(scenario.provider);
    if (scenario.mode !== 'ending' && !(output in state.folder)) wrong.push('there is no output');
    if (wrong.length > 0) throw new Error(`Undisturbed: ${wrong.join('; ')}\n${describeLog(world)}`);
    return { state, steps: ended.trace?.steps, code: ended.code, outputAfterCommand };
  } finally {
    await world.remove();
  }
}

/** Which of the two ways to go on a stop is tried with. */
export function recoveryFor(stops) {
  return readStop(stops[0]).step % 2 === 0 ? 'fetch' : 'again';
}

/** The story with its command stopped at the first of `stops`, and the commands after it at the others. */
export async function playStopped(scenario, reference, stops) {
  const world = await createWorld(scenario);
  const violations = [];
  const { provider } = scenario;
  try {
    await writeInput(world, provider);
    await scenario.prepare(world);
    const recovery = recoveryFor(stops);
    const isSuspended = readStop(stops[0]).how === 'suspend';
    const goOn = (ended) =>
      scenario.finish(world, ended, recovery).catch((error) => violations.push(error.message));
    if (isSuspended) violations.push(...(await playOvertaken(world, scenario, stops[0], goOn)));
    else {
      world.stops = [...stops];
      const ended = await world.loom(scenario.command(world));
      violations.push(...(await checkStopped(world, scenario, reference, ended, stops[0])));
      await goOn(ended);
      world.stops = [];
    }
    // What is left is cleared away when it is old enough to be nobody's.
    if ((await world.ageLeftovers()) > 0) await world.loom(['fetch']);
    const reached = world.traces.filter((trace) => trace.reached);
    const judged = scenario.judge
      ? await scenario.judge(world)
      : compareStates(await captureState(world, provider), reference.state, {
          provider,
          mostPaidAgain: mostPaidAgain(scenario, reached),
          announced: scenario.mode === 'batch' && recovery === 'again' && !isSuspended,
        });
    const harm = await checkHarm(world);
    const figures = newFigures();
    addFigures(figures, judged.figures);
    addFigures(figures, harm.figures);
    if (isSuspended) [figures.paidAgainOvertaken, figures.paidAgain] = [figures.paidAgain, 0];
    violations.push(...judged.violations, ...harm.violations, ...checkCommands(world));
    return {
      reached: reached.map(({ stop, at }) => `${stop} (${at})`),
      steps: world.traces[0]?.steps.length ?? 0,
      violations: [...new Set(violations)],
      figures,
      log: violations.length > 0 ? describeLog(world) : '',
    };
  } finally {
    await world.remove();
  }
}

/** The command is suspended, others do its work, and then it goes on: it must do nothing more. */
async function playOvertaken(world, scenario, stop, goOn) {
  const violations = [];
  const { isSuspended, resume, ended } = await world.suspend(scenario.command(world), stop);
  if (!isSuspended) {
    await goOn(await ended);
    return violations;
  }
  await goOn({ code: null, signal: null, stdout: '', stderr: '' });
  const output = await world.read(outputName(scenario.provider));
  const { code, stderr } = await resume();
  if (![0, 1, 3].includes(code)) violations.push(`exit ${code} of a command that was overtaken: ${stderr}`);
  if (output !== undefined && output !== (await world.read(outputName(scenario.provider))))
    violations.push('a command that was overtaken changed the output');
  if (scenario.mode !== 'ending')
    await fetchUntilDone(world).catch((error) => violations.push(error.message));
  return violations;
}

function mostPaidAgain({ mode }, reached) {
  if (mode !== 'sync') return 0;
  // A signal lets the calls under way finish: nothing of them is lost.
  return callsAtOnce * reached.filter(({ stop }) => !/int|term|hup/.test(stop)).length;
}

/** What must hold at once, before any other command runs. */
async function checkStopped(world, scenario, reference, ended, stop) {
  const { how } = readStop(stop);
  const violations = [];
  const name = outputName(scenario.provider);
  const output = await world.read(name);
  const whole = [
    scenario.oldOutput,
    scenario.wholeOutput,
    reference.outputAfterCommand,
    reference.state.folder[name],
  ];
  if (!whole.includes(output))
    violations.push('the output was neither the old one nor the whole new one after the stop');
  if (isKill(how)) return violations;
  if (!ended.trace.reached) return violations;
  const codes = { int: [130, 0, 1, 3], term: [143, 0, 1, 3] }[how] ?? [0, 1, 3];
  if (!codes.includes(ended.code)) violations.push(`exit ${ended.code} after ${how}`);
  if (ended.code === 1 && reference.code !== 1 && !/^Error: /m.test(ended.stderr))
    violations.push('exit 1 without an error');
  if (how === 'full' || how === 'readonly')
    violations.push(...(await checkDiskError(world, scenario, ended, reference)));
  return violations;
}

async function checkDiskError(world, { provider, mode }, ended, reference) {
  const violations = [];
  const words = /full|read-only|space|permission/;
  if (ended.code === 1 && reference.code !== 1 && !/^Error: .*\/.*/m.test(ended.stderr))
    violations.push(`the error names no file: ${ended.stderr.trim()}`);
  if (ended.code === 1 && reference.code !== 1 && !words.test(ended.stderr))
    violations.push(`the error does not say what is wrong with the disk: ${ended.stderr.trim()}`);
  if (mode === 'batch') {
    const unnamed = await findUnnamedBatches(world, provider);
    if (unnamed.length > 0) violations.push(`a paid batch is named nowhere: ${unnamed.join(', ')}`);
  }
  return violations;
}

export function describeLog(world) {
  return world.log
    .map(({ args, stop, ended }) => {
      const end = ended ? `exit ${ended.signal ?? ended.code}` : 'still running';
      const text = ended ? `${ended.stdout}${ended.stderr}`.trimEnd().replace(/^/gm, '      | ') : '';
      return `    $ loom ${args.join(' ')}${stop ? `   [stop ${stop}]` : ''}   → ${end}\n${text}`;
    })
    .join('\n');
}
