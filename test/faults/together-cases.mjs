/** Several processes over one home at the same time, and locks that nobody holds any more. */
import { utimes, writeFile } from 'node:fs/promises';
import { checkAskedAgain, defineCase, referenceOf, stateOf } from './expect.mjs';
import { atCreation } from './stop.mjs';
import {
  allProviders,
  askFor,
  batchProviders,
  fetchUntilDone,
  model,
  outputName,
  pause,
  runArgs,
  writeCsv,
  writeInput,
} from './stories.mjs';

const times = (count, work) => Promise.all(Array.from({ length: count }, (_, index) => work(index)));

const countLines = (ends, pattern) => ends.flatMap(({ stdout }) => stdout.match(pattern) ?? []).length;

/** Three jobs of several parts, one for each provider, and eight fetches at once. */
const eightFetches = defineCase({
  name: '8 fetches at once over 3 jobs',
  kind: '8 concurrent fetches',
  async play(trial, world) {
    for (const provider of batchProviders) {
      await writeInput(world, provider);
      await world.loom(runArgs(provider, '--batch-size', '6'));
    }
    const ends = await times(8, () => world.start(['fetch']).ended);
    for (const [index, ended] of ends.entries())
      trial.check([0, 3].includes(ended.code), `fetch ${index + 1} of 8 ends with exit ${ended.code}`);
    await fetchUntilDone(world);
    const complete = countLines([{ stdout: world.said }], /^Fabric complete/gm);
    trial.check(complete === batchProviders.length, `${complete} outputs were told of, not 3`);
    for (const provider of batchProviders) {
      const { state } = await stateOf(`${provider} run of 3 parts`);
      const same = (await world.read(outputName(provider))) === state.folder[outputName(provider)];
      trial.check(same, `the output of ${provider} is not that of an undisturbed run`);
    }
    await checkBatchPrompts(trial, world, batchProviders.length);
    await checkHomeIsEmpty(trial, world);
  },
});

/** Each prompt was asked so many times in batches. */
async function checkBatchPrompts(trial, world, wanted) {
  const { prompts } = await world.statistics();
  const more = Object.values(prompts).filter(({ batch }) => batch > wanted).length;
  trial.figures.askedTwice += more;
  trial.check(more === 0, `${more} prompts were asked more than ${wanted} times in batches`);
}

async function checkHomeIsEmpty(trial, world) {
  if ((await world.ageLeftovers()) > 0) await world.loom(['fetch']);
  const left = (await world.listHome()).filter((name) => !/^cache\/\w+\.json$/.test(name));
  trial.figures.leftBehind += left.length;
  trial.check(left.length === 0, `left behind in the home: ${left.join(', ')}`);
}

/** A pending job is fetched while another run submits and a third answers live. */
const mixed = batchProviders.map((provider, index) =>
  defineCase({
    name: `${provider}: run, fetch and run --sync at once`,
    kind: 'run + fetch + run --sync at once',
    short: index === 0,
    world: {
      faults: {
        calls: [
          { operation: 'createBatch', do: 'delay', ms: 300 },
          { operation: 'generate', do: 'delay', ms: 30 },
        ],
      },
    },
    async play(trial, world) {
      for (const letter of ['a', 'b', 'c']) await world.write(`${letter}.csv`, writeCsv(promptsOf(letter)));
      await world.loom(args('a', provider));
      const running = [
        world.loomBeside(args('b', provider, '--batch-size', '5')),
        world.loomBeside(['fetch']),
        world.loomBeside(args('c', provider, '--sync')),
      ];
      for (let turn = 0; turn < 4; turn += 1) {
        await pause(250);
        running.push(world.loomBeside(['fetch']));
      }
      const ends = await Promise.all(running);
      for (const ended of ends)
        trial.check([0, 3].includes(ended.code), `one of them ends with exit ${ended.code}: ${ended.stderr}`);
      await fetchUntilDone(world);
      for (const letter of ['a', 'b', 'c']) {
        const output = await world.read(`${letter}_results_${provider}_${model}.csv`);
        trial.check(output === expectedOutput(letter), `the output of ${letter}.csv is not right`);
      }
      await checkBatchPrompts(trial, world, 1);
      const { prompts } = await world.statistics();
      const again = Object.values(prompts).filter(({ live, batch }) => live + batch > 1).length;
      trial.check(again === 0, `${again} prompts were paid for again`);
      await checkHomeIsEmpty(trial, world);
    },
  }),
);

const promptsOf = (letter) => Array.from({ length: 15 }, (_, index) => `Prompt ${letter}${index}`);

function args(letter, provider, ...flags) {
  const own = askFor(provider, flags);
  return ['run', '-f', `${letter}.csv`, '-c', 'text', '-p', provider, '-m', model, ...own, ...flags];
}

function expectedOutput(letter) {
  const lines = promptsOf(letter).map(
    (prompt, index) => `00${index},${prompt},n${index},Sandbox answer from ${model}: ${prompt}\n`,
  );
  return `id,text,note,llm_response\n${lines.join('')}`;
}

