/** `--wait` that is interrupted. */
import { expect, test } from 'vitest';
import { lastBatch, merged, output, runArgs, until, useOpenAiWorld } from '../worlds/openai-world.ts';

/** As often as a test can want. */
const often = ['--interval', '0.02s'];
const waiting = ['--wait', ...often];
const running = 'Provider is actively running the prompts.';

const { world, openai } = useOpenAiWorld();

/** Counts the questions about batches. */
function countQuestions(): { count: number } {
  const questions = { count: 0 };
  openai.override = ({ method, path }) => {
    if (method === 'GET' && /^\/v1\/batches\/./.test(path)) questions.count += 1;
    return undefined;
  };
  return questions;
}

test('SIGTERM ends it at once, says how to go on, and holds no lock', async () => {
  const id = await world.submitAs('in_progress');
  const questions = countQuestions();
  // The pause that it is in is longer than any test.
  const wait = world.start('fetch', '--wait', '--interval', '1h');
  await until(() => questions.count > 0);
  await until(async () => (await world.readRecord(id)).status === 'in_progress');
  await until(async () => (await lockTexts()).every((text) => text.startsWith('released')));
  wait.process.kill('SIGTERM');
  expect(await wait.ended).toEqual({
    code: 143,
    stdout: `Checking the loom... id=${id} status=in_progress\n  ${running}\n`,
    stderr: `Stopping...\nThe batches go on at the provider, and what has arrived is kept: loom fetch goes on from there.\nInterrupted by SIGTERM.\n`,
  });
  lastBatch(openai).status = 'completed';
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
});

test('run --wait, interrupted while it waits, names the batch, and the same command goes on', async () => {
  openai.onCreate = (batch) => {
    batch.status = 'in_progress';
  };
  const questions = countQuestions();
  const wait = world.start(...runArgs(...waiting));
  await until(() => questions.count > 3);
  wait.process.kill('SIGINT');
  const { code, stderr } = await wait.ended;
  expect(code).toBe(130);
  expect(stderr).toContain('what has arrived is kept: loom fetch --id batch_001 goes on from there.\n');
  expect(await world.run()).toMatchObject({
    code: 0,
    stdout: 'Nothing sent: the same work is pending already as batch_001.\n',
  });
  lastBatch(openai).status = 'completed';
  const again = await world.run('--wait');
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(world.completion('batch_001')) });
  expect(await world.read(output)).toBe(merged);
  expect(openai.batches).toHaveLength(1);
  expect(await world.loom('fetch')).toMatchObject({ code: 0 });
});

async function lockTexts(): Promise<string[]> {
  const files = (await world.listState()).filter((file) => file.endsWith('.lock'));
  return Promise.all(files.map((file) => world.readState(file).catch(() => 'released')));
}
