/** Help and mistakes: every command shows how it is used, and every mistake says what was meant. */
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { CommandContext, Commands } from '../../src/cli/options/options.ts';
import { createProgram } from '../../src/cli/program.ts';
import { useWorld } from './use-world.ts';

const world = useWorld();

describe('a mistyped', () => {
  test.each<[string, string[], string]>([
    ['command', ['fecth'], "unknown command 'fecth'. Did you mean fetch? See loom --help for all."],
    ['command that is like none', ['weave'], "unknown command 'weave'. See loom --help for all."],
    [
      'command of cache',
      ['cache', 'claer'],
      "unknown command 'claer'. Did you mean clear? See loom cache --help for all.",
    ],
    [
      'flag',
      ['list', '--sandbx'],
      "unknown option '--sandbx'. Did you mean --sandbox? See loom list --help for all.",
    ],
    [
      'flag with =',
      ['run', '--provder=openai'],
      "unknown option '--provder=openai'. Did you mean --provider? See loom run --help for all.",
    ],
    [
      'flag that another is missing by',
      ['run', '--modle', 'm'],
      "unknown option '--modle'. Did you mean --model? See loom run --help for all.",
    ],
    ['short flag', ['list', '-z'], "unknown option '-z'. See loom list --help for all."],
    [
      'provider',
      ['run', '-f', 'a.csv', '-p', 'antropic', '-m', 'm'],
      "option '-p, --provider <name>' argument 'antropic' is invalid. Allowed choices are openai, anthropic, google, openrouter, alibaba. Did you mean anthropic?",
    ],
    [
      'shell',
      ['completion', 'bsh'],
      "command-argument value 'bsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish. Did you mean bash?",
    ],
  ])('%s is told in one line, with exit 2', async (_, args, message) => {
    expect(await world.loom(...args)).toEqual({ code: 2, stdout: '', stderr: `Error: ${message}\n` });
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
  const terminal = { print: () => {}, fail: () => {} };
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
  test.each(paths)('%s has a description and examples that are understood', async (path) => {
    const { code, stdout, stderr } = await world.loom(...path.split(' ').slice(1), '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: ${path} .*\\n\\n[A-Z][^\\n]+`));
    const examples =
      /\nExamples?:\n((?: {2}[^\n]*\n)+)/.exec(`${stdout}\n`)?.[1]?.trimEnd().split('\n') ?? [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(example).toMatch(/^ {2}loom /);
      let ran = 0;
      const program = openProgram(() => {
        ran += 1;
      });
      await program.parseAsync(splitWords(example).slice(1), { from: 'user' });
      expect([example, ran]).toEqual([example, 1]);
    }
  });

  test.each(paths)('%s fits 80 columns when it is piped, but for its examples', async (path) => {
    const { stdout } = await world.loom(...path.split(' ').slice(1), '--help');
    const [flags = ''] = stdout.split(/\nExamples?:\n/);
    expect(flags.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

test('the flags of run are grouped', async () => {
  const { stdout } = await world.loom('run', '--help');
  expect(stdout.match(/^[A-Z][\w ]+:$/gm)).toEqual([
    ...[
      'Input:',
      'Model and prompt:',
      'Output:',
      'Batch or sync:',
      'Cost:',
      'Waiting:',
      'Settings:',
      'Reach:',
      'General:',
    ],
    'Examples:',
  ]);
});

/** As a shell takes a line apart; what follows a redirection is left out. */
function splitWords(line: string): string[] {
  const [command = ''] = line.split(/ [<>] /);
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
