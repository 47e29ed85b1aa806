/** Providers that echo the key wherever they speak, in any shape; and codes and messages without bound. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCase } from './expect.mjs';
import { allProviders, batchProviders, fetchUntilDone, outputName, runArgs } from './stories.mjs';

const keys = {
  'a usual key': 'sk-proj-Ab3dEf6hIj9kLm2nOp5q',
  'a short key': 'k-4711',
  'a key with signs': 'a+b(c)[d]*$^.|?{e}/=&%41',
  'a key of words': 'correct-horse-battery-staple',
  'a long key': `gsk_${'Zy9'.repeat(90)}`,
};

const variables = {
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
  google: 'GOOGLE_API_KEY',
  openrouter: 'OPENROUTER_API_KEY',
  alibaba: 'DASHSCOPE_API_KEY',
  xai: 'XAI_API_KEY',
  fireworks: 'FIREWORKS_API_KEY',
  mistral: 'MISTRAL_API_KEY',
};

/** What a message looks like that has the key in it. Cuts fall into the middle of it. */
const shapes = [
  (key) => `Incorrect API key provided: ${key}. You can find yours in the settings.`,
  (key) => `{"headers":{"authorization":"Bearer ${key}"}}`,
  (key) => `GET /v1/models?key=${encodeURIComponent(key)} failed`,
  (key) =>
    [120, 190, 290, 390, 490, 990]
      .map((end, at, all) => 'x'.repeat(end - (all[at - 1] ?? 0)) + key)
      .join(' '),
];

const echoOf = (key, turn) => shapes[turn % shapes.length](key);

/** Where an echo stands, and the commands that meet it. */
const places = {
  'live errors': {
    providers: allProviders,
    faults: (echo) => ({
      calls: [{ operation: 'generate', share: 0.5, do: 'status', status: 400, message: echo, code: echo }],
    }),
    commands: (provider) => [runArgs(provider, '--sync', '--with-error')],
  },
  'a refused creation': {
    providers: batchProviders,
    faults: (echo) => ({
      calls: [{ operation: 'createBatch', do: 'status', status: 400, message: echo, code: echo }],
    }),
    commands: (provider) => [runArgs(provider), ['list'], ['fetch']],
  },
  'a failed batch': {
    providers: batchProviders,
    faults: (echo) => ({ batches: [{ end: 'failed', code: echo, message: echo }] }),
    commands: (provider) => [runArgs(provider), ['fetch'], ['list', '--output-format', 'json'], ['status']],
  },
  'failed rows': {
    providers: batchProviders,
    faults: (echo) => ({
      batches: [{ failedShare: 0.4, failedStatus: 400, failedCode: echo, failedMessage: echo }],
    }),
    commands: (provider) => [runArgs(provider, '--with-error'), ['fetch'], ['list']],
  },
  'a status word': {
    providers: batchProviders,
    faults: (echo) => ({ batches: [{ runningWord: echo, endedWord: echo }] }),
    commands: (provider) => [runArgs(provider), ['fetch'], ['list', '--output-format', 'json']],
  },
};

const echoes = Object.entries(places).flatMap(([place, { providers, faults, commands }], turn) =>
  providers.flatMap((provider, at) =>
    Object.entries(keys).map(([kind, key], which) =>
      defineCase({
        name: `${provider}: ${kind} echoed in ${place}`,
        kind: 'the key echoed',
        provider,
        short: which === turn && at === turn % providers.length,
        world: { faults: faults(echoOf(key, turn + at + which)) },
        async play(trial, world) {
          world.key = key;
          world.environment[variables[provider]] = key;
          for (const args of commands(provider)) await world.loom([...args, '-v']);
          checkParts(trial, world, key);
        },
      }),
    ),
  ),
);

/** No half of a long key either, and no other writing of it. */
function checkParts(trial, world, key) {
  const forms = [encodeURIComponent(key), JSON.stringify(key).slice(1, -1), key.slice(0, 16), key.slice(-16)];
  for (const form of forms.filter((form) => form.length >= 12))
    trial.check(!world.said.includes(form), `a part or another writing of the key is shown: ${form}`);
}

const endless = 'no end of it '.repeat(80_000);
const longestFile = 200_000;

/** A megabyte of code and message: nothing that is kept grows by it. */
const longWords = Object.entries(places).flatMap(([place, { providers, faults, commands }]) =>
  providers.map((provider) =>
    defineCase({
      name: `${provider}: a code and a message of a megabyte in ${place}`,
      kind: 'codes and messages without bound',
      provider,
      world: { faults: faults(endless) },
      async play(trial, world) {
        for (const args of commands(provider)) await world.loom(args);
        await fetchUntilDone(world).catch(() => {});
        trial.check(world.said.length < longestFile, `${world.said.length} characters were printed`);
        const names = [outputName(provider), `${outputName(provider)}.errors.jsonl`];
        const paths = [
          ...(await world.listHome())
            .filter((name) => !name.startsWith('results/'))
            .map((name) => world.statePath(name)),
          ...names.map((name) => join(world.folder, name)),
        ];
        for (const path of paths) {
          const { size } = await stat(path).catch(() => ({ size: 0 }));
          trial.check(size < longestFile, `${path.slice(world.root.length)} has ${size} bytes`);
        }
      },
    }),
  ),
);

export const keyCases = [...echoes, ...longWords];
