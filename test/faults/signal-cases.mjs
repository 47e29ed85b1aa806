/** Signals with live calls under way, with and without a terminal; and the terminal itself, closed. */
import { readFile } from 'node:fs/promises';
import { defineCase } from './expect.mjs';
import { throughTerminal } from './processes.mjs';
import { allProviders, pause, runArgs } from './stories.mjs';

const latencyMs = 700;
const workers = 4;
const callsBefore = 6;
const lookEveryMs = 50;
const patienceMs = 30_000;

/** Waits until a vendor was asked so many live calls. */
export async function untilAsked(world, provider, calls = callsBefore) {
  for (let waited = 0; waited < patienceMs; waited += lookEveryMs) {
    const { vendors } = await world.statistics();
    if ((vendors[provider].calls.generate ?? 0) >= calls) return;
    await pause(lookEveryMs);
  }
  throw new Error(`No ${calls} calls were made.`);
}

/** `exit`: how the run ends; a second signal gives up what is under way. */
const orders = [
  { signals: ['SIGINT'], exit: 130 },
  { signals: ['SIGTERM'], exit: 143 },
  { signals: ['SIGINT', 'SIGINT'], exit: 130, mostAgain: workers },
  { signals: ['SIGTERM', 'SIGTERM'], exit: 143, mostAgain: workers },
  { signals: ['SIGINT'], exit: 130, terminal: true },
  { signals: ['SIGHUP'], exit: 129, terminal: true },
  { signals: ['SIGTERM'], exit: 143, terminal: true },
  // Without a terminal nobody hung up: the run goes on, as under nohup.
  { signals: ['SIGHUP'], exit: 3 },
  { signals: ['SIGHUP', 'SIGHUP'], exit: 3 },
  // This one asks for a core, and nothing else.
  { signals: ['SIGQUIT'], exit: undefined, mostAgain: workers },
];

const signals = allProviders.flatMap((provider, place) =>
  orders.map((order, turn) =>
    defineCase({
      name: `${provider} sync: ${order.signals.join(' and again ')} with calls under way${order.terminal ? ', on a terminal' : ''}`,
      kind: 'signals, sync',
      provider,
      short: turn === place * 2 + 1,
      world: { latencyMs },
      play: (trial, world) => playSignals(trial, world, provider, order),
    }),
  ),
);

async function playSignals(trial, world, provider, { signals: sent, exit, terminal, mostAgain = 0 }) {
  const args = runArgs(provider, '--sync', '--no-cache');
  const { child, ended } = world.start(args, terminal ? { through: throughTerminal } : {});
  await untilAsked(world, provider);
  const pid = terminal ? await onlyChild(child.pid) : child.pid;
  for (const signal of sent) {
    if (isThere(pid)) process.kill(pid, signal);
    await pause(lookEveryMs);
  }
  const { code } = await ended;
  trial.check(exit === undefined || code === exit, `exit ${code} after ${sent.join(' and ')}, not ${exit}`);
  if (code !== 3) await world.loom(args);
  await trial.compare(`${provider} run --sync --no-cache`, { mostPaidAgain: mostAgain });
}

async function onlyChild(pid) {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}

function isThere(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const closedTerminals = allProviders.map((provider) =>
  defineCase({
    name: `${provider} sync: the terminal is closed with calls under way`,
    kind: 'signals, sync',
    provider,
    short: provider === 'openai',
    world: { latencyMs },
    async play(trial, world) {
      const args = runArgs(provider, '--sync', '--no-cache');
      const { child, ended } = world.start(args, { through: throughTerminal });
      await untilAsked(world, provider);
      const pid = await onlyChild(child.pid);
      child.kill('SIGKILL');
      await ended;
      for (let waited = 0; waited < patienceMs && isThere(pid); waited += lookEveryMs)
        await pause(lookEveryMs);
      trial.check(!isThere(pid), 'it goes on without its terminal');
      await world.loom(args);
      await trial.compare(`${provider} run --sync --no-cache`);
    },
  }),
);

export const signalCases = [...signals, ...closedTerminals];
