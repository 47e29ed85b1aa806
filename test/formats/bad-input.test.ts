import { chmodSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  by,
  createInputFolder,
  failureOf,
  mergeAll,
  readSent,
  respond,
  writeInput,
  writeRawInput,
} from './files.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const cellHint = 'Quote each cell that holds a comma, and leave no cell out.';
const shortHint =
  'Quote each cell that holds a comma, and leave no cell out; set padRows for rows that lack empty cells at their end.';
const emptyHint = 'Pass a file that holds prompts.';
const halfHint = 'half of a surrogate pair. Complete the character or remove it.';
const quoteHint = 'Put the whole cell in quotes and double each quote inside it.';
const fieldHint = 'Name the field that holds the prompts as col, or fill several into a prompt.';
const entryHint = 'Each entry must be an object such as {"prompt": "…"}.';
const listHint = 'The file must be one list of objects: [{"prompt": "…"}, …].';
const syntaxHint = 'Correct the JSON there and run again.';
const unclosedHint = 'A quote or a bracket may be missing, or the end of the file.';
const utf8Hint = 'Save the file as UTF-8, or say its encoding, such as windows-1252.';

const notUtf8 = (byte: string) => `byte ${byte} is not UTF-8. ${utf8Hint}`;
const wideText =
  'this looks like UTF-16 without a byte order mark. Save the file as UTF-8, or say its encoding: utf-16le.';
const cells = (line: number, count: string) =>
  `line ${line} has ${count}, but the header has 2. ${count === '1 cell' ? shortHint : cellHint}`;
const quote = (what: string) => `${what}. ${quoteHint}`;
const entry = (what: string) => `${what}, not an object. ${entryHint}`;
const cutOff = (where: string) => `the list is cut off ${where}. ${unclosedHint}`;
const syntax = (what: string) => `${what}. ${syntaxHint}`;

type Case = readonly [name: string, content: string | Buffer, message: string];

/** Both passes, plain and packed, must stop with this message, however the file is cut. */
function checkAll(extension: '.csv' | '.json', column: string | undefined, cases: readonly Case[]): void {
  it.each(cases)('%s', async (_name, content, told) => {
    const promptSource = column === undefined ? undefined : { column };
    const message = told.includes('<file>') ? told : `<file>: ${told}`;
    for (const path of [writeInput(extension, content), writeInput(`${extension}.gz`, content)]) {
      for (const chunkBytes of [undefined, 1, 5]) {
        const options = { promptSource, chunkBytes };
        expect(await failureOf(path, () => readSent(path, options))).toBe(message);
        expect(await failureOf(path, () => mergeAll(path, respond('R'), options))).toBe(message);
      }
    }
  });
}

