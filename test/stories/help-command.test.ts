/** `loom help [command]`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../program.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.remove());

test.each([[[]], [['fetch']], [['cache']], [['cache', 'clear']], [['help']]])(
  'loom help %j shows what --help behind it shows',
  async (names: string[]) => {
    const shown = await world.loom(...names, '--help');
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(await world.loom('help', ...names)).toEqual(shown);
  },
);

test('it is given whatever a file of defaults holds', async () => {
  await world.write('loom.config.json', 'nonsense');
  expect((await world.loom('help', 'fetch')).code).toBe(0);
});

test.each([
  [['fech'], "Error: unknown command 'fech'. Did you mean fetch? See loom --help for all.\n"],
  [
    ['cache', 'clean'],
    "Error: unknown command 'clean'. Did you mean clear? See loom cache --help for all.\n",
  ],
  [['fetch', 'now'], "Error: unknown command 'now'. See loom fetch --help for all.\n"],
])('loom help %j is a mistake in the command line', async (names, stderr) => {
  expect(await world.loom('help', ...names)).toEqual({ code: 2, stdout: '', stderr });
});

test('the commands are proposed behind it, and no flags of theirs', async () => {
  const propose = async (...words: string[]) => {
    const { stdout } = await world.loom('__complete', 'bash', ...words);
    return stdout
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split('\t')[0]);
  };
  expect(await propose('help', 'ca')).toEqual(['cancel', 'cache']);
  expect(await propose('help', 'cache', '')).toEqual(['stats', 'clear']);
  expect(await propose('help', 'fetch', '')).toEqual([]);
  expect(await propose('hel')).toEqual(['help']);
});
