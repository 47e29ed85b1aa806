/** The lives of batches at vendors whose protocol of batches is their own, from the run to the output. */
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { providerEntry } from '../../../src/providers/registry.ts';
import type { Faults } from '../../../src/sandbox/server.ts';
import { sandboxKey } from '../../../src/sandbox/server.ts';
import {
  createSandboxWorld,
  fetchUntilDone,
  type SandboxWorld,
  submittedId,
} from '../worlds/sandbox-world.ts';

/** Each with what its runs need beside `-p`, how its ids look, whether a batch is cancelled or expires, and what a fetch of two rows says of tokens and costs. */
const vendors = [
  {
    ...{ name: 'openrouter', flags: ['--batch'], id: /^batch_\w+$/, cancels: false, expires: true },
    cost: 'Tokens: 4 in, 14 out; cost about $0.000009.\n',
  },
  {
    ...{ name: 'xai', flags: [], id: /^batch_\w+$/, cancels: true, expires: false },
    cost: 'Tokens: 4 in, 14 out; cost about $0.000014.\n',
  },
  {
    ...{ name: 'fireworks', flags: [], cancels: false, expires: true },
    id: /^accounts\/local\/batchInferenceJobs\/loom-job-\d{14}-[0-9a-f]{6}-\d$/,
    cost: 'Tokens: 4 in, 14 out; cost unknown: no price is known for m of Fireworks.\n',
  },
  {
    ...{ name: 'mistral', flags: [], id: /^\w+$/, cancels: true, expires: true },
    cost: 'Tokens: 4 in, 14 out; cost unknown: no price is known for m of Mistral.\n',
  },
] as const;

let world: SandboxWorld;

afterEach(() => world.remove());

type Name = (typeof vendors)[number]['name'];

async function openWorld(name: Name, faults: Faults = {}, turnaroundMs = 0) {
  world = await createSandboxWorld({ turnaroundMs, faults });
  const { keyVariable, baseUrlVariable } = providerEntry(name);
  world.environment[baseUrlVariable] = world.sandbox.baseUrlOf(name);
  world.environment[keyVariable] = sandboxKey;
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n');
}

async function statisticsOf(name: string): Promise<{ batches: number; calls: Record<string, number> }> {
  const statistics = await (await fetch(`${world.sandbox.origin}/sandbox/stats`)).json();
  return (statistics as { vendors: Record<string, { batches: number; calls: Record<string, number> }> })
    .vendors[name] as { batches: number; calls: Record<string, number> };
}

describe.each(vendors)('at $name', ({ name, flags, id: idForm, cancels, expires, cost }) => {
  const order = ['-f', 'data.csv', '-c', 'text', '-p', name, '-m', 'm', ...flags];
  const output = `data_results_${name}_m.csv`;
  const answers =
    'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n2,World,Sandbox answer from m: World\n';

  test('a run is submitted, fetched and written, and nothing of it stays', async () => {
    await openWorld(name);
    const ran = await world.loom('run', ...order);
    const id = submittedId(ran);
    expect(id).toMatch(idForm);
    expect(ran).toMatchObject({
      code: 0,
      stdout: `Batch submitted. id=${id} provider=${name}\nMetadata saved to ~/.loom/batches/. Run loom fetch --id ${id} later.\n`,
    });
    const fetched = await fetchUntilDone(world);
    expect(fetched).toMatchObject({
      code: 0,
      stdout: `Fabric complete. id=${id} -> ${join(world.folder, output)} (metadata removed)\n`,
    });
    expect(fetched.stderr).toBe(`2 rows: 2 answered\n${cost}`);
    expect(await world.read(output)).toBe(answers);
    expect(await world.listState('batches')).toEqual([]);
    expect(await world.listState('jobs')).toEqual([]);
  });

  test.each([
    ['is lost', { do: 'cut', at: 'reply' }],
    ['is that of a gateway', { do: 'status', status: 504, afterWork: true }],
  ] as const)('a batch whose reply %s is found, and none is made again', async (_what, fault) => {
    await openWorld(name, { calls: [{ operation: 'createBatch', times: 1, ...fault }] });
    const ran = await world.loom('run', ...order);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Batch submitted\. id=/) });
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    expect(await world.read(output)).toBe(answers);
    expect((await statisticsOf(name)).batches).toBe(1);
  });

  test('results that are short are kept and asked for again, and nothing is sent again', async () => {
    const rows = Array.from({ length: 12 }, (_, index) => `${index},Question ${index}\n`).join('');
    await openWorld(name, { batches: [{ missingShare: 0.4, wholeAfterMs: 1_500 }] });
    await world.write('data.csv', `id,text\n${rows}`);
    const id = submittedId(await world.loom('run', ...order));
    expect(await world.loom('fetch')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Some of its results are missing; what came is kept'),
    });
    await expect.poll(async () => (await world.loom('fetch', '--id', id)).code, { timeout: 10_000 }).toBe(0);
    expect((await world.read(output)).match(/Sandbox answer from m: Question/g)).toHaveLength(12);
    expect((await statisticsOf(name)).batches).toBe(1);
  });

  test('rows that failed are told with their reasons, beside the others', async () => {
    await openWorld(name);
    await world.write('data.csv', 'id,text\n1,Hello\n2,[[sandbox:error 400]]\n');
    await world.loom('run', ...order);
    const fetched = await fetchUntilDone(world);
    expect(fetched.code).toBe(3);
    expect(fetched.stderr).toContain('The prompt asked the sandbox for error 400.');
    expect(await world.read(output)).toContain('1,Hello,Sandbox answer from m: Hello\n');
  });

  // Elsewhere each row that was not reached has a result that says so: own-batches.test.ts.
  test.runIf(expires)('what a batch gave that expired is written with --partial', async () => {
    await openWorld(name, { batches: [{ end: 'expired', doneShare: 0.5 }] });
    const id = submittedId(await world.loom('run', ...order));
    const fetched = await world.loom('fetch');
    expect(fetched).toMatchObject({ code: 1, stdout: expect.stringContaining(`id=${id} status=expired`) });
    expect(await world.loom('fetch', '--id', id, '--partial')).toMatchObject({ code: 3 });
    expect(await world.read(output)).toContain('Hello,Sandbox answer from m: Hello\n');
  });

  test(
    cancels ? 'a batch is cancelled' : 'a batch can not be cancelled, which is said, and goes on',
    async () => {
      await openWorld(name, {}, cancels ? 60_000 : 0);
      const id = submittedId(await world.loom('run', ...order));
      const cancelled = await world.loom('cancel', '--id', id, '--yes');
      if (cancels) {
        expect(cancelled.code).toBe(0);
        return;
      }
      expect(cancelled).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(
          `${providerEntry(name).title} has no way to cancel a batch: it goes on, and is paid for. What was not sent yet is never sent.`,
        ),
      });
      expect(await fetchUntilDone(world, '--id', id)).toMatchObject({ code: 0 });
      expect(await world.read(output)).toBe(answers);
    },
  );
});