describe('a CSV file is refused when', () => {
  checkAll('.csv', 'text', [
    ['it is empty', '', `the file is empty. ${emptyHint}`],
    ['it is a byte order mark alone', '\ufeff', `the file is empty. ${emptyHint}`],
    [
      'it holds empty lines alone',
      '\n\r\n\n',
      'the file has no header line. Its first line must name the columns.',
    ],
    ['a row is short', 'id,text\n1,"a\nb"\n\n2\n3,c\n', cells(5, '1 cell')],
    ['a row is long', 'id,text\r\n1,a\r\n2,b,c', cells(3, '3 cells')],
    ['a row of a file of few bytes is short', 'id,text\n1\n', cells(2, '1 cell')],
    [
      'a quote is never closed',
      'id,text\n1,a\n2,"b\n3,c\n4,d\n',
      quote('line 3 opens a quote that is never closed'),
    ],
    [
      'text follows a closing quote',
      'id,text\n1,a\n\n2,"b"c\n',
      quote('line 4 has text after a closing quote'),
    ],
    [
      'white space follows a closing quote',
      'id,text\n1,"b" \n',
      quote('line 2 has text after a closing quote'),
    ],
    [
      'a quote stands inside a bare cell',
      'id,text\r\n1,a\r\n2,b"c"\r\n',
      quote('line 3 has a quote inside a cell that does not start with one'),
    ],
    ['a byte is not UTF-8', latin1('id,text\n1,a\n2,caf\xe9 au lait\n3,b\n'), notUtf8('0xE9 on line 3')],
    [
      'a byte in quotes over several lines is not UTF-8',
      latin1('id,text\r\n1,"a\r\nb\r\n\xff"\r\n'),
      notUtf8('0xFF on line 4'),
    ],
    ['it ends within a character', latin1('id,text\n1,caf\xc3'), notUtf8('0xC3 on line 2')],
    ['a surrogate is encoded as bytes', latin1('id,text\n1,\xed\xa0\xbd\n'), notUtf8('0xED on line 2')],
    ['it is UTF-16 without its mark', Buffer.from('id,text\n', 'utf16le'), wideText],
    ['a bad row stands before a bad byte', latin1('id,text\n1\n2,abc\xff\n'), cells(2, '1 cell')],
    [
      'the column of the prompts is there twice',
      'text,id,text\na,b,c\n',
      'more than one column is named "text". Give each of them a name of its own.',
    ],
    [
      'the column is missing',
      'id,txt,Title\n1,a,b\n',
      'no column "text"; it has the columns "id", "txt", "Title". Did you mean "txt"?',
    ],
    [
      'the column differs in letter case',
      'id, Text\n1,a\n',
      'no column "text"; it has the columns "id", " Text". Did you mean " Text"?',
    ],
    [
      'nothing is like the column',
      'a:b:c\n1:2:3\n',
      'no column "text"; it has the column "a:b:c". Name one of these as col.',
    ],
    [
      'the column is in no order of its many columns',
      `${Array.from({ length: 25 }, (_, index) => `c${index}`).join(',')}\n`,
      'no column "text"; it has the columns "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14", "c15", "c16", "c17", "c18", "c19" and 5 more. Name one of these as col.',
    ],
  ]);
  checkAll('.csv', undefined, [
    [
      'no column is given',
      'id,"te""xt"\n1,a\n',
      'col is required for CSV input; <file> has the columns "id", "te\\"xt". Give col the one that holds the prompts, or a prompt that is filled with several.',
    ],
  ]);

  it('shows a message of one line for a column with line ends in its name', async () => {
    const path = writeInput('.csv', '"a\nb"\nx\n');
    expect(await failureOf(path, () => readSent(path, by('a\nc')))).toBe(
      '<file>: no column "a\\nc"; it has the column "a\\nb". Did you mean "a\\nb"?',
    );
  });

  it('counts a lone \\r as no line and a quoted \\r\\n as one', async () => {
    const path = writeInput('.csv', 'text,b\n"a\r\nb\rc",1\nx\ry,1\nbad\n');
    expect(await failureOf(path, () => readSent(path, by('text')))).toContain('line 5 has 1 cell');
  });
});

