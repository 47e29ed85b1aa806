/** Parquet files of other writers, and pages that tell what can't be. No damaged file lies in the project: pages are made here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { parquetMetadata } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { decodePage } from '../../src/formats/parquet/decode.ts';
import { type TextPage, textAt, writeTexts } from '../../src/formats/parquet/text-page.ts';
import {
  decodeStruct,
  encodeStruct,
  type ThriftList,
  ThriftStruct,
} from '../../src/formats/parquet/thrift/structs.ts';
import { by, fieldsOf, mergeAll, readAll, respond, writeRawInput } from './files.ts';

const data = (name: string) => readFile(join(import.meta.dirname, '../data', name));
const text = (length: number, ...bytes: number[]) => Buffer.from([length, 0, 0, 0, ...bytes]);

/** The file with its metadata changed. */
function changeFooter(file: Buffer, change: (footer: ThriftStruct) => void): Buffer {
  const start = file.length - 8 - file.readUInt32LE(file.length - 8);
  const footer = decodeStruct(file.subarray(start));
  change(footer);
  const bytes = encodeStruct(footer);
  const tail = Buffer.from('0000PAR1');
  tail.writeUInt32LE(bytes.length);
  return Buffer.concat([file.subarray(0, start), bytes, tail]);
}

function readNotes(file: Buffer): Map<string, string> {
  const { key_value_metadata = [] } = parquetMetadata(Uint8Array.from(file).buffer);
  return new Map(key_value_metadata.map(({ key, value = '' }) => [key, value]));
}

describe('frames of pandas whose columns are named by', () => {
  it.each([
    ['numbers', 'pandas-numbers.parquet', '0', ['0', '1']],
    ['several levels', 'pandas-levels.parquet', "('a', 'x')", ["('a', 'x')", "('b', 'y')"]],
    ['dates', 'pandas-dates.parquet', '2026-01-01 00:00:00', ['2026-01-01 00:00:00', '2026-02-01 00:00:00']],
    [
      'dates with a time zone',
      'pandas-zoned.parquet',
      '2026-01-01 00:00:00+01:00',
      ['2026-01-01 00:00:00+01:00', '2026-02-01 00:00:00+01:00'],
    ],
  ])('%s get notes by which pandas reads the output', async (_, name, column, names) => {
    const path = writeRawInput('.parquet', await data(name));
    const notes = readNotes(await mergeAll(path, respond('R'), by(column)));
    const schema = JSON.parse(notes.get('pandas') as string);
    expect(schema.columns.map((one: { field_name: string }) => one.field_name)).toEqual([
      ...names,
      'llm_response',
    ]);
    expect(schema.column_indexes).toEqual([
      {
        name: null,
        field_name: null,
        pandas_type: 'unicode',
        numpy_type: 'object',
        metadata: { encoding: 'UTF-8' },
      },
    ]);
    // Arrow keeps the note a second time, in its own schema, which counts before the other.
    expect(Buffer.from(notes.get('ARROW:schema') as string, 'base64').toString()).toContain(
      notes.get('pandas') as string,
    );
  });

  it('text keep their type, and a column of ours that is overwritten gets a new one', async () => {
    const path = writeRawInput('.parquet', await data('pandas-index.parquet'));
    const [first = ''] = parquetMetadata(Uint8Array.from(await data('pandas-index.parquet')).buffer)
      .schema.slice(1)
      .map(({ name }) => name);
    const once = await mergeAll(path, respond('R'), by(first));
    const before = JSON.parse(readNotes(await data('pandas-index.parquet')).get('pandas') as string);
    const after = JSON.parse(readNotes(once).get('pandas') as string);
    expect(after.column_indexes).toEqual(before.column_indexes);
    const numbers = fieldsOf({ llm_response: () => '7' }, ['llm_response']);
    const again = await mergeAll(writeRawInput('.parquet', once), numbers, by(first));
    const types = JSON.parse(readNotes(again).get('pandas') as string).columns.filter(
      ({ name }: { name: string }) => name === 'llm_response',
    );
    expect(types).toEqual([
      {
        name: 'llm_response',
        field_name: 'llm_response',
        pandas_type: 'int64',
        numpy_type: 'Int64',
        metadata: null,
      },
    ]);
  });
});

it('writes whole numbers as such, and bounds and nulls of each column of ours', async () => {
  const path = writeRawInput('.parquet', await data('pandas-numbers.parquet'));
  const fields = fieldsOf(
    {
      llm_response: ({ prompt }) => prompt,
      llm_input_tokens: ({ index, prompt }) => (prompt === null ? null : String(index + 9)),
    },
    ['llm_input_tokens'],
  );
  const merged = await mergeAll(path, fields, by('0'));
  const { schema, row_groups } = parquetMetadata(Uint8Array.from(merged).buffer);
  const added = row_groups[0]?.columns.slice(-2).map(({ meta_data }) => meta_data);
  expect(added?.map((chunk) => [chunk?.type, chunk?.statistics])).toMatchObject([
    ['BYTE_ARRAY', { null_count: 1n, min_value: 'Hello', max_value: 'World' }],
    ['INT64', { null_count: 1n, min_value: 9n, max_value: 10n }],
  ]);
  expect(schema.slice(-1)).toMatchObject([{ name: 'llm_input_tokens', type: 'INT64' }]);
});

