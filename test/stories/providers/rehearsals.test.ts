/** `--sandbox`: a rehearsal needs no key, and is not taken for a run: by its words, its places, its names and its costs. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { batchProviders, fetchUntilDone, providers, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld();

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n'));

/** At others than OpenAI a warning would ask whose it is. */
const modelOf = (provider: string) => (provider === 'openai' ? 'gpt-4o-mini' : 'm');
const run = (provider: string, ...flags: string[]) =>
  world.run('-p', provider, '-m', modelOf(provider), '--sandbox', ...flags);

const banner = 'A rehearsal in the sandbox: no model is asked, and nothing is paid for.\n';

const mergedOf = (provider: string) =>
  `id,text,llm_response\n1,Hello,Sandbox answer from ${modelOf(provider)}: Hello\n`;

test.each(batchProviders)(
  'a batch at %s needs no key, says what it is, and has places of its own',
  async (provider) => {
    const ended = await run(provider);
    const id = submittedId(ended);
    expect(ended).toEqual({
      code: 0,
      stdout: `Batch submitted. id=${id} provider=${provider}\nMetadata saved to ~/.loom/sandbox/batches/. Run loom fetch --id ${id} --sandbox later.\n`,
      stderr: `${banner}Spinning the threads... submitting batch.\n`,
    });
    expect(await world.listState()).toEqual(await world.listState('sandbox'));
    expect((await world.loom('list')).stdout).toBe('No batches stored under ~/.loom/batches/.\n');
    expect((await world.loom('list', '--sandbox')).stdout).toContain(id);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    const output = `data_results_${provider}_${modelOf(provider)}_sandbox.csv`;
    expect((await fetchUntilDone(world, '--sandbox', '--id', id)).stdout).toBe(
      `Fabric complete. id=${id} -> ${join(world.folder, output)} (metadata removed)\n`,
    );
    expect(await world.read(output)).toBe(mergedOf(provider));
  },
);

test.each(providers)('a live run at %s says so, and has a name and a cache of its own', async (provider) => {
  const ended = await run(provider, '--sync', '--force');
  expect(ended.stderr.startsWith(banner)).toBe(true);
  const output = `data_results_${provider}_${modelOf(provider)}_sandbox.csv`;
  expect(await world.listFolder()).toEqual(['data.csv', output]);
  expect(await world.read(output)).toBe(mergedOf(provider));
  expect((await run(provider, '--sync', '--force')).stdout).toContain('(1 prompts, 1 cache hits, 0 errors)');
  expect((await world.loom('cache', 'clear', '--yes')).stdout).toContain('No cache directory exists yet');
  expect((await world.loom('cache', 'clear', '--yes', '--sandbox')).stdout).toBe(
    'Cache cleared. Removed 1 files.\n',
  );
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

test('a key and an address of the real provider are not used', async () => {
  world.environment.OPENAI_BASE_URL = 'http://127.0.0.1:9/v1';
  world.environment.OPENAI_API_KEY = 'bad-key';
  expect((await run('openai', '--sync')).code).toBe(0);
});

test('a key that begins with bad- is refused', async () => {
  const ended = await run('openai', '--sync', '--api-key', 'bad-key-1');
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(/\nError: OpenAI: Incorrect API key provided[^\n]*--api-key\.\n$/);
});

test('the commands that are proposed have it too', async () => {
  expect((await world.loom('fetch', '--sandbox')).stderr).toBe(
    'No pending batches. See loom list --sandbox.\n',
  );
  for (const command of ['fetch', 'status', 'cancel', 'forget']) {
    expect((await world.loom(command, '--sandbox', '--id', 'batch_gone')).stderr).toBe(
      'Error: no stored batch found for id=batch_gone. See loom list --sandbox for those there are.\n',
    );
  }
  const id = submittedId(await run('openai', '-m', 'no-such-model'));
  const ended = await fetchUntilDone(world, '--sandbox', '--id', id);
  expect(ended.stderr).toContain(
    `  0 answers are kept. Once its cause is mended, the same loom run command again sends all rows; loom fetch --id ${id} --partial --sandbox writes what there is.\n`,
  );
});

test('it excludes --base-url', async () => {
  const ended = await run('openai', '--base-url', 'http://x');
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toMatch(/^Error: [^\n]*--sandbox[^\n]*--base-url[^\n]*\n$/);
});

test.each([
  ['is not there', undefined, /faults\.json: no such file or folder\.$/m],
  ['is no JSON', '{', /faults\.json/],
  ['says what is no fault', '{"calls":[{"do":"dance"}]}', /faults\.json: calls\[0\]\.do is one of /],
])('loom sandbox --faults with a file that %s is an error', async (_, content, says) => {
  if (content !== undefined) await world.write('faults.json', content);
  const ended = await world.loom('sandbox', '--faults', 'faults.json');
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(/^Error: [^\n]*\n$/);
  expect(ended.stderr).toMatch(says);
});
