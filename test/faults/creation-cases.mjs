/**
 * Creations whose reply does not say what became of them, and look-ups that are refused or see nothing: whatever comes
 * together, the batch is found in the end, and nothing is sent twice.
 */
import { defineCase, runAndFetch } from './expect.mjs';
import { batchProviders, fetchUntilDone, runArgs } from './stories.mjs';

/** The batch is there, and the reply is this. */
const replies = {
  ...Object.fromEntries(
    [408, 409, 500, 502, 503, 504, 520, 522, 524].map((status) => [
      `HTTP ${status}`,
      { do: 'status', status, afterWork: true },
    ]),
  ),
  'a page of HTML': { do: 'html', status: 200, afterWork: true },
  'nothing under HTTP 200': { do: 'empty' },
  'truncated JSON': { do: 'garble' },
  'cut off': { do: 'cut', at: 'reply' },
  'cut in the body': { do: 'cut', at: 'body', afterBytes: 20 },
};

const creationFault = (reply) => ({ operation: 'createBatch', times: 1, ...replies[reply] });
const refusedList = (effect) => ({ operation: 'listBatches', after: 'createBatch', ...effect });

/** A list of batches that is asked for after the creation; 429 with a wait that nobody sits through. */
const refusals = {
  403: { do: 'status', status: 403 },
  404: { do: 'status', status: 404 },
  429: { do: 'status', status: 429, retryAfter: 3600 },
  503: { do: 'status', status: 503 },
  'a page of HTML': { do: 'html', status: 200 },
};

/** What a look-up that works may have to cope with. */
const circumstances = {
  'as usual': () => ({}),
  'listed seconds later': () => ({ batches: [{ hiddenMs: 2_000 }] }),
  'no Date in any answer': (provider) => ({ clocks: { [provider]: { dateHeader: false } } }),
  'a clock that is behind': (provider) => ({ clocks: { [provider]: { aheadMs: -55_000 } } }),
  'a clock that is ahead': (provider) => ({ clocks: { [provider]: { aheadMs: 55_000 } } }),
};

const found = batchProviders.flatMap((provider, place) =>
  Object.keys(replies).flatMap((reply, index) =>
    Object.entries(circumstances)
      .filter(([circumstance]) => circumstance === 'as usual' || isOneOfTwo(reply))
      .map(([circumstance, faultsOf]) =>
        defineCase({
          name: `${provider} creation: ${reply}, ${circumstance}`,
          kind: 'ambiguous creation, look-up works',
          provider,
          short: circumstance === 'as usual' && index % 7 === place,
          world: {
            hurry: circumstance === 'as usual',
            faults: { calls: [creationFault(reply)], ...faultsOf(provider) },
          },
          async play(trial, world) {
            await runAndFetch(world, provider);
            await trial.compare(`${provider} run`, { announced: false });
          },
        }),
      ),
  ),
);

/** An answer of a gateway, and a connection that is gone: those stand for the others. */
function isOneOfTwo(reply) {
  return reply === 'HTTP 522' || reply === 'cut off';
}

/** Where a creation is repeated, nothing is looked up. */
const lookedUp = batchProviders.filter((provider) => provider !== 'fireworks');

const refused = lookedUp.flatMap((provider, place) =>
  Object.keys(replies).flatMap((reply, turn) =>
    Object.entries(refusals).map(([refusal, effect], kind) =>
      defineCase({
        name: `${provider} creation: ${reply}, look-up refused with ${refusal}`,
        kind: 'ambiguous creation, look-up refused',
        provider,
        short: kind === place && turn === 9 + place,
        world: { hurry: true, faults: { calls: [creationFault(reply), refusedList(effect)] } },
        async play(trial, world) {
          const ended = await world.loom(runArgs(provider));
          trial.checkExit(ended, 1, 'a run that does not know what became of its batch');
          await checkIsKept(trial, world, 'the run');
          if (turn % 2 === 0) {
            await world.loom(['fetch']);
            await checkIsKept(trial, world, 'a fetch that can look for nothing either');
          }
          await world.setFaults({});
          if (turn % 3 === 0) await runAndFetch(world, provider);
          else await fetchUntilDone(world);
          await trial.compare(`${provider} run`, { announced: false });
        },
      }),
    ),
  ),
);

async function checkIsKept(trial, world, words) {
  const { length } = await world.listState('jobs');
  trial.check(length === 1, `after ${words} there are ${length} jobs, not one`);
}

export const creationCases = [...found, ...refused];