describe('reads files of writers that', () => {
  it.each<[string, (footer: ThriftStruct) => void]>([
    ['mark the root as repeated', (footer) => footer.getList(2)?.structs[0]?.setNumber(3, 'i32', 2)],
    [
      'keep notes that are no text',
      (footer) => {
        const note = new ThriftStruct().setText(1, 'n').setNumber(2, 'i32', 5);
        (footer.getList(5) as ThriftList).items.push(note);
      },
    ],
  ])('%s', async (_, change) => {
    const file = changeFooter(await data('pandas-numbers.parquet'), change);
    const path = writeRawInput('.parquet', file);
    const rows = await readAll(path, by('0'));
    expect(rows.map(({ prompt }) => prompt)).toEqual(['Hello', 'World', null]);
    expect((await mergeAll(path, respond('R'), by('0'))).length).toBeGreaterThan(0);
  });
});

it('refuses row groups that have other rows than the file tells', async () => {
  const file = changeFooter(await data('pandas-numbers.parquet'), (footer) => footer.setNumber(3, 'i64', 4));
  const path = writeRawInput('.parquet', file);
  await expect(readAll(path, by('0'))).rejects.toThrow('another number of rows');
});

const element = { name: 'text', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' };
const decoder = {
  type: 'BYTE_ARRAY',
  element,
  schemaPath: [{ element: { name: 'root' } }, { element }],
  codec: 'UNCOMPRESSED',
  parsers: { stringFromBytes: (bytes: unknown) => bytes },
} as unknown as Parameters<typeof decodePage>[1];
const dictionary = writeTexts(['a', 'b', 'c', 'd']);

const textsOf = (page: TextPage) => Array.from(page.starts, (_, place) => textAt(page, place));

function decodeFramed(values: number, encoding: string, body: Buffer, crc?: number) {
  const header = {
    type: 'DATA_PAGE',
    uncompressed_page_size: body.length,
    compressed_page_size: body.length,
    crc,
    data_page_header: { num_values: values, encoding },
  } as never;
  return decodePage({ header, body }, decoder, dictionary, { values: 8, bytes: 1000 });
}

function decodeSplit(values: number, nulls: number, levels: Buffer, rest: Buffer, codec = 'SNAPPY') {
  const body = Buffer.concat([levels, rest]);
  const header = {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: body.length,
    compressed_page_size: body.length,
    data_page_header_v2: {
      num_values: values,
      num_nulls: nulls,
      num_rows: values,
      encoding: 'PLAIN',
      definition_levels_byte_length: levels.length,
      repetition_levels_byte_length: 0,
      is_compressed: true,
    },
  } as never;
  return decodePage({ header, body }, { ...decoder, codec } as never, undefined, { values: 8, bytes: 1000 });
}

/** Levels of so many values that are all there, with their length ahead. */
const present = (count: number) => text(2, count * 2, 1);

describe('a page', () => {
  it('of nulls only may have no bytes for its values', () => {
    expect(textsOf(decodeSplit(3, 3, Buffer.from([6, 0]), Buffer.alloc(0)))).toEqual([null, null, null]);
  });

  it('may lack the bytes of a last group of indexes that no value needs', () => {
    // Ten bits of one group of eight three-bit numbers.
    const body = Buffer.concat([present(3), Buffer.from([3, 3, 0b10_001_000, 0b0])]);
    expect(textsOf(decodeFramed(3, 'RLE_DICTIONARY', body))).toEqual(['a', 'b', 'c']);
  });

  const one = Buffer.concat([present(1), text(1, 0x61)]);
  it.each<[string, () => unknown, string]>([
    ['with another checksum', () => decodeFramed(1, 'PLAIN', one, crc32(one) ^ 1), 'checksum'],
    ['with more values than rows', () => decodeFramed(9, 'PLAIN', one), 'a number of values'],
    ['with a number of values below 0', () => decodeFramed(-1, 'PLAIN', one), 'a number of values'],
    ['with levels beyond it', () => decodeFramed(1, 'PLAIN', text(99, 2, 1)), 'cut short'],
    ['with levels for more values', () => decodeFramed(1, 'PLAIN', present(4)), 'runs'],
    ['with levels for fewer values', () => decodeFramed(3, 'PLAIN', present(1)), 'cut short'],
    ['with runs of no values', () => decodeFramed(1, 'PLAIN', text(4, 0, 0, 0, 0)), 'runs'],
    ['with a level that is none', () => decodeFramed(1, 'PLAIN', text(2, 2, 2)), 'levels'],
    [
      'with a text beyond it',
      () => decodeFramed(1, 'PLAIN', Buffer.concat([present(1), text(5, 0x61)])),
      'fewer values',
    ],
    [
      'with an index beyond its dictionary',
      () => decodeFramed(1, 'RLE_DICTIONARY', Buffer.concat([present(1), Buffer.from([3, 2, 7])])),
      'beyond its dictionary',
    ],
    [
      'with a run of a billion indexes',
      () =>
        decodeFramed(
          1,
          'RLE_DICTIONARY',
          Buffer.concat([present(1), Buffer.from([2, 0xfe, 0xff, 0xff, 0xff, 0x07, 1])]),
        ),
      'runs',
    ],
    [
      'with other nulls than it tells',
      () => decodeSplit(2, 0, Buffer.from([4, 0]), Buffer.alloc(0)),
      'nulls',
    ],
  ])('%s is refused before it is believed', (_, act, says) => {
    expect(act).toThrow(says);
  });

  it('whose checksum is right is read', () => {
    expect(textsOf(decodeFramed(1, 'PLAIN', one, crc32(one) | 0))).toEqual(['a']);
  });
});

it('a read whose signal is aborted ends with the reason, also when that was before its first page', async () => {
  const path = writeRawInput('.parquet', await data('airports-pyarrow.parquet'));
  const signal = AbortSignal.abort(new Error('stopped'));
  await expect(readAll(path, { promptSource: { column: 'name' }, signal })).rejects.toThrow(/^stopped$/);
});
