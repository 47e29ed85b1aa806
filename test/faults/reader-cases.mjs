/** Nobody reads what is printed any more, or it goes to a disk that is full: the work is done all the same. */
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, open, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCase, stateOf } from './expect.mjs';
import { untilAsked } from './signal-cases.mjs';
import { allProviders, batchProviders, fetchUntilDone, outputName, runArgs } from './stories.mjs';

/** Commands that print, the scenario that each ends like, and what comes before. */
const commands = [
  { command: 'run --sync', providers: allProviders, args: (provider) => runArgs(provider, '--sync') },
  {
    command: 'run --sync --no-cache',
    providers: allProviders,
    args: (provider) => runArgs(provider, '--sync', '--no-cache'),
  },
  { command: 'run', providers: batchProviders, args: (provider) => runArgs(provider) },
  {
    command: 'fetch',
    providers: batchProviders,
    prepare: (world, provider) => world.loom(runArgs(provider)),
    args: () => ['fetch'],
  },
];

const streams = [['stdout'], ['stderr'], ['stdout', 'stderr']];

const everyCommand = (define) =>
  commands.flatMap((order, turn) =>
    order.providers.flatMap((provider, place) =>
      streams.map((lost, which) =>
        define({ ...order, provider, lost, short: which === 0 && place === turn }),
      ),
    ),
  );

async function judge(trial, world, { command, provider }, ended) {
  const { code } = await stateOf(`${provider} ${command}`);
  trial.checkExit(ended, code, command);
  if (command.startsWith('run --sync')) {
    if (ended.code !== code) await world.loom(runArgs(provider, ...command.split(' ').slice(1)));
  } else await fetchUntilDone(world);
  await trial.compare(`${provider} ${command}`, { announced: false });
}

const deadReaders = everyCommand((order) =>
  defineCase({
    name: `${order.provider} ${order.command}: the reader of ${order.lost.join(' and ')} dies`,
    kind: 'a reader dies',
    provider: order.provider,
    short: order.short,
    async play(trial, world) {
      await order.prepare?.(world, order.provider);
      const { child, ended } = world.start(order.args(order.provider));
      for (const stream of order.lost) child[stream].destroy();
      await judge(trial, world, order, await ended);
    },
  }),
);

const fullDisks = everyCommand((order) =>
  defineCase({
    name: `${order.provider} ${order.command}: ${order.lost.join(' and ')} on a full disk`,
    kind: 'a full disk under stdout or stderr',
    provider: order.provider,
    short: order.short && order.command === 'run',
    async play(trial, world) {
      await order.prepare?.(world, order.provider);
      const full = await open('/dev/full', 'w');
      try {
        const place = (stream) => (order.lost.includes(stream) ? full.fd : 'pipe');
        const stdio = ['ignore', place('stdout'), place('stderr')];
        const ended = await world.loom(order.args(order.provider), { stdio });
        await judge(trial, world, order, ended);
      } finally {
        await full.close();
      }
    },
  }),
);

/** Rows that go to a reader which dies are not delivered: the same run again has them, and pays for none. */
const pipes = allProviders.flatMap((provider) =>
  [[], ['--no-cache']].map((flags) =>
    defineCase({
      name: `${provider} run --sync${flags.map((flag) => ` ${flag}`).join('')} --output -: its reader dies`,
      kind: 'a reader dies',
      provider,
      async play(trial, world) {
        const { child, ended } = world.start(runArgs(provider, '--sync', '--output', '-', ...flags));
        child.stdout.destroy();
        const { code } = await ended;
        trial.check(code !== 0 && code !== 3, `exit ${code} though nobody has the rows`);
        const again = await world.loom(runArgs(provider, '--sync', '--output', '-', ...flags));
        const toFile = `${provider} run --sync${flags.map((flag) => ` ${flag}`).join('')}`;
        const reference = await stateOf(toFile);
        trial.checkExit(again, reference.code, 'the same run again');
        trial.check(
          again.stdout === reference.state.folder[outputName(provider)],
          'the same run again gave other rows than one to a file',
        );
        await trial.compare(toFile, { only: ['prompts', 'home'] });
      },
    }),
  ),
);

const logBytes = 65_536;

/** A log on a disk of its own that fills up in the middle of a run. */
const logs = allProviders.map((provider) =>
  defineCase({
    name: `${provider} run --sync --no-cache: the disk of its log fills up`,
    kind: 'a full disk under stdout or stderr',
    provider,
    world: { latencyMs: 700 },
    async play(trial, world) {
      const folder = join(world.root, 'log');
      await mkdir(folder);
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${logBytes}`, 'none', folder], { stdio: 'ignore' });
      } catch {
        return 'this machine does not let us mount a small disk';
      }
      const log = await open(join(folder, 'run.log'), 'a');
      try {
        const running = world.start(runArgs(provider, '--sync', '--no-cache'), {
          stdio: ['ignore', log.fd, log.fd],
        });
        await untilAsked(world, provider);
        await fill(folder);
        const ended = await running.ended;
        const command = 'run --sync --no-cache';
        await judge(trial, world, { command, provider }, ended);
      } finally {
        await log.close();
        execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
      }
    },
  }),
);

/** Also the last block of the log. */
async function fill(folder) {
  const { bavail, bsize } = await statfs(folder);
  await writeFile(join(folder, 'filler'), Buffer.alloc(bavail * bsize));
  const more = async () => {
    for (;;) await appendFile(join(folder, 'run.log'), 'x'.repeat(64));
  };
  await more().catch(() => {});
}

export const readerCases = [...deadReaders, ...fullDisks, ...pipes, ...logs];
