/** The man pages that the build writes: one for the program and each command, with every flag, where npm looks for them. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { leafCommands } from '../../../src/cli/config/config-fields.ts';
import type { CommandContext, Commands } from '../../../src/cli/options/options.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { nameCommand } from '../../../src/cli/usage/usage-errors.ts';
import { hasProgram } from '../../recipes/recipe-world.ts';

const project = resolve(import.meta.dirname, '../../..');
const folder = join(project, 'dist/man');
const commands = leafCommands(createProgram({} as Commands, { version: '' } as CommandContext, () => {}));
const nameOf = (command: (typeof commands)[number]) => `${nameCommand(command).replaceAll(' ', '-')}.1`;
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

test('the package names a page for the program and for each command', () => {
  const { man } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { man: string[] };
  const names = ['loom.1', ...commands.map(nameOf)];
  expect(man).toEqual(names.map((name) => `./dist/man/${name}`));
  expect(readdirSync(folder).sort()).toEqual(names.sort());
});

test.each(commands.map((command) => ({ name: nameOf(command), command })))('$name has every flag', (page) => {
  const text = read(page.name).replaceAll('\\-', '-');
  const flags = page.command.options.filter(({ hidden }) => !hidden);
  expect(flags.filter(({ long }) => !text.includes(`\\fB${long}\\fR`))).toEqual([]);
  expect(read('loom.1').replaceAll('\\-', '-')).toContain(`\\fB${page.name.replace('.1', '')}\\fR(1)`);
});

test.skipIf(!hasProgram('groff'))('groff has nothing to say against them', () => {
  for (const name of readdirSync(folder)) {
    const said = execFileSync('sh', [
      '-c',
      'groff -man -Tutf8 -ww "$1" 2>&1 >/dev/null',
      'sh',
      join(folder, name),
    ]);
    expect(said.toString()).toBe('');
  }
});
