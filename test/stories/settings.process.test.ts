/** The README’s examples of settings, in a shell. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRecordedWorld, type RecordedWorld } from './recorder.ts';
import { fetchUntilDone } from './sandbox-world.ts';

let world: RecordedWorld;

beforeEach(async () => {
  world = await createRecordedWorld();
  await world.write('data.csv', 'id,text\n1,Hello JSON\n');
});

afterEach(() => world.remove());

test('every example of the README on settings runs, and together they have every flag', async () => {
  const readme = await readFile(resolve(import.meta.dirname, '../../README.md'), 'utf8');
  const section = /### Generation settings\n([\s\S]*?)\n### /.exec(readme)?.[1] ?? '';
  const [examples = ''] = [...section.matchAll(/```bash\n([\s\S]*?)```/g)].map(([, block]) => block);
  await world.write('reviews.csv', 'id,text\n1,Good.\n2,"Bad, very bad."\n');
  const rehearsed = await world.shell(`set -e; ${examples.replaceAll('loom run', 'loom run --sandbox')}`);
  expect([rehearsed.code, rehearsed.stdout.match(/^Batch submitted/gm)?.length]).toEqual([
    ...[0, examples.match(/^loom run/gm)?.length],
  ]);
  for (const [, id = ''] of rehearsed.stdout.matchAll(/^Batch submitted\. id=(\S+)/gm)) {
    expect((await fetchUntilDone(world, '--sandbox', '--force', '--id', id)).code).toBe(0);
  }
  const { stdout: help } = await world.loom('run', '--help');
  const flags = /( +--system[\s\S]*)--api-key/.exec(help)?.[1]?.match(/^ +(-t, )?--[\w-]+/gm) ?? [];
  expect(flags.length).toBe(12);
  for (const flag of flags.map((text) => text.trim().replace('-t, ', ''))) expect(examples).toContain(flag);
});
