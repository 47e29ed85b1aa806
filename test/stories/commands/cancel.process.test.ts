/** `loom cancel` at a terminal. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { atTerminal, hasTerminal } from '../worlds/at-terminal.ts';
import { createOpenAiWorld, lastBatch, type OpenAiWorld } from '../worlds/openai-world.ts';

let world: OpenAiWorld;

beforeEach(async () => {
  world = await createOpenAiWorld();
  world.environment.TERM = 'xterm';
});

afterEach(() => world.remove());

/** A job of three rows in three parts, of which the provider's queue takes so many. */
async function submitParts(taken: number): Promise<string> {
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,Again\n');
  world.openai.onCreate = (batch) => {
    batch.status = 'in_progress';
  };
  world.openai.override = ({ method, path }) => {
    if (method !== 'POST' || path !== '/v1/batches' || world.openai.batches.length < taken) return undefined;
    return { status: 429, headers: { 'retry-after': '0' }, body: { error: { message: 'Queue full.' } } };
  };
  const run = await world.run('--batch-size', '1');
  world.openai.override = () => undefined;
  world.takeRequests();
  return /^Job submitted\. id=(\S+) /m.exec(run.stdout)?.[1] as string;
}

describe.skipIf(!hasTerminal)('at a terminal', () => {
  test.each([
    ['n', 'in_progress'],
    ['y', 'cancelling'],
  ])('asks first; %s leaves it %s', async (typed, status) => {
    const id = await world.submitAs('in_progress');
    const shown = await atTerminal(world, ['cancel', '--id', id], { typed: `${typed}\r` });
    expect(shown.text).toContain(
      `Cancel batch ${id} (openai, m)? What is answered by then is kept, and paid for. [y/N] `,
    );
    expect(shown.code).toBe(0);
    expect(lastBatch(world.openai).status).toBe(status);
  });

  test('names the parts of a job', async () => {
    const jobId = await submitParts(2);
    const shown = await atTerminal(world, ['cancel', '--id', jobId], { typed: 'n\r' });
    expect(shown.text).toContain(
      `Cancel job ${jobId} (openai, m: 2 batches, and 1 part that was not sent)? `,
    );
    expect(world.takeRequests()).toEqual([]);
  });
});
