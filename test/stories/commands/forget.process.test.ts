/** `loom forget` at a terminal. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { atTerminal, hasTerminal } from '../worlds/at-terminal.ts';
import { createOpenAiWorld, type OpenAiWorld } from '../worlds/openai-world.ts';

let world: OpenAiWorld;

beforeEach(async () => {
  world = await createOpenAiWorld();
  world.environment.TERM = 'xterm';
});

afterEach(() => world.remove());

test.skipIf(!hasTerminal).each([
  ['n', ''],
  ['y', 'No batches stored'],
])('forgetting a batch that is not over asks at a terminal: %s', async (typed, listed) => {
  const id = await world.submitAs('in_progress');
  const shown = await atTerminal(world, ['forget', '--id', id], { typed: `${typed}\r` });
  expect(shown.text).toContain(`Forget ${id} (validating)? Answers that are not written yet are lost;`);
  expect(shown.code).toBe(0);
  expect((await world.loom('list')).stdout).toContain(listed || id);
});
