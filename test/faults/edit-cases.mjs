/** The input changes while loom works on it: an answer reaches a row only when its prompt is the one that was asked. */

import { hashOf } from './checks.mjs';
import { EditedInput, edits, formats } from './edits.mjs';
import { defineCase, stopOf } from './expect.mjs';
import { allProviders, batchProviders, fetchUntilDone, makeRows, refusedPrompt } from './stories.mjs';

/** Steps of a command, by what it does there; those that are told by their labels need no undisturbed command before. */
const findCalls = (steps) => steps.flatMap((label, index) => (/^call POST/.test(label) ? [index + 1] : []));
const lastOf = (steps, pattern) => steps.findLastIndex((label) => pattern.test(label)) + 1;

const livePhases = {
  'before the first call': (steps) => findCalls(steps)[0] - 1,
  'in the middle of the calls': '8suspend:^call POST',
  'after the last call': (steps) => findCalls(steps).at(-1),
  'while the output is written': '1suspend:^write(File)? /place/',
};

const fetchPhases = {
  'before the download': (steps) => steps.findIndex((label) => /^call/.test(label)) + 1,
  'after the download': (steps) => lastOf(steps, /^call/),
  'while the output is written': '1suspend:^write(File)? /place/',
};

/** Runs a command, edits its input at a step, and lets it go on. */
async function editMeanwhile(trial, world, args, stop, edit) {
  const { isSuspended, resume, ended } = await world.suspend(args, stop, { isOvertaken: false });
  trial.check(isSuspended, `it never got to ${stop}`);
  await edit();
  const { code, stderr } = isSuspended ? await resume() : await ended;
  return { code, stderr };
}

/** Everything is put back, and the same run again has all answers. */
async function finishEdited(trial, world, input) {
  await input.write(makeRows());
  await fetchUntilDone(world, '--force').catch((error) => trial.check(false, error.message));
}

async function judgeEdited(trial, world, input) {
  const lost = await input.countUnanswered();
  trial.figures.rowsLost += lost;
  trial.check(lost === 0, `${lost} prompts have no answer in the end`);
  const { prompts } = await world.statistics();
  for (const prompt of new Set(makeRows())) {
    if (prompt === '' || prompt === refusedPrompt) continue;
    const { live, batch } = prompts[hashOf(prompt)] ?? { live: 0, batch: 0 };
    trial.figures.askedTwice += Math.max(0, batch - 1);
    trial.figures.paidAgain += Math.max(0, live + Math.min(batch, 1) - 1);
    trial.check(batch <= 1, `a prompt was asked ${batch} times in batches`);
    trial.check(live + Math.min(batch, 1) <= 1, `a prompt was asked again live`);
  }
}

function pickFormat(...turns) {
  return formats[turns.reduce((sum, turn) => sum + turn, 0) % formats.length];
}

const live = allProviders.flatMap((provider, place) =>
  Object.entries(edits).flatMap(([edit, change], turn) =>
    Object.entries(livePhases).map(([phase, stop], moment) =>
      defineCase({
        name: `${provider} sync: the input ${edit}, ${phase} (${pickFormat(place, turn, moment)})`,
        kind: 'the input edited, sync',
        provider,
        short: turn === place && moment === 1,
        async play(trial, world) {
          const input = new EditedInput(world, provider, pickFormat(place, turn, moment));
          await input.write(makeRows());
          const ended = await editMeanwhile(
            trial,
            world,
            input.args('--sync', '-w', '4'),
            await stopOf(`${provider} run --sync`, stop),
            () => input.write(change(makeRows()), moment % 2 === 0),
          );
          trial.check([0, 1, 3].includes(ended.code), `exit ${ended.code}: ${ended.stderr}`);
          await input.write(makeRows());
          await world.loom(input.args('--sync', '--force'));
          await judgeEdited(trial, world, input);
        },
      }),
    ),
  ),
);

const fetched = batchProviders.flatMap((provider, place) =>
  Object.entries(edits).flatMap(([edit, change], turn) =>
    Object.entries(fetchPhases).map(([phase, stop], moment) =>
      defineCase({
        name: `${provider} fetch: the input ${edit}, ${phase} (${pickFormat(place, turn, moment)})`,
        kind: 'the input edited, fetch',
        provider,
        short: turn === place + 4 && moment === 2,
        async play(trial, world) {
          const input = new EditedInput(world, provider, pickFormat(place, turn, moment));
          await input.write(makeRows());
          await world.loom(input.args());
          const at = await stopOf(`${provider} fetch`, stop);
          const ended = await editMeanwhile(trial, world, ['fetch'], at, () =>
            input.write(change(makeRows()), moment % 2 === 0),
          );
          trial.check([0, 1, 3].includes(ended.code), `exit ${ended.code}: ${ended.stderr}`);
          await finishEdited(trial, world, input);
          if ((await input.countUnanswered()) > 0) await world.loom(input.args('--sync', '--force'));
          await judgeEdited(trial, world, input);
        },
      }),
    ),
  ),
);

export const editCases = [...live, ...fetched];
