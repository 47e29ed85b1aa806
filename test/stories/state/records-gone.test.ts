/** A job whose records are out of sight goes on from what `jobs/` knows, and what is damaged names what was paid for. */
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Received } from '../worlds/http-server.ts';
import type { OpenAiDouble } from '../worlds/openai-double.ts';
import { data, lastBatch, merged, output, useOpenAiWorld } from '../worlds/openai-world.ts';
import { batchProviders, createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const { world } = useOpenAiWorld();

const restored = (id: string) => `The record of batch ${id} was gone; a new one is made from its job.\n`;

describe('batches/ is deleted', () => {
  describe('at a provider', () => {
    const world = useWorld(() => createSandboxWorld({ turnaroundMs: 0 }));

    test.each(batchProviders)('%s: the fetch goes on from jobs/, and says so once', async (provider) => {
      await world.write('data.csv', data);
      const id = await world.submit('-p', provider);
      await rm(world.statePath('batches'), { recursive: true });
      const ended = await world.loom('fetch');
      expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`Fabric complete. id=${id} `) });
      expect(ended.stderr).toMatch(new RegExp(`^${restored(id)}2 rows: 2 answered\n`));
    });
  });

  test('commands in between forget nothing, and the same run sends nothing', async () => {
    const id = await world.submit();
    await rm(world.statePath('batches'), { recursive: true });
    expect((await world.loom('list')).stdout).toMatch(new RegExp(`^${id} +openai +m +unknown `, 'm'));
    expect(await world.run()).toMatchObject({
      code: 0,
      stdout: `Nothing sent: the same work is pending already as ${id}.\n`,
    });
    await world.loom('fetch', '--id', 'batch_999');
    expect(world.openai.batches).toHaveLength(1);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
    expect(await world.read(output)).toBe(merged);
  });

  test('records that come back later are the same as ever', async () => {
    const id = await world.submitAs('in_progress');
    await rename(world.statePath('batches'), world.statePath('away'));
    expect((await world.loom('fetch')).stderr).toBe(restored(id));
    await rm(world.statePath('batches'), { recursive: true });
    await rename(world.statePath('away'), world.statePath('batches'));
    lastBatch(world.openai).status = 'completed';
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '2 rows: 2 answered\n' });
  });

  test('without the id map that was planned, the input tells which rows were sent', async () => {
    await world.write('data.csv', 'id,text\n1,Hello\n2,Hello\n3,World\n');
    const id = await world.submit('--batch-size', '1').catch(() => 'batch_001');
    for (const name of ['batches', 'requests']) await rm(world.statePath(name), { recursive: true });
    const ended = await world.loom('fetch');
    expect(ended).toMatchObject({
      code: 0,
      stderr: `${restored(id)}${restored('batch_002')}3 rows: 3 answered\n`,
    });
  });

  test('without both it names the batch that is paid for, and stops no other', async () => {
    const id = await world.submit('-o', 'a.csv');
    await rm(world.statePath('requests'), { recursive: true });
    await world.write('other.csv', data);
    const other = await world.submit('-f', 'other.csv', '-c', 'text', '-o', 'b.csv', '--no-cache');
    await rm(world.statePath(`batches/openai_${id}.json`));
    await world.write('data.csv', 'id,text\n1,Hello\n2,Moon\n');
    const told = await world.loom('fetch');
    expect(told).toMatchObject({ code: 1, stdout: world.completion(other, 'b.csv') });
    expect(told.stderr).toMatch(
      new RegExp(
        `Error: batch ${id}: the id map of batch ${id}, which is paid for, is missing \\([^\\n]*\\), and the input [^\\n]*data\\.csv is not the one that was submitted\\. Put one of them back, then run loom fetch\\.\\n`,
      ),
    );
    await world.write('data.csv', data);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id, 'a.csv') });
  });

  test('forget ends such a job, and so does deleting both', async () => {
    const id = await world.submit();
    await rm(world.statePath('batches'), { recursive: true });
    expect(await world.loom('forget', '--id', id, '--yes')).toMatchObject({ code: 0 });
    expect(await world.listLeft()).toEqual([]);
    await world.submit('--no-cache');
    const both = (await world.listState()).filter((name) => /^(batches|jobs)\//.test(name));
    for (const name of both) await rm(world.statePath(name));
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    expect(await world.listLeft()).toEqual([]);
  });
});

test('jobs/ out of sight for one command: what a job answered and has to send is not swept', async () => {
  await world.submit();
  await world.loom('fetch');
  await world.write('data.csv', 'id,text\n1,Hello\n2,Moon\n');
  const id = await world.submitAs('in_progress', '--force', '-o', 'again.csv');
  const before = await world.listLeft();
  await rename(world.statePath('jobs'), world.statePath('away'));
  await world.loom('fetch', '--id', 'batch_999');
  await rename(world.statePath('away'), world.statePath('jobs'));
  expect(await world.listLeft()).toEqual(before);
  lastBatch(world.openai).status = 'completed';
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id, 'again.csv') });
});

