/** The examples of the page on settings, in a shell. */
import { beforeEach, expect, test } from 'vitest';
import { blocksOf, readPage } from '../../pages.ts';
import { createRecordedWorld } from '../worlds/recorder.ts';
import { fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createRecordedWorld);

beforeEach(async () => {
  await world.write('data.csv', 'id,text\n1,Hello JSON\n');
});

test('every example of the page on settings runs, and together they have every flag', async () => {
  const [examples = ''] = blocksOf(readPage('docs/reference/settings.md'), 'bash');
  await world.write('reviews.csv', 'id,text\n1,Good.\n2,"Bad, very bad."\n');
  const rehearsed = await world.shellHere(`set -e; ${examples.replaceAll('loom run', 'loom run --sandbox')}`);
  expect([rehearsed.code, rehearsed.stdout.match(/^Batch submitted/gm)?.length]).toEqual([
    ...[0, examples.match(/^loom run/gm)?.length],
  ]);
  for (const [, id = ''] of rehearsed.stdout.matchAll(/^Batch submitted\. id=(\S+)/gm)) {
    expect((await fetchUntilDone(world, '--sandbox', '--force', '--id', id)).code).toBe(0);
  }
  const { stdout: help } = await world.loom('run', '--help-all');
  const flags = /( +--system[\s\S]*)--api-key/.exec(help)?.[1]?.match(/^ {2}(-t, )?--[\w-]+/gm) ?? [];
  expect(flags.length).toBe(17);
  for (const flag of flags.map((text) => text.trim().replace('-t, ', ''))) expect(examples).toContain(flag);
});
