/** What a sweep takes away, and what it leaves alone: files of others, and answers that were paid for. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sweepHome } from '../../../src/orchestrator/sweep/sweep-home.ts';
import { historyVersion } from '../../../src/state/history.ts';
import type { JobRecord } from '../../../src/state/jobs.ts';
import { type LoomHome, loomHome } from '../../../src/storage/home.ts';
import { ensureHome } from '../../../src/storage/marks.ts';
import { makePipe } from '../../make-pipe.ts';

let folder: string;
let home: LoomHome;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-sweep-'));
  home = loomHome({ variables: { LOOM_HOME: join(folder, 'home') }, workingFolder: folder });
  ensureHome(home);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const days = 24 * 60 * 60_000;
const longAgo = new Date(Date.now() - 400 * days);

/** Writes a file of the home that nobody has touched for a year. */
function put(name: string, content = ''): string {
  const path = join(home.root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  utimesSync(path, longAgo, longAgo);
  return path;
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

const hex = (length: number) => 'a0'.repeat(length / 2);
const jobId = 'job_20260101000000_a0b1c2';
const result = '{"custom_id":"row-0-0a","outcome":"succeeded","text":"An answer"}\n';

describe('a sweep leaves alone', () => {
  const foreign = Object.entries({
    results: `experiment.jsonl 2024/deep.jsonl live_abc_notes.txt answers.jsonl sync_0a1b.parquet live_${hex(24)}.jsonl.bak my_live_${hex(24)}.jsonl openai_comparison.jsonl ${hex(12)}.tmp .hidden.tmp .notes.${hex(12)}.tmp`,
    requests: `a.tmp job_20240101000000_ab_plan.txt ${jobId}_notes.md ${jobId}_1.jsonl.gz`,
    history: `notes.json index.json 2023.json ${hex(32)}.json ${hex(32)}.txt`,
    inputs: `data.csv ${hex(64)}.html ${hex(64)}.csv.bak x${hex(16)}.part`,
    locks: `my_tool.1.lock build.1.lock x.tmp yarn.lock job_x.1.lock ${jobId}.lock`,
    jobs: `a.tmp job.json.tmp .${jobId}.json.tmp`,
    batches: `b.tmp .b.json.${hex(12)}.tmp`,
    'cache/tmp': `model.tmp 0123.tmp ${hex(16)}.tmp.gz`,
    'cache/packs': `model.pack ${hex(16)}.tmp answers_20260101000000000_${hex(16)}.pack`,
    '': `session.tmp`,
    tmp: `upload.tmp`,
  }).flatMap(([within, names]) => names.split(' ').map((name) => join(within, name)));

  test.each(foreign)('%s', async (name) => {
    for (const part of ['batches', 'jobs']) mkdirSync(join(home.root, part), { recursive: true });
    const path = put(name, '{"mine": true}\n');
    await sweepHome(home);
    expect(isThere(path)).toBe(true);
  });

  test.skipIf(process.platform === 'win32')(
    'links, folders and pipes that are called like files of ours',
    async () => {
      const names = [
        `results/live_${hex(24)}_output`,
        `requests/${jobId}_1.jsonl`,
        `history/${hex(32)}.json`,
        `inputs/${hex(64)}.csv`,
        `jobs/.${jobId}.json.${hex(12)}.tmp`,
        `cache/tmp/${hex(16)}.tmp`,
      ];
      for (const part of ['batches', 'jobs']) mkdirSync(join(home.root, part), { recursive: true });
      const target = join(folder, 'target');
      writeFileSync(target, 'of somebody else');
      utimesSync(target, longAgo, longAgo);
      for (const make of [
        (path: string) => symlinkSync(target, path),
        (path: string) => mkdirSync(path),
        makePipe,
      ]) {
        const paths = names.map((name) => join(home.root, name));
        for (const path of paths) {
          mkdirSync(dirname(path), { recursive: true });
          make(path);
        }
        await sweepHome(home);
        expect(paths.filter((path) => !isThere(path))).toEqual([]);
        for (const path of paths) rmSync(path, { recursive: true });
      }
      expect(isThere(target)).toBe(true);
    },
  );

  test.skipIf(process.platform === 'win32')(
    'what lies in a folder that a link of the home leads to',
    async () => {
      const elsewhere = join(folder, 'elsewhere');
      mkdirSync(elsewhere);
      const path = join(elsewhere, `.${jobId}.json.${hex(12)}.tmp`);
      writeFileSync(path, '');
      utimesSync(path, longAgo, longAgo);
      symlinkSync(elsewhere, home.jobs.locate(''));
      await sweepHome(home);
      expect(isThere(path)).toBe(true);
    },
  );

  test('everything in a folder that is no home, whatever it is called', async () => {
    rmSync(join(home.root, 'loom-home.json'));
    const paths = [
      put('package.json', '{}'),
      put(`cache/tmp/${hex(16)}.tmp`),
      put(`history/${hex(32)}.json`, '{}'),
    ];
    await sweepHome(home);
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
    expect(isThere(join(home.root, 'loom-home.json'))).toBe(false);
  });
});

describe('a sweep never takes by a clock', () => {
  test.each([
    `results/live_${hex(24)}_uncached.jsonl`,
    `results/live_${hex(24)}_uncached.${hex(12)}.jsonl`,
    `results/sync_${hex(24)}.jsonl`,
    `results/sync_${hex(24)}.${hex(12)}.jsonl`,
  ])('the journal %s of a run that was cut off', async (name) => {
    const path = put(name, result);
    await sweepHome(home);
    expect(isThere(path)).toBe(true);
  });

  test('results of a batch that only its job knows', async () => {
    put(`jobs/${jobId}.json`, JSON.stringify(jobWith('batch_1', 'merged')));
    mkdirSync(home.batches.locate(''));
    const path = put('results/openai_batch_1.jsonl', result);
    await sweepHome(home);
    expect(isThere(path)).toBe(true);
  });

  test.each(['batches', 'jobs'])(
    'results of batches while the folder %s is out of sight',
    async (missing) => {
      mkdirSync(join(home.root, missing === 'jobs' ? 'batches' : 'jobs'));
      const path = put('results/openai_batch_1.jsonl', result);
      await sweepHome(home);
      expect(isThere(path)).toBe(true);
    },
  );

  test('results of batches while a record can’t be read', async () => {
    mkdirSync(home.jobs.locate(''));
    put('batches/openai_batch_2.json', '{"batch_id": "batch_2"');
    const path = put('results/openai_batch_1.jsonl', result);
    await sweepHome(home);
    expect(isThere(path)).toBe(true);
  });

  test('requests while the jobs are out of sight', async () => {
    const path = put(`requests/${jobId}_1.jsonl`, '{}');
    await sweepHome(home);
    expect(isThere(path)).toBe(true);
  });
});

describe('a sweep takes away', () => {
  beforeEach(() => {
    for (const path of [home.batches.locate(''), home.jobs.locate('')]) mkdirSync(path, { recursive: true });
  });

  test.each([
    ['the requests of a job that is gone', `requests/${jobId}_1.jsonl`, '{}'],
    ['its id map', `requests/${jobId}_12.ids`, ''],
    ['the answers that it had from the cache', `results/${jobId}_cached.jsonl`, result],
    ['what is known of the files that it attached', `results/${jobId}_files.json`, '{}'],
    [
      'the journal of a dead run whose answers are in the cache',
      `results/live_${hex(24)}.${hex(12)}.jsonl`,
      result,
    ],
    ['what was on its way to stdout', `results/sync_${hex(24)}_output.${hex(12)}`, 'id,llm_response\n'],
    ['its failed rows', `results/live_${hex(24)}_output.errors.jsonl`, '{}\n'],
    ['results of a batch of which record and job were deleted', 'results/openai_batch_1.jsonl', result],
    ['a half of such results', `results/.openai_batch_1.jsonl.${hex(12)}.tmp`, result],
    ['a half of a record', `batches/.anthropic_msgbatch_1.json.${hex(12)}.tmp`, '{'],
    ['a half of a job', `jobs/.${jobId}.json.${hex(12)}.tmp`, '{'],
    ['a half of an entry of the history', `history/.${hex(32)}.json.${hex(12)}.tmp`, '{'],
    ['a half of a refused schema', `refusals/.${hex(32)}.json.${hex(12)}.tmp`, '{'],
    ['a half of a cached answer', `cache/tmp/${hex(16)}.tmp`, '{'],
    ['a half of a pack of them', `cache/tmp/${hex(16)}.tmp`, 'loom answers v1\n'],
    ['an input from stdin that nobody names', `inputs/${hex(64)}.csv`, 'id\n'],
    ['a part of one', `inputs/${hex(16)}.part`, 'id\n'],
    ['the lock of a job that is gone', `locks/${jobId}.3.lock`, 'released\n'],
    ['the lock of a batch of any provider', 'locks/mistral_1a2b3c.2.lock', 'released\n'],
    ['a lock on its way', `locks/${jobId}.3.lock.${hex(12)}.tmp`, '{'],
  ])('%s', async (_, name, content) => {
    const path = put(name, content);
    await sweepHome(home);
    expect(isThere(path)).toBe(false);
  });

  test('a journal whose output is in place', async () => {
    const output = put('../output.csv', 'id\n');
    const mark = `output ${JSON.stringify({ inode: statSync(output).ino, path: output })}\n`;
    const path = put(`results/sync_${hex(24)}.jsonl`, result + mark);
    await sweepHome(home);
    expect(isThere(path)).toBe(false);
  });

  test('the history of an output that is gone, and no entry of another form', async () => {
    const entry = describeOutput(join(folder, 'gone.csv'));
    const path = put(`history/${hex(32)}.json`, JSON.stringify(entry));
    const ofLater = put(
      `history/${'b1'.repeat(16)}.json`,
      JSON.stringify({ ...entry, version: historyVersion + 1 }),
    );
    await sweepHome(home);
    expect([path, ofLater].map(isThere)).toEqual([false, true]);
  });

  test('the same from a home of an older build, which is marked then', async () => {
    rmSync(join(home.root, 'loom-home.json'));
    const path = put(`requests/${jobId}_1.jsonl`, '{}');
    const notes = put('notes.txt', 'mine');
    await sweepHome(home);
    expect([path, notes, join(home.root, 'loom-home.json')].map(isThere)).toEqual([false, true, true]);
  });
});

function jobWith(batchId: string, state: JobRecord['state']): JobRecord {
  return {
    version: 1,
    job_id: jobId,
    created_at: '2026-01-01T00:00:00.000Z',
    provider: 'openai',
    model: 'm',
    original_file_path: join(folder, 'data.csv'),
    file_type: 'csv',
    prompt_column: 'text',
    input_sha256: hex(64),
    rows: 1,
    blank_rows: 0,
    cached_rows: 0,
    output_path: join(folder, 'output.csv'),
    with_meta: false,
    with_error: false,
    use_cache: true,
    base_url: null,
    announced: true,
    state,
    parts: [{ part: 1, state: 'downloaded', tag: 't', requests: 1, bytes: 1, batch_id: batchId }],
  };
}

function describeOutput(path: string): object {
  return {
    ...{ version: historyVersion, output_path: path, output_bytes: 1, output_mtime_ms: 1, input_path: null },
    ...{
      file_type: 'csv',
      prompt_column: null,
      provider: 'openai',
      model: 'm',
      mode: 'live',
      sandbox: false,
    },
    ...{ batch_ids: [], created_at: '', ended_at: '', rows: 1, answered: 1, blank_rows: 0, failed: 0 },
    ...{ cached_rows: 0, failures: [] },
  };
}
