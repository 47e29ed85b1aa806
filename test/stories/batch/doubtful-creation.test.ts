/** A batch whose creation did not end in a clear yes or no is looked for, and never sent on a guess. */
import { afterEach, expect, test } from 'vitest';
import type { CallFault } from '../../../src/sandbox/faults.ts';
import {
  batchProviders,
  createSandboxWorld,
  fetchUntilDone,
  type ProviderName,
  type SandboxWorld,
} from '../worlds/sandbox-world.ts';

let world: SandboxWorld;

afterEach(() => world.remove());

async function openWorld(...calls: CallFault[]): Promise<void> {
  world = await createSandboxWorld({ turnaroundMs: 0, faults: { calls } });
  await world.write('data.csv', 'text\nHello\nWorld\n');
}

function run(provider: ProviderName): ReturnType<SandboxWorld['loom']> {
  return world.loom('run', '-f', 'data.csv', '-c', 'text', '-p', provider, '-m', 'm');
}

/** How many batches the provider has. */
async function countBatches(provider: ProviderName): Promise<number> {
  const statistics = await (await fetch(`${world.sandbox.origin}/sandbox/stats`)).json();
  return (statistics as { vendors: Record<string, { batches: number }> }).vendors[provider]
    ?.batches as number;
}

async function replaceFaults(calls: readonly CallFault[]): Promise<void> {
  await fetch(`${world.sandbox.origin}/sandbox/faults`, { method: 'PUT', body: JSON.stringify({ calls }) });
}

const made = { operation: 'createBatch', times: 1 } as const;
const doubtfulAnswers: readonly (readonly [string, CallFault])[] = [
  ...[408, 409, 500, 502, 503, 504, 520, 522, 524, 529].map(
    (status) => [`a ${status}`, { ...made, do: 'status', status, afterWork: true }] as const,
  ),
  ['a page in its place', { ...made, do: 'html', status: 200, afterWork: true }],
  ['an empty 200', { ...made, do: 'empty' }],
  ['half an answer', { ...made, do: 'garble' }],
  ['a cut', { ...made, do: 'cut', at: 'reply' }],
];

/** All of them at one provider; of each other, what its adapter tells apart. */
const doubtful = batchProviders.flatMap((provider) =>
  doubtfulAnswers
    .filter(([what]) => provider === 'openai' || ['a 504', 'a page in its place', 'a cut'].includes(what))
    .map(([what, fault]) => ({ provider, what, fault })),
);

test.each(doubtful)(
  '$provider: a creation that worked, and was answered with $what, is found',
  async ({ provider, fault }) => {
    await openWorld(fault);
    const ended = await run(provider);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Batch submitted\. id=/) });
    expect(await countBatches(provider)).toBe(1);
  },
);

test.each<[ProviderName, number]>([
  ...[403, 404, 400].map((status): [ProviderName, number] => ['openai', status]),
  ['anthropic', 404],
  ['google', 403],
  ['alibaba', 400],
])(
  '%s: a look-up that is refused with %i settles nothing, and the next fetch looks again',
  async (provider, status) => {
    await openWorld(
      { ...made, do: 'cut', at: 'reply' },
      { operation: 'listBatches', after: 'createBatch', do: 'status', status },
    );
    const ended = await run(provider);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(
      /^Error: it is not known whether .+ has a batch of job_\w+: its creation was cut off, and the look-up failed \(.+\)\. Nothing of it is sent again before the next loom fetch has looked for it\./m,
    );
    expect(await world.listState('jobs')).toHaveLength(1);

    const held = await world.loom('fetch');
    expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining('it is not known whether') });
    expect(await countBatches(provider)).toBe(1);

    await replaceFaults([]);
    expect(await fetchUntilDone(world)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Fabric complete.'),
    });
    expect(await countBatches(provider)).toBe(1);
  },
);

test('a part of which nothing can be told holds up no other part of its job', async () => {
  await openWorld(
    { ...made, do: 'cut', at: 'reply' },
    { operation: 'listBatches', do: 'status', status: 403 },
  );
  await world.loom('run', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--batch-size', '1');
  expect(await countBatches('openai')).toBe(1);
  const ended = await world.loom('fetch');
  expect(ended.stdout).toMatch(/^Batch submitted\. id=\S+ provider=openai$/m);
  expect(await countBatches('openai')).toBe(2);
  await replaceFaults([]);
  expect((await fetchUntilDone(world)).stdout).toContain('Fabric complete.');
  expect(await countBatches('openai')).toBe(2);
  expect((await world.read('data_results_openai_m.csv')).split('\n')).toHaveLength(4);
});

test('a creation that a server may be going on with is not sent again for a minute', async () => {
  await openWorld({ ...made, do: 'status', status: 504 });
  const notListed = 'it is not listed yet.';
  expect(await run('openai')).toMatchObject({ code: 1, stderr: expect.stringContaining(notListed) });
  expect(await world.loom('fetch')).toMatchObject({ code: 1, stderr: expect.stringContaining(notListed) });
  expect(await countBatches('openai')).toBe(0);
  const [job = ''] = await world.listState('jobs');
  const passed = `"may_go_on_until": "${new Date(0).toISOString()}"`;
  await world.writeState(job, (await world.readState(job)).replace(/"may_go_on_until": "[^"]+"/, passed));
  expect((await fetchUntilDone(world)).stdout).toContain('Fabric complete.');
  expect(await countBatches('openai')).toBe(1);
});

test('a clear refusal is no doubt: nothing is looked for, and nothing is left', async () => {
  await openWorld({ ...made, do: 'status', status: 400 });
  expect(await run('openai')).toMatchObject({ code: 1 });
  expect((await world.countCalls('openai')).listBatches ?? 0).toBe(0);
  expect(await world.listState('jobs')).toEqual([]);
});
