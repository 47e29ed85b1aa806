/** What stands on a terminal while batches are waited for, and what is said where there is none. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { describeWatch, startWaitView } from '../../../src/cli/fetch/wait-view.ts';
import type { Terminal } from '../../../src/cli/terminal/terminal.ts';
import type { ListedBatch } from '../../../src/orchestrator/batch/list/list-batches.ts';

const now = Date.parse('2026-11-22T12:44:11.000Z');

function batch(fields: Partial<ListedBatch>): ListedBatch {
  return {
    batchId: 'batch_1a2034c61a40004eaf19c',
    jobId: 'job_20261122124411_699fdf',
    provider: 'openai',
    model: 'm',
    status: 'in_progress',
    createdAt: '2026-11-22T12:31:39.500Z',
    inputPath: '/data.csv',
    isFromStdin: false,
    outputPath: undefined,
    counts: undefined,
    lastError: undefined,
    missing: undefined,
    isStuck: false,
    isInDoubt: false,
    part: 1,
    parts: 1,
    ...fields,
  };
}

const watch = {
  batches: [
    batch({ counts: { total: 1000, succeeded: 338, failed: 2 } }),
    batch({
      batchId: 'msgbatch_2',
      counts: { total: 50 },
      isStuck: true,
      createdAt: '2026-11-21T05:44:11.000Z',
    }),
    batch({ batchId: undefined, status: 'queued', part: 3, parts: 3 }),
    batch({ batchId: 'batch_4', status: 'completed', counts: { total: 10, succeeded: 10, failed: 0 } }),
  ],
  pending: 3,
  total: 7,
};

test('a line for each batch: status, rows done, rows failed, time since the submission, id', () => {
  expect(describeWatch(watch, { columns: 100, rows: 24 }, 'loom fetch --sandbox', now)).toEqual([
    'in_progress          340/1000  2 failed  0:12:32   batch_1a2034c61a40004eaf19c',
    'in_progress (stuck)  ?/50                31:00:00  msgbatch_2',
    'queued                                   0:12:32   job_20261122124411_699fdf/3',
    'completed            10/10               0:12:32   batch_4',
    'Waiting: 3 of 7 batches are pending. Ctrl+C ends the wait; loom fetch --sandbox goes on from there.',
  ]);
});

test('no line is as wide as the terminal, and no more of them are than fit with room for the cursor', () => {
  const lines = describeWatch(watch, { columns: 60, rows: 6 }, 'loom fetch --sandbox', now);
  expect(lines).toEqual([
    'in_progress          340/1000  batch_1a2034c61a40004eaf19c',
    'in_progress (stuck)  ?/50      msgbatch_2',
    '… and 2 more: 1 queued, 1 completed',
    'Waiting: 3 of 7 batches are pending. Ctrl+C ends the wait.',
  ]);
  for (const rows of [1, 2, 3, 4])
    expect(
      describeWatch(watch, { columns: 20, rows }, 'loom fetch --sandbox', now).length,
    ).toBeLessThanOrEqual(3);
});

test('a time that can not be read leaves the age open', () => {
  const batches = [batch({ batchId: 'batch_5', createdAt: 'yesterday' })];
  const [line] = describeWatch({ ...watch, batches }, { columns: 80, rows: 24 }, 'loom fetch', now);
  expect(line).toBe('in_progress  -  batch_5');
});

test('with nothing to show there is no line', () => {
  expect(
    describeWatch({ batches: [], pending: 0, total: 1 }, { columns: 80, rows: 24 }, 'loom fetch', now),
  ).toEqual([]);
});

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('without a terminal there is a sign of life every five minutes, and none after the end', () => {
  const notes: string[] = [];
  const terminal = { drawsBars: false, note: (line: string) => notes.push(line), redrawPinned() {} };
  const view = startWaitView(terminal as unknown as Terminal, 'loom fetch');
  view.update(watch);
  vi.advanceTimersByTime(299_000);
  expect(notes).toEqual([]);
  vi.advanceTimersByTime(301_000);
  expect(notes).toEqual(Array(2).fill('Waiting: 3 of 7 batches are pending.'));
  view.stop();
  vi.advanceTimersByTime(3_600_000);
  expect(notes).toHaveLength(2);
});
