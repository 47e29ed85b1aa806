/** Answers that do not fit, asked for again with --retry-misfits. */
import { parse } from 'csv-parse/sync';
import { beforeEach, expect, it, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n2,World [[sandbox:misfit]]\n'));

const args = [
  'run',
  'data.csv',
  '-c',
  'text',
  '-m',
  'm',
  '--sync',
  '--fields',
  'a',
  '-o',
  'out.csv',
  '--force',
];
const retry = ['--retry-misfits', '3'];
/** A prompt is answered with its first 300 characters. */
const schema =
  '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}';
const demand = `The answer is not JSON. Answer with nothing but JSON that fits this JSON Schema: ${schema}`;
const mended = { id: '2', text: 'World [[sandbox:misfit]]', a: `Sandbox answer from m: ${demand}` };

async function readRows() {
  return parse(await world.read('out.csv'), { columns: true }) as Record<string, string>[];
}

/** Of which no answer of the sandbox is one. */
const strict = '{"type":"object","properties":{"a":{"type":"string","pattern":"^x"}},"required":["a"]}';

it.each(providers)(
  '%s is told the answer and what is wrong with it, and each call is counted',
  async (provider) => {
    const ended = await world.loom(...args, '-p', provider, ...retry);
    expect(ended.code).toBe(0);
    expect((await readRows())[1]).toMatchObject(mended);
    expect(ended.stderr).toContain(
      '1 call asked again for an answer that did not fit; 1 of the answers that came fits.\n',
    );
    expect((await world.countCalls(provider)).generate).toBe(3);
    const again = await world.loom(...args, '-p', provider, ...retry);
    expect(again.stdout).toContain('(2 prompts, 2 cache hits, 0 errors)');
    expect((await readRows())[1]).toMatchObject(mended);
    expect((await world.countCalls(provider)).generate).toBe(3);
  },
);

it.each([
  ['--cache', []],
  ['--no-cache', ['--no-cache']],
])('with %s an answer that never fits is asked for so often, and its row fails', async (_, flags) => {
  await world.write('data.csv', 'text\nHello\nOther\n');
  const order = args.filter((word) => word !== '--fields' && word !== 'a');
  const ended = await world.loom(
    ...order,
    '-p',
    'openai',
    '--schema',
    strict,
    '--retry-misfits',
    '2',
    ...flags,
  );
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain(
    '4 calls asked again for answers that did not fit; 0 of the answers that came fit.\n',
  );
  expect(ended.stderr).toContain('2 × schema_mismatch');
  expect((await world.countCalls('openai')).generate).toBe(6);
});

test('a misfit of an earlier run is asked for again, and no answer that fits', async () => {
  expect((await world.loom(...args, '-p', 'openai')).code).toBe(3);
  const ended = await world.loom(...args, '-p', 'openai', ...retry, '--output-format', 'json');
  expect(JSON.parse(ended.stdout).output).toMatchObject({
    answered: 2,
    cached: 1,
    misfits_asked_again: 1,
    misfits_mended: 1,
  });
  expect((await readRows())[1]).toMatchObject(mended);
  expect((await world.countCalls('openai')).generate).toBe(3);
});

test('a misfit that a batch gave is asked for again by a live run', async () => {
  await world.loom(...args.filter((word) => word !== '--sync'), '-p', 'openai');
  expect((await fetchUntilDone(world)).code).toBe(3);
  const ended = await world.loom(...args, '-p', 'openai', ...retry);
  expect(ended.code).toBe(0);
  expect((await readRows())[1]).toMatchObject(mended);
  expect((await world.countCalls('openai')).generate).toBe(1);
});

test('an answer that is refused the second time stays what it was', async () => {
  await world.write('data.csv', 'text\nWorld [[sandbox:misfit]]\nHello\n');
  const calls = [{ operation: 'generate', skip: 2, do: 'status', status: 400, times: 1 }];
  await fetch(`${world.sandbox.origin}/sandbox/faults`, { method: 'PUT', body: JSON.stringify({ calls }) });
  const ended = await world.loom(...args, '-p', 'openai', '--retry-misfits', '1', '-w', '1');
  expect(ended.code).toBe(3);
  expect(await world.read('out.csv.errors.jsonl')).toContain(
    '"kind":"schema_mismatch","message":"The answer is not JSON.","text":"Sandbox answer from m: World [[sandbox:misfit]]"',
  );
});

test('without anything to fit it is an error, and a batch says that it asks once', async () => {
  const order = args.filter((word) => word !== '--fields' && word !== 'a');
  const refused = await world.loom(...order, '-p', 'openai', ...retry);
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining(
      'Error: --retry-misfits needs to know what fits. Name the fields of answers with --fields, or pass a --schema.\n',
    ),
  ]);
  const batch = await world.loom(...args.filter((word) => word !== '--sync'), '-p', 'openai', ...retry);
  expect(batch.stderr).toContain('Note: --retry-misfits is for --sync; a batch asks for each answer once.\n');
});
