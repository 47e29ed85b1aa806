/** An input that is larger than one batch may be: one job of several parts. */
import { expect, test } from 'vitest';
import { promptOf, usualAnswer } from '../worlds/openai-double.ts';
import { output, submittedJob, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

const prompts = ['p0', 'p1', 'p2'];

test('a job of two parts is told, listed and fetched as one', async () => {
  await world.write('data.csv', `text\n${prompts.join('\n')}\n`);
  openai.onCreate = (batch) => {
    batch.status = 'in_progress';
  };
  const run = await world.run('--no-cache', '--batch-size', '2');
  const jobId = submittedJob(run);
  expect(run).toMatchObject({
    code: 0,
    stdout: [
      'Batch submitted. id=batch_001 provider=openai\n',
      'Batch submitted. id=batch_002 provider=openai\n',
      `Job submitted. id=${jobId} parts=2 rows=3\n`,
      `Metadata saved to ~/.loom/batches/. Run loom fetch --id ${jobId} later.\n`,
    ].join(''),
  });
  expect(openai.batches.map((batch) => batch.lines.length)).toEqual([2, 1]);
  expect(openai.batches.flatMap((batch) => batch.lines.map(promptOf))).toEqual(prompts);
  expect((await world.loom('list')).stdout).toMatch(/^batch_001 .*\nbatch_002 .*\n$/m);

  const running = 'Provider is actively running the prompts; check back later.';
  (openai.batches[1] as { status: string }).status = 'completed';
  // The id of a part means its whole job.
  expect(await world.loom('fetch', '--id', 'batch_002')).toEqual({
    code: 0,
    stdout: [
      `Checking the loom... id=batch_001 status=in_progress\n  ${running}\n`,
      `Job ${jobId}: 1 of 2 parts are in.\n`,
    ].join(''),
    stderr: '',
  });
  expect(await world.listFolder()).toEqual(['data.csv']);

  (openai.batches[0] as { status: string }).status = 'completed';
  expect(await world.loom('fetch')).toEqual({
    code: 0,
    stdout: `Job ${jobId}: 2 of 2 parts are in.\n${world.completion(jobId)}`,
    stderr: '3 rows: 3 answered\n',
  });
  const expected = `text,llm_response\n${prompts.map((prompt) => `${prompt},${usualAnswer(prompt)}\n`).join('')}`;
  expect(await world.read(output)).toBe(expected);
  expect(await world.listState()).toEqual([]);
});
