/**
 * Stories of which one command is stopped in the middle. `prepare` comes before it, `command` is the one, `finish`
 * is what people and cron jobs do afterwards; without a stop the same story is the reference. `judge` says what must
 * hold at the end, where that is not the end of the reference; `wholeOutput` is the output that it leaves. `focus`: half
 * of the kills are at steps called so. `share`: of the usual number of stops.
 */
import { cancelScenario, forgetScenario } from './ending-scenarios.mjs';
import { lastSubmittedId } from './expect.mjs';
import { halveScenario } from './limit-scenarios.mjs';
import { clearPackScenario, fetchPackScenario, livePackScenario } from './pack-scenarios.mjs';
import {
  allProviders,
  batchProviders,
  fetchUntilDone,
  hasNothing,
  orderArgs,
  outputName,
  runArgs,
  wasAnnounced,
} from './stories.mjs';

const mostRuns = 6;
const waitFlags = ['--wait', '--interval', '0.2'];
/** A wait looks at the batches twice. */
const shortTurnaroundMs = 600;

/** After a run that was stopped: the same command again, or the cron job's fetch comes first. */
async function finishRun(world, provider, ended, flags, recovery) {
  let last = ended;
  if (recovery === 'fetch') await fetchUntilDone(world);
  const isOver = async () =>
    wasAnnounced(last) || (recovery === 'fetch' && (await world.exists(outputName(provider))));
  for (let turn = 0; turn < mostRuns && !(await isOver()); turn += 1) {
    last = await world.loom(runArgs(provider, ...flags));
  }
  // Up and Enter, when all was said: nothing is sent.
  if (!(await world.exists(outputName(provider)))) await world.loom(runArgs(provider, ...flags));
  await fetchUntilDone(world);
}

/** Before a run has saved its job, the same run again is another order, and not the same work. */
const jobSaved = /^rename .*jobs\//;

function runScenario(provider, name, flags = []) {
  return {
    heldFrom: jobSaved,
    name: `${provider} ${name}`,
    provider,
    mode: 'batch',
    prepare: () => {},
    command: () => runArgs(provider, ...flags),
    finish: (world, ended, recovery) => finishRun(world, provider, ended, flags, recovery),
  };
}

function fetchScenario(provider, name, { runFlags = [], fetchFlags = [], oldOutput, turnaroundMs } = {}) {
  return {
    name: `${provider} ${name}`,
    provider,
    mode: 'batch',
    oldOutput,
    turnaroundMs,
    async prepare(world) {
      if (oldOutput) await world.write(outputName(provider), oldOutput);
      await world.loom(runArgs(provider, ...runFlags));
    },
    command: () => ['fetch', ...fetchFlags],
    finish: (world) => fetchUntilDone(world, ...fetchFlags),
  };
}

/** The first batch expires half done; what it gave is kept, and the same run again asks for the rest only. */
function expiredScenario(provider) {
  return {
    name: `${provider} fetch expired`,
    provider,
    mode: 'batch',
    faults: { batches: [{ end: 'expired', doneShare: 0.6, times: 1 }] },
    prepare: (world) => world.loom(runArgs(provider)),
    command: () => ['fetch'],
    async finish(world) {
      await fetchUntilDone(world);
      await world.loom(runArgs(provider));
      // Anthropic has no word for a batch that expired in the middle: its output was written, with gaps.
      await fetchUntilDone(world, '--force');
    },
  };
}

/** What is left of an expired batch is sent: the answers that there are wait in a file of the job's own. */
function restScenario(provider) {
  return {
    heldFrom: jobSaved,
    name: `${provider} run of the rest`,
    provider,
    mode: 'batch',
    faults: { batches: [{ end: 'expired', doneShare: 0.6, times: 1 }] },
    async prepare(world) {
      await world.loom(runArgs(provider));
      await fetchUntilDone(world);
      await world.clearFolder(outputName(provider));
    },
    command: () => runArgs(provider),
    finish: (world, ended, recovery) => finishRun(world, provider, ended, [], recovery),
  };
}

