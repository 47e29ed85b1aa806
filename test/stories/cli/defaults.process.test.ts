/** A file of defaults in the folder above, where a shell does not look. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  await world.write('data.csv', 'id,text,other\n1,Hello,World\n');
});

const order = { provider: 'openai', model: 'm', col: 'text' };

function configure(fields: object, name = 'loom.config.json'): Promise<string> {
  return world.write(name, JSON.stringify(fields));
}

test('only the current folder counts: a file in the one above changes nothing', async () => {
  await configure({ ...order, provider: 'nonsense' });
  await mkdir(join(world.folder, 'below'));
  expect(await world.shell('cd below && loom list')).toMatchObject({ code: 0 });
});
