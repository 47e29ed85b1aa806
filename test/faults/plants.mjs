/**
 * Files of somebody else, planted wherever loom has its own: in every folder of the home and of the cache, and beside
 * the output. They are old, and some are called nearly as loom's own are.
 */
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const inHome = [
  'notes.md',
  'archive/2023.json',
  'batches/b.tmp',
  'batches/list of batches.txt',
  'jobs/a.tmp',
  'jobs/README',
  'requests/a.tmp',
  'requests/job_20240101000000_ab_plan.txt',
  'requests/prompts.jsonl',
  'results/experiment1.jsonl',
  'results/2024/deep.jsonl',
  'results/live_abc_notes.txt',
  'results/sync_0a1b.parquet',
  'inputs/data.csv',
  'locks/x.tmp',
  'locks/notes',
  'history/notes.txt',
  'history/2023.csv',
  'cache/model.bin',
  'cache/tmp/model.tmp',
  'cache/tmp/session.tmp',
];

const inFolder = [
  '.rows.swp',
  'rows.tmp',
  'answers.jsonl.bak',
  'results/experiment1.jsonl',
  'tmp/session.tmp',
];

const beside = ['.tmp', '.bak', '.part', '.old.errors.jsonl'];

const age = 40 * 24 * 3600_000;

/** Plants them; gives their paths and contents. `output`: the name beside which some stand. */
export async function plantForeignFiles({ home, folder, output }) {
  const paths = [
    ...inHome.map((name) => join(home, name)),
    ...[...inFolder, ...beside.map((end) => `${output}${end}`)].map((name) => join(folder, name)),
  ];
  const old = new Date(Date.now() - age);
  const plants = new Map();
  for (const path of paths) {
    const content = `{"mine": "${path.length}"}\n`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    await utimes(path, old, old);
    plants.set(path, content);
  }
  return plants;
}

/** Those that are gone or changed. */
export async function findTouched(plants) {
  const touched = [];
  for (const [path, content] of plants) {
    if ((await readFile(path, 'utf8').catch(() => undefined)) !== content) touched.push(path);
  }
  return touched;
}
