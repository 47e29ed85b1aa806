/** The examples of the page on prompts do what they say, typed into a shell as they stand. */
import { expect, test } from 'vitest';
import { blocksOf, readSection } from '../../pages.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

/** The blocks of bash under a heading, in order. */
function examplesUnder(heading: string): string[] {
  return blocksOf(readSection('docs/guide/prompts.md', heading), 'bash');
}

test('prompts from several columns', async () => {
  const [inline = '', fromFile = ''] = examplesUnder('Prompts from several columns');
  const output = 'phrases_results_openai_gpt-4o-mini.csv';
  expect(await world.shellHere(inline)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('(2 prompts, 0 cache hits, 0 errors)'),
  });
  expect(await world.read(output)).toBe(
    [
      'text,language,llm_response',
      'Good morning,French,Sandbox answer from gpt-4o-mini: Translate into French: Good morning',
      'Where is the station?,Japanese,Sandbox answer from gpt-4o-mini: Translate into Japanese: Where is the station?\n',
    ].join('\n'),
  );
  expect(await world.shellHere(fromFile)).toMatchObject({ code: 0 });
  expect(await fetchUntilDone(world, '--force')).toMatchObject({ code: 0 });
  expect(await world.read(output)).toContain(
    'Translate the text into French.\nReply with the translation alone.\n\nText: Good morning"\n',
  );
});

test('try a few rows first', async () => {
  const reviews = Array.from({ length: 30 }, (_, row) => `${row},Review ${row}\n`);
  await world.write('reviews.csv', `id,text\n${reviews.join('')}`);
  const [examples = ''] = examplesUnder('Try a few rows first');
  const ended = await world.shellHere(examples);
  expect(ended.code).toBe(0);
  expect(ended.stdout.match(/\(10 prompts, /g)).toHaveLength(2);
  const trial = (await world.read('trial.csv')).split('\n').slice(1, -1);
  expect(trial.map((line) => line.split(',')[0])).toEqual(Array.from({ length: 10 }, (_, row) => `${row}`));
  expect(ended.stderr).toMatch(/Rows with their answer in the cache: 1\d; only the others are sent\.\n/);
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read('reviews_results_openai_gpt-4o-mini.csv')).toMatch(/\n29,Review 29,Sandbox answer/);
});
