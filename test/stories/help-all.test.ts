/** Where a command has many flags, `--help` shows those that most need, and `--help-all` every one. */
import { expect, test } from 'vitest';
import { leafCommands } from '../../src/cli/config/config-fields.ts';
import type { CommandContext, Commands } from '../../src/cli/options/options.ts';
import { createProgram } from '../../src/cli/program.ts';
import { useWorld } from './use-world.ts';

const program = createProgram({} as Commands, { version: '' } as CommandContext, () => {});
const commands = leafCommands(program).map((command) => ({
  words: command.parent === program ? [command.name()] : [command.parent?.name() ?? '', command.name()],
  flags: command.options.filter(({ hidden }) => !hidden).map(({ long }) => long ?? ''),
}));

const world = useWorld();

/** The long forms of the flags in a help, in order. */
function flagsIn(help: string): string[] {
  return [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = '']) => flag);
}

test('the help of run shows what most need, and says how many flags there are beside them', async () => {
  const { code, stdout } = await world.loom('run', '--help');
  expect(code).toBe(0);
  expect(flagsIn(stdout)).toEqual([
    ...['--file', '--sample', '--provider', '--model', '--col', '--prompt', '--output', '--force', '--sync'],
    ...['--workers', '--dry-run', '--max-cost', '--wait', '--system', '--schema', '--sandbox'],
    ...['--help-all', '--help'],
  ]);
  const all = flagsIn((await world.loom('run', '--help-all')).stdout);
  expect(stdout).toContain(`\n${all.length - 18} more flags: loom run --help-all\n\nExamples:\n`);
});

test.each(commands)('--help-all of loom $words shows every flag', async ({ words, flags }) => {
  const { code, stdout, stderr } = await world.loom(...words, '--help-all');
  expect([code, stderr]).toEqual([0, '']);
  expect(flagsIn(stdout).toSorted()).toEqual([...flags, '--help'].toSorted());
  expect(stdout).not.toContain('more flags');
});

test('the help of a command with few flags shows all of them', async () => {
  expect(await world.loom('list', '--help')).toEqual(await world.loom('list', '--help-all'));
});

test('--help-all is answered whatever else is missing or broken', async () => {
  const help = await world.loom('run', '--help-all');
  await world.write('loom.config.json', 'no JSON');
  expect(await world.loom('run', '-p', 'openai', '--help-all')).toEqual(help);
});

test('a file of defaults can not ask for help', async () => {
  await world.write('loom.config.json', '{"run": {"helpAll": true}}');
  await world.write('data.json', '[{"prompt": "Hello"}]');
  const ended = await world.loom('run', '-f', 'data.json', '-p', 'openai', '-m', 'm', '--sandbox', '--sync');
  expect(ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('It asks for help: pass --help-all.'),
  });
});