/** A cron job that looks at nothing: run, then fetch, whatever became of the last turn. */
function cronScenario(provider, name = 'run again and again', flags = []) {
  const command = runArgs(provider, ...flags);
  return {
    heldFrom: jobSaved,
    name: `${provider} ${name}`,
    provider,
    mode: 'batch',
    prepare: () => {},
    command: () => command,
    async finish(world, _ended, recovery) {
      if (recovery === 'fetch') await fetchUntilDone(world);
      for (let turn = 0; turn < mostRuns && !(await world.exists(outputName(provider))); turn += 1) {
        await world.loom(command);
        await fetchUntilDone(world);
      }
      // Where the output was there already, what is left of its job goes with the next turn.
      if (!(await hasNothing(world))) await fetchUntilDone(world);
    },
  };
}

/** Everything that was known of a batch is lost, and it is adopted. */
function adoptScenario(provider) {
  const command = (world) => ['adopt', '--id', lastSubmittedId(world), ...orderArgs(provider)];
  return {
    name: `${provider} adopt`,
    provider,
    mode: 'batch',
    async prepare(world) {
      await world.loom(runArgs(provider));
      await world.loseHome();
    },
    command,
    async finish(world, _ended, recovery) {
      if (recovery === 'fetch') await fetchUntilDone(world);
      for (let turn = 0; turn < mostRuns && !(await world.exists(outputName(provider))); turn += 1) {
        await world.loom(command(world));
        await fetchUntilDone(world);
      }
    },
  };
}

function syncScenario(provider, flags = []) {
  const args = runArgs(provider, '--sync', ...flags);
  return {
    name: [provider, 'run --sync', ...flags].join(' '),
    provider,
    mode: 'sync',
    prepare: () => {},
    command: () => args,
    async finish(world, ended) {
      let last = ended;
      for (let turn = 0; turn < mostRuns && !isWritten(last); turn += 1) last = await world.loom(args);
      await fetchUntilDone(world);
    },
  };
}

/** A run whose output is there refuses to overwrite it: it was done when it was stopped. */
function isWritten(ended) {
  return /^Done\. wrote/m.test(ended.stdout) || /already exists/.test(ended.stderr);
}

const all = [
  ...batchProviders.map((provider) => [
    runScenario(provider, 'run'),
    fetchScenario(provider, 'fetch'),
    runScenario(provider, 'run of 3 parts', ['--batch-size', '6']),
    fetchScenario(provider, 'fetch of 3 parts', { runFlags: ['--batch-size', '6'] }),
    expiredScenario(provider),
    fetchScenario(provider, 'fetch --force', { fetchFlags: ['--force'], oldOutput: 'an older output\n' }),
    runScenario(provider, 'run --no-cache', ['--no-cache']),
    fetchScenario(provider, 'fetch --keep', { fetchFlags: ['--keep'] }),
    restScenario(provider),
    cronScenario(provider),
    adoptScenario(provider),
    runScenario(provider, 'run --wait', waitFlags),
    cronScenario(provider, 'run --wait of 3 parts again and again', [...waitFlags, '--batch-size', '6']),
    fetchScenario(provider, 'fetch --wait', {
      runFlags: ['--batch-size', '6'],
      fetchFlags: waitFlags,
      turnaroundMs: shortTurnaroundMs,
    }),
    cancelScenario(provider),
    forgetScenario(provider),
    halveScenario(provider),
  ]),
  ...allProviders.map((provider) => [syncScenario(provider), syncScenario(provider, ['--no-cache'])]),
  fetchPackScenario('openai', { seeded: false }),
  fetchPackScenario('google', { seeded: true }),
  livePackScenario('openai'),
  clearPackScenario('google'),
];

/** Where stories are stopped every day, through the providers in turn; those that differ in a flag alone are left out. */
const dailyStops = {
  'openai run': '1suspend:^rename .*jobs/',
  'openai run of the rest': '1full:^appendFile .*requests/',
  'openai cancel': '2after:^call POST .*/cancel$',
  'openai run --sync': '5after:^call POST',
  'anthropic fetch': '1suspend:^call GET .*/results$',
  'anthropic adopt': '1after:^rename .*jobs/',
  'anthropic forget': '2before:^rm .*batches/',
  'anthropic run --sync --no-cache': '2readonly:^write .*results/',
  'google run of 3 parts': '1suspend:^call POST .*batchGenerateContent$',
  'google run --wait of 3 parts again and again': '3before:^rename .*batches/',
  'alibaba fetch expired': '1half:^writeFile .*results/',
  'google fetch that puts packs together': '2after:^renameSync .*cache/',
  'alibaba fetch --wait': '2after:^link /place/',
};

export const scenarios = all.flat().map((scenario) => ({ ...scenario, short: dailyStops[scenario.name] }));
