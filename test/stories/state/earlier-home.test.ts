/** What a home of version 0.1.0 holds, jobs, records, requests, results, inputs, history, journals and cache, is gone on with. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rename, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { answerLine, type DoubleBatch } from '../worlds/openai-double.ts';
import { runArgs, useOpenAiWorld } from '../worlds/openai-world.ts';

const recorded = new URL('../../data/home-0.1.0/', import.meta.url).pathname;
/** Of the outputs that it wrote. */
const writtenAt = new Date(1795859176000);
const name = ['--server-name', 'recorded'];

const { world } = useOpenAiWorld();

beforeEach(async () => {
  const places = { home: world.statePath(''), work: world.folder };
  for (const [part, place] of Object.entries(places)) {
    for (const path of await listFiles(join(recorded, part))) {
      const text = (await readFile(path, 'utf8')).replaceAll('{work}', world.folder);
      const target = join(place, relative(join(recorded, part), path));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, text.replaceAll('{home}', world.statePath('.')));
      await utimes(target, writtenAt, writtenAt);
    }
  }
  // An entry is named by the path of its output.
  for (const path of await listFiles(world.statePath('history'))) {
    const { output_path: output } = JSON.parse(await readFile(path, 'utf8'));
    const digest = createHash('sha256').update(await realpath(output));
    await rename(path, join(dirname(path), `${digest.digest('hex').slice(0, 32)}.json`));
  }
  const batches: DoubleBatch[] = JSON.parse(await readFile(join(recorded, 'provider.json'), 'utf8'));
  world.openai.batches.push(...batches);
});

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function completeAll(): void {
  for (const batch of world.openai.batches) batch.status = 'completed';
}

test('its batches are listed as they stand', async () => {
  const { stdout } = await world.loom('list');
  const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(rows.map(([id, , , status, , file, job]) => [id, status, file, job].join(' '))).toEqual([
    'batch_id status file job',
    'batch_008 validating cancelled.csv -',
    'batch_007 validating stdin -',
    'batch_005 in_progress queued.csv job_20261128094625_fd49f9 1/2',
    '- queued queued.csv job_20261128094625_fd49f9 2/2',
    'batch_003 completed parts.csv job_20261128094621_5f7959 1/2',
    'batch_004 in_progress parts.csv job_20261128094621_5f7959 2/2',
    'batch_002 in_progress data.csv -',
    'batch_001 completed kept.csv -',
    '   ',
  ]);
});

test('its jobs are fetched, parts that wait are sent, and nothing of them is left', async () => {
  completeAll();
  // What waits was uploaded already.
  world.openai.onCreate = (batch) => {
    const [line] = world.openai.batches.find(({ id }) => id === 'batch_006')?.lines ?? [];
    batch.output = answerLine(line?.custom_id ?? '', 'Answer to Waits');
  };
  const { code, stdout } = await world.loom('fetch');
  expect(code).toBe(0);
  expect(stdout.match(/Batch submitted\. id=\S+/g)).toEqual(['Batch submitted. id=batch_009']);
  const outputs = ['data', 'parts', 'queued', 'cancelled'].map((file) => `${file}_results_openai_m.csv`);
  expect(await Promise.all([...outputs, 'piped.csv'].map((file) => world.read(file)))).toEqual([
    'id,text,llm_response\n1,Hello,Answer to Hello\n2,World,Answer to World\n',
    'id,text,llm_response\n1,One,Answer to One\n2,Two,Answer to Two\n',
    'id,text,llm_response\n1,Sent,Answer to Sent\n2,Waits,Answer to Waits\n',
    'id,text,llm_response\n1,Cancelled,Answer to Cancelled\n',
    'id,text,llm_response\n1,Piped,Answer to Piped\n',
  ]);
  const left = (await world.listState()).filter((file) => /^(?:jobs|batches|requests|inputs)\//.test(file));
  expect(left).toEqual(['batches/openai_batch_001.json', 'jobs/job_20261128094612_541e55.json']);
});

test('its jobs are cancelled and forgotten', async () => {
  expect(await world.loom('cancel', '--id', 'batch_008', '--yes')).toMatchObject({ code: 0 });
  expect(world.openai.batches.find(({ id }) => id === 'batch_008')?.status).toBe('cancelling');
  const ids = ['job_20261128094625_fd49f9', 'batch_004', 'batch_001'].flatMap((id) => ['--id', id]);
  expect(await world.loom('forget', ...ids, '--yes')).toMatchObject({ code: 0 });
  const left = (await world.listState()).filter((file) => /^(?:jobs|batches)\//.test(file));
  expect(left).toEqual([
    'batches/openai_batch_002.json',
    'batches/openai_batch_007.json',
    'batches/openai_batch_008.json',
    'jobs/job_20261128094618_a3ebfe.json',
    'jobs/job_20261128094641_e441a8.json',
    'jobs/job_20261128094651_c3f142.json',
  ]);
});

test('the output that it kept is written anew, and reported', async () => {
  const output = 'kept_results_openai_m.csv';
  expect(await world.loom('report', 'batch_001', '-o', 'report.html')).toMatchObject({ code: 0 });
  expect(await world.read('report.html')).toContain('job_20261128094612_541e55');
  await writeFile(join(world.folder, output), '');
  expect(await world.loom('fetch', '--id', 'batch_001', '--force')).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe('id,text,llm_response\n1,Kept,Answer to Kept\n2,,\n');
});

test('its cache answers, and its journal is gone on from', async () => {
  const live = ['-f', 'live.csv', '-c', 'text', '--sync', '--force', ...name];
  expect(await world.run(...live)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 cache hits'),
  });

  const cut = runArgs('-f', 'cut.csv', '-c', 'text', '--sync', '--no-cache', ...name);
  // A run is named by the place of its input, which is another one here: its lock tells how.
  const earlier = new Set(await readdir(world.statePath('locks')));
  let run = '';
  world.openai.override = async () => {
    const locks = await readdir(world.statePath('locks'));
    run = locks.find((lock) => /^sync_/.test(lock) && !earlier.has(lock)) ?? '';
    return { status: 401, body: { error: { message: 'no', code: 'invalid_api_key' } } };
  };
  await world.loom(...cut);
  const [journal = ''] = (await readdir(world.statePath('results'))).filter((file) => /^sync_/.test(file));
  const place = journal.replace(/^[^.]+/, run.split('.')[0] ?? '');
  await rename(world.statePath(`results/${journal}`), world.statePath(`results/${place}`));
  const asked: string[] = [];
  world.openai.override = ({ body }) => {
    asked.push(JSON.parse(body).messages[0].content);
    return {
      body: {
        choices: [{ index: 0, message: { role: 'assistant', content: 'Yes' }, finish_reason: 'stop' }],
      },
    };
  };
  expect(await world.loom(...cut)).toMatchObject({ code: 0 });
  expect(asked).toEqual(['Refused']);
  expect(await world.read('cut_results_openai_m.csv')).toBe(
    'id,text,llm_response\n1,Paid,Answer to Paid\n2,Refused,Yes\n',
  );
});