describe('a JSON file is refused when', () => {
  checkAll('.json', undefined, [
    ['it is empty', '', `the file is empty. ${emptyHint}`],
    ['it is white space alone', ' \n', `there is no list in the file. ${listHint}`],
    ['it is an object', '{"prompt":"a"}', `the file is not a list. ${listHint}`],
    ['it is a string', '"a"', `the file is not a list. ${listHint}`],
    ['an entry is a list', '[{"prompt":"a"}, ["b"]]', entry('entry 2 is a list')],
    ['an entry is a string', '["a"]', entry('entry 1 is a string')],
    ['an entry is a number', '[-1]', entry('entry 1 is a number')],
    ['an entry is a boolean', '[true]', entry('entry 1 is a boolean')],
    ['an entry is null', '[{"prompt":"a"},null]', entry('entry 2 is null')],
    ['an entry is nothing', '[{"prompt":"a"},,]', syntax('entry 2 is not valid JSON')],
    [
      'a prompt is missing',
      '[{"prompt":"a"},{"id":3,"Prompt":"b"}]',
      `entry 2 has no "prompt"; it has the fields "id", "Prompt". ${fieldHint}`,
    ],
    [
      'a prompt is inherited only',
      '[{"__proto__":{"prompt":"a"}}]',
      `entry 1 has no "prompt"; it has the field "__proto__". ${fieldHint}`,
    ],
    ['an entry is empty', '[{}]', `entry 1 has no "prompt"; it has no fields. ${fieldHint}`],
    [
      'a prompt holds half a surrogate pair',
      '[{"prompt":"a\\ud83d b"}]',
      `the prompt of entry 1 holds \\ud83d, ${halfHint}`,
    ],
    [
      'a prompt holds the halves in the wrong order',
      '[{"prompt":"\\ud83c\\udf88"},{"prompt":"\\uDF88\\uD83C"}]',
      `the prompt of entry 2 holds \\udf88, ${halfHint}`,
    ],
    [
      'an id holds half a surrogate pair',
      '[{"id":"\\udf88","prompt":"a"}]',
      `the id of entry 1 holds \\udf88, ${halfHint}`,
    ],
    ['a surrogate is encoded as bytes', latin1('[{"prompt":"\xed\xa0\xbd"}]'), notUtf8('0xED in entry 1')],
    [
      'a byte is not UTF-8',
      latin1('[{"prompt":"a"},{"prompt":"caf\xe9"},{"prompt":"b"}]'),
      notUtf8('0xE9 in entry 2'),
    ],
    [
      'a byte between entries is not UTF-8',
      latin1('[{"prompt":"a"},\xe9{"prompt":"b"}]'),
      notUtf8('0xE9 after entry 1'),
    ],
    ['it is UTF-16 without its mark', Buffer.from('[]', 'utf16le'), wideText],
    ['a comma ends the list', '[{"prompt":"a"},\n]', syntax('no entry follows the comma after entry 1')],
    ['a comma is missing', '[{"prompt":"a"} {"prompt":"b"}]', syntax('there is no comma after entry 1')],
    [
      'it is a line of objects',
      '{"prompt":"a"}\n{"prompt":"b"}\n',
      'this is an object on each line, not one JSON list. Give it a name that ends in .jsonl.',
    ],
    [
      'text follows the list',
      '[{"prompt":"a"}]\n]',
      'there is more text after the end of the list. Remove what follows the last ].',
    ],
    ['it is cut off in an entry', '[{"prompt":"a"},{"prompt":"b', cutOff('in entry 2')],
    ['it is cut off after an entry', '[{"prompt":"a"}\n', cutOff('after entry 1')],
    ['it is cut off after a comma', '[{"prompt":"a"},', cutOff('after entry 1')],
    ['it is cut off at its start', '[', cutOff('before entry 1')],
    ['brackets do not match', '[{"prompt":"a"},{"prompt":[1}]', syntax('entry 2 is not valid JSON')],
    ['a quote is missing', '[{"prompt":"a"},{"prompt":"b, "x":1}]', syntax('entry 2 is not valid JSON')],
    ['a key has no quotes', '[{prompt:"a"}]', syntax('entry 1 is not valid JSON')],
    [
      'a number is NaN',
      '[{"prompt":"a","n":NaN}]',
      'entry 1 is not valid JSON. JSON has no NaN or Infinity; write null.',
    ],
    [
      'a number is infinite',
      '[{"prompt":"a","n":-Infinity}]',
      'entry 1 is not valid JSON. JSON has no NaN or Infinity; write null.',
    ],
    [
      'a bad entry stands before a bad byte',
      latin1('[{"id":1},{"prompt":"\xe9"}]'),
      `entry 1 has no "prompt"; it has the field "id". ${fieldHint}`,
    ],
  ]);

  it.each([
    ['a comma too many', '{"prompt":"a",}'],
    ['a raw line end in a string', '{"prompt":"a\nb"}'],
    ['an unknown escape', '{"prompt":"\\x"}'],
    ['a number with a leading zero', '{"prompt":"a","n":01}'],
    ['a misspelled word', '{"prompt":"a","n":tru}'],
  ])('an entry has %s', async (_name, entry) => {
    const path = writeInput('.json', `[{"prompt":"x"},${entry},{"prompt":"y"}]`);
    const message = await failureOf(path, () => readSent(path));
    expect(message).toMatch(
      /^<file>: entry 2 is not valid JSON \(.+\)\. Correct the JSON there and run again\.$/,
    );
    expect(await failureOf(path, () => mergeAll(path, respond('R')))).toBe(message);
  });
});

