import { describe, expect, it } from 'vitest';
import type { TextLayout } from '../../../src/formats/format.ts';
import { by, failureOf, fieldsOf, mergeAll, readAll, readSent, respond, writeInput } from '../files.ts';

async function promptsOf(text: string, layout?: TextLayout, extension = '.csv'): Promise<(string | null)[]> {
  const prompts: (string | null)[][] = [];
  for (const chunkBytes of [undefined, 1, 3]) {
    const rows = await readSent(writeInput(extension, text), by('text', { layout, chunkBytes }));
    prompts.push(rows.map(({ prompt }) => prompt));
  }
  expect(prompts[1]).toEqual(prompts[0]);
  expect(prompts[2]).toEqual(prompts[0]);
  return prompts[0] as (string | null)[];
}

async function merged(
  text: string,
  layout?: TextLayout,
  response = 'R',
  extension = '.csv',
): Promise<string> {
  const outputs: string[] = [];
  for (const chunkBytes of [undefined, 1, 3]) {
    const options = by('text', { layout, chunkBytes });
    outputs.push(String(await mergeAll(writeInput(extension, text), respond(response), options)));
  }
  expect(new Set(outputs).size).toBe(1);
  return outputs[0] as string;
}

describe('what stands between cells', () => {
  const cases: [name: string, text: string, prompts: string[]][] = [
    ['a comma', 'id,text\n1,a;b;c\n2,"d,e"\n', ['a;b;c', 'd,e']],
    ['a semicolon', 'id;text\n1;"a;b"\n2;"c ""d"" e"\n', ['a;b', 'c "d" e']],
    ['a semicolon, beside commas in texts', 'id;text;price\n1;a, b, c;1,5\n2;d;2,75\n', ['a, b, c', 'd']],
    ['a tab', 'id\ttext\n1\ta, b; c | d\n', ['a, b; c | d']],
    ['a bar', 'id|text|x\r\n1|a, b|2\r\n', ['a, b']],
    ['a comma, where a semicolon would give the same number of cells', 'a;b,text\n1;2,c\n', ['c']],
    ['a comma, beside delimiters in quotes', '"a;b;c",text\n"1;2;3",d\n', ['d']],
    ['a semicolon, with line ends in quotes', 'id;text\n1;"a\nb, c\n;d"\n2;e\n', ['a\nb, c\n;d', 'e']],
    ['a semicolon, below a byte order mark and empty lines', '\ufeff\r\n\r\nid;text\r\n1;a\r\n', ['a']],
    ['nothing: there is one column', 'text\na;b\nc|d\n', ['a;b', 'c|d']],
    ['nothing: one text has all kinds', 'text\n"a;b,c|d"\n', ['a;b,c|d']],
    ['a semicolon, of a header alone', 'id;text;x\n', []],
    ['what the first line says', 'sep=;\nid;text,x\n1;a\n'.replace('text,x', 'text'), ['a']],
    ['what the first line says in capitals, with \\r\\n', '\ufeffSEP=|\r\nid|text\r\n1|a;b\r\n', ['a;b']],
    ['what the first line says, whatever it is', 'sep=^\nid^text\n1^a,b\n', ['a,b']],
    ['what the first line says in quotes', '"sep=;"\nid;text\n1;a\n', ['a']],
  ];
  it.each(cases)('is found: %s', async (_name, text, prompts) => {
    expect(await promptsOf(text)).toEqual(prompts);
  });

  it('is found by the header where rows lack cells', async () => {
    const text = 'id;text;tag\n1;a\n2;b;x\n';
    const path = writeInput('.csv', text);
    expect(await failureOf(path, () => readSent(path, by('text')))).toBe(
      '<file>: line 2 has 2 cells, but the header has 3. Quote each cell that holds a semicolon, and leave no cell out; set padRows for rows that lack empty cells at their end.',
    );
    expect(await promptsOf(text, { padRows: true })).toEqual(['a', 'b']);
  });

  it('stays a comma where only the header has another', async () => {
    const path = writeInput('.csv', 'a;text\nb\nc\n');
    const rows = await readSent(path, by('a;text'));
    expect(rows.map(({ prompt }) => prompt)).toEqual(['b', 'c']);
  });

  it.each([',', ';', '\t', '|'])('is known in a header below a title: %j', async (delimiter) => {
    const path = writeInput('.csv', `Report of May\n\nid${delimiter}"text"\n1${delimiter}a\n`);
    expect(await failureOf(path, () => readSent(path, by('text')))).toBe(
      '<file>: the header is on line 3, below something else. Remove the lines above it: the first line must name the columns.',
    );
  });

  it('is found within the first 64 KiB, and kept to for the rest', async () => {
    const start = `id;text\n${'1;a\n'.repeat(20_000)}`;
    const path = writeInput('.csv', `${start}2;b;c\n`);
    expect(await failureOf(path, () => readSent(path, by('text')))).toMatch(
      /^<file>: line 20002 has 3 cells, but the header has 2\./,
    );
    expect((await readSent(writeInput('.csv', start), by('text'))).length).toBe(20_000);
  });

  it('is what is said, also where something else would be found', async () => {
    expect(await promptsOf('a,b;text\n1,2;c\n', { delimiter: ';' })).toEqual(['c']);
    expect(await promptsOf('sep=,\na,b;text\n1,2;c\n', { delimiter: ';' })).toEqual(['c']);
    expect(await promptsOf('a:text\n1:c\n', { delimiter: ':' })).toEqual(['c']);
  });

  it('is what a record of before says, and a first line with sep= is its header', async () => {
    const layout = { delimiter: ',', sepLine: false };
    const path = writeInput('.csv', 'sep=;\na;b\n');
    const rows = await readSent(path, { promptSource: { column: 'sep=;' }, layout });
    expect(rows.map(({ prompt }) => prompt)).toEqual(['a;b']);
  });

  it('is kept in the output, and quoted in answers', async () => {
    expect(await merged('id;text\r\n1;"a;b"\r\n2;c', undefined, 'x; "y", z')).toBe(
      'id;text;"x; ""y"", z"\r\n1;"a;b";"x; ""y"", z"\r\n2;c;"x; ""y"", z"\r\n'.replace(
        '"x; ""y"", z"',
        'llm_response',
      ),
    );
    expect(await merged('id|text\n1|a\n', undefined, 'x, y; z')).toBe('id|text|llm_response\n1|a|x, y; z\n');
    expect(await merged('id,text\n1,a\n', undefined, 'x; y')).toBe('id,text,llm_response\n1,a,x; y\n');
  });

  it('is kept with the line that says it', async () => {
    expect(await merged('\ufeffsep=;\r\n\r\nid;text\r\n1;a\r\n')).toBe(
      '\ufeffsep=;\r\n\r\nid;text;llm_response\r\n1;a;R\r\n',
    );
  });

  it('counts the line that says it among the lines', async () => {
    const rows = await readAll(writeInput('.csv', 'sep=;\nid;text\n1;"a\nb"\n2;c\n'), by('text'));
    expect(rows.map(({ line }) => line)).toEqual([3, 5]);
    const path = writeInput('.csv', 'sep=;\nid;text\n1;a\n2;b;c\n');
    expect(await failureOf(path, () => readSent(path, by('text')))).toMatch(/^<file>: line 4 has 3 cells/);
  });

  it.each(['sep=;', 'sep=;\n', 'sep=;\n\n'])('is no header by itself: %j', async (text) => {
    const path = writeInput('.csv', text);
    expect(await failureOf(path, () => readSent(path, by('text')))).toBe(
      '<file>: the file has no header line. Its first line must name the columns.',
    );
  });
});

