/**
 * Right answers in frames that are none, and successes that hold no answer: what was paid for is read and not asked for
 * again, and what can't be read is asked for once.
 */
import { defineCase, runAndFetch } from './expect.mjs';
import { allProviders, batchProviders, carrierOf, fetchUntilDone, outputName, runArgs } from './stories.mjs';

const frames = {
  'called plain text': 'text',
  'without a type': 'bare',
  'behind a byte order mark': 'mark',
  'as a text of JSON': 'quoted',
  'one object deeper': 'wrapped',
  'called gzip': 'unpacked',
};
const framed = (as, operations) => ({
  faults: { calls: operations.map((operation) => ({ operation, do: 'frame', as })) },
});

const liveFrames = Object.entries(frames).flatMap(([frame, as], turn) =>
  allProviders.map((provider, place) =>
    defineCase({
      name: `${provider} sync: answers ${frame}`,
      kind: 'answers in a frame, sync',
      provider,
      short: turn === 0 && place === 0,
      world: framed(as, ['generate']),
      async play(trial, world) {
        await world.loom(runArgs(provider, '--sync'));
        await trial.compare(`${provider} run --sync`);
      },
    }),
  ),
);

/** Google's SDK reads of its uploads what it knows; a list that is wrapped is none. */
const framedCalls = (as) => [
  'createBatch',
  'getBatch',
  'download',
  ...(as === 'wrapped' ? [] : ['listBatches']),
];
const uploads = (provider, as) => (provider === 'google' && as === 'wrapped' ? [] : ['uploadFile']);

const batchFrames = Object.entries(frames).flatMap(([frame, as], turn) =>
  batchProviders.map((provider, place) =>
    defineCase({
      name: `${provider} batch: every answer ${frame}`,
      kind: 'answers in a frame, batch',
      provider,
      short: turn === 3 && place === 1,
      world: framed(as, [...framedCalls(as), ...uploads(provider, as)]),
      async play(trial, world) {
        const ended = await world.loom(runArgs(provider));
        trial.checkExit(ended, 0, 'a run whose answers have another frame');
        await fetchUntilDone(world);
        await trial.compare(`${provider} run`);
      },
    }),
  ),
);

const workers = 4;
const firstAnswers = 8;

/** What a captive portal says, and a proxy that has nothing to say. */
const portals = {
  'a page': { do: 'html', status: 200 },
  'an answer of nothing': { do: 'empty' },
  'half of an answer': { do: 'garble' },
};

/** Half of a refusal, as Model Studio has it of a prompt, is not the answer that the others are. */
const { 'half of an answer': _, ...wholePortals } = portals;

const livePortals = Object.entries(wholePortals).flatMap(([kind, effect], turn) =>
  allProviders.map((provider, place) =>
    defineCase({
      name: `${provider} sync: ${kind} at every call, and the same run later`,
      kind: 'unreadable answers, sync',
      provider,
      short: turn === 0 && place === 2,
      world: { faults: { calls: [{ operation: 'generate', ...effect }] } },
      async play(trial, world) {
        const ended = await world.loom(runArgs(provider, '--sync'));
        trial.checkExit(ended, 1, 'a run of which no answer can be read');
        trial.check(
          /None of the first 8 answers can be read/.test(ended.stderr),
          'it does not say why it ends',
        );
        trial.check(!(await world.exists(outputName(provider))), 'an output was written all the same');
        const { generate: calls } = (await world.statistics()).vendors[provider].calls;
        trial.check(calls < firstAnswers + workers, `${calls} calls were made`);
        await world.setFaults({});
        await world.loom(runArgs(provider, '--sync'));
        await trial.compare(`${provider} run --sync`, { only: ['folder', 'home'] });
      },
    }),
  ),
);

/** A few answers are lost; the same run again asks for them, and for no others. */
const someUnread = Object.entries(portals).flatMap(([kind, effect]) =>
  allProviders.map((provider) =>
    defineCase({
      name: `${provider} sync: ${kind} at some of the rows, and the same run again`,
      kind: 'some unreadable answers, sync',
      provider,
      world: { faults: { calls: [{ operation: 'generate', share: 0.3, once: true, ...effect }] } },
      async play(trial, world) {
        const first = await world.loom(runArgs(provider, '--sync'));
        trial.checkExit(first, 3, 'a run of which some answers can not be read');
        trial.check(/unreadable/.test(first.stderr), 'the rows are not told of');
        await world.loom(runArgs(provider, '--sync', '--force'));
        await trial.compare(`${provider} run --sync`, { only: ['folder'] });
      },
    }),
  ),
);

const batchPortals = Object.entries(portals).flatMap(([kind, effect], turn) =>
  batchProviders.map((provider, place) =>
    defineCase({
      name: `${provider} batch: ${kind} at the first call that carries the rows`,
      kind: 'unreadable answers, batch',
      provider,
      short: turn === 1 && place === 3,
      world: {
        hurry: true,
        faults: {
          calls: [{ operation: carrierOf(provider), times: 1, ...effect }],
        },
      },
      async play(trial, world) {
        // Once: what comes after it is a new command, which looks before it sends.
        await world.loom(runArgs(provider));
        await runAndFetch(world, provider);
        await trial.compare(`${provider} run`, { announced: false });
      },
    }),
  ),
);

export const frameCases = [...liveFrames, ...batchFrames, ...livePortals, ...someUnread, ...batchPortals];
