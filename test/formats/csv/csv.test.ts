import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { by, fieldsOf, mergeAll, readAll, readSent, respond, writeInput } from '../files.ts';

const airportsPath = 'test/data/airports.csv';

describe('reading CSV', () => {
  const cases: [name: string, text: string, prompts: (string | null)[]][] = [
    ['reads a column by its name', 'id,text\n1,one\n2,two\n', ['one', 'two']],
    ['needs no line end after the last row', 'id,text\n1,one', ['one']],
    ['takes \\r\\n line ends', 'id,text\r\n1,one\r\n2,two\r\n', ['one', 'two']],
    ['takes both line ends in one file', 'id,text\r\n1,one\n2,two\r\n3,three\n', ['one', 'two', 'three']],
    ['does not end a row at a lone \\r', 'id,text\n1,a\rb\n', ['a\rb']],
    ['skips empty lines', '\n\r\nid,text\n\n1,one\n\r\n\n2,two\n\n', ['one', 'two']],
    ['keeps a row of empty cells', 'id,text\n,\n', [null]],
    ['keeps a quoted empty cell in a file of one column', 'text\n""\n\na\n', [null, 'a']],
    ['has no prompt in cells of white space', 'id,text\n1, \t\n2,"\n"\n3,\u00a0\u3000\n', [null, null, null]],
    ['keeps white space around a prompt', 'id,text\n1,  a \n', ['  a ']],
    ['unquotes cells', 'id,text\n1,"a ""b"", c"\n', ['a "b", c']],
    ['takes line ends inside quotes', 'id,text\n1,"a\nb\r\nc\rd"\n2,e\n', ['a\nb\r\nc\rd', 'e']],
    ['leaves text as text', 'id,text\n1,007\n2,NA\n3,1.0\n4,null\n', ['007', 'NA', '1.0', 'null']],
    ['looks past a byte order mark', '\ufefftext,b\nä,1\n', ['ä']],
    ['keeps a second byte order mark as text', '\ufefftext,b\n\ufeffä,1\n', ['\ufeffä']],
    ['has no rows below a lone header', 'id,text\n', []],
    ['has no rows below a lone header without a line end', 'id,text', []],
    ['takes doubled names in other columns', 'x,text,x\n1,a,2\n', ['a']],
    ['takes columns named like properties of objects', '__proto__,text,constructor\n1,a,2\n', ['a']],
  ];
  it.each(cases)('%s', async (_name, text, prompts) => {
    const path = writeInput('.csv', text);
    const expected = prompts.map((prompt, index) => ({ index, id: String(index), prompt }));
    expect(await readSent(path, by('text'))).toEqual(expected);
    expect(await readSent(writeInput('.csv.gz', text), by('text'))).toEqual(expected);
  });

  it.each([1, 2, 3, 7, 64])('finds the same rows when it reads %i bytes at a time', async (chunkBytes) => {
    const text = '\ufeffid,text\r\n\r\n1,"é ""日本"" 🎈\r\n,x"\r\n\n2,naïve\n3,"a"\r\n4,';
    const path = writeInput('.csv', text);
    expect((await readSent(path, by('text', { chunkBytes }))).map(({ prompt }) => prompt)).toEqual([
      'é "日本" 🎈\r\n,x',
      'naïve',
      'a',
      null,
    ]);
  });
});