describe('at openrouter', () => {
  const order = ['-f', 'data.csv', '-c', 'text', '-p', 'openrouter', '-m', 'm'];

  test.each([[], ['--dry-run'], ['--preview'], ['--wait']])(
    'nothing is sent in a batch that nobody asked for: %s',
    async (...more) => {
      await openWorld('openrouter');
      expect(await world.loom('run', ...order, ...more)).toEqual({
        code: 1,
        stdout: '',
        stderr:
          'Error: OpenRouter has no batch API that is used unasked. Re-run with --sync, or with --batch.\n',
      });
      expect((await statisticsOf('openrouter')).calls).toEqual({});
    },
  );

  test('the last of --sync and --batch decides', async () => {
    await openWorld('openrouter');
    expect((await world.loom('run', ...order, '--batch', '--sync')).code).toBe(0);
    expect((await statisticsOf('openrouter')).calls).toEqual({ generate: 2 });
    const submitted = await world.loom('run', ...order, '--no-cache', '--sync', '--batch');
    expect(submitted.stdout).toContain('Batch submitted.');
  });

  test('a batch counts half, and is told with --dry-run', async () => {
    await openWorld('openrouter');
    const ran = await world.loom('run', ...order.slice(0, -1), 'openai/gpt-4o-mini', '--batch', '--dry-run');
    expect(ran).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Cost: about $0.0000012 for the input, at the price of a batch;'),
    });
  });

  test('a batch that is not known yet right after its creation is on its way', async () => {
    await openWorld('openrouter', { batches: [{ hiddenMs: 60_000 }] });
    const id = submittedId(await world.loom('run', ...order, '--batch'));
    expect(await world.loom('fetch')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`id=${id} status=validating`),
    });
  });
});

describe('at mistral', () => {
  const order = ['-f', 'data.csv', '-c', 'text', '-p', 'mistral', '-m', 'm'];
  const warning =
    'Warning: Mistral keeps the results of a batch for 24 hours after its end: fetch them by then, or wait with loom fetch --wait.\n';

  test('run, list and fetch warn, once each, that results are kept for a day only', async () => {
    await openWorld('mistral', {}, 60_000);
    for (const size of ['1', '2'])
      expect((await world.loom('run', ...order, '--batch-size', size, '-o', `${size}.csv`)).stderr).toContain(
        warning,
      );
    expect(await world.loom('list')).toMatchObject({ code: 0, stderr: warning });
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: warning });
  });

  test('nothing is said of it once the output is written, nor where the run waits', async () => {
    await openWorld('mistral');
    const waited = await world.loom('run', ...order, '--wait');
    expect([waited.code, waited.stderr.includes(warning)]).toEqual([0, false]);
    expect((await world.loom('list')).stderr).toBe('');
  });

  test('status tells until when they can be had', async () => {
    await openWorld('mistral');
    const id = submittedId(await world.loom('run', ...order));
    expect((await world.loom('status', '--id', id)).stdout).toMatch(/^ *results end +\S+Z \(in 2[34] h\)$/m);
  });

  test('settings go by its own names, and what it refuses is told before anything is sent', async () => {
    await openWorld('mistral');
    const settings = [
      '--seed',
      '7',
      '--max-tokens',
      '50',
      '--presence-penalty',
      '0.5',
      '-t',
      '1.5',
      '--json',
      '--system',
      'JSON.',
    ];
    const preview = await world.loom(
      'run',
      ...order,
      '--preview',
      '1',
      '--output-format',
      'json',
      ...settings,
    );
    const line = (JSON.parse(preview.stdout) as { preview: { request: { body: { body: object } } } }).preview
      .request.body;
    expect(line.body).toEqual({
      messages: [
        { role: 'system', content: 'JSON.' },
        { role: 'user', content: 'Hello' },
      ],
      random_seed: 7,
      max_tokens: 50,
      presence_penalty: 0.5,
      temperature: 1.5,
      response_format: { type: 'json_object' },
    });
    expect((await world.loom('run', ...order, ...settings, '--sync')).code).toBe(0);
    for (const [flags, message] of [
      [['-t', '1.6'], 'Mistral does not take --temperature: 1.6 is not from 0 to 1.5.'],
      [['--top-k', '5'], 'Mistral has no setting for --top-k.'],
    ] as const)
      expect((await world.loom('run', ...order, ...flags)).stderr).toContain(message);
  });
});
