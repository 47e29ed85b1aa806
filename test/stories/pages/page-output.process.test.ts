/** What the guide shows of a command's output is what it prints: each example is run against the sandbox. */
import { beforeEach, describe, expect, test } from 'vitest';
import { blocksOf, readPage } from '../../pages.ts';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  const [csv = ''] = blocksOf(readPage('docs/guide/inputs.md'), 'csv');
  await world.write('reviews.csv', csv);
});

/** Commands of a page that are followed by what they print. */
function examplesOf(page: string): [command: string, shown: string][] {
  const blocks = readPage(`docs/guide/${page}.md`).matchAll(
    /```bash\n((?:(?!```)[\s\S])*)```\n+```text\n((?:(?!```)[\s\S])*)```/g,
  );
  return [...blocks].map(([, command, shown]) => [command as string, shown as string]);
}

describe.each([
  ['costs', 6],
  ['report', 1],
])('%s', (page, count) => {
  test('has its examples', () => {
    expect(examplesOf(page)).toHaveLength(count);
  });

  test.each(examplesOf(page))('%s', async (command, shown) => {
    const { stdout, stderr } = await world.shellHere(command);
    expect([stdout, stderr]).toContainEqual(expect.stringContaining(shown));
  });
});