/** A run takes its time to submit three parts; fetches come by in the middle of it. */
const fetchDuringRun = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: fetches while a run submits`,
    kind: 'fetches while a run submits',
    provider,
    world: {
      faults: {
        calls: [
          { operation: 'createBatch', do: 'delay', ms: 250 },
          { operation: 'uploadFile', do: 'delay', ms: 150 },
        ],
      },
    },
    async play(trial, world) {
      const running = [world.start(runArgs(provider, '--batch-size', '6'))];
      for (let turn = 0; turn < 8; turn += 1) {
        await pause(150);
        running.push(world.start(['fetch']));
      }
      await Promise.all(running.map(({ ended }) => ended));
      await fetchUntilDone(world);
      await trial.compare(`${provider} run of 3 parts`);
    },
  }),
);

const sameRunOnce = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: the same run four times at once`,
    kind: 'the same run at once',
    provider,
    async play(trial, world) {
      const ends = await times(4, () => world.start(runArgs(provider)).ended);
      for (const ended of ends) trial.checkExit(ended, 0, 'run');
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`);
    },
  }),
);

/** One run is held up just before it saves its job, when it has seen that no other does the same work. */
const sameRunInTheGap = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: the same run again while one is about to save its job`,
    kind: 'the same run at once',
    provider,
    async play(trial, world) {
      const { steps } = await referenceOf(`${provider} run`);
      const save = steps.findIndex((label) => label.startsWith('open /home/.loom/jobs/')) + 1;
      const held = world.loom(runArgs(provider), { stop: `${save}pause` });
      await pause(1_200);
      await world.loom(runArgs(provider));
      await held;
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`);
    },
  }),
);

const sameRunAfterKill = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: a cut off run finished by four processes at once`,
    kind: 'the same run at once',
    provider,
    async play(trial, world) {
      // Killed when the answer to its create call is there: the part is at the provider, and no record says so.
      await world.loom(runArgs(provider), { stop: atCreation('after') });
      const running = [
        world.start(runArgs(provider)),
        world.start(['fetch']),
        world.start(runArgs(provider)),
        world.start(['fetch']),
      ];
      await Promise.all(running.map(({ ended }) => ended));
      // A run that comes when the output is written may ask the refused row again.
      await fetchUntilDone(world, '--force');
      await trial.compare(`${provider} run`, { only: ['folder', 'home'] });
      await checkAskedAgain(trial, world);
    },
  }),
);

/** A run that has looked at the cache is held up, until a fetch has written the output of the same work. */
const runWhileFetchEnds = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: run while a fetch ends the same work`,
    kind: 'the same run at once',
    provider,
    async play(trial, world) {
      const { steps } = await referenceOf(`${provider} run`);
      await world.loom(runArgs(provider));
      const planned = steps.findIndex((label) => /^sync .*requests\/.*\.ids/.test(label)) + 1;
      const held = world.loom(runArgs(provider), { stop: `${planned}pause` });
      await pause(1_200);
      await world.loom(['fetch']);
      await held;
      await fetchUntilDone(world, '--force');
      await trial.compare(`${provider} run`, { only: ['folder', 'home'] });
      await checkAskedAgain(trial, world);
    },
  }),
);

const sameSync = allProviders.map((provider) =>
  defineCase({
    name: `${provider}: the same run --sync three times at once`,
    kind: 'the same run at once',
    provider,
    short: provider === 'openrouter',
    world: { latencyMs: 20 },
    async play(trial, world) {
      const ends = await times(3, () => world.loomBeside(runArgs(provider, '--sync', '--force')));
      for (const ended of ends) trial.checkExit(ended, 3, 'run --sync');
      await trial.compare(`${provider} run --sync`);
    },
  }),
);

const silenceMs = 31_000;

const locks = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: the lock of a process on a machine that is gone`,
    kind: 'a lock of a dead process',
    provider,
    async play(trial, world) {
      await world.loom(runArgs(provider));
      const [name] = (await world.listState('jobs')).map((file) => file.replace('.json', ''));
      // A lock is numbered by the time.
      const path = world.statePath(`locks/${name}.${Date.now()}.lock`);
      const holder = {
        token: '00',
        pid: 1,
        host: 'elsewhere',
        boot: 'other',
        namespace: 'other',
        started: '1',
      };
      await writeFile(path, JSON.stringify(holder), { mode: 0o600 });
      const passed = await world.loom(['fetch']);
      trial.checkExit(passed, 0, 'a fetch that finds a fresh lock');
      trial.check(/Another process/.test(passed.stderr), 'a fresh lock of another machine is not respected');
      const silent = new Date(Date.now() - silenceMs);
      await utimes(path, silent, silent);
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`);
    },
  }),
);

const longHolder = defineCase({
  name: 'openai: a process that was paused loses its lock and does no harm',
  kind: 'a lock of a dead process',
  provider: 'openai',
  world: { faults: { calls: [{ operation: 'download', do: 'delay', ms: 2_500, times: 1 }] } },
  async play(trial, world) {
    await world.loom(runArgs('openai'));
    const paused = world.start(['fetch']);
    await pause(1_200);
    paused.child.kill('SIGSTOP');
    await world.ageLocks();
    await fetchUntilDone(world);
    paused.child.kill('SIGCONT');
    await paused.ended;
    await fetchUntilDone(world);
    await trial.compare('openai run');
  },
});

export const togetherCases = [
  eightFetches,
  ...mixed,
  ...fetchDuringRun,
  ...sameRunOnce,
  ...sameRunInTheGap,
  ...sameRunAfterKill,
  ...runWhileFetchEnds,
  ...sameSync,
  ...locks,
  longHolder,
];
