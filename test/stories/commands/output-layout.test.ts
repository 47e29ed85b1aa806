/** How the tables are read that are reported and compared, where nobody knows of the run that wrote them. */
import { describe, expect, test } from 'vitest';
import { createWorld } from '../../program.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createWorld);

/** Commas would do, too. */
const semicolons = 'last, first;llm_response\nDoe, Jane;yes\nRoe, Rick;no\n';
const unquoted = 'id\tllm_response\n1\t5" pipe\n2\t"b\n';

test('the delimiter of a report may be said, as the one that is found may be another', async () => {
  await world.write('out.csv', semicolons);
  expect(await world.loom('report', 'out.csv')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'nothing tells which column holds the answers; it has "last", " first;llm_response", and no "llm_response".',
    ),
  });
  for (const delimiter of [';', 'semicolon']) {
    expect(await world.loom('report', 'out.csv', '--delimiter', delimiter, '--force')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('(2 rows)\n'),
    });
  }
  expect(await world.read('out_report.html')).toContain('Doe, Jane');
});

test('quotes may be text', async () => {
  await world.write('out.tsv', unquoted);
  expect(await world.loom('report', 'out.tsv')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('line 2 has a quote inside a cell'),
  });
  expect(await world.loom('report', 'out.tsv', '--quoting', 'none')).toMatchObject({ code: 0 });
});

test('what says nothing of the format is refused', async () => {
  await world.write('out.jsonl', '{"llm_response":"yes"}\n');
  for (const command of [
    ['report', 'out.jsonl'],
    ['compare', 'out.jsonl', 'out.jsonl'],
  ]) {
    const refused = await world.loom(...command, '--delimiter', ';');
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^Error: --delimiter says nothing of JSONL, and .*out\.jsonl is a JSONL file\. Leave it out\.\n$/,
      ),
    ]);
  }
  await world.write('out.csv', semicolons);
  expect((await world.loom('report', 'out.csv', '--quoting', 'none')).stderr).toContain(
    '--quoting none needs tabs between the cells, and here it is a comma.',
  );
});

describe('outputs that are compared', () => {
  test('may have a delimiter that is said, where others have none', async () => {
    await world.write('one.csv', semicolons);
    const objects = [
      ['Doe, Jane', 'yes'],
      ['Roe, Rick', 'yes'],
    ].map(([name, answer]) => `${JSON.stringify({ 'last, first': name, llm_response: answer })}\n`);
    await world.write('two.jsonl', objects.join(''));
    const compared = await world.loom('compare', 'one.csv', 'two.jsonl', '--delimiter', ';');
    expect([compared.code, compared.stderr.includes('Error')]).toEqual([0, false]);
    expect(compared.stdout).toContain('A and B agree in 50 % of 2 rows');
  });

  test('may have quotes that are text', async () => {
    await world.write('one.tsv', unquoted);
    await world.write('two.tsv', unquoted);
    expect((await world.loom('compare', 'one.tsv', 'two.tsv')).code).toBe(1);
    expect((await world.loom('compare', 'one.tsv', 'two.tsv', '--quoting', 'none')).code).toBe(0);
  });

  test('want their answers named, where only columns of fields are there and the run is not known', async () => {
    await world.write('one.csv', 'id,text,tone\n1,a,good\n2,b,bad\n');
    await world.write('two.csv', 'id,text,tone\n1,a,good\n2,b,good\n');
    expect(await world.loom('compare', 'one.csv', 'two.csv')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /one\.csv: nothing tells which column holds the answers; it has "id", "text", "tone", and no "llm_response"\. Name it with --answer, or give the file as loom run or loom fetch wrote it\.\n$/,
      ),
    });
    const compared = await world.loom('compare', 'one.csv', 'two.csv', '--answer', 'tone');
    expect([compared.code, compared.stdout]).toEqual([0, expect.stringContaining('agree in 50 %')]);
  });
});
