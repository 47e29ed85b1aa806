/** State on whatever store it lies: a home in memory is one as good as a home on a disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { BatchRecord, RowResult } from '../../src/core/models.ts';
import { type JobRecord, loadJobs, saveJob } from '../../src/state/jobs.ts';
import { type AskedRow, isSpentJournal, openJournal, readKeptLines } from '../../src/state/journal.ts';
import { loadRecord, readCustomIds, readIdMap, saveRecord, updateRecord } from '../../src/state/records.ts';
import { indexResults, keepResults } from '../../src/state/results.ts';
import { findJob, isPending, loadState, removeJob } from '../../src/state/stored-jobs.ts';
import { openDiskStore } from '../../src/storage/disk-store.ts';
import { type LoomHome, loomHome } from '../../src/storage/home.ts';
import { tryLock } from '../../src/storage/locks.ts';
import type { Store } from '../../src/storage/store.ts';
import { createMemoryStore } from '../storage/memory-store.ts';

function openFolder(): Store {
  const folder = mkdtempSync(join(tmpdir(), 'loom-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return openDiskStore(folder);
}

const record: BatchRecord = {
  batch_id: 'batch_1',
  provider: 'openai',
  model: 'm',
  original_file_path: '/data.csv',
  file_type: 'csv',
  prompt_column: 'text',
  created_at: '2026-01-01T00:00:00.000Z',
  status: 'in_progress',
  with_meta: false,
  job_id: 'job_1',
};

const job: JobRecord = {
  ...{ version: 1, job_id: 'job_1', created_at: record.created_at, provider: 'openai', model: 'm' },
  ...{ original_file_path: '/data.csv', file_type: 'csv', prompt_column: 'text', input_sha256: '0' },
  ...{ rows: 1, blank_rows: 0, cached_rows: 0, output_path: '/out.csv', with_meta: false, with_error: false },
  ...{ use_cache: true, base_url: null, announced: true, state: 'pending' },
  parts: [{ part: 1, state: 'submitted', tag: 't', requests: 1, bytes: 9, batch_id: 'batch_1' }],
};

describe.each([
  ['a disk', openFolder],
  ['memory', createMemoryStore],
] as const)('in %s', (_, open) => {
  let home: LoomHome;
  beforeEach(() => {
    const stores = {
      batches: open(),
      jobs: open(),
      results: open(),
      locks: open(),
      history: open(),
      refusals: open(),
    };
    home = { ...loomHome({ variables: {}, workingFolder: '/' }), ...stores };
  });

  test('a job with its record is found, changed and removed', async () => {
    await saveJob(home, structuredClone(job));
    await saveRecord(home, record, ['    "row-0-é": "0"']);
    const stored = findJob(await loadState(home), 'batch_1');
    expect([stored.id, isPending(stored), stored.records]).toEqual(['batch_1', true, [record]]);
    expect((await loadJobs(home.jobs)).jobs).toEqual([job]);

    const loaded = (await loadRecord(home.batches, 'openai', 'batch_1')) as BatchRecord;
    await updateRecord(home, Object.assign(loaded, { status: 'completed', last_error: 'x'.repeat(1_000) }));
    expect(await loadRecord(home.batches, 'openai', 'batch_1')).toEqual(loaded);
    expect(await readIdMap(home.batches, loaded)).toEqual({ 'row-0-é': '0' });
    expect(await collect(readCustomIds(home.batches, loaded))).toEqual(['row-0-é']);

    await removeJob(home, stored);
    expect(await loadState(home)).toMatchObject({ jobs: [], abandoned: [], damaged: [] });
  });

  test('a record that the Python tool wrote keeps its ids when it is written anew', async () => {
    const { job_id: _, ...theirs } = record;
    const idMap = { 'a "quoted" id': '0', b: '1' };
    await home.batches.write('openai_batch_1.json', JSON.stringify({ id_map: idMap, ...theirs }));
    const loaded = (await loadRecord(home.batches, 'openai', 'batch_1')) as BatchRecord;
    await updateRecord(home, Object.assign(loaded, { counts: { total: 2 } }));
    expect(await readIdMap(home.batches, loaded)).toEqual(idMap);
    expect(await collect(readCustomIds(home.batches, loaded))).toEqual(Object.keys(idMap));
    expect(await loadRecord(home.batches, 'openai', 'batch_1')).toEqual({ ...theirs, counts: { total: 2 } });
  });

  test('what can’t be read is told of by its name', async () => {
    await home.batches.write('openai_batch_1.json', '{"batch_id": "batch_1", ');
    await home.jobs.write('job_1.json', '');
    const { damaged } = await loadState(home);
    expect(damaged).toEqual([
      {
        path: home.batches.locate('openai_batch_1.json'),
        reason: 'it is cut short, or not JSON',
        batchIds: ['batch_1'],
        mend: 'adopt',
      },
      { path: home.jobs.locate('job_1.json'), reason: 'it is empty', batchIds: [], mend: 'records' },
    ]);
  });

  test('results are kept and found by row, and a journal is gone on from', async () => {
    const result: RowResult = { customId: 'row-0', outcome: 'succeeded', text: 'Yes' };
    const ofRow = { slotOf: () => 0, isTrusted: true };
    await keepResults(home, 'openai_batch_1.jsonl', asyncOf(result), ofRow);
    const index = await indexResults(home.results, ['openai_batch_1.jsonl'], () => 0);
    expect(index.get(0)).toEqual({ result, file: 0 });
    await index.close();

    const row: AskedRow = { slot: 0, customId: 'row-0', digest: Buffer.alloc(32) };
    const first = await openJournal(home.results, 'one.jsonl', []);
    await first.add(row, result);
    await first.close();
    const second = await openJournal(home.results, 'two.jsonl', ['one.jsonl']);
    for await (const place of readKeptLines(home.results, ['one.jsonl'])) second.adopt(row, place);
    expect(second.get(row)).toEqual(result);
    await second.close();
    expect(await isSpentJournal(home.results, 'one.jsonl')).toBe(false);
  });

  test('a lock is one process’s, until it is released', async () => {
    const lock = await tryLock(home.locks, 'job_1');
    expect(await tryLock(home.locks, 'job_1')).toBeUndefined();
    await lock?.ensureHeld();
    await lock?.release();
    await (await tryLock(home.locks, 'job_1'))?.forget();
    expect(await home.locks.list('')).toEqual([]);
  });
});

async function collect(lists: AsyncIterable<readonly string[]>): Promise<string[]> {
  const all: string[] = [];
  for await (const items of lists) all.push(...items);
  return all;
}

async function* asyncOf(result: RowResult): AsyncGenerator<readonly RowResult[]> {
  yield [result];
}
