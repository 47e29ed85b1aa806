/** What a patient cron job does with an input: the same run again, and fetch until nothing is pending. */
import { askFor, inputName, model, usesCsv } from './inputs.mjs';
import { pause } from './processes.mjs';

export * from './inputs.mjs';
export { pause } from './processes.mjs';

const workers = 4;

export function runArgs(provider, ...flags) {
  const column = usesCsv(provider) ? ['-c', 'text'] : [];
  const parallel = flags.includes('--sync') ? ['-w', String(workers)] : [];
  const own = [...column, ...parallel, ...askFor(provider, flags)];
  return ['run', '-f', inputName(provider), '-p', provider, '-m', model, ...own, ...flags];
}

/** The same order for a command that is no run. */
export function orderArgs(provider) {
  const [, ...args] = runArgs(provider);
  return args.filter((word) => word !== '--batch');
}

const mostFetches = 100;
const pauseMs = 150;

/** Whether the home has nothing that another fetch could go on with, or clear away. */
export async function hasNothing(world) {
  return (await world.listHome()).every((name) => /^(cache\/(?!tmp\/)|history\/)/.test(name));
}

/** Fetches until nothing is pending; gives the last fetch that had something to do. */
export async function fetchUntilDone(world, ...flags) {
  let last;
  for (let turn = 0; turn < mostFetches; turn += 1) {
    const ended = await world.loom(['fetch', ...flags]);
    if (/No pending batches/.test(ended.stderr)) return last ?? ended;
    if (ended.signal === null) last = ended;
    if (ended.signal === null && (await hasNothing(world))) return ended;
    const isUnderWay = /status=(validating|in_progress|queued|unknown)/.test(ended.stdout);
    if (isUnderWay || /Another process is working/.test(ended.stderr)) await pause(pauseMs);
  }
  throw new Error(`Something is still pending after ${mostFetches} fetches.`);
}

/** Whether a run said everything that it has to say: nobody would start it again. */
export const wasAnnounced = (ended) => /^(Metadata saved|Nothing sent)/m.test(ended.stdout);