describe('quotes that are text', () => {
  const layout = { quoting: 'none' } as const;

  it('are read as they stand', async () => {
    const text = 'id\ttext\n1\t5" pipe\n2\t"a\n3\t""\n';
    expect(await promptsOf(text, layout, '.tsv')).toEqual(['5" pipe', '"a', '""']);
  });

  it('stay in the output, where answers have no quotes and stay on their line', async () => {
    expect(await merged('id\ttext\n1\t"a\n', layout, 'say "b"\tc\r\nd\\e', '.tsv')).toBe(
      'id\ttext\tllm_response\n1\t"a\tsay "b"\\tc\\r\\nd\\e\n'.replace(/^(.*)\n/, 'id\ttext\tllm_response\n'),
    );
  });

  it('are a mistake with anything but tabs', async () => {
    const path = writeInput('.csv', 'id,text\n1,a\n');
    await expect(readSent(path, by('text', { layout }))).rejects.toThrow(
      "quoting can't be none with a comma between the cells.",
    );
    expect(await promptsOf('id\ttext\n1\t"a\n', layout)).toEqual(['"a']);
  });
});

describe('rows that lack empty cells at their end', () => {
  const layout = { padRows: true };

  it('are read, and get the cells ahead of ours', async () => {
    const text = 'id,text,tag,x\n1,a\n2,"b, c",t\n3,d,t,y\n4\n';
    expect(await promptsOf(text, layout)).toEqual(['a', 'b, c', 'd', null]);
    expect(await merged(text, layout)).toBe(
      'id,text,tag,x,llm_response\n1,a,,,R\n2,"b, c",t,,R\n3,d,t,y,R\n4,,,,R\n',
    );
  });

  it('get an answer in place of a column that they lack', async () => {
    const path = writeInput('.csv', 'id,text,llm_response,x\n1,a\n2,b,old,z\n');
    expect(String(await mergeAll(path, respond('R'), by('text', { layout })))).toBe(
      'id,text,llm_response,x\n1,a,R,\n2,b,R,z\n',
    );
  });

  it('may stand behind a record that only csv-parse can tell', async () => {
    const text = 'id,text,x\n1,"a"\0,\n2,b\n3,c,d\n';
    expect(await promptsOf(text, layout)).toEqual(['a\0', 'b', 'c']);
    expect(await merged(text, layout)).toBe('id,text,x,llm_response\n1,"a"\0,,R\n2,b,,R\n3,c,d,R\n');
  });

  it('may not have more cells than the header', async () => {
    const path = writeInput('.csv', 'id,text\n1,a\n2,b,c\n');
    expect(await failureOf(path, () => readSent(path, by('text', { layout })))).toBe(
      '<file>: line 3 has 3 cells, but the header has 2. Quote each cell that holds a comma, and leave no cell out.',
    );
  });

  it('get several cells of ours', async () => {
    const path = writeInput('.csv', 'text,x\na\n');
    const fields = fieldsOf({ llm_response: () => 'R', llm_error: () => null });
    expect(String(await mergeAll(path, fields, by('text', { layout })))).toBe(
      'text,x,llm_response,llm_error\na,,R,\n',
    );
  });
});
