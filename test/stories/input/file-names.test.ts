/** Texts that are the names of files. */
import { expect, it, test } from 'vitest';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);
const order = ['data.csv', '-p', 'openai', '-m', 'm'];

it.each([
  ['run', ['--preview', '-c', 'text', '--system', 'system.txt'], 'system'],
  ['run', ['--dry-run', '-c', 'text', '--fields', 'system.txt'], 'fields'],
  ['run', ['--sync', '--prompt', 'system.txt'], 'prompt'],
  ['tokens', ['--estimate', '-c', 'text', '--system', 'system.txt'], 'system'],
])('loom %s %j: it is told that the file may be meant', async (command, flags, flag) => {
  await world.write('data.csv', 'text\nHello\n');
  await world.write('system.txt', 'Be brief.\n');
  const { stderr } = await world.loom(command, ...order, ...flags);
  expect(stderr.split('\n')[0]).toBe(
    `Note: --${flag} is the text "system.txt", and there is a file of that name; @system.txt reads that file.`,
  );
});

test('a text that is no name of a file, and one that is read from it, are not spoken of', async () => {
  await world.write('data.csv', 'text\nHello\n');
  await world.write('system.txt', 'Be brief.\n');
  for (const text of ['Be brief.', '@system.txt', '.'])
    expect((await world.loom('run', ...order, '-c', 'text', '--preview', '--system', text)).stderr).toBe('');
});
