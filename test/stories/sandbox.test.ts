/** Rehearsals: `--sandbox` on a command, and `loom sandbox` as a server. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { batchProviders, fetchUntilDone, providers, submittedId } from './sandbox-world.ts';
import { useWorld } from './use-world.ts';

const world = useWorld();

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n'));

const merged = 'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n';

describe('--sandbox needs no key and keeps its state apart:', () => {
  test.each(batchProviders)('a batch at %s, run and fetched by two processes', async (provider) => {
    const run = await world.run('-p', provider, '--sandbox');
    const id = submittedId(run);
    expect(run).toMatchObject({ code: 0 });
    expect((await world.listState()).filter((name) => !name.startsWith('sandbox/'))).toEqual([]);
    expect((await world.loom('list')).stdout).toBe('No batches stored under ~/.loom/batches/.\n');
    expect((await world.loom('list', '--sandbox')).stdout).toContain(id);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    const fetched = await fetchUntilDone(world, '--sandbox', '--id', id);
    expect(fetched.stdout).toBe(
      `Fabric complete. id=${id} -> ${join(world.folder, `data_results_${provider}_m_sandbox.csv`)} (metadata removed)\n`,
    );
    expect(await world.read(`data_results_${provider}_m_sandbox.csv`)).toBe(merged);
  });

  test.each(providers)('a live run at %s, with a cache of its own', async (provider) => {
    const args = [
      '-f',
      'data.csv',
      '-c',
      'text',
      '-p',
      provider,
      '-m',
      'm',
      '--sync',
      '--force',
      '--sandbox',
    ];
    expect((await world.loom('run', ...args)).code).toBe(0);
    expect((await world.loom('run', ...args)).stdout).toContain('(1 prompts, 1 cache hits, 0 errors)');
    expect(await world.read(`data_results_${provider}_m_sandbox.csv`)).toBe(merged);
    expect((await world.loom('cache', 'clear', '--yes')).stdout).toContain('No cache directory exists yet');
    expect((await world.loom('cache', 'clear', '--yes', '--sandbox')).stdout).toBe(
      'Cache cleared. Removed 1 files.\n',
    );
  });

  test('a key and an address of the real provider are not used', async () => {
    world.environment.OPENAI_BASE_URL = 'http://127.0.0.1:9/v1';
    world.environment.OPENAI_API_KEY = 'bad-key';
    const args = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sync', '--sandbox'];
    expect((await world.loom('run', ...args)).code).toBe(0);
  });

  test('a key that begins with bad- is refused', async () => {
    const args = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sandbox'];
    const ended = await world.loom('run', ...args, '--sync', '--api-key', 'bad-key-1');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/\nError: OpenAI: Incorrect API key provided[^\n]*--api-key\.\n$/);
  });

  test('the commands that are proposed have it too', async () => {
    expect((await world.loom('fetch', '--sandbox')).stderr).toBe(
      'No pending batches. See loom list --sandbox.\n',
    );
    expect((await world.loom('fetch', '--sandbox', '--id', 'batch_gone')).stderr).toBe(
      'Error: no stored batch found for id=batch_gone. See loom list --sandbox for those there are.\n',
    );
    for (const command of ['status', 'cancel', 'forget']) {
      expect((await world.loom(command, '--sandbox', '--id', 'batch_gone')).stderr).toBe(
        'Error: no stored batch found for id=batch_gone. See loom list --sandbox for those there are.\n',
      );
    }
    await world.write('data.csv', 'text\nHello\n');
    const args = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'no-such-model', '--sandbox'];
    const id = submittedId(await world.loom('run', ...args));
    const ended = await fetchUntilDone(world, '--sandbox', '--id', id);
    expect(ended.stderr).toContain(
      `  0 answers are kept. With its cause mended, the same loom run command again sends all rows; loom fetch --id ${id} --partial --sandbox writes what there is.\n`,
    );
  });

  test('it excludes --base-url', async () => {
    const args = [
      '-f',
      'data.csv',
      '-c',
      'text',
      '-p',
      'openai',
      '-m',
      'm',
      '--sandbox',
      '--base-url',
      'http://x',
    ];
    const ended = await world.loom('run', ...args);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^Error: [^\n]*--sandbox[^\n]*--base-url[^\n]*\n$/);
  });
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
