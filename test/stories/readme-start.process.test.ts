/** The first example of the README, as it stands, prints what the README says that it prints. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createWorld } from '../program.ts';

const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');

/** Ids and paths are each reader's own. */
function withoutOwn(text: string): string {
  return text
    .replaceAll(/batch_\w+/g, 'batch_…')
    .replaceAll(/ -> \S*\/loom-demo\//g, ' -> …/')
    .trim();
}

test.skipIf(process.platform === 'win32')('the quick start', async () => {
  const [, script = ''] = /```bash\n([\s\S]*?)```/.exec(readme) ?? [];
  const [, shown = ''] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(script).toContain('npx --yes loom-batch ');
  const world = await createWorld();
  const { code, stdout } = await world.shell(`{ ${script.replace('npx --yes loom-batch', 'loom')} } 2>&1`);
  await world.remove();
  expect([code, withoutOwn(stdout)]).toEqual([0, withoutOwn(shown)]);
});
