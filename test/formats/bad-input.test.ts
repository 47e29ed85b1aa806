import { chmodSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  createInputFolder,
  failureOf,
  mergeAll,
  readSent,
  respond,
  writeInput,
  writeRawInput,
} from './files.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const quoteHint = 'Put the whole cell in quotes and double each quote inside it.';
const fieldHint = 'Name the field that holds the prompts as col, or fill several into a prompt.';
const entryHint = 'Each entry must be an object such as {"prompt": "…"}.';
const listHint = 'The file must be one list of objects: [{"prompt": "…"}, …].';
const syntaxHint = 'Correct the JSON there and run again.';
const unclosedHint = 'A quote or a bracket may be missing, or the end of the file.';
const utf8Hint = 'Save the file as UTF-8 and run again.';

interface Case {
  name: string;
  content: string | Buffer;
  message: string;
}

/** Both passes, plain and packed, must stop with this message, however the file is cut. */
function checkAll(extension: '.csv' | '.json', cases: readonly Case[], column?: string): void {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, { content, message }) => {
    const promptSource = column === undefined ? undefined : { column };
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
  checkAll(
    '.csv',
    [
      {
        name: 'it is empty',
        content: '',
        message: '<file>: the file is empty. Pass a file that holds prompts.',
      },
      {
        name: 'it is a byte order mark alone',
        content: '\ufeff',
        message: '<file>: the file is empty. Pass a file that holds prompts.',
      },
      {
        name: 'it holds empty lines alone',
        content: '\n\r\n\n',
        message: '<file>: the file has no header line. Its first line must name the columns.',
      },
      {
        name: 'a row is short',
        content: 'id,text\n1,"a\nb"\n\n2\n3,c\n',
        message:
          '<file>: line 5 has 1 cell, but the header has 2. Quote each cell that holds a comma, and leave no cell out.',
      },
      {
        name: 'a row is long',
        content: 'id,text\r\n1,a\r\n2,b,c',
        message:
          '<file>: line 3 has 3 cells, but the header has 2. Quote each cell that holds a comma, and leave no cell out.',
      },
      {
        name: 'a row of a file of few bytes is short',
        content: 'id,text\n1\n',
        message:
          '<file>: line 2 has 1 cell, but the header has 2. Quote each cell that holds a comma, and leave no cell out.',
      },
      {
        name: 'a quote is never closed',
        content: 'id,text\n1,a\n2,"b\n3,c\n4,d\n',
        message: `<file>: line 3 opens a quote that is never closed. ${quoteHint}`,
      },
      {
        name: 'text follows a closing quote',
        content: 'id,text\n1,a\n\n2,"b"c\n',
        message: `<file>: line 4 has text after a closing quote. ${quoteHint}`,
      },
      {
        name: 'white space follows a closing quote',
        content: 'id,text\n1,"b" \n',
        message: `<file>: line 2 has text after a closing quote. ${quoteHint}`,
      },
      {
        name: 'a quote stands inside a bare cell',
        content: 'id,text\r\n1,a\r\n2,b"c"\r\n',
        message: `<file>: line 3 has a quote inside a cell that does not start with one. ${quoteHint}`,
      },
      {
        name: 'a byte is not UTF-8',
        content: latin1('id,text\n1,a\n2,caf\xe9 au lait\n3,b\n'),
        message: `<file>: byte 0xE9 on line 3 is not UTF-8. ${utf8Hint}`,
      },
      {
        name: 'a byte in quotes over several lines is not UTF-8',
        content: latin1('id,text\r\n1,"a\r\nb\r\n\xff"\r\n'),
        message: `<file>: byte 0xFF on line 4 is not UTF-8. ${utf8Hint}`,
      },
      {
        name: 'it ends within a character',
        content: latin1('id,text\n1,caf\xc3'),
        message: `<file>: byte 0xC3 on line 2 is not UTF-8. ${utf8Hint}`,
      },
      {
        name: 'a surrogate is encoded as bytes',
        content: latin1('id,text\n1,\xed\xa0\xbd\n'),
        message: `<file>: byte 0xED on line 2 is not UTF-8. ${utf8Hint}`,
      },
      {
        name: 'it is UTF-16',
        content: Buffer.from('\ufeffid,text\n', 'utf16le'),
        message: `<file>: byte 0xFF on line 1 is not UTF-8. ${utf8Hint}`,
      },
      {
        name: 'a bad row stands before a bad byte',
        content: latin1('id,text\n1\n2,abc\xff\n'),
        message:
          '<file>: line 2 has 1 cell, but the header has 2. Quote each cell that holds a comma, and leave no cell out.',
      },
      {
        name: 'the column of the prompts is there twice',
        content: 'text,id,text\na,b,c\n',
        message: '<file>: more than one column is named "text". Give each of them a name of its own.',
      },
      {
        name: 'the column is missing',
        content: 'id,txt,Title\n1,a,b\n',
        message: '<file>: no column "text"; it has the columns "id", "txt", "Title". Did you mean "txt"?',
      },
      {
        name: 'the column differs in letter case',
        content: 'id, Text\n1,a\n',
        message: '<file>: no column "text"; it has the columns "id", " Text". Did you mean " Text"?',
      },
      {
        name: 'nothing is like the column',
        content: 'a;b;c\n1;2;3\n',
        message: '<file>: no column "text"; it has the column "a;b;c". Name one of these as col.',
      },
      {
        name: 'the column is in no order of its many columns',
        content: `${Array.from({ length: 25 }, (_, index) => `c${index}`).join(',')}\n`,
        message:
          '<file>: no column "text"; it has the columns "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14", "c15", "c16", "c17", "c18", "c19" and 5 more. Name one of these as col.',
      },
    ],
    'text',
  );
  checkAll('.csv', [
    {
      name: 'no column is given',
      content: 'id,"te""xt"\n1,a\n',
      message:
        'col is required for CSV input; <file> has the columns "id", "te\\"xt". Give col the one that holds the prompts, or a prompt that is filled with several.',
    },
  ]);

  it('shows a message of one line for a column with line ends in its name', async () => {
    const path = writeInput('.csv', '"a\nb"\nx\n');
    expect(await failureOf(path, () => readSent(path, { promptSource: { column: 'a\nc' } }))).toBe(
      '<file>: no column "a\\nc"; it has the column "a\\nb". Did you mean "a\\nb"?',
    );
  });

  it('counts a lone \\r as no line and a quoted \\r\\n as one', async () => {
    const path = writeInput('.csv', 'text,b\n"a\r\nb\rc",1\nx\ry,1\nbad\n');
    expect(await failureOf(path, () => readSent(path, { promptSource: { column: 'text' } }))).toContain(
      'line 5 has 1 cell',
    );
  });
});

