/** The state is read once a command, and what is worked on once more under its lock: not once a job, nor once a part. */
import { stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { countOpens } from '../worlds/count-opens.ts';
import { lastBatch, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world } = useOpenAiWorld();

/** How often the record and the job file were opened that a command opened most. */
async function countMost(...args: string[]): Promise<{ batches: number; jobs: number }> {
  const opens = [...(await countOpens(() => world.loom(...args)))];
  const mostBelow = (folder: string) =>
    Math.max(
      ...opens
        .filter(([path]) => path.startsWith(world.statePath(folder)) && path.endsWith('.json'))
        .map(([, times]) => times),
    );
  return { batches: mostBelow('batches'), jobs: mostBelow('jobs') };
}

/** Thirty jobs under way: one that is submitted, and copies of it. */
async function makeThirtyJobs(): Promise<string> {
  const id = await world.submitAs('in_progress');
  const first = lastBatch(world.openai);
  const record = await world.readState(`batches/openai_${id}.json`);
  const { job_id: jobId } = JSON.parse(record) as { job_id: string };
  const job = await world.readState(`jobs/${jobId}.json`);
  for (let copy = 2; copy <= 30; copy += 1) {
    const rename = (text: string) =>
      text.replaceAll(id, `${id}_${copy}`).replaceAll(jobId, `${jobId}_${copy}`);
    await world.writeState(`batches/openai_${id}_${copy}.json`, rename(record));
    await world.writeState(`jobs/${jobId}_${copy}.json`, rename(job));
    world.openai.batches.push({ ...first, id: `${id}_${copy}` });
  }
  return id;
}

test('of thirty jobs each file is opened once to list it, and once under its lock', async () => {
  const id = await makeThirtyJobs();
  // A record that changes is opened once more, for its id map.
  expect(await countMost('fetch')).toEqual({ batches: 3, jobs: 2 });
  expect(await countMost('fetch')).toEqual({ batches: 2, jobs: 2 });
  expect(await countMost('fetch', '--id', id)).toEqual({ batches: 2, jobs: 2 });
  expect(await countMost('list')).toEqual({ batches: 1, jobs: 1 });
  expect(await countMost('status', '--id', id)).toEqual({ batches: 1, jobs: 1 });
  // The records are looked through once more, for those that a job that was cut off did not note.
  expect(await countMost('forget', '--status', 'in_progress', '--yes')).toEqual({ batches: 3, jobs: 2 });
  expect(await world.listState()).toEqual([]);
});

// Listed, then under its lock: read, its ids for the account of what came, noted as it is, its ids for the output.
test.each([
  ['is opened five times', ['fetch'], 5],
  ['is opened once more to be kept', ['fetch', '--keep'], 6],
])('the record of a completed batch %s', async (_, args, batches) => {
  await world.submitAs('completed');
  expect(await countMost(...args)).toEqual({ batches, jobs: 2 });
});

test('a fetch that finds nothing new writes nothing', async () => {
  const id = await world.submitAs('in_progress');
  await world.loom('fetch');
  const seen = await stat(world.statePath(`batches/openai_${id}.json`));
  await world.loom('fetch');
  expect((await stat(world.statePath(`batches/openai_${id}.json`))).ino).toBe(seen.ino);
});

test('a run of forty parts looks at what is there once, and not once a part', async () => {
  await world.write('old.csv', 'id,text\n1,Hello\n');
  const old = await world.submit('-f', 'old.csv', '-c', 'text');
  const rows = Array.from({ length: 40 }, (_, row) => `${row},Word ${row}\n`).join('');
  await world.write('forty.csv', `id,text\n${rows}`);
  const flags = ['-f', 'forty.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--batch-size', '1'];
  const opens = await countOpens(() => world.loom('run', ...flags));
  expect(world.openai.batches).toHaveLength(41);
  // By the sweep, and once more under the lock of the work.
  expect(opens.get(world.statePath(`batches/openai_${old}.json`))).toBe(2);
});
