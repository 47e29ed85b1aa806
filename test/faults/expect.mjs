/** The frame of a case: a world, the reference it is held against, and what was found wrong. */
import { addFigures, captureState, checkCommands, checkHarm, compareStates, newFigures } from './checks.mjs';
import { scenarios } from './scenarios.mjs';
import { describeLog, playUndisturbed } from './stopping.mjs';
import { fetchUntilDone, runArgs, writeInput } from './stories.mjs';
import { createWorld } from './world.mjs';

const references = new Map();

/** What a scenario leaves undisturbed, and its steps; played once. */
export function referenceOf(name) {
  return references.get(name) ?? play(name, {});
}

/** The same, where nobody asks for its steps. */
export function stateOf(name) {
  return references.get(name) ?? references.get(`state of ${name}`) ?? play(name, { countSteps: false });
}

/** A stop of a scenario's command: told by its label, or found among the steps that it has undisturbed. */
export async function stopOf(name, stop) {
  return typeof stop === 'string' ? stop : `${stop((await referenceOf(name)).steps)}suspend`;
}

function play(name, options) {
  const played = playUndisturbed(
    scenarios.find((scenario) => scenario.name === name),
    options,
  );
  references.set(options.countSteps === false ? `state of ${name}` : name, played);
  return played;
}

/** What a story's checks are written with: each failed one is a violation, and the story goes on. */
class Trial {
  violations = [];
  figures = newFigures();

  constructor(world, provider) {
    this.world = world;
    this.provider = provider;
  }

  check(holds, words) {
    if (!holds) this.violations.push(words);
  }

  checkExit(ended, code, words) {
    this.check(ended.code === code, `${words}: exit ${ended.code}, not ${code}`);
  }

  /** The story's end is that of the undisturbed scenario; `only`: just these parts of it. */
  async compare(scenarioName, { only, ...options } = {}) {
    const { state } = await stateOf(scenarioName);
    await this.clearLeftovers();
    const actual = await captureState(this.world, this.provider);
    const expected = only ? mix(state, actual, only) : state;
    const { violations, figures } = compareStates(actual, expected, { provider: this.provider, ...options });
    this.take({ violations, figures });
  }

  /** What a killed command left is cleared away when it is old enough to be nobody's. */
  async clearLeftovers() {
    if ((await this.world.ageLeftovers()) > 0) await this.world.loom(['fetch']);
  }

  /** What was found elsewhere. */
  take({ violations, figures }) {
    this.violations.push(...violations);
    addFigures(this.figures, figures);
  }
}

/** The reference in the parts that are compared, and the actual state in the others. */
function mix(reference, actual, parts) {
  return Object.fromEntries(
    Object.keys(reference).map((part) => [part, (parts.includes(part) ? reference : actual)[part]]),
  );
}

/** What is for every day waits for nothing long, and has few processes. */
const isForEveryDay = (short, { hurry }) => short && !hurry;

/** A case in a world of its own. `play` gets a Trial; what it throws is a violation as well. */
export function defineCase({ name, kind, provider, short = false, world: worldOptions = {}, play }) {
  return {
    name,
    kind,
    short: isForEveryDay(short, worldOptions),
    async play() {
      const world = await createWorld({ provider, ...worldOptions });
      try {
        return await playIn(world, provider, play);
      } finally {
        await world.remove();
      }
    },
  };
}

async function playIn(world, provider, play) {
  const trial = new Trial(world, provider);
  try {
    if (provider) await writeInput(world, provider);
    const skipped = await play(trial, world);
    if (typeof skipped === 'string') return { skipped };
  } catch (error) {
    trial.violations.push(error.stack);
  }
  trial.take(await checkHarm(world));
  trial.violations.push(...checkCommands(world));
  const log = trial.violations.length > 0 ? describeLog(world) : '';
  return { violations: trial.violations, figures: trial.figures, log };
}

const mostRuns = 4;

/** The same run until it said what it has to say, then fetch until nothing is pending. */
export async function runAndFetch(world, provider, ...flags) {
  for (let turn = 0; turn < mostRuns; turn += 1) {
    const ended = await world.loom(runArgs(provider, ...flags));
    if (/^(Metadata saved|Done\. wrote)/m.test(ended.stdout)) break;
  }
  return fetchUntilDone(world);
}

/** The id of the last batch that the commands so far told of. */
export function lastSubmittedId(world) {
  return [...world.said.matchAll(/^Batch submitted\. id=(\S+)/gm)].at(-1)?.[1];
}

/** Only rows that gave no answer may be asked again: the refused one, and those whose result never came. */
export async function checkAskedAgain(trial, world, missingShare = 0) {
  const { prompts } = await world.statistics();
  const twice = Object.values(prompts).filter(({ batch }) => batch > 1).length;
  const most = 1 + (missingShare ? Math.ceil(Object.keys(prompts).length * missingShare) + 2 : 0);
  trial.check(twice <= most, `${twice} prompts were asked twice in batches, and ${most} gave no answer`);
  if (!missingShare) trial.figures.askedTwice += Math.max(0, twice - most);
}
