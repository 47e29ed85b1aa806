/** README.md and the program say the same: every command, flag and default of one is in the other. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../program.ts';
import { baseUrlVariables, keyVariables } from './sandbox-world.ts';

const readmePath = resolve(import.meta.dirname, '../../README.md');
const commands = [
  'run',
  'fetch',
  'adopt',
  'status',
  'cancel',
  'forget',
  'list',
  'tokens',
  'report',
  'cache stats',
  'cache clear',
  'sandbox',
  'completion',
];

interface Flag {
  /** All forms: `--file`, `-f`. */
  readonly names: readonly string[];
  /** As it is written, without backticks; undefined: none is named. */
  readonly default: string | undefined;
}

let world: World;
let readme: string;

beforeAll(async () => {
  world = await createWorld();
  readme = await readFile(readmePath, 'utf8');
});

afterAll(() => world.remove());

/** The text under a heading such as "#### `loom run`", up to the next heading. */
function sectionOf(command: string): string {
  const heading = new RegExp(`^#+ \`loom ${command}\`[^\n]*\n`, 'm').exec(readme);
  if (!heading) return '';
  const rest = readme.slice(heading.index + heading[0].length);
  return rest.slice(0, /^#+ /m.exec(rest)?.index ?? rest.length);
}

/** Rows such as "| `--file`, `-f` | default | description |". */
function flagsInTable(section: string): Flag[] {
  return section
    .split('\n')
    .filter((line) => /^\|\s*`-/.test(line))
    .map((line) => {
      const [names = '', text = ''] = line.split(/(?<!\\)\|/).slice(1);
      const shown = text.replaceAll('`', '').trim();
      return {
        names: [...names.matchAll(/`(-[^`\s]+)[^`]*`/g)].map((match) => match[1] as string),
        default: /^(—|-|_?required_?|off|)$/i.test(shown) ? undefined : shown,
      };
    });
}

async function flagsInHelp(command: string): Promise<Flag[]> {
  const { stdout } = await world.loom(...command.split(' '), '--help');
  // The flags stand in groups. A description goes on on lines of its own.
  const lines = stdout
    .replaceAll(/\n {4,}(?!-)/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith('  -'));
  return lines
    .map((line) => ({
      names: [...(/^ {2}(\S.*?)(?: {2}|$)/.exec(line)?.[1] ?? '').matchAll(/--?[\w-]+/g)].map(String),
      default: /\(default: "?([^")]*)"?\)/.exec(line)?.[1]?.replace(/^(true|false)$/, '') || undefined,
    }))
    .filter((flag) => !flag.names.includes('--help'));
}

/** The section of the flags that all commands share. */
function flagsOfAll(): string {
  return readme.split('#### Flags of every command\n')[1]?.split('\n#### ')[0] ?? '';
}

describe.each(commands)('loom %s', (command) => {
  test('has a section of its own', () => {
    expect(sectionOf(command)).not.toBe('');
  });

  test('has every flag of its help in that section, in all its forms', async () => {
    const section = sectionOf(command) + flagsOfAll();
    const names = (await flagsInHelp(command)).flatMap((flag) => flag.names);
    expect(names.filter((name) => !section.includes(`\`${name}`))).toEqual([]);
  });

  test('has no flag in its table that the program does not have', async () => {
    const known = (await flagsInHelp(command)).flatMap((flag) => flag.names);
    const named = flagsInTable(sectionOf(command)).flatMap((flag) => flag.names);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('has the same numbers and file names as defaults there as in its help', async () => {
    // Other defaults are words, which need not be the same.
    const isLiteral = (text: string | undefined) => /^[\d<]/.test(text ?? '');
    const table = flagsInTable(sectionOf(command));
    const help = await flagsInHelp(command);
    const inHelp = help.filter((flag) => isLiteral(flag.default));
    const inTable = help.flatMap(({ names }) => {
      const row = table.find((flag) => names.some((name) => flag.names.includes(name)));
      return isLiteral(row?.default) ? [{ names, default: row?.default }] : [];
    });
    expect(inTable).toEqual(inHelp);
  });
});

test('the help names no command that the README leaves out, and no other way round', async () => {
  const { stdout } = await world.loom('--help');
  const listed = [
    ...(stdout.split('Commands:')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z]+)\b/gm),
  ].map((match) => match[1]);
  expect(new Set(listed)).toEqual(new Set(commands.map((command) => command.split(' ')[0])));
  const headings = [...readme.matchAll(/^#+ `loom ([a-z ]+)`/gm)].map((match) => match[1]);
  expect(new Set(headings)).toEqual(new Set(commands));
});

test('the README names every variable and every exit code', () => {
  for (const name of [...Object.values(keyVariables), ...Object.values(baseUrlVariables)]) {
    expect(readme).toContain(name);
  }
  const ours = ['LOOM_DEBUG', 'LOOM_HOME', 'LOOM_CACHE_DIR'];
  for (const name of ['HTTPS_PROXY', 'NO_PROXY', 'NO_COLOR', ...ours]) expect(readme).toContain(name);
  // Rows such as "| 130 / 143 | interrupted |".
  const codes = [...readme.matchAll(/^\|([\s\d/,`]+)\|/gm)].map((match) => match[1]);
  expect(codes.join(' ').match(/\d+/g)).toEqual(expect.arrayContaining(['0', '1', '2', '3', '130', '143']));
});
