/** `loom help [command]`, `--help` and `--help-all`. */

import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandContext, Commands } from '../../src/cli/options/options.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createWorld, type World } from '../program.ts';
import { atTerminalHere } from './worlds/at-terminal.ts';

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

/** The words of every command, from `loom` itself to those of groups. */
const commands = listCommands(
  createProgram({} as Commands, { version: '0', terminal: {} } as CommandContext, () => {}),
);

function listCommands(command: Command, words: readonly string[] = []): (readonly string[])[] {
  return [words, ...command.commands.flatMap((sub) => listCommands(sub, [...words, sub.name()]))];
}

test('the commands are those of the program', () => {
  expect(commands).toContainEqual([]);
  expect(commands).toContainEqual(['run']);
  expect(commands).toContainEqual(['keys', 'set']);
  expect(commands.length).toBeGreaterThan(20);
});

test.each(commands.map((words) => [words]))(
  'loom %j takes --help and --help-all, and so does loom help; no line is over 80 columns',
  async (words) => {
    for (const flag of ['--help', '--help-all']) {
      const shown = await world.loom(...words, flag);
      expect(shown).toMatchObject({ code: 0, stderr: '' });
      expect(shown.stdout).toMatch(`Usage: ${['loom', ...words].join(' ')} `);
      const lines = [
        ...shown.stdout.split('\n'),
        ...(await atTerminalHere(world, [...words, flag])).text.split('\n'),
      ];
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      // Alone, loom help shows what --help does, and with a flag its own help.
      if (words[0] !== 'help' && !(words.length === 0 && flag === '--help-all')) {
        const more = flag === '--help' ? [] : [flag];
        expect(await world.loom('help', ...words, ...more)).toEqual(shown);
      }
    }
  },
);

test('--help-all tells of every flag where there are many, and --help of how many more there are', async () => {
  const { stdout } = await world.loom('help', 'run');
  expect(stdout).toMatch(/\n\d+ more flags: loom run --help-all\n/);
  expect(stdout).not.toContain('--output-format');
  expect((await world.loom('help', 'run', '--help-all')).stdout).toContain('--output-format');
});

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
