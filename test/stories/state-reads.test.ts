/** The state is read once a command, and what is worked on once more under its lock: not once a job, nor once a part. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countOpens } from './count-opens.ts';
import { createOpenAiWorld, type OpenAiWorld } from './openai-world.ts';

let world: OpenAiWorld;

beforeEach(async () => {
  world = await createOpenAiWorld();
});

afterEach(() => world.remove());

const count = 30;

/** How often the record and the job file were opened that a command opened most. */
async function countMost(...args: string[]): Promise<{ batches: number; jobs: number }> {
  const opens = [...(await countOpens(() => world.loom(...args)))];
  const mostBelow = (folder: string) =>
    Math.max(
      ...opens.map(([path, times]) =>
        path.startsWith(world.statePath(folder)) && path.endsWith('.json') ? times : 0,
      ),
    );
  return { batches: mostBelow('batches'), jobs: mostBelow('jobs') };
}

describe('of thirty jobs', () => {
  let id: string;

  beforeEach(async () => {
    for (let job = 1; job <= count; job += 1) {
      await world.write(`in-${job}.csv`, `id,text\n1,Hello ${job}\n`);
      id = await world.submitAs('in_progress', '-f', `in-${job}.csv`, '-c', 'text');
    }
    await world.loom('fetch');
  });

  test('a fetch looks at each once to list it and once under its lock', async () => {
    expect(await countMost('fetch')).toEqual({ batches: 2, jobs: 2 });
  });

  test('a record that changes is opened once more, for its id map', async () => {
    for (const batch of world.openai.batches) batch.counts = { total: 1, completed: 0, failed: 1 };
    expect(await countMost('fetch')).toEqual({ batches: 3, jobs: 2 });
  });

  test('list and status look at each once', async () => {
    expect(await countMost('list')).toEqual({ batches: 1, jobs: 1 });
    expect(await countMost('status', '--id', id)).toEqual({ batches: 1, jobs: 1 });
  });
});
