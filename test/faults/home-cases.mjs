/** What happens between two commands: to the input, to the records, to the disk. */
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readFile, rename, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCase, lastSubmittedId, runAndFetch } from './expect.mjs';
import {
  batchProviders,
  fetchUntilDone,
  inputName,
  makeRows,
  orderArgs,
  outputName,
  runArgs,
  writeInput,
} from './stories.mjs';

const changedRow = 4;

function changedRows() {
  const prompts = makeRows();
  prompts[changedRow] = 'Something else altogether';
  return prompts;
}

const input = batchProviders.flatMap((provider, index) => [
  defineCase({
    name: `${provider}: the input was changed, and is put back`,
    kind: 'the input changed',
    provider,
    short: index === 0,
    async play(trial, world) {
      await world.loom(runArgs(provider));
      await writeInput(world, provider, changedRows());
      const ended = await world.loom(['fetch']);
      trial.checkExit(ended, 1, 'a fetch with a changed input');
      trial.check(/has changed/.test(ended.stderr), 'the change is not told');
      trial.check(!(await world.exists(outputName(provider))), 'an output was written from a changed input');
      await writeInput(world, provider);
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`);
    },
  }),
  defineCase({
    name: `${provider}: the input was changed, and --partial merges what still matches`,
    kind: '--partial',
    provider,
    async play(trial, world) {
      await world.loom(runArgs(provider));
      await writeInput(world, provider, changedRows());
      const ended = await world.loom(['fetch', '--id', lastSubmittedId(world), '--partial']);
      trial.checkExit(ended, 3, '--partial with one row changed');
      const output = (await world.read(outputName(provider))) ?? '';
      trial.check(output.includes('number 6?'), 'rows that match have no answer');
      trial.check(
        !output.includes('Sandbox answer from faults-1: Something else'),
        'a changed row has an answer',
      );
      trial.check(!output.includes(`number ${changedRow}?`), "a changed row has another prompt's answer");
    },
  }),
  defineCase({
    name: `${provider}: rows were cut off the input, or added`,
    kind: 'the input changed',
    provider,
    async play(trial, world) {
      await world.loom(runArgs(provider));
      for (const prompts of [
        makeRows().slice(0, 10),
        [...makeRows(), 'One more?'],
        ['A first one?', ...makeRows()],
      ]) {
        await writeInput(world, provider, prompts);
        const ended = await world.loom(['fetch']);
        trial.checkExit(ended, 1, `a fetch with ${prompts.length} rows`);
        trial.check(
          !(await world.exists(outputName(provider))),
          'an output was written from a changed input',
        );
      }
      await writeInput(world, provider);
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`);
    },
  }),
  defineCase({
    name: `${provider}: the input is gone, and moved`,
    kind: 'the input gone or moved',
    provider,
    short: index === 1,
    async play(trial, world) {
      await world.loom(runArgs(provider));
      const moved = inputName(provider).replace('rows', 'moved');
      await rename(join(world.folder, inputName(provider)), join(world.folder, moved));
      const ended = await world.loom(['fetch']);
      trial.checkExit(ended, 1, 'a fetch without its input');
      trial.check(ended.stderr.includes(inputName(provider)), 'the input that is gone is not named');
      const id = lastSubmittedId(world);
      const found = await world.loom(['fetch', '--id', id, '--file', moved]);
      trial.checkExit(found, 3, 'a fetch with --file');
      await rename(join(world.folder, moved), join(world.folder, inputName(provider)));
      await trial.compare(`${provider} run`);
    },
  }),
  defineCase({
    name: `${provider}: the records are lost, and the batch is adopted`,
    kind: 'adopt',
    provider,
    short: index === 2,
    async play(trial, world) {
      await world.loom(runArgs(provider));
      await world.loseHome();
      const adopted = await world.loom(['adopt', '--id', lastSubmittedId(world), ...orderArgs(provider)]);
      trial.checkExit(adopted, 0, 'adopt');
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`);
    },
  }),
]);

/** The only file of a folder of the home. */
async function onlyFile(world, folder) {
  const [name] = (await world.listState(folder)).filter((file) => file.endsWith('.json'));
  return world.statePath(`${folder}/${name}`);
}

const records = batchProviders.flatMap((provider, index) =>
  ['batches', 'jobs'].flatMap((folder) =>
    [0, 40, 300].map((length) =>
      defineCase({
        name: `${provider}: the record in ${folder}/ is cut to ${length} bytes`,
        kind: 'a record cut short',
        provider,
        short: index === 0 && length === 300,
        async play(trial, world) {
          await world.loom(runArgs(provider));
          const path = await onlyFile(world, folder);
          const whole = await readFile(path);
          await truncate(path, length);
          const ended = await world.loom(['fetch']);
          trial.checkExit(ended, 1, 'a fetch with a record cut short');
          trial.check(ended.stderr.includes(path), `the damaged file is not named: ${ended.stderr}`);
          trial.check((await world.loom(['list'])).code === 0, 'list does not end with exit 0');
          trial.check(
            !(await world.exists(outputName(provider))),
            'an output was written without its record',
          );
          await writeFile(path, whole);
          await fetchUntilDone(world);
          await trial.compare(`${provider} run`);
        },
      }),
    ),
  ),
);

const newerRecords = batchProviders.map((provider) =>
  defineCase({
    name: `${provider}: the job was written by a newer version`,
    kind: 'a newer record',
    provider,
    async play(trial, world) {
      await world.loom(runArgs(provider));
      const path = await onlyFile(world, 'jobs');
      const whole = await readFile(path, 'utf8');
      await writeFile(path, whole.replace('"version": 1', '"version": 99'));
      const ended = await world.loom(['fetch']);
      trial.check(/newer version/.test(ended.stderr), 'a newer record is not refused with words');
      trial.check(!(await world.exists(outputName(provider))), 'an output was written from a newer record');
      await writeFile(path, whole);
      await fetchUntilDone(world);
      await trial.compare(`${provider} run`);
    },
  }),
);

const stateFolders = ['', 'batches', 'jobs', 'requests', 'results', 'cache', 'locks'];

const inTheWay = stateFolders.flatMap((folder) =>
  ['run', 'run --sync'].map((command) =>
    defineCase({
      name: `openai ${command}: a file in place of ~/.loom/${folder}`,
      kind: 'a file in place of a folder',
      provider: 'openai',
      short: folder === 'jobs' && command === 'run',
      world: { plants: false },
      async play(trial, world) {
        const path = world.statePath(folder).replace(/\/$/, '');
        await mkdir(join(path, '..'), { recursive: true });
        await writeFile(path, 'in the way');
        const flags = command === 'run' ? [] : ['--sync'];
        const ended = await world.loom(runArgs('openai', ...flags));
        if (ended.code === 1)
          trial.check(ended.stderr.includes(path), `the path is not named: ${ended.stderr}`);
        // A cache that does not work costs nothing but the cache; what was submitted is named.
        const { vendors } = await world.statistics();
        if (ended.code === 1 && vendors.openai.batches > 0) await checkPaidIsNamed(trial, world);
        await rm(path);
        await goOn(world, 'openai', ended, ...flags);
        await trial.compare(`openai ${command}`, {
          only: folder === 'cache' ? ['folder'] : undefined,
          announced: false,
        });
      },
    }),
  ),
);

async function checkPaidIsNamed(trial, world) {
  for (const id of await world.batchIds('openai'))
    trial.check(world.said.includes(id), `the paid batch ${id} is not named`);
}

/** Any user who is not root. */
const nobody = 65534;

const readOnly = ['run', 'run --sync'].map((command) =>
  defineCase({
    name: `openai ${command}: a home that can't be written`,
    kind: 'a read-only home',
    provider: 'openai',
    async play(trial, world) {
      if (process.getuid() !== 0) return 'needs root, to become a user without rights';
      await chmod(world.root, 0o755);
      await chown(world.folder, nobody, nobody);
      const flags = command === 'run' ? [] : ['--sync'];
      const ended = await world.loom(runArgs('openai', ...flags), { uid: nobody });
      trial.checkExit(ended, 1, 'a run without a home');
      trial.check(ended.stderr.includes(world.home), `the home is not named: ${ended.stderr}`);
      const { vendors } = await world.statistics();
      const calls = Object.keys(vendors.openai.calls);
      trial.check(calls.length === 0, `something was sent first: ${calls.join(', ')}`);
      await runAndFetch(world, 'openai', ...flags);
      await trial.compare(`openai ${command}`);
    },
  }),
);

const diskBytes = 1_000_000;

/** A disk of one megabyte that all but so many bytes of are taken. */
async function mountSmallDisk(world, freeBytes) {
  await mkdir(world.statePath(''), { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'none', world.statePath('')], {
    stdio: 'ignore',
  });
  await fillDisk(world, freeBytes);
}

async function fillDisk(world, freeBytes) {
  const { bavail, bsize } = await statfs(world.statePath(''));
  await writeFile(world.statePath('filler'), Buffer.alloc(Math.max(0, bavail * bsize - freeBytes)));
}

const smallDisk = batchProviders.flatMap((provider) =>
  [0, 12_288, 28_672, 45_056].map((freeBytes) =>
    defineCase({
      name: `${provider}: a disk with ${freeBytes} bytes free`,
      kind: 'a small disk',
      provider,
      world: { plants: false },
      async play(trial, world) {
        try {
          await mountSmallDisk(world, freeBytes);
        } catch {
          return 'this machine does not let us mount a small disk';
        }
        try {
          const ended = await world.loom(runArgs(provider));
          if (ended.code !== 0)
            trial.check(/full|free/.test(ended.stderr), `the disk is not named: ${ended.stderr}`);
          const fetched = await world.loom(['fetch']);
          if (fetched.code === 1)
            trial.check(/full|free/.test(fetched.stderr), `the disk is not named: ${fetched.stderr}`);
          await rm(world.statePath('filler'));
          if (!(await world.exists(outputName(provider)))) await goOn(world, provider, ended);
          await trial.compare(`${provider} run`, { only: ['folder', 'prompts', 'batches'] });
        } finally {
          execFileSync('umount', ['-l', world.statePath('')], { stdio: 'ignore' });
        }
      },
    }),
  ),
);

/** Goes on as people do: a run that told of its batch, or wrote its output, is not repeated. */
async function goOn(world, provider, ended, ...flags) {
  if (/^(Metadata saved|Done\. wrote)/m.test(ended.stdout)) return fetchUntilDone(world);
  return runAndFetch(world, provider, ...flags);
}

export const homeCases = [...input, ...records, ...newerRecords, ...inTheWay, ...readOnly, ...smallDisk];
