/** The metadata of a Parquet file with our columns added. What is known of the other columns stays byte for byte. */
import { LoomError } from '../../core/errors.ts';
import { quoteValue } from '../../core/words.ts';
import type { AddedFields } from '../format.ts';
import { firstPlace, type ParquetFile } from './file.ts';
import { addToArrowSchema } from './notes/arrow-schema.ts';
import { addToPandasSchema, type PlacedColumn } from './notes/pandas-schema.ts';
import { ThriftList, ThriftStruct } from './thrift/structs.ts';
import { describeColumn, type ValuePages } from './writing/pages.ts';
import { valueTypeOf } from './writing/value-types.ts';

/** The numbers that parquet.thrift gives the fields of its structs. */
const fileFields = { schema: 2, rowGroups: 4, keyValues: 5, columnOrders: 7 };
const schemaFields = { name: 4, childCount: 5 };
const groupFields = { columns: 1, uncompressed: 2, sorting: 4, compressed: 6 };
const chunkFields = {
  metadata: 3,
  offsetIndex: 4,
  offsetIndexLength: 5,
  columnIndex: 6,
  columnIndexLength: 7,
};
const columnFields = {
  uncompressed: 6,
  compressed: 7,
  dataPage: 9,
  dictionaryPage: 11,
  bloomFilter: 14,
  bloomFilterLength: 15,
};

/** Bytes of a file, from a place up to another. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where one of our columns goes: at the end, or in the place of one of its name. */
interface ColumnPlace extends PlacedColumn {
  /** Of the column that it replaces among those with values, and among all elements of the schema. */
  readonly leaf: number | undefined;
  readonly element: number | undefined;
}

export class FooterEditor {
  /** What the columns that are replaced have in the file. */
  readonly replacedRanges: readonly ByteRange[];
  readonly #footer: ThriftStruct;
  readonly #places: readonly ColumnPlace[];

  /** LoomError `input` when a column of our name is there and is nested. */
  constructor(file: ParquetFile, fields: Pick<AddedFields, 'columns'>) {
    this.#footer = file.footer;
    this.#places = placeColumns(file, fields);
    this.replacedRanges = this.#listReplacedRanges();
    this.#addToSchema();
    this.#addToNotes();
  }

  /** Adds the finished columns of a row group, whose pages lie one column after the other from this place on. */
  addChunks(group: number, columns: readonly ValuePages[], start: number): void {
    const rowGroup = listOf(this.#footer, fileFields.rowGroups).structs[group] as ThriftStruct;
    const chunks = listOf(rowGroup, groupFields.columns).items;
    let at = start;
    this.#places.forEach(({ leaf }, index) => {
      const { chunk, compressedBytes, uncompressedBytes } = (columns[index] as ValuePages).describe(at);
      const old = leaf === undefined ? undefined : chunks[leaf];
      const oldMetadata = old instanceof ThriftStruct ? old.getStruct(chunkFields.metadata) : undefined;
      addNumber(
        rowGroup,
        groupFields.uncompressed,
        uncompressedBytes - (oldMetadata?.getNumber(columnFields.uncompressed) ?? 0),
      );
      addNumber(
        rowGroup,
        groupFields.compressed,
        compressedBytes - (oldMetadata?.getNumber(columnFields.compressed) ?? 0),
      );
      chunks.splice(leaf ?? chunks.length, old === undefined ? 0 : 1, chunk);
      at += compressedBytes;
    });
    const sorting = rowGroup.getList(groupFields.sorting);
    if (sorting?.structs.some((column) => this.#places.some(({ leaf }) => leaf === column.getNumber(1)))) {
      rowGroup.remove(groupFields.sorting);
    }
  }

