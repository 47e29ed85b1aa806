/** Answers that are to fit a schema, and those that don't. */
import { rm } from 'node:fs/promises';
import { beforeEach, expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  await world.write('schema.json', '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}');
  await world.write('data.csv', 'id,text\n1,Hello\n2,World [[sandbox:misfit]]\n');
});

const args = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--schema', 'schema.json'];
const output = 'data_results_openai_m.csv';
const merged =
  'id,text,llm_response\n1,Hello,"{""a"":""Sandbox answer from m: Hello""}"\n2,World [[sandbox:misfit]],\n';
const misfit =
  '{"row":2,"line":3,"kind":"schema_mismatch","message":"The answer is not JSON.","id":"2","text":"Sandbox answer from m: World [[sandbox:misfit]]"}\n';

async function cacheEntries(): Promise<number> {
  return (await world.listState('cache')).length;
}

test('an answer that does not fit is a failed row of a live run, is kept whole, and is asked again only without the cache', async () => {
  for (const hits of [0, 2]) {
    const ended = await world.loom('run', ...args, '--sync', '--force');
    expect([ended.code, ended.stdout]).toEqual([
      3,
      expect.stringContaining(`(2 prompts, ${hits} cache hits, 1 errors)`),
    ]);
    expect(ended.stderr).toContain(
      'Warning: 1 of 2 rows have no response: 1 × schema_mismatch.\n  schema_mismatch (rows 2): The answer is not JSON.\n',
    );
    expect(await world.read(output)).toBe(merged);
    expect(await world.read(`${output}.errors.jsonl`)).toBe(misfit);
    expect(await cacheEntries()).toBe(2);
  }
  expect((await world.countCalls('openai')).generate).toBe(2);
  expect((await world.loom('run', ...args, '--sync', '--force', '--no-cache')).code).toBe(3);
  expect((await world.countCalls('openai')).generate).toBe(4);
});

test('an answer that does not fit is a failed row of a batch, is kept whole, and is not sent again', async () => {
  submittedId(await world.loom('run', ...args));
  expect((await fetchUntilDone(world)).code).toBe(3);
  expect(await world.read(output)).toBe(merged);
  expect(await world.read(`${output}.errors.jsonl`)).toBe(misfit);
  expect(await cacheEntries()).toBe(2);
  const again = await world.loom('run', ...args, '--force');
  expect([again.code, again.stdout]).toEqual([
    3,
    expect.stringContaining('(2 prompts, 2 cache hits, 1 errors)'),
  ]);
  expect(await world.read(`${output}.errors.jsonl`)).toBe(misfit);
  expect((await world.countCalls('openai')).createBatch).toBe(1);
});

test('an adopted batch is checked as well', async () => {
  const id = submittedId(await world.loom('run', ...args));
  await rm(world.statePath(''), { recursive: true });
  expect((await world.loom('adopt', '--id', id, ...args)).code).toBe(0);
  expect((await fetchUntilDone(world)).code).toBe(3);
  expect(await world.read(output)).toBe(merged);
});

test('what a run without the cache kept of a misfit is asked again', async () => {
  expect((await world.loom('run', ...args, '--sync', '--no-cache', '--force')).code).toBe(3);
  expect(await world.listState()).toEqual([]);
});

test('the message says what does not fit', async () => {
  // The sandbox knows nothing of this keyword, so its answer breaks it.
  const a = { type: 'string', pattern: '^x' };
  await world.write('schema.json', JSON.stringify({ type: 'object', properties: { a }, required: ['a'] }));
  await world.write('data.csv', 'id,text\n1,Hello\n');
  const ended = await world.loom('run', ...args, '--sync');
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('The answer does not fit the schema: /a must match pattern "^x".\n');
});

test('where every answer of a new run does not fit, the output that is there stays', async () => {
  await world.write('data.csv', 'id,text\n1,Hello [[sandbox:misfit]]\n');
  await world.write(output, 'good answers\n');
  for (const hits of [0, 1]) {
    const { code, stderr } = await world.loom('run', ...args, '--sync', '--force');
    const told = expect.stringContaining('Error: no row has an answer, and the output');
    expect([hits, code, stderr]).toEqual([hits, 1, told]);
    expect(await world.read(output)).toBe('good answers\n');
  }
  expect((await world.countCalls('openai')).generate).toBe(1);
});
