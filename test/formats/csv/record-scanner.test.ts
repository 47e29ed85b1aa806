/** The scanner against csv-parse: on bytes of any kind it finds the same cells, or leaves the record to it. */
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { comma, type Dialect, dialectOf, readCell, semicolon, tab } from '../../../src/formats/csv/cells.ts';
import { scanRecords } from '../../../src/formats/csv/record-scanner.ts';
import { by, failureOf, makeRandom, mergeAll, pickFrom, readSent, respond, writeInput } from '../files.ts';

const plain = dialectOf(comma);

interface Scanned {
  readonly records: string[][];
  readonly rest: string;
}

function scan(text: string, isLast: boolean, dialect = plain): Scanned {
  const bytes = Buffer.from(text);
  const { ends, bounds, columns: width, rest } = scanRecords(bytes, isLast, dialect, undefined);
  const records = ends.map((_, record) =>
    Array.from({ length: width }, (_, column) => {
      const at = (record * width + column) * 2;
      return readCell(bytes, bounds[at] as number, bounds[at + 1] as number, dialect.quote);
    }),
  );
  return { records, rest };
}

function parseStrictly(text: string, { delimiter, quote, padsRows } = plain): string[][] | undefined {
  try {
    const records: string[][] = parse(text, {
      delimiter: delimiter.text,
      quote: quote === -1 ? null : '"',
      relax_column_count_less: padsRows,
      record_delimiter: ['\n', '\r\n'],
      skip_empty_lines: true,
    });
    return records.map((cells) => [
      ...cells,
      ...Array<string>((records[0]?.length ?? 0) - cells.length).fill(''),
    ]);
  } catch {
    return undefined;
  }
}

const pieces = ['a', 'é', ' ', ',', ',', '"', '""', '\n', '\r\n', '\r', '"a"', '"b\n,"', '\u2028', '\0'];

describe('scanning records', () => {
  const dialects: [name: string, dialect: Dialect][] = [
    ['', plain],
    [' with semicolons', dialectOf(semicolon)],
    [' of rows that lack cells', dialectOf(comma, { padRows: true })],
    [' in which quotes are text', dialectOf(tab, { quoting: 'none' })],
    [' in which quotes are text and rows lack cells', dialectOf(tab, { quoting: 'none', padRows: true })],
  ];
  it.each(dialects)(
    'finds the cells that csv-parse finds in any text%s, or stops where that sees an error or an oddity',
    (_name, dialect) => {
      const random = makeRandom(7);
      let whole = 0;
      for (let round = 0; round < 20_000; round += 1) {
        const length = Math.floor(random() * 12);
        const text = Array.from({ length }, () => pickFrom(random, pieces))
          .join('')
          .replaceAll(',', dialect.delimiter.text);
        const strict = parseStrictly(text, dialect);
        const { records, rest } = scan(text, true, dialect);
        if (rest === 'incomplete') expect({ text, records }).toEqual({ text, records: strict });
        else if (strict)
          expect({ text, records }).toEqual({ text, records: strict.slice(0, records.length) });
        if (rest === 'incomplete' && records.length > 0) whole += 1;
      }
      expect(whole).toBeGreaterThan(2_000);
    },
  );

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
    expect(scanRecords(bytes, true, plain, undefined).newlines).toEqual([2, 3, 7, 7]);
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