  #listReplacedRanges(): ByteRange[] {
    const groups = this.#footer.getList(fileFields.rowGroups)?.structs ?? [];
    const leaves = this.#places.flatMap(({ leaf }) => (leaf === undefined ? [] : [leaf]));
    return groups.flatMap((group) =>
      leaves.flatMap((leaf) => rangesOf(listOf(group, groupFields.columns).structs[leaf])),
    );
  }

  #addToSchema(): void {
    const schema = listOf(this.#footer, fileFields.schema).items;
    const orders = this.#footer.getList(fileFields.columnOrders)?.items;
    for (const { name, type, element } of this.#places) {
      schema.splice(element ?? schema.length, element === undefined ? 0 : 1, describeColumn({ name, type }));
      if (element === undefined) {
        addNumber(schema[0] as ThriftStruct, schemaFields.childCount, 1, 'i32');
        // Sorted by what their type says, as every reader of texts has it.
        orders?.push(new ThriftStruct().setStruct(1, new ThriftStruct()));
      }
    }
  }

  /** Schemas that writers keep beside Parquet's own, and by which they read the file again. */
  #addToNotes(): void {
    const notes = this.#footer.getList(fileFields.keyValues);
    const count = listOf(this.#footer, fileFields.schema).structs[0]?.getNumber(schemaFields.childCount) ?? 0;
    const added = this.#places.filter(({ index }) => index === undefined).length;
    for (const note of [...(notes?.structs ?? [])]) {
      const extend = noteExtenders[note.getText(1) ?? ''];
      const text = note.getText(2);
      if (!extend || text === undefined) continue;
      const extended = extend(text, this.#places, count - added);
      if (extended !== undefined) note.setText(2, extended);
      else notes?.items.splice(notes.items.indexOf(note), 1);
    }
  }
}

const noteExtenders: Readonly<Record<string, typeof addToArrowSchema>> = {
  'ARROW:schema': addToArrowSchema,
  pandas: addToPandasSchema,
  'org.apache.spark.sql.parquet.row.metadata': addToSparkSchema,
};

/** Spark reads only the columns that its own schema names. */
function addToSparkSchema(
  json: string,
  columns: readonly PlacedColumn[],
  columnCount: number,
): string | undefined {
  try {
    const schema = JSON.parse(json) as { fields: object[] };
    if (schema.fields.length !== columnCount) return undefined;
    for (const { name, type, index } of columns) {
      const field = { name, type: valueTypeOf(type).spark, nullable: true, metadata: {} };
      schema.fields.splice(index ?? schema.fields.length, index === undefined ? 0 : 1, field);
    }
    return JSON.stringify(schema);
  } catch {
    return undefined;
  }
}

function placeColumns(file: ParquetFile, { columns }: Pick<AddedFields, 'columns'>): ColumnPlace[] {
  const tops: { name: string; leaf: number; element: number; isLeaf: boolean }[] = [];
  const { schema } = file.metadata;
  let leaf = 0;
  let element = 1;
  const skip = () => {
    const children = schema[element]?.num_children ?? 0;
    element += 1;
    if (children === 0) leaf += 1;
    for (let child = 0; child < children; child += 1) skip();
  };
  while (element < schema.length) {
    const { name, num_children } = schema[element] as (typeof schema)[number];
    tops.push({ name, leaf, element, isLeaf: !num_children });
    skip();
  }
  return columns.map(({ name, type }) => {
    const index = tops.findIndex((top) => top.name === name);
    const top = tops[index];
    if (!top) return { name, type, index: undefined, leaf: undefined, element: undefined };
    if (top.isLeaf) return { name, type, index, leaf: top.leaf, element: top.element };
    throw new LoomError(
      'input',
      `${file.path}: the column ${quoteValue(name)}, which would be overwritten, is nested.`,
      {
        hint: 'Rename it or leave it out.',
      },
    );
  });
}

/** Everything that a file holds of a column in a row group: pages, statistics of pages, bloom filter. */
function rangesOf(chunk: ThriftStruct | undefined): ByteRange[] {
  const metadata = chunk?.getStruct(chunkFields.metadata);
  if (!chunk || !metadata) return [];
  const start = firstPlace(
    metadata.getNumber(columnFields.dataPage) ?? 0,
    metadata.getNumber(columnFields.dictionaryPage) ?? 0,
  );
  const places: [number | undefined, number | undefined][] = [
    [start, metadata.getNumber(columnFields.compressed)],
    [chunk.getNumber(chunkFields.offsetIndex), chunk.getNumber(chunkFields.offsetIndexLength)],
    [chunk.getNumber(chunkFields.columnIndex), chunk.getNumber(chunkFields.columnIndexLength)],
    [metadata.getNumber(columnFields.bloomFilter), metadata.getNumber(columnFields.bloomFilterLength)],
  ];
  return places.flatMap(([at, length]) => (at && length ? [{ start: at, end: at + length }] : []));
}

function listOf(struct: ThriftStruct, id: number): ThriftList {
  const list = struct.getList(id);
  if (list instanceof ThriftList) return list;
  throw new Error(`field ${id} of the metadata is missing`);
}

/** Changes a number that is there. */
function addNumber(struct: ThriftStruct, id: number, more: number, type: 'i32' | 'i64' = 'i64'): void {
  const number = struct.getNumber(id);
  if (number !== undefined) struct.setNumber(id, type, number + more);
}
