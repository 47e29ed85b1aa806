/** What the page of a comparison shows of the input: what was asked about stands ahead of other columns. */
import { expect, test } from 'vitest';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';

test('the column that was asked about is shown, wherever it stands in the input', async () => {
  const world = await createSandboxWorld();
  try {
    await world.write('data.csv', 'a,b,c,d,review,human\n1,2,3,4,Lovely,good\n');
    for (const model of ['gpt-4o-mini', 'gpt-4o'])
      expect(
        await world.loom(
          ...['run', 'data.csv', '-p', 'openai', '-m', model, '--sync', '-o', `${model}.csv`],
          ...['--prompt', 'Good? {{review}}', '--fields', 'mood: good|bad'],
        ),
      ).toMatchObject({ code: 0 });
    const flags = ['--expect', 'human', '-o', 'page.html'];
    expect(await world.loom('compare', 'gpt-4o-mini.csv', 'gpt-4o.csv', ...flags)).toMatchObject({ code: 0 });
    const [, table = ''] = /id="table">(.*?)<\/script>/s.exec(await world.read('page.html')) ?? [];
    const { columns } = JSON.parse(table) as { columns: { title: string; inTable: boolean }[] };
    expect(columns.flatMap(({ title, inTable }) => (inTable ? [title] : []))).toEqual([
      ...['review', 'a', 'b', 'Expected (human)', 'A: gpt-4o-mini', 'B: gpt-4o'],
    ]);
  } finally {
    await world.remove();
  }
});
