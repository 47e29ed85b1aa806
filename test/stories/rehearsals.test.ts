/** A rehearsal is not taken for a run: by its words, its places, its names and its costs. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { batchProviders, fetchUntilDone, providers, submittedId } from './sandbox-world.ts';
import { useWorld } from './use-world.ts';

const world = useWorld();

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n'));

const run = (provider: string, ...flags: string[]) =>
  world.run('-p', provider, '-m', 'gpt-4o-mini', '--sandbox', ...flags);

const banner = 'A rehearsal in the sandbox: no model is asked, and nothing is paid for.\n';

test.each(batchProviders)('a batch at %s says so, and names the places of its own', async (provider) => {
  const ended = await run(provider);
  const id = submittedId(ended);
  expect(ended).toEqual({
    code: 0,
    stdout: `Batch submitted. id=${id} provider=${provider}\nMetadata saved to ~/.loom/sandbox/batches/. Run loom fetch --id ${id} --sandbox later.\n`,
    stderr: `${banner}Spinning the threads... submitting batch.\n`,
  });
  expect(await world.listState('sandbox/batches')).toHaveLength(1);
  expect((await fetchUntilDone(world, '--sandbox')).stdout).toContain(
    join(world.folder, `data_results_${provider}_gpt-4o-mini_sandbox.csv`),
  );
});

test.each(providers)('a live run at %s says so, and its output has a name of its own', async (provider) => {
  const ended = await run(provider, '--sync');
  expect(ended.stderr.startsWith(banner)).toBe(true);
  expect(await world.listFolder()).toEqual(['data.csv', `data_results_${provider}_gpt-4o-mini_sandbox.csv`]);
});

test('an --output is taken as given', async () => {
  await run('openai', '--sync', '-o', 'mine.csv');
  expect(await world.listFolder()).toEqual(['data.csv', 'mine.csv']);
});

test('a home that LOOM_HOME names is named with the folder of rehearsals in it', async () => {
  world.environment.LOOM_HOME = 'state';
  const home = join(world.folder, 'state', 'sandbox');
  expect((await run('openai')).stdout).toContain(`Metadata saved to ${home}/batches/.`);
  expect((await world.loom('list', '--sandbox', '-p', 'google')).stdout).not.toContain('submitted');
});

describe('what it would cost is told as that', () => {
  test('live, and in a batch', async () => {
    expect((await run('openai', '--sync')).stderr).toMatch(/^Tokens: .*; would cost about \$[\d.]+\.$/m);
    await run('openai', '--no-cache', '-o', 'batch.csv');
    const fetched = await fetchUntilDone(world, '--sandbox');
    expect(fetched.stderr).toMatch(/^Tokens: .*; would cost about \$[\d.]+\.$/m);
  });

  test('by --dry-run', async () => {
    expect((await run('openai', '--dry-run')).stdout).toMatch(/^ {2}Would cost: about \$/m);
  });

  test('in JSON documents', async () => {
    const documentOf = async (...flags: string[]) =>
      JSON.parse((await run('openai', '--output-format', 'json', '--force', '--no-cache', ...flags)).stdout);
    expect((await documentOf('--sync')).output.usage).toMatchObject({ would_cost: true });
    expect((await documentOf('--dry-run')).estimate).toMatchObject({ would_cost: true });
    expect((await documentOf('--wait')).output.usage).toMatchObject({ would_cost: true });
  });
});

test('a run that is none says nothing of it', async () => {
  world.environment.OPENAI_API_KEY = 'a-key';
  const real = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o-mini', '--dry-run'];
  const ended = await world.loom('run', ...real, '--output-format', 'json');
  expect(JSON.parse(ended.stdout).estimate).toMatchObject({ would_cost: false });
  expect(ended.stderr).not.toMatch(/sandbox|rehearsal|would/i);
});
