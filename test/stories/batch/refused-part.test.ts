/** A part that its provider refuses holds up no answers of the other parts of its job. */
import { expect, test } from 'vitest';
import { refusal } from '../worlds/http-server.ts';
import { merged, output, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

function refuseCreations(status: number, message: string): void {
  openai.override = ({ method, path }) =>
    method === 'POST' && path === '/v1/batches' ? refusal(status, message) : undefined;
}

function complete(): void {
  openai.onCreate = () => {};
  for (const batch of openai.batches) batch.status = 'completed';
}

const download = 'GET /v1/files/file-batch_001-output/content';

test('the answers of the others are brought in, and the fetch ends with the refusal', async () => {
  const id = await world.submitParts(1);
  complete();
  refuseCreations(400, 'The model has no batches.');
  expect(await world.loom('fetch')).toEqual({
    code: 1,
    stdout: `Job ${id}: 1 of 2 parts are in.\n`,
    stderr: `Error: batch ${id}: OpenAI: The model has no batches.\n`,
  });
  expect(world.takeRequests()).toContain(download);
  expect(await world.listState('results')).toHaveLength(1);

  openai.override = () => undefined;
  expect(await world.loom('fetch')).toMatchObject({
    code: 0,
    stdout: `Batch submitted. id=batch_002 provider=openai\nJob ${id}: 2 of 2 parts are in.\n${world.completion(id)}`,
  });
  expect(await world.read(output)).toBe(merged);
  expect(world.takeRequests()).not.toContain(download);
});

test('of a job that is cancelled then, these answers are not paid for again', async () => {
  const id = await world.submitParts(1);
  complete();
  refuseCreations(400, 'The model has no batches.');
  await world.loom('fetch');
  await world.loom('cancel', '--id', id, '--yes');
  openai.override = () => undefined;
  expect(await world.run()).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Rows with their answer in the cache: 1;'),
  });
});

test('a refused key ends the look at once: the others would be refused as well', async () => {
  await world.submitParts(1);
  complete();
  refuseCreations(401, 'No such key.');
  expect(await world.loom('fetch')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('OpenAI: No such key.'),
  });
  expect(world.takeRequests().filter((request) => request.startsWith('GET'))).toEqual([]);
});
