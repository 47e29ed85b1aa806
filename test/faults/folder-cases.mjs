/** Homes and caches in folders of others, a stranger's project, and a cache that two people share. */
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashOf } from './checks.mjs';
import { defineCase } from './expect.mjs';
import {
  allProviders,
  batchProviders,
  fetchUntilDone,
  inputName,
  model,
  outputName,
  runArgs,
} from './stories.mjs';

const mine = [
  'results/experiment2.jsonl',
  'results/answers.jsonl',
  'history/index.json',
  'history/2023.json',
  'inputs/data.csv',
  'jobs/job.json',
  'jobs/a.tmp',
  'batches/b.json',
  'requests/a.tmp',
  'locks/build.1.lock',
  'cache/tmp/model.tmp',
  'tmp/upload.tmp',
  'config',
];

const age = 40 * 24 * 3600_000;

/** A project whose folders are called as loom's are. */
async function plantProject(world) {
  const old = new Date(Date.now() - age);
  for (const name of mine) {
    const path = join(world.folder, name);
    const content = '{"mine": true}\n';
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    await utimes(path, old, old);
    world.plants.set(path, content);
  }
}

const homes = {
  'LOOM_HOME=.': { variables: { LOOM_HOME: '.' } },
  'LOOM_CACHE_DIR=.': { variables: { LOOM_CACHE_DIR: '.' } },
  '--cache-dir .': { flags: ['--cache-dir', '.'] },
  'LOOM_HOME=results': { variables: { LOOM_HOME: 'results' } },
};

const projects = allProviders.flatMap((provider, place) =>
  Object.entries(homes).map(([home, { variables, flags = [] }], turn) =>
    defineCase({
      name: `${provider}: ${home} in a project of others`,
      kind: 'a home in a foreign folder',
      provider,
      short: turn === place,
      async play(trial, world) {
        await plantProject(world);
        for (const args of [
          runArgs(provider, '--sync', ...flags),
          ...(batchProviders.includes(provider) ? [runArgs(provider, '--force', ...flags)] : []),
          ['fetch', ...flags],
          ['list'],
          ['cache', 'clear', '--yes', ...flags],
        ]) {
          const { code } = await world.loom(args, { variables });
          trial.check([0, 1, 3].includes(code), `loom ${args[0]} ends with exit ${code}`);
        }
      },
    }),
  ),
);

const secret = 'the-secret-of-another-folder';

/** Defaults of a cloned project that reach out of it. */
const reaches = {
  'a prompt': (path) => ({ prompt: `@${path}` }),
  'a system text': (path) => ({ system: `@${path}` }),
  'a schema': (path) => ({ schema: path }),
};

const strangers = allProviders.flatMap((provider, place) =>
  Object.entries(reaches).map(([reach, configOf], turn) =>
    defineCase({
      name: `${provider}: loom.config.json with ${reach} from outside of the project`,
      kind: "a stranger's project",
      provider,
      short: place === 0 && turn === 0,
      async play(trial, world) {
        const path = join(world.root, 'secret.txt');
        await writeFile(path, secret);
        await world.write('loom.config.json', JSON.stringify(configOf(path)));
        const args = ['run', '-f', inputName(provider), '-p', provider, '-m', model, '--sync'];
        const ended = await world.loom(args);
        trial.checkExit(ended, 1, 'a run whose defaults read files of others');
        const { prompts } = await world.statistics();
        trial.check(!(hashOf(secret) in prompts), 'the secret went to the provider');
        trial.check(Object.keys(prompts).length === 0, 'something was sent');
        trial.check(!world.said.includes(secret), 'the secret is printed');
      },
    }),
  ),
);

/** Things in the way of a run that are no files, or no values: one clear line each. */
const oddities = {
  'a folder named .env': (world) => mkdir(join(world.folder, '.env')),
  'a FIFO as input': async (world, provider) => {
    const path = join(world.folder, inputName(provider));
    execFileSync('rm', [path]);
    execFileSync('mkfifo', [path]);
  },
  '__proto__ in loom.config.json': (world) =>
    world.write('loom.config.json', '{"__proto__": {"provider": "openai"}}'),
  'a folder in place of the input': async (world, provider) => {
    const path = join(world.folder, inputName(provider));
    execFileSync('rm', [path]);
    await mkdir(path);
  },
};

const odd = allProviders.flatMap((provider) =>
  Object.entries(oddities).map(([oddity, prepare]) =>
    defineCase({
      name: `${provider}: ${oddity}`,
      kind: "a stranger's project",
      provider,
      async play(trial, world) {
        await prepare(world, provider);
        const ended = await world.loom(runArgs(provider, '--sync'));
        trial.check([1, 2].includes(ended.code), `a run with ${oddity} ends with exit ${ended.code}`);
        trial.check(/^Error: /m.test(ended.stderr), `no error is told: ${ended.stderr}`);
        trial.check(ended.stderr.trim().split('\n').length <= 3, `more than a clear line: ${ended.stderr}`);
      },
    }),
  ),
);

const people = [65_501, 65_502];
const group = 65_500;

/** Two users with a group of their own, and a folder of it with the setgid bit. */
const shared = allProviders.flatMap((provider) =>
  [true, false].map((isOfGroup) =>
    defineCase({
      name: `${provider}: a cache of two users, ${isOfGroup ? 'with' : 'without'} the setgid bit`,
      kind: 'a shared cache',
      provider,
      world: { plants: false },
      async play(trial, world) {
        if (process.getuid() !== 0) return 'needs root, to become two users';
        const cache = join(world.root, 'shared');
        await mkdir(cache);
        await chown(cache, people[0], group);
        await chmod(cache, isOfGroup ? 0o2770 : 0o770);
        for (const folder of [world.root, world.folder]) await chmod(folder, 0o777);
        for (const uid of people) {
          const home = join(world.root, `home-${uid}`);
          await mkdir(home);
          await chown(home, uid, group);
          const args = runArgs(
            provider,
            '--sync',
            '--cache-dir',
            cache,
            '--output',
            `of-${uid}.${outputName(provider).split('.').at(-1)}`,
          );
          const ended = await world.loom(args, { uid, gid: group, home });
          const isTold = ended.code === 1 && /^Error: .*cache/m.test(ended.stderr);
          trial.check(ended.code === 3 || isTold, `exit ${ended.code} of user ${uid}: ${ended.stderr}`);
          if (isTold) return undefined;
        }
        const { prompts } = await world.statistics();
        const again = Object.values(prompts).filter(({ live }) => live > 1).length;
        if (isOfGroup) trial.check(again <= 1, `${again} prompts were paid for by both`);
        await fetchUntilDone(world);
        return undefined;
      },
    }),
  ),
);

export const folderCases = [...projects, ...strangers, ...odd, ...shared];
