import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { parquetConverter } from '../../../src/formats/parquet/parquet.ts';
import { decodeStruct, encodeStruct } from '../../../src/formats/parquet/thrift/structs.ts';
import { by, failureOf, fieldsOf, mergeAll, readAll, respond, writeRawInput } from '../files.ts';

type ColumnData = Parameters<typeof parquetWriteBuffer>[0]['columnData'];

function writeTable(columnData: ColumnData, options = {}): string {
  return writeRawInput('.parquet', Buffer.from(parquetWriteBuffer({ columnData, ...options })));
}

function exact(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

async function readObjects(bytes: Buffer): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: exact(bytes), compressors });
}

/** Where the metadata of a Parquet file starts. */
function dataEndOf(bytes: Buffer): number {
  return bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
}

function footerOf(bytes: Buffer) {
  return decodeStruct(bytes.subarray(dataEndOf(bytes)));
}

const real = ['pyarrow', 'polars', 'duckdb'].map((writer) => `test/data/airports-${writer}.parquet`);
const airports = readFileSync('test/data/airports.csv', 'utf8')
  .split('\n')
  .slice(1, 61)
  .map((line) => line.split(','));

describe('reading Parquet', () => {
  it.each(real)('gives the rows of %s, wherever it is cut', async (path) => {
    const expected = airports.map(([, name], index) => ({
      index,
      id: String(index),
      prompt: index % 20 === 0 ? null : name,
    }));
    for (const chunkBytes of [undefined, 1, 7, 1000]) {
      expect(await readAll(path, by('name', { chunkBytes }))).toEqual(expected);
    }
  });

  const writer = real[0] as string;
  it.each([
    ['state', ['MS', 'TX', 'CO']],
    ['count', ['0', '1', '2']],
    ['share', ['0', '0.1', '0.2']],
    ['open', ['true', 'false', 'true']],
  ])('takes the values of column %s as text', async (column, texts) => {
    expect((await readAll(writer, by(column))).slice(0, 3).map(({ prompt }) => prompt)).toEqual(texts);
  });

  it('takes bytes that nobody calls text, JSON as it stands, large integers digit by digit, and blank cells', async () => {
    const path = writeTable([
      {
        name: 'big',
        data: [1234567890123456789n, null, 7n],
      },
      { name: 'text', data: ['a', ' \n', ''] },
      { name: 'json', data: [{ a: 1 }, [1], null], type: 'JSON' },
    ] as ColumnData);
    const prompts = async (column: string) => (await readAll(path, by(column))).map(({ prompt }) => prompt);
    expect(await prompts('big')).toEqual(['1234567890123456789', null, '7']);
    expect(await prompts('text')).toEqual(['a', null, null]);
    expect(await prompts('json')).toEqual(['{"a":1}', '[1]', null]);
  });

  it('fills several columns into a prompt, whatever pages they lie in', async () => {
    const promptSource = { template: '{{iata}}/{{ name }}/{{count}}/{{state}}' };
    for (const chunkBytes of [undefined, 100]) {
      const rows = await readAll(writer, { promptSource, chunkBytes });
      expect(rows.map(({ prompt }) => prompt)).toEqual(
        airports.map(
          ([iata, name, , state], index) => `${iata}/${index % 20 === 0 ? '' : name}/${index}/${state}`,
        ),
      );
    }
  });

  it('has no rows in an empty table', async () => {
    expect(await readAll(writeTable([{ name: 'text', data: [], type: 'STRING' }]), by('text'))).toEqual([]);
  });
});

it('onBytes sees every byte of a Parquet file once, in both passes', async () => {
  const path = real[0] as string;
  const expected = createHash('sha256').update(readFileSync(path)).digest('hex');
  for (const chunkBytes of [undefined, 1000]) {
    for (const pass of [readAll, mergeRowsOf]) {
      const hash = createHash('sha256');
      await pass(path, {
        promptSource: { column: 'name' },
        chunkBytes,
        onBytes: (chunk) => void hash.update(chunk),
      });
      expect(hash.digest('hex')).toBe(expected);
    }
  }
});

function mergeRowsOf(path: string, options: Parameters<typeof readAll>[1]) {
  return mergeAll(path, respond('R'), options);
}

