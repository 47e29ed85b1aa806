/** Help and mistakes: every command shows how it is used, in its help what most need, and every mistake says what was meant. */
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { leafCommands } from '../../../src/cli/config/config-fields.ts';
import type { CommandContext, Commands } from '../../../src/cli/options/options.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld();

describe('a mistyped', () => {
  const see = (command: string) => `See loom ${command}--help for all.`;

  test.each([
    ['command', 'fecth', `unknown command 'fecth'. Did you mean fetch? ${see('')}`],
    ['command that is like none', 'weave', `unknown command 'weave'. ${see('')}`],
    ['command of cache', 'cache claer', `unknown command 'claer'. Did you mean clear? ${see('cache ')}`],
    ['flag', 'list --sandbx', `unknown option '--sandbx'. Did you mean --sandbox? ${see('list ')}`],
    [
      'flag with =',
      'run --provder=openai',
      `unknown option '--provder=openai'. Did you mean --provider? ${see('run ')}`,
    ],
    [
      'flag that another is missing by',
      'run --modle m',
      `unknown option '--modle'. Did you mean --model? ${see('run ')}`,
    ],
    ['short flag', 'list -z', `unknown option '-z'. ${see('list ')}`],
    [
      'provider',
      'run -f a.csv -p antropic -m m',
      'there is no provider "antropic". Did you mean anthropic? loom keys list names those there are.',
    ],
    [
      'provider, by the name of its models',
      'run -f a.csv -p Claude -m m',
      'there is no provider "Claude". Did you mean anthropic? loom keys list names those there are.',
    ],
    [
      'shell',
      'completion bsh',
      "command-argument value 'bsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish. Did you mean bash?",
    ],
  ])('%s is told in one line, with exit 2', async (_, line, message) => {
    expect(await world.loom(...line.split(' '))).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: ${message}\n`,
    });
  });
});

/** The program with commands that only say that they were called. */
function openProgram(onRun: (command: string) => void): Command {
  const run = async () => {
    onRun('ran');
    return 0;
  };
  const commands = new Proxy({}, { get: () => run }) as Commands;
  const voice = { quiet: false, verbose: false, json: false };
  const terminal = { print: () => {}, printText: () => {}, fail: () => {} };
  const context = { version: '1.0.0', terminal, voice, environment: {} } as unknown as CommandContext;
  return createProgram(commands, context, () => {});
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** `loom cache clear` */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

const paths = allCommands(openProgram(() => {})).map(pathOf);

describe('the help of', () => {
  test.each(paths)(
    '%s has a description, fits 80 columns, and has examples that are understood',
    async (path) => {
      const { code, stdout, stderr } = await world.loom(...path.split(' ').slice(1), '--help');
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`^Usage: ${path} .*\\n\\n[A-Z][^\\n]+`));
      const [flags = ''] = stdout.split(/\nExamples?:\n/);
      expect(flags.split('\n').filter((line) => line.length > 80)).toEqual([]);
      const examples =
        /\nExamples?:\n((?: {2}[^\n]*\n)+)/.exec(`${stdout}\n`)?.[1]?.trimEnd().split('\n') ?? [];
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        expect(example).toMatch(/^ {2}loom /);
        let ran = 0;
        const program = openProgram(() => {
          ran += 1;
        });
        await program.parseAsync(splitWords(example).slice(1), { from: 'user' }).catch((error) => {
          // `loom help` ends so.
          if (error.code !== 'commander.help') throw error;
          ran += 1;
        });
        expect([example, ran]).toEqual([example, 1]);
      }
    },
  );
});

test('the flags of run are grouped', async () => {
  const { stdout } = await world.loom('run', '--help');
  const groups = 'Input|Model and prompt|Output|Batch or sync|Cost|Waiting|Settings|Reach|General|Examples';
  expect(stdout.match(/^[A-Z][\w ]+(?=:$)/gm)).toEqual(groups.split('|'));
});

test.each(['', 'run', 'cache clear'])(
  'the help of "loom %s" is the same for -h, --help and -?',
  async (level) => {
    const words = level.split(' ').filter(Boolean);
    const help = await world.loom(...words, '--help');
    for (const flag of ['-h', '-?']) expect(await world.loom(...words, flag)).toEqual(help);
  },
);

test.each(['', 'cache'])('bare "loom %s" prints its help', async (level) => {
  const words = level.split(' ').filter(Boolean);
  expect(await world.loom(...words)).toEqual(await world.loom(...words, '--help'));
});

/** As a shell takes a line apart; what follows a redirection is left out. */
function splitWords(line: string): string[] {
  const [command = ''] = line.split(/ [<>] /);
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

const program = createProgram({} as Commands, { version: '' } as CommandContext, () => {});
const leaves = leafCommands(program).map((command) => ({
  words: command.parent === program ? [command.name()] : [command.parent?.name() ?? '', command.name()],
  flags: command.options.filter(({ hidden }) => !hidden).map(({ long }) => long ?? ''),
}));

/** The long forms of the flags in a help, in order. */
function flagsIn(help: string): string[] {
  return [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = '']) => flag);
}

test('the help of run shows what most need, and says how many flags there are beside them', async () => {
  const { code, stdout } = await world.loom('run', '--help');
  expect(code).toBe(0);
  expect(flagsIn(stdout)).toEqual([
    ...['--file', '--sample', '--provider', '--model', '--col', '--prompt', '--output', '--force', '--sync'],
    ...['--workers', '--dry-run', '--preview', '--max-cost', '--wait', '--system', '--fields', '--sandbox'],
    ...['--help-all', '--help'],
  ]);
  const all = flagsIn((await world.loom('run', '--help-all')).stdout);
  expect(stdout).toContain(`\n${all.length - 19} more flags: loom run --help-all\n\nExamples:\n`);
});

test.each(leaves)('--help-all of loom $words shows every flag', async ({ words, flags }) => {
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