describe('jobs/ is deleted after a batch was seen completed', () => {
  test('it is pending until its output is written', async () => {
    const id = await world.submit();
    await world.write(output, 'in the way\n');
    await world.loom('fetch');
    await rm(world.statePath('jobs'), { recursive: true });
    await rm(join(world.folder, output));
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
    expect(await world.read(output)).toBe(merged);
    expect(world.openai.batches).toHaveLength(1);
  });

  test('and no more when it was written, and its record kept', async () => {
    await world.submit();
    await world.loom('fetch', '--keep');
    await rm(world.statePath('jobs'), { recursive: true });
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    expect((await world.loom('list', '--status', 'pending')).stdout).not.toContain('batch_001');
  });
});

describe('results on disk', () => {
  test.each<[string, (path: string) => Promise<unknown>]>([
    ['deleted', (path) => rm(path)],
    ['emptied', (path) => truncate(path, 0)],
    ['cut', (path) => truncate(path, 20)],
    [
      'changed in a letter',
      async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('Answer', 'Answor')),
    ],
  ])('that were %s are downloaded again', async (_, damage) => {
    world.openai.onCreate = (batch) => {
      batch.status = world.openai.batches.length === 1 ? 'completed' : 'in_progress';
    };
    await world.run('--batch-size', '1');
    await world.loom('fetch');
    await damage(world.statePath('results/openai_batch_001.jsonl'));
    lastBatch(world.openai).status = 'completed';
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '2 rows: 2 answered\n' });
    expect(await world.read(output)).toBe(merged);
  });

  test('of an older version, which noted no digest, count when they are all there', async () => {
    world.openai.onCreate = (batch) => {
      batch.status = world.openai.batches.length === 1 ? 'completed' : 'in_progress';
    };
    await world.run('--batch-size', '1');
    await world.loom('fetch');
    await world.changeState<{ parts: { results?: object }[] }>(
      'jobs',
      ({ parts }) => delete parts[0]?.results,
    );
    lastBatch(world.openai).status = 'completed';
    world.takeRequests();
    expect((await world.loom('fetch')).code).toBe(0);
    expect(world.takeRequests().filter((request) => request.endsWith('/content'))).toEqual([
      'GET /v1/files/file-batch_002-output/content',
    ]);
  });
});

test('an id map that is gone when the batch is created is made anew from the input', async () => {
  const losesIds: OpenAiDouble['override'] = (request) =>
    request.method === 'POST' && request.path.endsWith('/batches') ? createWithoutIds(request) : undefined;
  const createWithoutIds = async (request: Received) => {
    const [ids] = (await world.listState()).filter((name) => name.endsWith('.ids')) as [string];
    await rm(world.statePath(ids));
    return world.openai.answer(request);
  };
  world.openai.override = losesIds;
  const id = await world.submit();
  world.openai.override = () => undefined;
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
  expect(await world.read(output)).toBe(merged);
  expect(world.openai.batches).toHaveLength(1);
});

test('an id map that lacks rows names the batch, and what to do', async () => {
  const id = await world.submit();
  const path = `batches/openai_${id}.json`;
  const text = await world.readState(path);
  await world.writeState(path, text.replace(/\n {4}"row-1-[^\n]*/, '').replace('"0",\n', '"0"\n'));
  const told = await world.loom('fetch');
  expect(told).toMatchObject({ code: 1, stdout: '' });
  expect(told.stderr).toBe(
    `Error: batch ${id}: the record of batch ${id} names 1 of the 2 rows that were sent: it is damaged. The batch is at openai and paid for. Move openai_${id}.json away from batches/; the next loom fetch makes a new one from its job.\n`,
  );
  await rename(world.statePath(path), join(world.folder, 'away.json'));
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id) });
});

describe('a damaged file is one line, which names the batch that is paid for, and stops no other', () => {
  test.each([
    [
      'batches',
      'The batch batch_001 is paid for. Repair it, or move it away: the next loom fetch makes a new one from its job.',
    ],
    [
      'jobs',
      'The batch batch_001 is paid for. Repair it, or move it away: the next loom fetch goes on with the records that it has.',
    ],
  ])('in %s/', async (folder, advice) => {
    const id = await world.submit('-o', 'a.csv');
    const [path] = (await world.listState()).filter((name) => name.startsWith(folder)) as [string];
    const other = await world.submit('-o', 'b.csv', '--no-cache');
    await world.writeState(path, (await world.readState(path)).slice(0, 60));
    const told = await world.loom('fetch');
    expect(told).toMatchObject({ code: 1, stdout: world.completion(other, 'b.csv') });
    expect(told.stderr).toMatch(
      /^Warning: can't read [^\n]*: it is cut short, or not JSON\. [^\n]*\n2 rows: 2 answered\n$/,
    );
    expect(told.stderr).toContain(advice);
    const { damaged } = JSON.parse((await world.loom('list', '--output-format', 'json')).stdout);
    expect(damaged).toMatchObject([{ batch_ids: [id] }]);
    await rm(world.statePath(path));
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id, 'a.csv') });
  });
});
