/** At 80 columns no id is cut, and a list keeps provider and model, whatever the names are. */
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { ListedBatch } from '../../../src/api/list-batches.ts';
import { describeWatch } from '../../../src/cli/fetch/wait-view.ts';
import { screenColumns } from '../../../src/cli/list/batch-columns.ts';
import { printTable } from '../../../src/cli/terminal/table.ts';
import { createTerminal } from '../../../src/cli/terminal/terminal.ts';

const now = Date.parse('2026-01-11T00:00:00Z');

const ids = {
  openai: 'batch_68e5a1b2c3d4e5f60718293a4b5c6d7e',
  anthropic: 'msgbatch_01HkcTjaV5uDC8jWR4ZsDv8d',
  google: 'batches/gqz0cbqbuphbbsfbuyisvxn0kpvrynpfggtk',
  alibaba: 'batch_3f2504e0-4f89-41d3-9a0c-0305e82c3301',
} as const;

const models = {
  openai: 'ft:gpt-4.1-mini-2025-04-14:a-company:reviews:BxYz1234',
  anthropic: 'claude-haiku-4-5-20251001',
  google: 'gemini-2.5-flash-lite-preview-09-2025',
  alibaba: 'qwen3-235b-a22b-instruct-2507',
} as const;

type Provider = keyof typeof ids;

function batchOf(provider: Provider, others: Partial<ListedBatch> = {}): ListedBatch {
  return {
    ...{ provider, batchId: ids[provider], model: models[provider], jobId: 'job_20260101000000_abcdef' },
    ...{ part: 12, parts: 40, status: 'in_progress', createdAt: '2026-01-01T00:00:00.000Z' },
    ...{ inputPath: '/data/all-the-reviews-of-last-year.csv', isFromStdin: false, isInDoubt: false },
    counts: { total: 100_000, succeeded: 99_000, failed: 1_000 },
    isStuck: true,
    ...others,
  } as ListedBatch;
}

/** What a list prints at a terminal of 80 columns. */
async function listAt80(batches: readonly ListedBatch[]): Promise<string[]> {
  let text = '';
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const tty = Object.assign(stream, { isTTY: true, columns: 80 }) as unknown as NodeJS.WriteStream;
  const terminal = createTerminal({
    ...{ stdin: { isTTY: true } as NodeJS.ReadStream, stdout: tty, stderr: tty },
    ...{ environment: { NO_COLOR: '1' }, signal: new AbortController().signal },
    voice: { quiet: false, verbose: false, json: false },
  });
  await printTable(screenColumns(batches, now), terminal);
  await terminal.settle();
  return text.trimEnd().split('\n');
}

describe.each([
  ...(Object.keys(ids) as Provider[]).map((provider) => [provider]),
  Object.keys(ids) as Provider[],
])('batches of %s %s %s %s', (...providers: (Provider | undefined)[]) => {
  const named = providers.filter((provider) => provider !== undefined);

  test.each([
    ['that run', { isStuck: false }],
    ['that are stuck', {}],
    ['that are short of results', { isStuck: false, status: 'completed', missing: 1234 }],
  ] as const)('%s are listed with id, provider and model', async (_, others) => {
    const lines = await listAt80(named.map((provider) => batchOf(provider, others)));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines[0]).toMatch(/^batch_id +provider +model +status\b/);
    for (const [row, provider] of named.entries()) {
      const [id, name, model, status] = (lines[row + 1] ?? '').split(/ {2,}/);
      expect([id, name]).toEqual([ids[provider], provider]);
      expect(models[provider].startsWith(model?.replace(/…$/, '') as string)).toBe(true);
      expect((model ?? '').length).toBeGreaterThanOrEqual(10);
      expect(status).toMatch(/^(in_progres|completed)/);
    }
  });

  test('are waited for with their whole ids', () => {
    const watch = { batches: named.map((provider) => batchOf(provider)), pending: named.length, total: 4 };
    const goOn = `loom fetch --id ${ids.google}`;
    const lines = describeWatch(watch, { columns: 80, rows: 24 }, goOn, now);
    expect(lines.filter((line) => line.length > 79)).toEqual([]);
    expect(lines.slice(0, -1).map((line) => line.split(/ {2,}/).at(-1))).toEqual(
      named.map((provider) => ids[provider]),
    );
    expect(lines.at(-1)).toMatch(/^Waiting: \d of 4 batches (is|are) pending\. Ctrl\+C ends the wait\.$/);
  });
});

test('the time goes first where a wait has no room, then how many failed', () => {
  const lineAt = (columns: number) =>
    describeWatch(
      { batches: [batchOf('anthropic')], pending: 1, total: 1 },
      { columns, rows: 24 },
      'loom fetch',
      now,
    )[0];
  const [status, count, id] = ['in_progress (stuck)', '100000/100000', ids.anthropic];
  expect(lineAt(120)).toBe(`${status}  ${count}  1000 failed  240:00:00  ${id}`);
  expect(lineAt(84)).toBe(`${status}  ${count}  1000 failed  ${id}`);
  expect(lineAt(80)).toBe(`${status}  ${count}  ${id}`);
  expect(lineAt(56)).toBe(`${status}  ${id}`);
});
