/** Whose a folder is: marks of homes and caches, and what is taken over without one. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LoomHome, loomHome } from '../../src/storage/home.ts';
import { checkCache, checkHome, ensureCache, ensureHome } from '../../src/storage/marks.ts';
import { makePipe } from '../make-pipe.ts';

let folder: string;
let home: LoomHome;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-marks-'));
  home = openHome();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function openHome(sandbox = false): LoomHome {
  return loomHome({ sandbox, variables: { LOOM_HOME: join(folder, 'home') }, workingFolder: folder });
}

function put(name: string, content = 'mine\n'): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const entry = JSON.stringify({ provider: 'openai', model: 'm', response: 'Yes', created_at: '2026-01-01' });
const record = JSON.stringify({ batch_id: 'batch_1', provider: 'openai', model: 'm' }, null, 2);
const hex = (length: number) => 'a0'.repeat(length / 2);
const jobId = 'job_20260101000000_a0b1c2';

describe('a home', () => {
  test('is marked when it is made: for people, and with the version of its format', () => {
    ensureHome(home);
    expect(readdirSync(home.root)).toEqual(['loom-home.json']);
    expect(JSON.parse(readFileSync(join(home.root, 'loom-home.json'), 'utf8'))).toEqual({
      version: 1,
      about: expect.stringMatching(/^The state of loom-batch: /),
    });
  });

  test('is not made by a look at it', () => {
    checkHome(home);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('of rehearsals has the mark of the home that it is in', () => {
    ensureHome(openHome(true));
    expect(readdirSync(folder, { recursive: true })).toEqual(['home', join('home', 'loom-home.json')]);
  });

  test.each([
    ['of a batch', `batches/openai_batch_1.json`, record],
    ['of the Python tool', 'batches/anthropic_msgbatch_1.json', record],
    ['of a record that was cut short', 'batches/openai_batch_1.json', record.slice(0, -5)],
    ['of a job', `jobs/${jobId}.json`, '{}'],
    ['of requests', `requests/${jobId}_1.jsonl`, '{}'],
    ['of a live run', `results/live_${hex(24)}.jsonl`, ''],
    ['of a lock', `locks/${jobId}.1.lock`, 'released\n'],
    ['of an output', `history/${hex(32)}.json`, '{"version":1,"output_path":"/data.csv"}'],
    ['of a cached answer', `cache/${hex(64)}.json`, entry],
    ['of packed answers', `cache/packs/answers_20260101000000000_${hex(16)}.pack`, ''],
    ['of a rehearsal', `sandbox/cache/${hex(64)}.json`, entry],
  ])(
    'without a mark is known by the file %s, and taken over with the files of others',
    (_, name, content) => {
      put(`home/${name}`, content);
      put('home/notes.txt');
      checkHome(home);
      expect(readdirSync(home.root)).not.toContain('loom-home.json');
      ensureHome(home);
      expect(readdirSync(home.root)).toContain('loom-home.json');
      expect(readFileSync(join(home.root, 'notes.txt'), 'utf8')).toBe('mine\n');
    },
  );

  test.each([
    ['a file', ['notes.txt'], 'notes.txt'],
    [
      'a project',
      ['package.json', 'src/index.js', 'a.txt', 'data.csv'],
      'a.txt, data.csv, package.json and 1 more',
    ],
    ['a file far below', ['src/deep/er/file.txt'], 'src'],
    [
      'names that are like ours',
      ['results/openai_gpt4.jsonl', 'jobs/job.json', 'batches/openai_notes.json', 'locks/build.1.lock'],
      'batches, jobs, locks and 1 more',
    ],
    [
      'content-addressed files',
      [`cache/${hex(64)}.json`, `history/${hex(32)}.json`, `inputs/${hex(64)}.csv`],
      'cache, history, inputs',
    ],
  ])('is no folder that holds %s', (_, names, told) => {
    for (const name of names) put(`home/${name}`, '{"mine": true}\n');
    for (const use of [checkHome, ensureHome]) {
      expect(() => use(home)).toThrow(
        expect.objectContaining({
          kind: 'state',
          message: `the folder ${home.root} that LOOM_HOME names is not a home of loom, and is not empty: it holds ${told}.`,
          hint: `Name an empty folder, or one that is not there yet, such as ${join(home.root, '.loom')}.`,
        }),
      );
    }
    expect(readdirSync(home.root)).not.toContain('loom-home.json');
  });

  test('may be a folder that holds no file, or only what systems put there', () => {
    mkdirSync(join(home.root, 'lost+found'), { recursive: true });
    mkdirSync(join(home.root, 'answers', 'of', 'january'), { recursive: true });
    put('home/.DS_Store');
    ensureHome(home);
    expect(readdirSync(home.root)).toContain('loom-home.json');
  });

  test('that bears our name, ~/.loom, is ours whatever it holds', () => {
    const usual = { ...home, isNamed: false };
    put('home/notes.txt');
    ensureHome(usual);
    expect(readdirSync(home.root)).toEqual(['loom-home.json', 'notes.txt']);
  });

  test('of a newer format is not touched', () => {
    put('home/loom-home.json', '{"version": 2}');
    const error = {
      message: `the folder ${home.root} was made by a newer version of loom (format 2).`,
      hint: 'Update loom-batch, or name another folder.',
    };
    for (const use of [checkHome, ensureHome])
      expect(() => use(home)).toThrow(expect.objectContaining(error));
    expect(readFileSync(join(home.root, 'loom-home.json'), 'utf8')).toBe('{"version": 2}');
  });

  test.each(['', '{"vers', 'null', '{"version": "one"}'])(
    'with the mark %j, which is none, is looked at anew',
    (text) => {
      put('home/loom-home.json', text);
      ensureHome(home);
      expect(JSON.parse(readFileSync(join(home.root, 'loom-home.json'), 'utf8'))).toMatchObject({
        version: 1,
      });
      put('home/loom-home.json', text);
      put('home/notes.txt');
      expect(() => checkHome(home)).toThrow('it holds notes.txt.');
    },
  );

  test.skipIf(process.platform === 'win32')('whose mark is a folder or a pipe is an error, at once', () => {
    mkdirSync(join(home.root, 'loom-home.json'), { recursive: true });
    expect(() => checkHome(home)).toThrow(`can't read ${join(home.root, 'loom-home.json')}: it is a folder.`);
    rmSync(join(home.root, 'loom-home.json'), { recursive: true });
    makePipe(join(home.root, 'loom-home.json'));
    expect(() => checkHome(home)).toThrow('it is a pipe, not a file.');
  });
});

describe('a cache', () => {
  const cache = () => join(folder, 'answers');

  test('is marked when it is made', () => {
    ensureCache(cache());
    expect(readdirSync(cache())).toEqual(['loom-cache.json']);
    expect(readFileSync(join(cache(), 'loom-cache.json'), 'utf8')).toContain(
      'Answers that loom-batch has paid for.',
    );
  });

  test('of a home, and of rehearsals, needs no mark of its own', () => {
    ensureHome(home);
    for (const path of [home.cache, openHome(true).cache]) {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'notes.txt'), 'mine');
      ensureCache(path);
      expect(readdirSync(path)).toEqual(['notes.txt']);
    }
    ensureCache(cache());
    put('answers/sandbox/notes.txt');
    ensureCache(join(cache(), 'sandbox'));
    expect(readdirSync(join(cache(), 'sandbox'))).toEqual(['notes.txt']);
  });

  test('without a mark is known by an answer, and taken over with the files of others', () => {
    put('answers/notes.txt');
    put(`answers/${hex(64)}.json`, '{}');
    put(`answers/${'b1'.repeat(32)}.json`, entry);
    ensureCache(cache());
    expect(readdirSync(cache())).toContain('loom-cache.json');
  });

  test.each([['tmp/session.tmp'], [`${hex(64)}.json`], ['data.csv'], ['sandbox/data.csv']])(
    'is no folder that holds %s and no answer',
    (name) => {
      put(`answers/${name}`, '{"mine": true}');
      for (const use of [checkCache, ensureCache]) {
        expect(() => use(cache())).toThrow(
          expect.objectContaining({
            message: `the cache folder ${cache()} is not a cache of loom, and is not empty: it holds ${name.split('/')[0]}.`,
            hint: `Give cacheDir or LOOM_CACHE_DIR an empty folder, or one that is not there yet, such as ${join(cache(), 'loom-cache')}.`,
          }),
        );
      }
    },
  );
});
