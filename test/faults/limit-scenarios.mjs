/** A part that is more than its provider's queue takes is halved, and the command that halves it is stopped in the middle. */
import { readFile } from 'node:fs/promises';
import { captureState, compareStates } from './checks.mjs';
import { stateOf } from './expect.mjs';
import { fetchUntilDone, runArgs } from './stories.mjs';

/** Of 15 requests, so that a half fits. */
export const smallQueue = (provider) => ({ queue: { [provider]: 8 } });

const mostTries = 6;

/** How often an empty queue has refused the first part. */
async function countRefusals(world) {
  const [name] = await world.listState('jobs');
  const job = JSON.parse(await readFile(world.statePath(`jobs/${name}`), 'utf8'));
  return job.parts[0].queue?.times ?? 0;
}

export function halveScenario(provider) {
  return {
    name: `${provider} fetch that halves a part`,
    provider,
    mode: 'batch',
    hurry: true,
    faults: smallQueue(provider),
    async prepare(world) {
      await world.loom(runArgs(provider));
      for (let turn = 0; turn < mostTries && (await countRefusals(world)) < 2; turn += 1)
        await world.loom(['fetch']);
    },
    command: () => ['fetch'],
    finish: (world) => fetchUntilDone(world),
    judge: (world) => judgeHalves(world, provider),
  };
}

/** The end is that of a run whose queue had room, but for the number of its batches. */
export async function judgeHalves(world, provider) {
  const { state } = await stateOf(`${provider} run`);
  const actual = await captureState(world, provider);
  const leaveOutBatches = (history) => history?.replace(/"batches":\d+/, '');
  return compareStates(
    { ...actual, batches: state.batches, history: leaveOutBatches(actual.history) },
    { ...state, history: leaveOutBatches(state.history) },
    { provider, announced: false },
  );
}
