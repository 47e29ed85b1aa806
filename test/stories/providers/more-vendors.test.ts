/** The vendors that the other stories are not told of: each takes a file from run to output, and says what is not verified. */
import { describe, expect, test } from 'vitest';
import { runSync } from '../../../src/index.ts';
import { builtInNames, providerEntry } from '../../../src/providers/registry.ts';
import { createSandboxWorld, fetchUntilDone, orderOf, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const others = builtInNames.filter((name) => !(providers as readonly string[]).includes(name));
const world = useWorld(createSandboxWorld);
const key = 'key-of-mine-0123456789';

/** A run at the sandbox, which stands at the vendor's address. */
function runAt(provider: string, ...flags: string[]) {
  const { keyVariable, baseUrlVariable } = providerEntry(provider);
  world.environment[keyVariable] = key;
  world.environment[baseUrlVariable] = world.sandbox.baseUrlOf(provider);
  return world.loom('run', ...orderOf(provider as never, '--no-cache', ...flags));
}

test.each(others)('%s answers live, and in a batch', async (name) => {
  await world.write('data.csv', 'id,text\n1,Hello\n');
  const output = 'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n';
  expect(await runAt(name, '--sync', '-o', 'live.csv')).toMatchObject({ code: 0 });
  expect(await world.read('live.csv')).toBe(output);
  const submitted = await runAt(name, '-o', 'batch.csv');
  expect(submitted.stdout).toMatch(new RegExp(`^Batch submitted\\. id=\\S+ provider=${name}\n`));
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read('batch.csv')).toBe(output);
});

test('Azure has no address but that of a resource, and asks for it in one line', async () => {
  await world.write('data.csv', 'text\nHello\n');
  world.environment.AZURE_OPENAI_API_KEY = key;
  for (const flags of [[], ['--sync']]) {
    expect(await world.loom('run', ...orderOf('azure' as never, ...flags))).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'Error: Azure OpenAI has an address for each resource, and AZURE_OPENAI_BASE_URL names none. Set AZURE_OPENAI_BASE_URL to it, or pass --base-url https://my-resource.openai.azure.com/openai/v1.\n',
    });
  }
  const { stdout } = await world.loom('doctor', '-p', 'azure');
  expect(stdout).toContain('could not be tried: Azure OpenAI has an address for each resource');
  expect(await world.listState()).toEqual([]);
  const there = ['--sync', '--no-cache', '-o', 'a.csv', '--base-url', world.sandbox.baseUrlOf('azure')];
  const ended = await world.loom('run', ...orderOf('azure' as never, ...there));
  expect(ended.code).toBe(0);
  // A deployment may be called anything: no name is taken for a mistake.
  expect(ended.stderr).not.toContain('meant');
});

describe('what is not verified of a provider', () => {
  const line =
    'Nebius: nobody has verified how many requests one of its batches takes, and what a batch costs. Try a few rows first, with --sample 10.\n';

  test('is told at each run until there is an output, of a batch and live', async () => {
    await world.write('data.csv', 'text\nHello\n');
    expect((await runAt('nebius')).stderr).toContain(line);
    expect((await runAt('nebius', '--sync', '-o', 'a.csv')).stderr).toContain(line);
    expect((await runAt('nebius', '--sync', '-o', 'b.csv')).stderr).not.toContain('verified');
    expect((await runAt('ovh', '--sync', '-o', 'c.csv')).stderr).toContain('OVHcloud: nobody has verified');
  });

  test('is nothing where all is known, and in a rehearsal', async () => {
    await world.write('data.csv', 'text\nHello\n');
    expect((await runAt('groq', '--sync')).stderr).not.toContain('verified');
    expect((await runAt('nebius', '--sync', '--sandbox')).stderr).not.toContain('verified');
  });

  test('is an event for a program', async () => {
    await world.write('data.csv', 'text\nHello\n');
    const events: unknown[] = [];
    await runSync({
      ...{ file: `${world.folder}/data.csv`, col: 'text', provider: 'nebius', model: 'm', apiKey: key },
      ...{ environment: world.environment, home: world.statePath('') },
      baseUrl: world.sandbox.baseUrlOf('nebius'),
      onEvent: (event) => events.push(event),
    });
    expect(events).toContainEqual({
      type: 'unverified',
      provider: 'nebius',
      title: 'Nebius',
      what: 'how many requests one of its batches takes, and what a batch costs',
    });
  });
});
