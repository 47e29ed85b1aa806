/** A batch of which there are no requests here is not queued again when its provider gives it back: it has failed. */
import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createOpenAiWorld, lastBatch, type OpenAiWorld } from '../worlds/openai-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld<OpenAiWorld>(createOpenAiWorld);

async function adoptAnew(id: string): Promise<void> {
  await world.loom('forget', '--id', id, '--yes');
  await world.loom('adopt', '--id', id, '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm');
}

test.each([
  ['that was adopted', adoptAnew],
  ['whose job is gone', () => rm(world.statePath('jobs'), { recursive: true })],
] as const)('a batch %s', async (_, lose) => {
  const id = await world.submitAs('in_progress');
  await lose(id);
  const errors = [{ code: 'token_limit_exceeded', message: 'Enqueued token limit reached.' }];
  Object.assign(lastBatch(world.openai), { status: 'failed', output: undefined, errors });
  const { code, stdout } = await world.loom('fetch');
  expect(code).toBe(1);
  expect(stdout).toContain(`Checking the loom... id=${id} status=failed\n`);
  expect((await world.readRecord(id)).last_error).toBe('token_limit_exceeded: Enqueued token limit reached.');
  expect(world.openai.batches).toHaveLength(1);
  expect(await world.loom('fetch')).toMatchObject({ code: 0 });
});
