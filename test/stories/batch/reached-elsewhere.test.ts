/** A job that is reached another way than it was begun: nothing of it is sent, settled or given up there. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);
const order = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '-o', 'out.csv'];

beforeEach(() => world.write('data.csv', 'text\nHello\n'));

async function replaceFaults(calls: readonly object[]): Promise<void> {
  await fetch(`${world.sandbox.origin}/sandbox/faults`, { method: 'PUT', body: JSON.stringify({ calls }) });
}

async function countBatches(): Promise<number> {
  const statistics = await (await fetch(`${world.sandbox.origin}/sandbox/stats`)).json();
  return (statistics as { vendors: Record<string, { batches: number }> }).vendors.openai?.batches as number;
}

/** The provider has the batch, and nobody could be told. */
async function leaveInDoubt(...flags: string[]): Promise<void> {
  await replaceFaults([
    { operation: 'createBatch', times: 1, do: 'cut', at: 'reply' },
    { operation: 'listBatches', do: 'status', status: 403 },
  ]);
  expect(await world.loom('run', ...order, ...flags)).toMatchObject({ code: 1, stdout: '' });
  await replaceFaults([]);
  expect(await countBatches()).toBe(1);
}

const settled = /^Batch submitted\. id=|status=(?:validating|in_progress)$|^Fabric complete/m;

describe('with the header that it was begun with missing', () => {
  const header = ['--header', 'OpenAI-Project: proj_a'];
  const told = /was begun with the header OpenAI-Project/;

  test('a fetch sends nothing again, and finds the batch once it is there', async () => {
    await leaveInDoubt(...header);
    const ended = await world.loom('fetch');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(told);
    expect(await countBatches()).toBe(1);
    expect((await world.loom('fetch', ...header)).stdout).toMatch(settled);
    expect(await countBatches()).toBe(1);
  });

  test('a cancellation does not take the batch for one that is not there', async () => {
    await leaveInDoubt(...header);
    const [job = ''] = await world.listState('jobs');
    const id = job.replace(/^.*(job_\w+)\.json$/, '$1');
    const ended = await world.loom('cancel', '--id', id, '--yes');
    expect(ended.code).toBe(1);
    expect(await world.listState('jobs')).toEqual([job]);
  });

  test('the same run does not go on with it', async () => {
    await leaveInDoubt(...header);
    expect(await world.loom('run', ...order)).toMatchObject({ code: 1, stderr: expect.stringMatching(told) });
    expect(await countBatches()).toBe(1);
  });
});

test('at another address of a server with the same name in the vendor, nothing is sent again', async () => {
  await leaveInDoubt();
  const elsewhere = `${world.sandbox.origin}/alibaba/compatible-mode/v1`;
  world.environment.OPENAI_BASE_URL = elsewhere;
  const ended = await world.loom('fetch');
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain(`/openai/v1, and ${elsewhere} is asked now`);
  expect(await countBatches()).toBe(1);
});

test('a server with a name may have moved', async () => {
  const name = ['--server-name', 'pool'];
  await leaveInDoubt(...name);
  world.environment.OPENAI_BASE_URL = world.sandbox.baseUrls.openai.replace('127.0.0.1', 'localhost');
  expect((await world.loom('fetch')).stdout).toMatch(settled);
  expect(await countBatches()).toBe(1);
});