describe('a JSON file is refused when', () => {
  checkAll('.json', [
    {
      name: 'it is empty',
      content: '',
      message: '<file>: the file is empty. Pass a file that holds prompts.',
    },
    {
      name: 'it is white space alone',
      content: ' \n',
      message: `<file>: there is no list in the file. ${listHint}`,
    },
    {
      name: 'it is an object',
      content: '{"prompt":"a"}',
      message: `<file>: the file is not a list. ${listHint}`,
    },
    { name: 'it is a string', content: '"a"', message: `<file>: the file is not a list. ${listHint}` },
    {
      name: 'an entry is a list',
      content: '[{"prompt":"a"}, ["b"]]',
      message: `<file>: entry 2 is a list, not an object. ${entryHint}`,
    },
    {
      name: 'an entry is a string',
      content: '["a"]',
      message: `<file>: entry 1 is a string, not an object. ${entryHint}`,
    },
    {
      name: 'an entry is a number',
      content: '[-1]',
      message: `<file>: entry 1 is a number, not an object. ${entryHint}`,
    },
    {
      name: 'an entry is a boolean',
      content: '[true]',
      message: `<file>: entry 1 is a boolean, not an object. ${entryHint}`,
    },
    {
      name: 'an entry is null',
      content: '[{"prompt":"a"},null]',
      message: `<file>: entry 2 is null, not an object. ${entryHint}`,
    },
    {
      name: 'an entry is nothing',
      content: '[{"prompt":"a"},,]',
      message: `<file>: entry 2 is not valid JSON. ${syntaxHint}`,
    },
    {
      name: 'a prompt is missing',
      content: '[{"prompt":"a"},{"id":3,"Prompt":"b"}]',
      message: `<file>: entry 2 has no "prompt"; it has the fields "id", "Prompt". ${fieldHint}`,
    },
    {
      name: 'a prompt is inherited only',
      content: '[{"__proto__":{"prompt":"a"}}]',
      message: `<file>: entry 1 has no "prompt"; it has the field "__proto__". ${fieldHint}`,
    },
    {
      name: 'an entry is empty',
      content: '[{}]',
      message: `<file>: entry 1 has no "prompt"; it has no fields. ${fieldHint}`,
    },
    {
      name: 'a prompt holds half a surrogate pair',
      content: '[{"prompt":"a\\ud83d b"}]',
      message:
        '<file>: the prompt of entry 1 holds \\ud83d, half of a surrogate pair. Complete the character or remove it.',
    },
    {
      name: 'a prompt holds the halves in the wrong order',
      content: '[{"prompt":"\\ud83c\\udf88"},{"prompt":"\\uDF88\\uD83C"}]',
      message:
        '<file>: the prompt of entry 2 holds \\udf88, half of a surrogate pair. Complete the character or remove it.',
    },
    {
      name: 'an id holds half a surrogate pair',
      content: '[{"id":"\\udf88","prompt":"a"}]',
      message:
        '<file>: the id of entry 1 holds \\udf88, half of a surrogate pair. Complete the character or remove it.',
    },
    {
      name: 'a surrogate is encoded as bytes',
      content: latin1('[{"prompt":"\xed\xa0\xbd"}]'),
      message: `<file>: byte 0xED in entry 1 is not UTF-8. ${utf8Hint}`,
    },
    {
      name: 'a byte is not UTF-8',
      content: latin1('[{"prompt":"a"},{"prompt":"caf\xe9"},{"prompt":"b"}]'),
      message: `<file>: byte 0xE9 in entry 2 is not UTF-8. ${utf8Hint}`,
    },
    {
      name: 'a byte between entries is not UTF-8',
      content: latin1('[{"prompt":"a"},\xe9{"prompt":"b"}]'),
      message: `<file>: byte 0xE9 after entry 1 is not UTF-8. ${utf8Hint}`,
    },
    {
      name: 'it is UTF-16',
      content: Buffer.from('\ufeff[]', 'utf16le'),
      message: `<file>: byte 0xFF before entry 1 is not UTF-8. ${utf8Hint}`,
    },
    {
      name: 'a comma ends the list',
      content: '[{"prompt":"a"},\n]',
      message: `<file>: no entry follows the comma after entry 1. ${syntaxHint}`,
    },
    {
      name: 'a comma is missing',
      content: '[{"prompt":"a"} {"prompt":"b"}]',
      message: `<file>: there is no comma after entry 1. ${syntaxHint}`,
    },
    {
      name: 'it is a line of objects',
      content: '{"prompt":"a"}\n{"prompt":"b"}\n',
      message: '<file>: this is an object on each line, not one JSON list. Let its name end in .jsonl.',
    },
    {
      name: 'text follows the list',
      content: '[{"prompt":"a"}]\n]',
      message: '<file>: there is more text after the end of the list. Remove what follows the last ].',
    },
    {
      name: 'it is cut off in an entry',
      content: '[{"prompt":"a"},{"prompt":"b',
      message: `<file>: the list is cut off in entry 2. ${unclosedHint}`,
    },
    {
      name: 'it is cut off after an entry',
      content: '[{"prompt":"a"}\n',
      message: `<file>: the list is cut off after entry 1. ${unclosedHint}`,
    },
    {
      name: 'it is cut off after a comma',
      content: '[{"prompt":"a"},',
      message: `<file>: the list is cut off after entry 1. ${unclosedHint}`,
    },
    {
      name: 'it is cut off at its start',
      content: '[',
      message: `<file>: the list is cut off before entry 1. ${unclosedHint}`,
    },
    {
      name: 'brackets do not match',
      content: '[{"prompt":"a"},{"prompt":[1}]',
      message: `<file>: entry 2 is not valid JSON. ${syntaxHint}`,
    },
    {
      name: 'a quote is missing',
      content: '[{"prompt":"a"},{"prompt":"b, "x":1}]',
      message: `<file>: entry 2 is not valid JSON. ${syntaxHint}`,
    },
    {
      name: 'a key has no quotes',
      content: '[{prompt:"a"}]',
      message: `<file>: entry 1 is not valid JSON. ${syntaxHint}`,
    },
    {
      name: 'a number is NaN',
      content: '[{"prompt":"a","n":NaN}]',
      message: '<file>: entry 1 is not valid JSON. JSON has no NaN or Infinity; write null.',
    },
    {
      name: 'a number is infinite',
      content: '[{"prompt":"a","n":-Infinity}]',
      message: '<file>: entry 1 is not valid JSON. JSON has no NaN or Infinity; write null.',
    },
    {
      name: 'a bad entry stands before a bad byte',
      content: latin1('[{"id":1},{"prompt":"\xe9"}]'),
      message: `<file>: entry 1 has no "prompt"; it has the field "id". ${fieldHint}`,
    },
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
    expect(await failureOf(path, () => readSent(path, { promptSource: { column: 'text' } }))).toBe(
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
    expect(await failureOf(packed, () => readSent(packed, { promptSource: { column: 'x' } }))).toBe(message);
  });

  it.each(['.csv', '.json', '.csv.gz'])('it is a folder named like a %s file', async (extension) => {
    const path = join(createInputFolder(), `folder${extension}`);
    mkdirSync(path);
    expect(await failureOf(path, () => readSent(path, { promptSource: { column: 'x' } }))).toBe(
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
      expect(
        await failureOf(path, () => readSent(path, { promptSource: { column: 'text' }, chunkBytes })),
      ).toMatch(
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
    for (const path of paths)
      await failureOf(path, () => readSent(path, { promptSource: { column: 'text' }, chunkBytes: 4 }));
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
