/** A command that waits for what never comes does not end as if it had done its work. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createWorld, type World } from '../../program.ts';
import { until } from '../worlds/openai-world.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld({});
});

afterEach(() => world.remove());

/** Has no folder of the program's ever listed, with some code at the moment of the first try. */
async function preload(code: string): Promise<void> {
  const path = await world.write(
    'preload.cjs',
    `require('node:fs/promises').readdir = () => { ${code}; return new Promise(() => {}); };`,
  );
  world.environment.NODE_OPTIONS = `--require=${path}`;
}

const endless =
  'Error: stopped by an error that no step of loom foresaw: nothing is left to wait for. What was answered or submitted is kept: run the same command again. LOOM_DEBUG=1 tells where it came from; please report it.\n';

test.each(['list', 'fetch'])('loom %s that nothing brings to its end tells so, with 1', async (command) => {
  await preload('');
  expect(await world.start(command).ended).toEqual({
    code: 1,
    stdout: '',
    stderr: `Stopping...\n${endless}`,
  });
});

test('the same after a signal ends with the code of the signal', async () => {
  await preload(
    `const alive = setInterval(() => {}, 1000); process.on('SIGTERM', () => clearInterval(alive));
     require('node:fs').writeFileSync('reading', '')`,
  );
  const { process: child, ended } = world.start('list');
  await until(() => existsSync(join(world.folder, 'reading')));
  child.kill('SIGTERM');
  expect(await ended).toEqual({ code: 143, stdout: '', stderr: 'Stopping...\n' });
});
