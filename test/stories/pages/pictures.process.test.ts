/** The pictures of the front page: the terminal is what the program prints today, and both are small. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readPage } from '../../pages.ts';

const project = resolve(import.meta.dirname, '../../..');

test.skipIf(process.platform === 'win32')('the picture of the terminal is current', async () => {
  const { drawTerminal } = (await import(join(project, 'scripts/pictures.mjs'))) as {
    drawTerminal(): Promise<string>;
  };
  // Else: npm run pictures
  expect(await drawTerminal()).toBe(readPage('docs/pictures/terminal.svg'));
});

test('the front page shows a terminal and a report, in a few kilobytes', () => {
  const shown = [...readPage('README.md').matchAll(/^!\[[^\]]+\]\(([^)]+)\)$/gm)].map(
    ([, path = '']) => path,
  );
  expect(shown).toEqual(['docs/pictures/terminal.svg', 'docs/pictures/report.png']);
  for (const path of shown) expect(statSync(join(project, path)).size).toBeLessThan(100_000);
});
