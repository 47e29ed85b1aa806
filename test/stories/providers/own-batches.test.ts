/** What else there is to the life of a batch where it is a protocol of its own: several pages or parts, ends before its time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { providerEntry } from '../../../src/providers/registry.ts';
import type { Faults } from '../../../src/sandbox/server.ts';
import { type Sandbox, sandboxKey, startSandbox } from '../../../src/sandbox/server.ts';
import { createWorld, type World } from '../../program.ts';
import { fetchUntilDone } from '../worlds/sandbox-world.ts';

interface Life {
  readonly provider: string;
  /** What the fetch says of a batch that ended with a part of it done, and its exit code. */
  readonly expired: { readonly says: string; readonly code: number };
}

const lives: readonly Life[] = [
  // Each row that was not reached has a result that says so.
  { provider: 'xai', expired: { says: 'Fabric complete.', code: 3 } },
  { provider: 'fireworks', expired: { says: 'status=expired', code: 1 } },
];

let world: World;
let sandbox: Sandbox;
let dir: string;

async function open(provider: string, faults: Faults = {}, turnaroundMs = 100): Promise<void> {
  dir = await mkdtemp(join(tmpdir(), 'loom-lives-'));
  sandbox = await startSandbox({ dir, turnaroundMs, faults, countPrompts: true });
  const { keyVariable, baseUrlVariable } = providerEntry(provider);
  world = await createWorld({
    [keyVariable]: sandboxKey,
    [baseUrlVariable]: sandbox.baseUrlOf(provider),
  });
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,[[sandbox:refuse]]\n4,[[sandbox:error 400]]\n');
}

afterEach(async () => {
  await sandbox.close();
  await world.remove();
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
});

const run = (provider: string, ...flags: string[]) =>
  world.loom('run', '-f', 'data.csv', '-c', 'text', '-p', provider, '-m', 'm', '-o', 'out.csv', ...flags);

interface Seen {
  readonly calls: Readonly<Record<string, number>>;
  readonly batches: number;
}

async function seen(provider: string): Promise<Seen> {
  const { vendors, prompts } = (await (await fetch(`${sandbox.origin}/sandbox/stats`)).json()) as {
    vendors: Record<string, Seen>;
    prompts: Record<string, { batch: number }>;
  };
  // Whatever happens, no prompt is asked a second time.
  expect(Object.values(prompts).filter(({ batch }) => batch > 1)).toEqual([]);
  return vendors[provider] as Seen;
}

const answers = (...texts: readonly string[]) =>
  `id,text,llm_response\n${texts.map((text, index) => `${index + 1},${text}\n`).join('')}`;
const whole = answers(
  'Hello,Sandbox answer from m: Hello',
  'World,Sandbox answer from m: World',
  '[[sandbox:refuse]],',
  '[[sandbox:error 400]],',
);

describe.each(lives)('$provider:', ({ provider, expired }) => {
  test('more rows than a page of results or a part holds are all answered', async () => {
    await open(provider);
    const rows = Array.from({ length: 230 }, (_, index) => `${index},Row ${index}\n`).join('');
    await world.write('data.csv', `id,text\n${rows}`);
    await run(provider, '--batch-size', '120');
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    const lines = (await world.read('out.csv')).trimEnd().split('\n').slice(1);
    expect(lines).toEqual(Array.from(lines, (_, at) => `${at},Row ${at},Sandbox answer from m: Row ${at}`));
    expect(lines).toHaveLength(230);
    expect((await seen(provider)).batches).toBe(2);
  });

  test('what a batch gave before its time was over is kept, and only the rest is asked again', async () => {
    await open(provider, { batches: [{ end: 'expired', doneShare: 0.25, times: 1 }] });
    await run(provider);
    const ended = await fetchUntilDone(world);
    expect(ended.code).toBe(expired.code);
    expect(ended.stdout).toContain(expired.says);
    await run(provider);
    expect((await fetchUntilDone(world, '--force')).code).toBe(3);
    expect(await world.read('out.csv')).toBe(whole);
    expect((await seen(provider)).batches).toBe(2);
  });

  test('a batch whose requests are not in order fails, and says why', async () => {
    await open(provider, { batches: [{ end: 'failed', message: 'Line 1 is not in order.' }] });
    await run(provider);
    const ended = await fetchUntilDone(world);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('status=failed');
    expect(`${ended.stdout}${ended.stderr}`).toContain('Line 1 is not in order.');
  });

  test.runIf(provider === 'fireworks')(
    'a batch needs an account, which its id names from then on',
    async () => {
      await open(provider);
      const address = world.environment.FIREWORKS_BASE_URL;
      delete world.environment.FIREWORKS_BASE_URL;
      const refused = await run(provider);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain(
        'Error: Fireworks: Batches at Fireworks belong to an account: set FIREWORKS_ACCOUNT_ID to its id.',
      );
      expect(await world.listState('jobs')).toEqual([]);
      world.environment.FIREWORKS_BASE_URL = address as string;
      await world.write('.env', 'FIREWORKS_ACCOUNT_ID=acme\n');
      const submitted = await run(provider);
      expect(submitted.stdout).toContain('id=accounts/acme/batchInferenceJobs/loom-job-');
      await world.write('.env', 'FIREWORKS_ACCOUNT_ID=another\n');
      expect((await fetchUntilDone(world)).code).toBe(3);
      expect(await world.read('out.csv')).toBe(whole);
    },
  );

  test('is rehearsed without a key and an account', async () => {
    await open(provider);
    for (const name of Object.keys(world.environment))
      if (/_(?:API_KEY|BASE_URL)$/.test(name)) delete world.environment[name];
    expect(await run(provider, '--sandbox', '--wait')).toMatchObject({ code: 3 });
    expect(await world.read('out.csv')).toBe(whole);
  });
});
