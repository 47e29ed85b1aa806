/** Rows are counted from 1 in what is told, and named by what the file itself calls them. */
import { describe, expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const refused = '[[sandbox:refuse]]';
const target = ['-p', 'openai', '-m', 'm', '-o'];

/** Runs live or as a batch, to the output. */
async function answer(mode: string, file: string, ...flags: string[]) {
  const out = `out.${file.split('.').pop()}`;
  const run = await world.loom('run', `--${mode}`, '-f', file, ...target, out, ...flags);
  const ended = mode === 'sync' ? run : await fetchUntilDone(world);
  const reasons = await world.read(`${out}.errors.jsonl`).catch(() => '');
  const told = reasons.split('\n').slice(0, -1);
  return { run, ended, reasons: told.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe.each(['sync', 'batch'])('a row that failed in a --%s run', (mode) => {
  test.each<[what: string, file: string, content: string, reason: object, ...flags: string[]]>([
    [
      'a table with ids, a cell over two lines and an empty line',
      'data.csv',
      `id,text\n7,"Hel\nlo"\n\n8,${refused}\n`,
      { row: 2, line: 5, id: '8' },
      ...['-c', 'text'],
    ],
    [
      'a table without ids',
      'data.tsv',
      `name\ttext\nx\tHello\ny\t${refused}\n`,
      { row: 2, line: 3 },
      ...['-c', 'text'],
    ],
    [
      'a table whose ids are in a column that is named',
      'data.csv',
      `id,key,text\n1,x,Hello\n1,y,${refused}\n`,
      { row: 2, line: 3, id: 'y' },
      ...['-c', 'text', '--row-id', 'key'],
    ],
    [
      'JSON lines with an id in some',
      'data.jsonl',
      `{"prompt":"Hello"}\n\n{"id":1.50,"prompt":"${refused}"}\n`,
      { row: 2, line: 3, id: '1.50' },
    ],
    [
      'JSON lines with a field that is named',
      'data.jsonl',
      `{"id":1,"prompt":"Hello"}\n{"id":1,"key":"k","prompt":"${refused}"}\n`,
      { row: 2, line: 2, id: 'k' },
      ...['--row-id', 'key'],
    ],
    ['a list without ids', 'data.json', `[{"prompt":"Hello"},{"prompt":"${refused}"}]`, { row: 2 }],
  ])('of %s is told from 1, with its line and its own id', async (_, file, content, own, ...flags) => {
    await world.write(file, content);
    const { ended, reasons } = await answer(mode, file, ...flags);
    expect(ended.stderr).toContain('  refusal (rows 2): ');
    expect(reasons).toEqual([{ ...own, kind: 'refusal', message: expect.any(String) }]);
  });
});

test('an id that repeats is told once, with its rows, and refuses nothing', async () => {
  const entries = ['a', 'b', 'a', 'c', 'a', 'b'].map((id) => ({ id, prompt: `Say ${id}` }));
  await world.write('data.json', JSON.stringify(entries));
  const { run } = await answer('sync', 'data.json');
  expect(run.code).toBe(0);
  expect(run.stderr.match(/earlier row/g)).toHaveLength(1);
  expect(run.stderr).toContain(
    'data.json: 3 rows have the "id" of an earlier row: "a" (rows 1, 3, 5), "b" (rows 2, 6). Each row is asked and answered by its place; name another column or field with --row-id.\n',
  );
  const rows = JSON.parse(await world.read('out.json')) as { id: string; llm_response: string }[];
  expect(rows.map(({ id, llm_response }) => [id, llm_response])).toEqual(
    entries.map(({ id, prompt }) => [id, `Sandbox answer from m: ${prompt}`]),
  );
});

test.each([
  ['data.jsonl', '{"id":"row-1","prompt":"a"}\n{"prompt":"b"}\n{"prompt":"c"}\n', ''],
  [
    'data.jsonl',
    '{"id":1,"prompt":"a"}\n{"id":"1","prompt":"b"}\n',
    '1 row has the "id" of an earlier row: "1" (rows 1, 2).',
  ],
  ['data.csv', 'id,prompt\n5,a\n5,b\n', '1 row has the "id" of an earlier row: "5" (rows 1, 2).'],
  [
    'data.csv',
    `id,prompt\n${'x,a\n'.repeat(6)}`,
    '5 rows have the "id" of an earlier row: "x" (rows 1, 2, 3, 4, …).',
  ],
  [
    'data.csv',
    `id,prompt\n${['p', 'q', 'r', 's'].map((id) => `${id},a\n${id},b\n`).join('')}`,
    '4 rows have the "id" of an earlier row: "p" (rows 1, 2), "q" (rows 3, 4), "r" (rows 5, 6), ….',
  ],
])('ids of %s are told as far as they repeat: case %#', async (file, content, told) => {
  await world.write(file, content);
  const { run, ended } = await answer('batch', file, '-c', 'prompt');
  expect([run.code, ended.code]).toEqual([0, 0]);
  if (told === '') expect(run.stderr).not.toContain('earlier row');
  else expect(run.stderr).toContain(`${file}: ${told} Each row`);
});

test.each([
  [
    'data.csv',
    'key,prompt\n1,a\n',
    'data.csv: no column "keyy"; it has the columns "key", "prompt". Did you mean "key"?',
  ],
  [
    'data.json',
    '[{"key":1,"prompt":"a"}]',
    'data.json: no entry has "keyy"; entry 1 has the fields "key", "prompt". Did you mean "key"?',
  ],
])('--row-id that %s lacks is an error before anything is sent', async (file, content, says) => {
  await world.write(file, content);
  const { run } = await answer('sync', file, '-c', 'prompt', '--row-id', 'keyy');
  expect(run.code).toBe(1);
  expect(run.stderr).toContain(says);
});

test.each([
  ['of this version', '{"row":2,"line":3,"kind":"new","message":"New."}\n'],
  ['of this version, with an id', '{"row":2,"kind":"new","message":"New.","id":"1"}\n'],
  ['of an older version', '{"row":1,"id":"1","kind":"new","message":"New."}\n'],
])('a report reads reasons %s', async (_, reasons) => {
  await world.write('out.csv', 'text,llm_response\na,x\nb,\n');
  await world.write('out.csv.errors.jsonl', reasons);
  const ended = await world.loom('report', 'out.csv', '-c', 'text', '-o', 'page.html');
  expect(ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('of other rows') });
  expect(await world.read('page.html')).toContain('[2,1,"b",null,"new: New."]');
});
