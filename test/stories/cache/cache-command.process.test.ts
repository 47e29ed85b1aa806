/** `loom cache clear` at a terminal. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createWorld, type World } from '../../program.ts';
import { atTerminal, hasTerminal } from '../worlds/at-terminal.ts';

let world: World;
let entries = 0;

beforeEach(async () => {
  world = await createWorld({ TERM: 'xterm' });
});

afterEach(() => world.remove());

function writeEntry(model: string): Promise<void> {
  entries += 1;
  const name = `cache/${entries.toString(16).padStart(64, '0')}.json`;
  const entry = { provider: 'openai', model, response: 'Hello', created_at: new Date().toISOString() };
  return world.writeState(name, JSON.stringify(entry));
}

test.skipIf(!hasTerminal)('the cached responses that go are named in the question', async () => {
  for (const model of ['m', 'm', 'm', 'n', 'n', 'n']) await writeEntry(model);
  const shown = await atTerminal(world, ['cache', 'clear', '-m', 'm'], { typed: 'y\r' });
  expect(shown.text).toContain(
    `Delete 3 of 6 cached responses (of the model m) from ${world.statePath('cache')}? [y/N] `,
  );
  expect(shown.code).toBe(0);
  expect(await world.listState()).toHaveLength(3);
});
