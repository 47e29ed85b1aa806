import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { by, failureOf, fieldsOf, mergeAll, readSent, respond, writeInput } from './files.ts';

const promptSource = { column: 'text' };

describe('reading TSV', () => {
  const cases: [name: string, text: string, prompts: (string | null)[]][] = [
    ['reads a column by its name', 'id\ttext\n1\tone, two\n2\tb\n', ['one, two', 'b']],
    ['takes \\r\\n line ends', 'id\ttext\r\n1\ta\r\n', ['a']],
    ['unquotes cells, with tabs and line ends in them', 'id\ttext\n1\t"a ""b""\tc\nd"\n', ['a "b"\tc\nd']],
    ['keeps spaces around cells', 'id\ttext\n1\t a \n', [' a ']],
    ['keeps a row of empty cells', 'id\ttext\n\t\n\n', [null]],
    ['looks past a byte order mark', '\ufefftext\tb\nä\t1\n', ['ä']],
  ];
  it.each(cases)('%s', async (_name, text, prompts) => {
    const expected = prompts.map((prompt, index) => ({ index, id: String(index), prompt }));
    for (const chunkBytes of [undefined, 1, 2, 3, 7]) {
      expect(await readSent(writeInput('.tsv', text), { promptSource, chunkBytes })).toEqual(expected);
      expect(await readSent(writeInput('.tsv.gz', text), { promptSource, chunkBytes })).toEqual(expected);
    }
  });
});

describe('merging TSV', () => {
  const cases: [name: string, text: string, response: string | null, merged: string][] = [
    [
      'appends a cell to each record and keeps every byte',
      '\ufeff"id"\ttext\r\n\r\n007\t"a\tb"\n1.0\tc, d',
      'R',
      '\ufeff"id"\ttext\tllm_response\r\n\r\n007\t"a\tb"\tR\n1.0\tc, d\tR\n',
    ],
    [
      'quotes a tab, a quote and line ends, but no comma',
      'text\na\n',
      'x, y',
      'text\tllm_response\na\tx, y\n',
    ],
    ['quotes a tab', 'text\na\n', 'x\ty', 'text\tllm_response\na\t"x\ty"\n'],
    ['quotes line ends and doubles quotes', 'text\na\n', '"x"\r\ny', 'text\tllm_response\na\t"""x""\r\ny"\n'],
    ['writes an empty cell for no response', 'id\ttext\n1\ta\n', null, 'id\ttext\tllm_response\n1\ta\t\n'],
    [
      'overwrites its column in place',
      'text\tllm_response\tz\n"a\t b"\told\t"z"\nc\t"o""l\td"\tz\n',
      '1\t2',
      'text\tllm_response\tz\n"a\t b"\t"1\t2"\t"z"\nc\t"1\t2"\tz\n',
    ],
  ];
  it.each(cases)('%s', async (_name, text, response, merged) => {
    for (const chunkBytes of [undefined, 1, 2, 3, 7]) {
      for (const extension of ['.tsv', '.tsv.gz']) {
        const path = writeInput(extension, text);
        expect((await mergeAll(path, respond(response), { promptSource, chunkBytes })).toString()).toBe(
          merged,
        );
      }
    }
  });

  it('leaves every line of the airports as it is and appends to it', async () => {
    const path = 'test/data/airports.tsv';
    const fields = fieldsOf({ llm_response: ({ prompt }) => `About ${prompt}, "briefly"` });
    const merged = (await mergeAll(path, fields, by('name'))).toString();
    const rows = await readSent(path, by('name'));
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const ours = rows.map(({ prompt }) => `"About ${prompt?.replaceAll('"', '""')}, ""briefly"""`);
    expect(merged).toBe(
      lines.map((line, number) => `${line}\t${number === 0 ? 'llm_response' : ours[number - 1]}\n`).join(''),
    );
    expect(rows).toHaveLength(200);
  });
});

it.each([
  [
    'a row is short',
    'id\ttext\n1\n',
    '<file>: line 2 has 1 cell, but the header has 2. Quote each cell that holds a tab, and leave no cell out; set padRows for rows that lack empty cells at their end.',
  ],
  [
    'the column is missing',
    'id,text\n1,a\n',
    '<file>: no column "text"; it has the column "id,text". Name one of these as col.',
  ],
  [
    'a quote stands inside a bare cell',
    'id\ttext\n1\tb"c"\n',
    '<file>: line 2 has a quote inside a cell that does not start with one. Put the whole cell in quotes and double each quote inside it.',
  ],
])('a TSV file is refused when %s', async (_name, text, message) => {
  for (const chunkBytes of [undefined, 1, 5]) {
    const path = writeInput('.tsv', text);
    expect(await failureOf(path, () => readSent(path, { promptSource, chunkBytes }))).toBe(message);
    expect(await failureOf(path, () => mergeAll(path, respond('R'), { promptSource, chunkBytes }))).toBe(
      message,
    );
  }
});

it('a TSV file is refused without a column', async () => {
  const path = writeInput('.tsv', 'id\ttext\n');
  expect(await failureOf(path, () => readSent(path))).toBe(
    'col is required for TSV input; <file> has the columns "id", "text". Give col the one that holds the prompts, or a prompt that is filled with several.',
  );
});
