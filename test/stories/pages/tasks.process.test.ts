/** The pages on tasks: their commands run in order, as they stand, and print what the pages show. */
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readPage } from '../../pages.ts';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';

const folder = 'docs/tasks';
const pages = readdirSync(resolve(import.meta.dirname, '../../..', folder));

/** Blocks of commands, each with the output that is shown right below it. */
function stepsOf(page: string): { command: string; shown: string }[] {
  const blocks = page.matchAll(/^```bash\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm);
  return [...blocks].map(([, command = '', shown = '']) => ({ command, shown }));
}

test.skipIf(process.platform === 'win32').each(pages)('%s', async (name) => {
  const steps = stepsOf(readPage(`${folder}/${name}`));
  expect(steps.length).toBeGreaterThan(0);
  const world = await createSandboxWorld();
  try {
    // The page on cron is about a file that is there.
    if (name === 'cron-and-ci.md') await world.write('reviews.csv', 'id,text\n1,Hello\n');
    for (const { command, shown } of steps) {
      const { code, stdout, stderr } = await world.shellHere(`set -e\n${command}`);
      expect({ command, code, stderr }).toMatchObject({ command, code: 0 });
      expect(`${stdout}${stderr}`).toContain(shown);
    }
  } finally {
    await world.remove();
  }
});