it.skipIf(process.platform !== 'linux')(
  'closes a Parquet file when the reader stops early, and when it fails',
  async () => {
    const path = real[0] as string;
    const isOpen = () =>
      readdirSync('/proc/self/fd').some((descriptor) => {
        try {
          return readlinkSync(`/proc/self/fd/${descriptor}`) === resolve(path);
        } catch {
          return false;
        }
      });
    for await (const _rows of parquetConverter.readRows(path, false, by('name'))) {
      expect(isOpen()).toBe(true);
      break;
    }
    expect(isOpen()).toBe(false);
    for await (const _chunk of parquetConverter.mergeRows(path, false, by('name'), respond('R'))) break;
    expect(isOpen()).toBe(false);
    await failureOf(path, () => readAll(path, by('none')));
    expect(isOpen()).toBe(false);
  },
);

describe('merging Parquet', () => {
  it.each(real)('keeps every byte of the data of %s, and every column', async (path) => {
    const original = readFileSync(path);
    const answer = (index: number) => (index % 3 === 0 ? null : `é "${index}"\n`);
    const fields = fieldsOf({ llm_response: ({ index }) => answer(index), llm_model: () => 'm' });
    for (const chunkBytes of [undefined, 1000]) {
      const merged = await mergeAll(path, fields, by('name', { chunkBytes }));
      const dataEnd = dataEndOf(original);
      expect(merged.subarray(0, dataEnd).equals(original.subarray(0, dataEnd))).toBe(true);
      expect(await readObjects(merged)).toEqual(
        (await readObjects(original)).map((row, index) => ({
          ...row,
          llm_response: answer(index),
          llm_model: 'm',
        })),
      );
    }
  });

  it('changes nothing in the metadata but for what it adds', async () => {
    const path = real[0] as string;
    const before = footerOf(readFileSync(path));
    const after = footerOf(await mergeAll(path, respond('R'), by('name')));
    // What is added, taken out again: the last column in the schema, the orders and each row group.
    after.getList(2)?.items.pop();
    after.getList(2)?.structs[0]?.setNumber(5, 'i32', 10);
    after.getList(7)?.items.pop();
    after.getList(4)?.structs.forEach((group, index) => {
      const old = before.getList(4)?.structs[index];
      const ours = group.getList(1)?.structs.at(-1)?.getStruct(3);
      expect(group.getNumber(2)).toBe((old?.getNumber(2) as number) + (ours?.getNumber(6) as number));
      expect(group.getNumber(6)).toBe((old?.getNumber(6) as number) + (ours?.getNumber(7) as number));
      group.getList(1)?.items.pop();
      group.setNumber(2, 'i64', old?.getNumber(2) as number);
      group.setNumber(6, 'i64', old?.getNumber(6) as number);
    });
    const notes = (footer: typeof before) => footer.getList(5)?.structs ?? [];
    for (const [index, note] of notes(after).entries()) {
      if (note.getText(1) !== 'note') note.setText(2, notes(before)[index]?.getText(2) as string);
    }
    expect(encodeStruct(after).equals(encodeStruct(before))).toBe(true);
  });

  it('adds its columns to the schemas of Arrow and of Spark', async () => {
    const fields = fieldsOf({ llm_response: () => 'R', llm_provider: () => 'p' });
    const merged = await mergeAll(real[0] as string, fields, by('name'));
    const notes = new Map(
      footerOf(merged)
        .getList(5)
        ?.structs.map((note) => [note.getText(1), note.getText(2)]),
    );
    const before = ['iata', 'name', 'state', 'place', 'lat', 'seen', 'took', 'count', 'share', 'open'];
    const spark = JSON.parse(notes.get('org.apache.spark.sql.parquet.row.metadata') as string);
    expect(spark.fields.map(({ name }: { name: string }) => name)).toEqual([
      ...before,
      'llm_response',
      'llm_provider',
    ]);
    expect(spark.fields.at(-1)).toEqual({
      name: 'llm_provider',
      type: 'string',
      nullable: true,
      metadata: {},
    });
    const arrow = listArrowFields(notes.get('ARROW:schema') as string);
    expect(arrow.map(({ name }) => name)).toEqual([...before, 'llm_response', 'llm_provider']);
    // Type.LargeUtf8 is 20, Type.Utf8 is 5.
    expect(arrow[1]).toEqual({ name: 'name', type: 20, nullable: true });
    expect(arrow.at(-1)).toEqual({ name: 'llm_provider', type: 5, nullable: true });
  });

  it('overwrites its columns where they stand, and leaves nothing of what they held', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `SECRET-${index}`);
    const path = writeTable(
      [
        { name: 'llm_response', data: names, columnIndex: true, bloomFilter: true },
        { name: 'text', data: names.map((_, index) => `t${index}`) },
        { name: 'llm_model', data: names.map((_, index) => index + 0.5) },
      ],
      { rowGroupSize: 20, pageSize: 100, codec: 'UNCOMPRESSED' },
    );
    expect(readFileSync(path).includes('SECRET')).toBe(true);
    const fields = fieldsOf({ llm_response: ({ prompt }) => `R${prompt}`, llm_model: () => 'm' });
    const merged = await mergeAll(path, fields, by('text', { chunkBytes: 64 }));
    expect(merged.includes('SECRET')).toBe(false);
    expect(await readObjects(merged)).toEqual(
      names.map((_, index) => ({ llm_response: `Rt${index}`, text: `t${index}`, llm_model: 'm' })),
    );
    expect(await readObjects(await mergeAll(path, respond(null), by('llm_response')))).toMatchObject([
      { llm_response: null, text: 't0' },
      ...Array(49).fill({}),
    ]);
  });

  it.each(['UNCOMPRESSED', 'SNAPPY', 'GZIP'] as const)('writes %s where the input has it', async (codec) => {
    const { gzipSync } = await import('node:zlib');
    const path = writeTable([{ name: 'text', data: ['a', 'b'] }], {
      codec,
      compressors: { GZIP: (bytes: Uint8Array) => gzipSync(bytes) },
    });
    const merged = await mergeAll(path, respond('R'.repeat(1000)), by('text'));
    const [group] = parquetMetadata(exact(merged)).row_groups;
    expect(group?.columns.map(({ meta_data }) => meta_data?.codec)).toEqual([codec, codec]);
    expect((await readObjects(merged))[1]).toEqual({ text: 'b', llm_response: 'R'.repeat(1000) });
  });

  it('writes many pages in a large row group', async () => {
    const path = writeTable(
      [{ name: 'text', data: Array.from({ length: 50_000 }, (_, index) => `${index}`) }],
      {
        rowGroupSize: 50_000,
      },
    );
    const fields = fieldsOf({
      llm_response: ({ prompt }) => (Number(prompt) % 7 === 0 ? null : `${prompt}`.repeat(20)),
      llm_error: ({ prompt }) => (Number(prompt) % 7 === 0 ? `${prompt}` : null),
    });
    const rows = await readObjects(await mergeAll(path, fields, by('text')));
    expect(rows).toHaveLength(50_000);
    expect(rows[0]).toEqual({ text: '0', llm_response: null, llm_error: '0' });
    expect(rows[49_999]).toEqual({ text: '49999', llm_response: '49999'.repeat(20), llm_error: null });
  });

  it('keeps an empty table, and one without a value', async () => {
    const empty = writeTable([{ name: 'text', data: [], type: 'STRING' }]);
    expect(await readObjects(await mergeAll(empty, respond('R'), by('text')))).toEqual([]);
    const nulls = writeTable([{ name: 'text', data: [null, null], type: 'STRING' }]);
    expect(await readObjects(await mergeAll(nulls, respond(null), by('text')))).toEqual(
      Array(2).fill({ text: null, llm_response: null }),
    );
  });
});

