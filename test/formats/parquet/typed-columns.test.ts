/** Columns of ours that have a type, as readers of Parquet see them. */
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { expect, it, test } from 'vitest';
import type { ColumnType } from '../../../src/core/models.ts';
import type { AddedFields, AddedValue } from '../../../src/formats/format.ts';
import { by, mergeAll } from '../files.ts';

const writers = ['pyarrow', 'polars', 'duckdb'].map((writer) => `test/data/airports-${writer}.parquet`);

function column(name: string, type: ColumnType, valueAt: (index: number) => AddedValue) {
  return { name, type, valueAt };
}

const big = '9007199254740993';
const columns = [
  column(
    'score',
    'integer',
    (index) => [{ json: big }, { json: '-3' }, null, { json: '1e2' }][index % 4] ?? null,
  ),
  column('portion', 'number', (index) => (index % 3 === 0 ? null : { json: `${index}.5` })),
  column('is_open', 'boolean', (index) => (index % 5 === 0 ? null : { json: String(index % 2 === 0) })),
  column('tags', 'json', (index) => (index === 1 ? { json: '["a",{"b":1}]' } : { json: '"plain"' })),
  column('tone', 'text', () => ({ json: '"gut, \\"sehr\\" gut"' })),
];
const fields: AddedFields = {
  columns,
  valuesFor: ({ index }) => columns.map(({ valueAt }) => valueAt(index)),
};

const exact = (bytes: Buffer) => new Uint8Array(bytes).buffer;

it.each(writers)('are read with their types and values from an output of %s', async (path) => {
  const output = exact(await mergeAll(path, fields, by('name')));
  const rows = await parquetReadObjects({ file: output, compressors });
  expect(rows.length).toBe(60);
  const ours = rows.map((row) => columns.map(({ name }) => row[name]));
  expect(ours.slice(0, 4)).toEqual([
    [9007199254740993n, null, null, 'plain', 'gut, "sehr" gut'],
    [-3n, 1.5, false, '["a",{"b":1}]', 'gut, "sehr" gut'],
    [null, 2.5, true, 'plain', 'gut, "sehr" gut'],
    [100n, null, false, 'plain', 'gut, "sehr" gut'],
  ]);
  // Booleans are packed by eights.
  expect(rows.map(({ is_open }) => is_open)).toEqual(
    rows.map((_, index) => (index % 5 === 0 ? null : index % 2 === 0)),
  );
  const types = parquetSchema(parquetMetadata(output)).children.slice(-columns.length);
  expect(types.map(({ element }) => [element.name, element.type])).toEqual([
    ['score', 'INT64'],
    ['portion', 'DOUBLE'],
    ['is_open', 'BOOLEAN'],
    ['tags', 'BYTE_ARRAY'],
    ['tone', 'BYTE_ARRAY'],
  ]);
});

test('a whole number of more than 64 bits is null, and one with a fraction of zero is whole', async () => {
  const values = [{ json: '123456789012345678901234567890' }, { json: '7.0' }, { json: '0.5' }];
  const whole: AddedFields = {
    columns: [{ name: 'n', type: 'integer' }],
    valuesFor: ({ index }) => [values[index] ?? null],
  };
  const output = exact(await mergeAll(writers[0] as string, whole, by('name')));
  const rows = await parquetReadObjects({ file: output, compressors });
  expect(rows.slice(0, 4).map(({ n }) => n)).toEqual([null, 7n, null, null]);
});

test('whole numbers of either sign and any size have bounds, however often each comes', async () => {
  const values = ['0', '-1', '4294967296', '-4294967297', '999999999999999', '-1', '-9007199254740993', '7'];
  const whole: AddedFields = {
    columns: [{ name: 'n', type: 'integer' }],
    valuesFor: ({ index }) => [{ json: values[index % values.length] as string }],
  };
  const output = exact(await mergeAll(writers[0] as string, whole, by('name')));
  const rows = await parquetReadObjects({ file: output, compressors });
  expect(rows.map(({ n }) => n)).toEqual(
    rows.map((_, index) => BigInt(values[index % values.length] as string)),
  );
  const chunk = parquetMetadata(output).row_groups[0]?.columns.at(-1)?.meta_data;
  expect(chunk?.statistics).toMatchObject({ min_value: -9007199254740993n, max_value: 999999999999999n });
});
