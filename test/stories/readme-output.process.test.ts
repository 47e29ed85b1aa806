/** What the README shows of a command's output is what it prints: each example is run against the sandbox. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld, type SandboxWorld } from './sandbox-world.ts';

const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');

let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
  const [, csv] = /```csv\n([\s\S]*?)```/.exec(readme) as RegExpExecArray;
  await world.write('reviews.csv', csv as string);
});

afterEach(() => world.remove());

/** Commands of a section that are followed by what they print. */
function examplesOf(section: string): [command: string, shown: string][] {
  const start = readme.indexOf(`### ${section}\n`);
  const text = readme.slice(start, readme.indexOf('\n### ', start + 1));
  const blocks = text.matchAll(/```bash\n((?:(?!```)[\s\S])*)```\n+```text\n((?:(?!```)[\s\S])*)```/g);
  return [...blocks].map(([, command, shown]) => [command as string, shown as string]);
}

describe.each([
  ['What it costs', 4],
  ['A report to look at', 1],
  ['Token counter', 1],
])('%s', (section, count) => {
  test('has its examples', () => {
    expect(examplesOf(section)).toHaveLength(count);
  });

  test.each(examplesOf(section))('%s', async (command, shown) => {
    const { stdout, stderr } = await world.shell(command);
    expect([stdout, stderr]).toContainEqual(expect.stringContaining(shown));
  });
});
