/** The reference and the program say the same: every command, flag and default of one is in the other. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandContext, Commands } from '../../../src/cli/options/options.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import { readPage, readSection } from '../../pages.ts';
import { createWorld, type World } from '../../program.ts';
import { baseUrlVariables, keyVariables, providers } from '../worlds/sandbox-world.ts';

const folder = 'docs/reference/commands';
const commands =
  'run|fetch|adopt|export|import|status|cancel|forget|list|tokens|models|report|compare|keys set|keys list|keys rm|doctor|cache stats|cache clear|sandbox|completion|help'.split(
    '|',
  );

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.remove());

/** The page of a command. */
function pageOf(command: string): string {
  return readPage(`${folder}/${command.replace(' ', '-')}.md`);
}

async function namesInHelp(command: string): Promise<string[]> {
  const { stdout } = await world.loom(...command.split(' '), '--help-all');
  // The flags stand in groups. A description goes on on lines of its own.
  const lines = stdout.split('\n').filter((line) => /^ {2}-/.test(line));
  return lines.flatMap((line) => (/^ {2}(\S.*?)(?: {2}|$)/.exec(line)?.[1] ?? '').match(/--?[\w-]+/g) ?? []);
}

/** The section of the flags that all commands share. */
function flagsOfAll(): string {
  return readSection(`${folder}/README.md`, 'Flags of every command');
}

test.each(commands)(
  'loom %s has a page of its own, with every flag of its help in all its forms',
  async (command) => {
    expect(pageOf(command)).toMatch(`# \`loom ${command}\`\n`);
    const page = pageOf(command) + flagsOfAll();
    expect((await namesInHelp(command)).filter((name) => !page.includes(`\`${name}`))).toEqual([]);
  },
);

test('the help names no command that the reference leaves out, and no other way round', async () => {
  const { stdout } = await world.loom('--help');
  const listed = [
    ...(stdout.split('Commands:')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z]+)\b/gm),
  ].map((match) => match[1]);
  expect(new Set(listed)).toEqual(new Set(commands.map((command) => command.split(' ')[0])));
  const pages = readdirSync(resolve(import.meta.dirname, '../../..', folder)).filter(
    (name) => name !== 'README.md',
  );
  expect(pages.sort()).toEqual(commands.map((command) => `${command.replace(' ', '-')}.md`).sort());
});

test('the flags and codes on the pages are those that `npm run reference` writes', async () => {
  const script = join(import.meta.dirname, '../../../scripts/reference.mjs');
  const { renderReference } = (await import(script)) as {
    renderReference(program: Command): Promise<[name: string, text: string][]>;
  };
  const program = createProgram({} as Commands, { version: '' } as CommandContext, () => {});
  const pages = await renderReference(program);
  expect(pages).toHaveLength(commands.length + 2);
  for (const [name, text] of pages) expect(readPage(`${folder}/${name}`)).toBe(text);
});

test('the guide names every variable, and the reference every exit code', () => {
  const keys = readPage('docs/guide/keys.md');
  for (const name of Object.values(keyVariables)) expect(keys).toContain(name);
  const addresses = readPage('docs/guide/addresses.md');
  for (const name of [...Object.values(baseUrlVariables), 'HTTPS_PROXY', 'NO_PROXY'])
    expect(addresses).toContain(name);
  for (const name of ['LOOM_HOME', 'LOOM_CACHE_DIR'])
    expect(readPage('docs/reference/files.md')).toContain(name);
  for (const name of ['LOOM_DEBUG', 'NO_COLOR']) expect(readPage('docs/guide/terminal.md')).toContain(name);
  // Rows such as "| 130 / 143 | interrupted |".
  const rows = readPage('docs/reference/exit-codes.md').matchAll(/^\|([\s\d/,`]+)\|/gm);
  const codes = [...rows].map((match) => match[1]).join(' ');
  expect(codes.match(/\d+/g)).toEqual(expect.arrayContaining(['0', '1', '2', '3', '130', '143']));
});

test('the front page has every provider, its key, and whether it has batches', () => {
  const rows = readPage('README.md').matchAll(
    /^\|[^|]*\| `(\w+)` \| `[^`]+` \| `(\w+)` \| (✓|✗)(, with `--batch`)? \|$/gm,
  );
  expect([...rows].map(([, name, key, mark, asked]) => [name, key, mark, asked !== undefined])).toEqual(
    providers.map((name) => {
      const { openBatch, batchesWhenAsked = false } = providerEntry(name);
      return [name, keyVariables[name], openBatch ? '✓' : '✗', batchesWhenAsked];
    }),
  );
});
