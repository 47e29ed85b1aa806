/** The scanner against csv-parse: on bytes of any kind it finds the same cells, or leaves the record to it. */
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { readCell } from '../../../src/formats/csv/cells.ts';
import { scanRecords } from '../../../src/formats/csv/record-scanner.ts';
import { by, failureOf, makeRandom, mergeAll, pickFrom, readSent, respond, writeInput } from '../files.ts';

const comma = 0x2c;

interface Scanned {
  readonly records: string[][];
  readonly rest: string;
}

function scan(text: string, isLast: boolean, columns?: number): Scanned {
  const bytes = Buffer.from(text);
  const { ends, bounds, columns: width, rest } = scanRecords(bytes, isLast, comma, columns);
  const records = ends.map((_, record) =>
    Array.from({ length: width }, (_, column) => {
      const at = (record * width + column) * 2;
      return readCell(bytes, bounds[at] as number, bounds[at + 1] as number);
    }),
  );
  return { records, rest };
}

function parseStrictly(text: string): string[][] | undefined {
  try {
    return parse(text, { record_delimiter: ['\n', '\r\n'], skip_empty_lines: true }) as string[][];
  } catch {
    return undefined;
  }
}

const pieces = ['a', 'é', ' ', ',', ',', '"', '""', '\n', '\r\n', '\r', '"a"', '"b\n,"', '\u2028', '\0'];

describe('scanning records', () => {
  it('finds the cells that csv-parse finds in any text, or stops where that sees an error or an oddity', () => {
    const random = makeRandom(7);
    let whole = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const length = Math.floor(random() * 12);
      const text = Array.from({ length }, () => pickFrom(random, pieces)).join('');
      const strict = parseStrictly(text);
      const { records, rest } = scan(text, true);
      if (rest === 'incomplete') expect({ text, records }).toEqual({ text, records: strict });
      else if (strict) expect({ text, records }).toEqual({ text, records: strict.slice(0, records.length) });
      if (rest === 'incomplete' && records.length > 0) whole += 1;
    }
    expect(whole).toBeGreaterThan(2_000);
  });

  it('takes from a beginning of a text only records of the whole', () => {
    const random = makeRandom(8);
    for (let round = 0; round < 5_000; round += 1) {
      const text = Array.from({ length: 12 }, () => pickFrom(random, pieces)).join('');
      const all = scan(text, true);
      const start = scan(text.slice(0, Math.floor(random() * text.length)), false);
      if (all.rest === 'incomplete') expect(start.rest).toBe('incomplete');
      expect(start.records).toEqual(all.records.slice(0, start.records.length));
    }
  });

  it.each([
    ['a,b\r', false],
    ['"a"', false],
    ['a,"b""', false],
    ['a,', false],
  ])('waits for more behind %j', (text, isLast) => {
    expect(scan(text, isLast)).toEqual({ records: [], rest: 'incomplete' });
  });

  it.each([['a"b",c\n'], ['"a"b\n'], ['"a'], ['"a"\r'], ['"a" ,b\n'], ['"a"\0,b\n']])(
    'leaves %j to csv-parse',
    (text) => {
      expect(scan(text, true)).toEqual({ records: [], rest: 'doubtful' });
    },
  );

  it('counts the line ends before each record, and those in quotes', () => {
    const bytes = Buffer.from('\n\r\na,b\n"c\n\r\n",d\r\n\ne,f');
    expect(scanRecords(bytes, true, comma, undefined).newlines).toEqual([2, 3, 7, 7]);
  });
});

describe('a record that only csv-parse can tell', () => {
  const text = `id,text\n${'1,a\n'.repeat(40)}2,"b"\0\n${'3,c\n'.repeat(40)}`;

  it.each([undefined, 1, 30])(
    'is read by it, and so is the rest of the file (%j bytes at a time)',
    async (chunkBytes) => {
      const path = writeInput('.csv', text);
      const expected = (parseStrictly(text) as string[][]).slice(1).map(([, cell]) => cell);
      const rows = await readSent(path, by('text', { chunkBytes }));
      expect(rows.map(({ prompt }) => prompt)).toEqual(expected);
      const merged = await mergeAll(path, respond('R'), by('text', { chunkBytes }));
      expect(merged.toString()).toBe(
        text.replace('text\n', 'text,llm_response\n').replace(/(\d.*)\n/g, '$1,R\n'),
      );
    },
  );

  it('is told by its line and the width of the header', async () => {
    const path = writeInput('.csv', `id,text\n\n${'1,"a\nb"\n'.repeat(30_000)}2\n`);
    expect(await failureOf(path, () => readSent(path, by('text')))).toMatch(
      /^<file>: line 60003 has 1 cell, but the header has 2\./,
    );
  });
});

it('reads a record that is far longer than what is read at a time', async () => {
  const cell = 'x"\n'.repeat(20_000);
  const path = writeInput('.csv', `id,text\n1,"${cell.replaceAll('"', '""')}"\n2,b\n`);
  const rows = await readSent(path, by('text', { chunkBytes: 100 }));
  expect(rows.map(({ prompt }) => prompt)).toEqual([cell, 'b']);
});