describe('merging CSV', () => {
  const cases: [name: string, text: string, response: string | null, merged: string][] = [
    ['appends a cell to each record', 'id,text\n1,a\n2,b\n', 'R', 'id,text,llm_response\n1,a,R\n2,b,R\n'],
    ['writes an empty cell for no response', 'id,text\n1,a\n', null, 'id,text,llm_response\n1,a,\n'],
    ['keeps \\r\\n', 'id,text\r\n1,a\r\n', 'R', 'id,text,llm_response\r\n1,a,R\r\n'],
    [
      'keeps the line end of each line',
      'id,text\r\n1,a\n2,b\r\n',
      'R',
      'id,text,llm_response\r\n1,a,R\n2,b,R\r\n',
    ],
    ['ends the last line', 'id,text\n1,a', 'R', 'id,text,llm_response\n1,a,R\n'],
    [
      'ends the last line in the style of the file',
      'id,text\r\n1,a',
      'R',
      'id,text,llm_response\r\n1,a,R\r\n',
    ],
    ['ends a lone header', 'id,text', 'R', 'id,text,llm_response\n'],
    ['keeps the byte order mark', '\ufefftext\na\n', 'R', '\ufefftext,llm_response\na,R\n'],
    [
      'keeps empty lines',
      '\n\r\ntext\n\n\na\r\n\r\nb\n\n\n',
      'R',
      '\n\r\ntext,llm_response\n\n\na,R\r\n\r\nb,R\n\n\n',
    ],
    ['keeps a lone \\r before the line end', 'text\na\r\r\n', 'R', 'text,llm_response\na\r,R\r\n'],
    [
      'keeps every cell as it is written',
      'a,text,c,d\n007, x ,1.0,\n',
      'R',
      'a,text,c,d,llm_response\n007, x ,1.0,,R\n',
    ],
    [
      'keeps needless quotes',
      '"a","text"\n"1","x ""y"""\n',
      'R',
      '"a","text",llm_response\n"1","x ""y""",R\n',
    ],
    [
      'keeps ids of 20 digits, NA and empty cells',
      'id,text,e\n12345678901234567890,NA,\n',
      'R',
      'id,text,e,llm_response\n12345678901234567890,NA,,R\n',
    ],
    [
      'keeps line ends inside quotes',
      'text,b\r\n"a\nb\r\nc",1\r\n',
      'R',
      'text,b,llm_response\r\n"a\nb\r\nc",1,R\r\n',
    ],
    ['quotes a comma', 'text\na\n', 'x, y', 'text,llm_response\na,"x, y"\n'],
    ['quotes and doubles a quote', 'text\na\n', 'x "y"', 'text,llm_response\na,"x ""y"""\n'],
    ['quotes \\n in a file with \\r\\n', 'text\r\na\r\n', 'x\ny', 'text,llm_response\r\na,"x\ny"\r\n'],
    ['quotes \\r in a file with \\n', 'text\na\n', 'x\ry', 'text,llm_response\na,"x\ry"\n'],
    ['leaves other cells bare', 'text\na\n', " it's; ünï\t", "text,llm_response\na, it's; ünï\t\n"],
    [
      'overwrites its column in place',
      'text,llm_response,z\n"a, b",old,"z"\nc,"o""l,d",z\nd,,z\n',
      'R',
      'text,llm_response,z\n"a, b",R,"z"\nc,R,z\nd,R,z\n',
    ],
    [
      'overwrites its first and last column',
      '"llm_response",text,llm_response\r\n"o\r\n""",a,x\r\n',
      '1,2',
      'llm_response,text,llm_response\r\n"1,2",a,"1,2"\r\n',
    ],
    ['leaves no empty line where an emptied cell was alone', 'llm_response\na\n', null, 'llm_response\n""\n'],
  ];
  it.each(cases)('%s', async (_name, text, response, merged) => {
    const promptSource = { column: text.includes('text') ? 'text' : 'llm_response' };
    const plain = await mergeAll(writeInput('.csv', text), respond(response), { promptSource });
    expect(plain.toString()).toBe(merged);
    const gzipped = await mergeAll(writeInput('.csv.gz', text), respond(response), {
      promptSource,
      chunkBytes: 5,
    });
    expect(gzipped.toString()).toBe(merged);
  });

  it('appends several cells in order and overwrites the one that is there', async () => {
    const path = writeInput('.csv', 'llm_provider,text\nold,a\n');
    const fields = fieldsOf({
      llm_response: ({ prompt }) => `${prompt}!`,
      llm_provider: () => 'openai',
      llm_model: () => null,
    });
    expect((await mergeAll(path, fields, by('text'))).toString()).toBe(
      'llm_provider,text,llm_response,llm_model\nopenai,a,a!,\n',
    );
  });

  it('asks for each row once, in order, as it was read', async () => {
    const path = writeInput('.csv', 'text\na\n\n" "\nb\n');
    const asked: unknown[] = [];
    await mergeAll(
      path,
      { columns: [{ name: 'x', type: 'text' }], valuesFor: (row) => [String(asked.push(row))] },
      by('text'),
    );
    expect(asked).toEqual(await readAll(path, by('text')));
    expect(asked).toEqual([
      { index: 0, id: '0', line: 2, prompt: 'a' },
      { index: 1, id: '1', line: 4, prompt: null },
      { index: 2, id: '2', line: 5, prompt: 'b' },
    ]);
  });

  it('leaves every line of the airports as it is and appends to it', async () => {
    const original = readFileSync(airportsPath);
    const rows = await readSent(airportsPath, by('name'));
    const fields = fieldsOf({ llm_response: ({ prompt }) => `About ${prompt}, "briefly"` });
    const lines = (await mergeAll(airportsPath, fields, by('name'))).toString().split('\n');
    const restored = lines.map((line, number) => {
      if (line === '') return line;
      const name = rows[number - 1]?.prompt;
      const ours = number === 0 ? ',llm_response' : `,"About ${name?.replaceAll('"', '""')}, ""briefly"""`;
      expect(line.endsWith(ours)).toBe(true);
      return line.slice(0, -ours.length);
    });
    expect(Buffer.from(restored.join('\n')).equals(original)).toBe(true);
    expect(rows).toHaveLength(3376);
    expect(rows[0]?.prompt).toBe('Thigpen');
  });

  it('takes a cell and a response of 1 MB', async () => {
    const large = 'é, "\n'.repeat(200_000);
    const cell = `"${large.replaceAll('"', '""')}"`;
    const path = writeInput('.csv', `id,text\n1,${cell}\n2,b\n`);
    expect((await readSent(path, by('text')))[0]?.prompt).toBe(large);
    const merged = await mergeAll(path, respond(large), by('text'));
    expect(merged.equals(Buffer.from(`id,text,llm_response\n1,${cell},${cell}\n2,b,${cell}\n`))).toBe(true);
  });

  it('puts out chunks of some 64 KiB', async () => {
    const path = writeInput('.csv', `text\n${'some words\n'.repeat(20_000)}`);
    const { csvConverter } = await import('../../../src/formats/csv/csv.ts');
    const sizes: number[] = [];
    for await (const chunk of csvConverter.mergeRows(path, false, by('text'), respond('R')))
      sizes.push(chunk.length);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(60_000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536);
  });
});
