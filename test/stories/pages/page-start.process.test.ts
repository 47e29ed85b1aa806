/** The first examples of the front page and of the guide, as they stand, print what the pages say that they print. */
import { describe, expect, test } from 'vitest';
import { blocksOf, readPage, readSection } from '../../pages.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const frontPage = readPage('README.md');
const guide = readSection('docs/guide/start.md', 'A first batch');

const world = useWorld();

/** Ids and paths are each reader's own, and how often a running batch is seen is the machine's. */
function withoutOwn(text: string): string {
  return text
    .replaceAll(/batch_\w+/g, 'batch_…')
    .replaceAll(/^Checking the loom\.\.\. .* status=in_progress\n {2}.*\n/gm, '')
    .replaceAll(/ (->|wrote) \S*\/loom-demo\//g, ' $1 …/')
    .trim();
}

describe.skipIf(process.platform === 'win32')('the first example', () => {
  test.each([
    ['of the front page', frontPage],
    ['of the guide', guide],
  ])('%s', async (_, page) => {
    const [script = ''] = blocksOf(page, 'bash');
    const [shown = ''] = blocksOf(page, 'text');
    expect(script).toContain('npx --yes loom-batch ');
    const { code, stdout } = await world.shell(`{ ${script.replace('npx --yes loom-batch', 'loom')} } 2>&1`);
    expect([code, withoutOwn(stdout)]).toEqual([0, withoutOwn(shown)]);
  });
});

test.skipIf(process.platform === 'win32')('the front page’s further examples run in order', async () => {
  const [first = '', live = '', compared = '', batch = ''] = blocksOf(frontPage, 'bash').map((script) =>
    script.replaceAll(/npx (--yes )?loom-batch/g, 'loom'),
  );
  expect(blocksOf(frontPage, 'bash')).toHaveLength(4);
  const rehearsal = await createSandboxWorld();
  try {
    expect(await rehearsal.shellHere(first)).toMatchObject({ code: 0 });
    const inFolder = 'set -e; cd loom-demo\n';
    const ended = await rehearsal.shellHere(`${inFolder}${live.replace(/^export .*$/m, '')}`);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('(3 prompts, 0 cache hits') });
    const hour = await rehearsal.shellHere(`${inFolder}${compared}`);
    expect(hour).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Preview: nothing was sent[\s\S]*\nCompared 3 rows [\s\S]* accuracy [\s\S]*\nA and B agree in /,
      ),
    });
    // The answers are in the cache now: other rows are sent.
    const others = await rehearsal.shellHere(
      `${inFolder}sed -i.old s/soup/stew/ reviews.csv; rm *_gpt-4o-mini.csv\n${batch}`,
    );
    expect(others).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Batch submitted\. /) });
    expect((await fetchUntilDone(rehearsal)).code).toBe(0);
    expect(await rehearsal.read('loom-demo/reviews_results_openai_gpt-4o-mini.csv')).toContain('The stew');
  } finally {
    await rehearsal.remove();
  }
});
