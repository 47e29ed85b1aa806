/** Without a terminal nothing waits for an answer, also where stdin stays open: each question is answered by an error that names the flag. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeEach, expect, test } from 'vitest';
import { entry } from '../../program.ts';
import { createSandboxWorld, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const output = 'data_results_openai_m.csv';
const order = ['run', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm'];

beforeEach(async () => {
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

/** Runs loom with a stdin that nobody writes to and nobody closes. */
async function runWithOpenInput(...args: string[]) {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: world.folder,
    env: world.environment,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
}

test('a live run over a file names --force', async () => {
  await world.write(output, 'precious');
  const { code, stderr } = await runWithOpenInput(...order, '--sync');
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^Error: [^\n]*already exists[^\n]*--force[^\n]*\n$/),
  ]);
  expect(await world.read(output)).toBe('precious');
});

test('a fetch over a file names --force, and the batch stays', async () => {
  submittedId(await world.loom(...order));
  await world.write(output, 'precious');
  while (/status=/.test((await world.loom('fetch')).stdout));
  const { code, stderr } = await runWithOpenInput('fetch');
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/Warning: [^\n]*already exists[^\n]*--force[^\n]*\n/),
  ]);
  expect(await world.read(output)).toBe('precious');
});

test('clearing the cache names --yes', async () => {
  await world.loom(...order, '--sync');
  const { code, stderr } = await runWithOpenInput('cache', 'clear');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^Error: [^\n]*Pass --yes[^\n]*\n$/)]);
  expect((await world.listState()).filter((name) => name.startsWith('cache'))).toHaveLength(1);
});