describe('what is never closed does not fill the memory:', () => {
  const much = Buffer.alloc(106_000_000, 'a');
  it('a CSV row of more than 100 MB is refused', async () => {
    const path = writeRawInput(
      '.csv.gz',
      gzipSync(Buffer.concat([Buffer.from('text\nb\n"'), much]), { level: 1 }),
    );
    expect(await failureOf(path, () => readSent(path, by('text')))).toBe(
      '<file>: line 3 starts a row of more than 100 MB. A closing quote may be missing; see that line.',
    );
  });

  it('a JSON entry of more than 100 MB is refused', async () => {
    const start = Buffer.from('[{"prompt":"b"},{"prompt":"');
    const path = writeRawInput('.json.gz', gzipSync(Buffer.concat([start, much]), { level: 1 }));
    expect(await failureOf(path, () => readSent(path))).toBe(
      `<file>: entry 2 does not end within 100 MB. ${unclosedHint}`,
    );
  });
});

describe('a file is refused when', () => {
  it('it does not exist', async () => {
    const path = join(createInputFolder(), 'missing.json');
    const message = '<file>: no such file. Check the path of the file.';
    expect(await failureOf(path, () => readSent(path))).toBe(message);
    expect(await failureOf(path, () => mergeAll(path, respond('R')))).toBe(message);
    const packed = join(createInputFolder(), 'missing.csv.gz');
    expect(await failureOf(packed, () => readSent(packed, by('x')))).toBe(message);
  });

  it.each(['.csv', '.json', '.csv.gz'])('it is a folder named like a %s file', async (extension) => {
    const path = join(createInputFolder(), `folder${extension}`);
    mkdirSync(path);
    expect(await failureOf(path, () => readSent(path, by('x')))).toBe(
      '<file>: this is a folder, not a file. Pass the file itself.',
    );
  });

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('it must not be read', async () => {
    const path = writeInput('.json', '[]');
    chmodSync(path, 0o000);
    expect(await failureOf(path, () => readSent(path))).toBe(
      '<file>: no permission to read this file. Make it readable for your user and run again.',
    );
  });

  const whole = gzipSync(`text\n${Array.from({ length: 5000 }, (_, index) => index * 7919).join('\n')}\n`);
  it.each([
    ['cut off in its middle', whole.subarray(0, 5000)],
    ['cut off in its last bytes', whole.subarray(0, -3)],
    ['cut off in its header', whole.subarray(0, 5)],
    ['no gzip at all', Buffer.from('text\na\n')],
    ['followed by other bytes', Buffer.concat([whole, Buffer.from('text')])],
    [
      'changed in its middle',
      Buffer.concat([whole.subarray(0, 5000), Buffer.alloc(20), whole.subarray(5020)]),
    ],
    ['empty', Buffer.alloc(0)],
  ])('its gzip is %s', async (_name, content) => {
    const path = writeRawInput('.csv.gz', content);
    for (const chunkBytes of [undefined, 100]) {
      expect(await failureOf(path, () => readSent(path, by('text', { chunkBytes })))).toMatch(
        /^<file>: this is not a whole gzip file \(.+\)\. Make or download it again; gzip -t tells whether it is whole\.$/,
      );
    }
  });

  it.skipIf(process.platform !== 'linux')('and leaves no file open behind it', async () => {
    const paths = [
      writeInput('.csv', 'id,text\n1\n'),
      writeInput('.json.gz', '[1]'),
      writeRawInput('.csv.gz', whole.subarray(0, 900)),
    ];
    for (const path of paths) await failureOf(path, () => readSent(path, by('text', { chunkBytes: 4 })));
    const open = readdirSync('/proc/self/fd').map((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`);
      } catch {
        return '';
      }
    });
    expect(open.filter((target) => paths.includes(target))).toEqual([]);
  });
});