describe('a Parquet file is refused when', () => {
  const whole = readFileSync(real[2] as string);
  const notWhole =
    '<file>: this is not a whole Parquet file. It must end with PAR1; make or download it again.';
  const unreadable = /^<file>: this Parquet file can't be read: /;
  const cases: [name: string, content: Buffer, column: string, message: string | RegExp][] = [
    ['it is empty', Buffer.alloc(0), 'name', '<file>: the file is empty. Pass a file that holds prompts.'],
    ['it is text', Buffer.from('name\nsome text that is long enough\n'), 'name', notWhole],
    ['it is cut off', whole.subarray(0, -20), 'name', notWhole],
    [
      'it is encrypted',
      Buffer.concat([whole.subarray(0, -4), Buffer.from('PARE')]),
      'name',
      '<file>: the file is encrypted. Write it without encryption.',
    ],
    ['its data is missing', whole.subarray(dataEndOf(whole) - 8), 'name', unreadable],
    [
      'its metadata is garbage',
      Buffer.concat([
        whole.subarray(0, dataEndOf(whole)),
        Buffer.alloc(whole.length - dataEndOf(whole) - 8, 0xff),
        whole.subarray(-8),
      ]),
      'name',
      unreadable,
    ],
    [
      'its pages are garbage',
      Buffer.concat([
        Buffer.from('PAR1'),
        Buffer.alloc(dataEndOf(whole) - 4, 0xff),
        whole.subarray(dataEndOf(whole)),
      ]),
      'name',
      unreadable,
    ],
    [
      'the column is missing',
      whole,
      'nam',
      '<file>: no column "nam"; it has the columns "iata", "name", "place". Did you mean "name"?',
    ],
    [
      'the column is nested',
      whole,
      'place',
      '<file>: column "place" holds structs, not text. Add a column that has it as text.',
    ],
    [
      'the column holds times',
      readFileSync(real[0] as string),
      'seen',
      '<file>: column "seen" holds values of type TIMESTAMP, not text. Add a column that has it as text.',
    ],
    [
      'the column holds decimals',
      readFileSync(real[0] as string),
      'lat',
      '<file>: column "lat" holds values of type DECIMAL, not text. Add a column that has it as text.',
    ],
  ];
  it.each(cases)('%s', async (_name, content, column, message) => {
    const path = writeRawInput('.parquet', content);
    const expected = typeof message === 'string' ? message : expect.stringMatching(message);
    for (const chunkBytes of [undefined, 10]) {
      expect(await failureOf(path, () => readAll(path, by(column, { chunkBytes })))).toEqual(expected);
      expect(await failureOf(path, () => mergeAll(path, respond('R'), by(column, { chunkBytes })))).toEqual(
        expected,
      );
    }
  });

  it('a text is not UTF-8, and names its row', async () => {
    const data = [new Uint8Array([0x61]), null, new Uint8Array([0xff])];
    const path = writeTable([{ name: 'text', data, type: 'BYTE_ARRAY' }]);
    expect(await failureOf(path, () => readAll(path, by('text')))).toBe(
      '<file>: row 3 has bytes in column "text" that are not UTF-8. Write the column as UTF-8 and run again.',
    );
  });

  it('a page of a large column has no header, without reading all of it', async () => {
    const data = Array.from({ length: 300 }, () => randomBytes(64 * 1024).toString('latin1'));
    const bytes = Buffer.from(
      parquetWriteBuffer({ columnData: [{ name: 'text', data }], codec: 'UNCOMPRESSED' }),
    );
    bytes.fill(0xff, 4, dataEndOf(bytes));
    const path = writeRawInput('.parquet', bytes);
    expect(await failureOf(path, () => readAll(path, by('text')))).toBe(
      '<file>: this Parquet file can\'t be read: a page of column "text" has no header. Write it again, or convert it to JSONL.',
    );
  });

  it('no column is given', async () => {
    const path = real[2] as string;
    expect(await failureOf(path, () => readAll(path))).toBe(
      'col is required for Parquet input; <file> has the columns "iata", "name", "place". Give col the one that holds the prompts, or a prompt that is filled with several.',
    );
  });

  it('a column that would be overwritten is nested', async () => {
    const path = real[2] as string;
    const fields = fieldsOf({ place: () => 'R' });
    expect(await failureOf(path, () => mergeAll(path, fields, by('name')))).toBe(
      '<file>: the column "place", which would be overwritten, is nested. Rename it or leave it out.',
    );
  });
});

/** The top-level fields of a schema in an Arrow IPC message, read as https://flatbuffers.dev/internals/ has it. */
function listArrowFields(base64: string): { name: string; type: number; nullable: boolean }[] {
  const bytes = Buffer.from(base64, 'base64').subarray(8);
  const follow = (at: number) => at + bytes.readUInt32LE(at);
  const slot = (table: number, index: number) => {
    const vtable = table - bytes.readInt32LE(table);
    return table + bytes.readUInt16LE(vtable + 4 + index * 2);
  };
  const schema = follow(slot(follow(0), 2));
  const list = follow(slot(schema, 1));
  return Array.from({ length: bytes.readUInt32LE(list) }, (_, index) => {
    const field = follow(list + 4 + index * 4);
    const name = follow(slot(field, 0));
    return {
      name: bytes.toString('utf8', name + 4, name + 4 + bytes.readUInt32LE(name)),
      nullable: bytes.readUInt8(slot(field, 1)) === 1,
      type: bytes.readUInt8(slot(field, 2)),
    };
  });
}
