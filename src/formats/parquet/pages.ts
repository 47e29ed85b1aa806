/** Writes a column of texts or whole numbers of one row group as pages of a Parquet column chunk, and the metadata that describes it. */
import { gzipSync } from 'node:zlib';
import type { CompressionCodec, SchemaElement } from 'hyparquet';
import { CompressionCodecs } from 'hyparquet/src/constants.js';
import { ByteWriter } from 'hyparquet-writer';
import { writeDataPageV2 } from 'hyparquet-writer/src/datapage.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import type { AddedColumn } from '../format.ts';
import { ThriftStruct } from './thrift.ts';

/** A page is full at either, whichever comes first; both are what other writers take. */
const fullPageUnits = 1024 * 1024;
const fullPageRows = 20_000;

const byteArray = 6;
const int64 = 2;
const optional = 1;
const utf8 = 0;
const plainEncoding = 0;
const levelEncoding = 3;

const pageCompressors = { SNAPPY: snappyCompress, GZIP: (bytes: Uint8Array) => gzipSync(bytes) };

/** The compression of the columns that are added: that of a column that is there, where it can be written. */
export function codecLike(codec: CompressionCodec | undefined): CompressionCodec {
  return codec === 'UNCOMPRESSED' || codec === 'GZIP' ? codec : 'SNAPPY';
}

/** The schema element of a nullable column of texts, or of whole numbers. */
export function describeColumn({ name, type }: AddedColumn): ThriftStruct {
  if (type === 'integer') {
    return new ThriftStruct().setNumber(1, 'i32', int64).setNumber(3, 'i32', optional).setText(4, name);
  }
  return new ThriftStruct()
    .setNumber(1, 'i32', byteArray)
    .setNumber(3, 'i32', optional)
    .setText(4, name)
    .setNumber(6, 'i32', utf8)
    .setStruct(10, new ThriftStruct().setStruct(1, new ThriftStruct()));
}

/** Longer texts are no bounds that anybody would keep in a footer. */
const longestBound = 64;

export class ValuePages {
  readonly #name: string;
  readonly #codec: CompressionCodec;
  readonly #isInteger: boolean;
  #values: (string | bigint | null)[] = [];
  #nulls = 0;
  #least: Buffer | undefined;
  #most: Buffer | undefined;
  #hasBounds = true;
  #units = 0;
  #rows = 0;
  #uncompressedBytes = 0;
  #compressedBytes = 0;

  constructor({ name, type }: AddedColumn, codec: CompressionCodec) {
    this.#name = name;
    this.#isInteger = type === 'integer';
    this.#codec = codec;
  }

  /** Adds a row's value; gives a page when it is full. */
  add(value: string | null): Buffer | undefined {
    this.#values.push(value !== null && this.#isInteger ? BigInt(value) : value);
    this.#noteBounds(value);
    this.#units += value?.length ?? 0;
    return this.#units >= fullPageUnits || this.#values.length >= fullPageRows
      ? this.#writePage()
      : undefined;
  }

  /** The last page; also of a column without rows, so that there is one. */
  finish(): Buffer {
    return this.#values.length > 0 || this.#rows === 0 ? this.#writePage() : Buffer.alloc(0);
  }

  /** The metadata of the finished column chunk whose pages start at this place in the file. */
  describe(start: number): { chunk: ThriftStruct; compressedBytes: number; uncompressedBytes: number } {
    const metadata = new ThriftStruct()
      .setNumber(1, 'i32', this.#isInteger ? int64 : byteArray)
      .setNumbers(2, [plainEncoding, levelEncoding])
      .setTexts(3, [this.#name])
      .setNumber(4, 'i32', CompressionCodecs.indexOf(this.#codec))
      .setNumber(5, 'i64', this.#rows)
      .setNumber(6, 'i64', this.#uncompressedBytes)
      .setNumber(7, 'i64', this.#compressedBytes)
      .setNumber(9, 'i64', start)
      .setStruct(12, this.#describeStatistics());
    const chunk = new ThriftStruct().setNumber(2, 'i64', 0).setStruct(3, metadata);
    return { chunk, compressedBytes: this.#compressedBytes, uncompressedBytes: this.#uncompressedBytes };
  }

  /** By their bytes, as Parquet sorts texts; numbers by what they are. */
  #noteBounds(value: string | null): void {
    if (value === null) {
      this.#nulls += 1;
      return;
    }
    if (!this.#hasBounds) return;
    const bytes = this.#isInteger ? encodeInteger(value) : Buffer.from(value);
    this.#hasBounds = bytes.length <= longestBound;
    const compare = this.#isInteger ? compareIntegers : Buffer.compare;
    if (this.#least === undefined || compare(bytes, this.#least) < 0) this.#least = bytes;
    if (this.#most === undefined || compare(bytes, this.#most) > 0) this.#most = bytes;
  }

  #describeStatistics(): ThriftStruct {
    const statistics = new ThriftStruct().setNumber(3, 'i64', this.#nulls);
    if (!this.#hasBounds || !this.#least || !this.#most) return statistics;
    return statistics.setBytes(5, this.#most).setBytes(6, this.#least);
  }

  #writePage(): Buffer {
    const values = this.#values;
    const element: SchemaElement = {
      name: this.#name,
      repetition_type: 'OPTIONAL',
      ...(this.#isInteger ? { type: 'INT64' } : { type: 'BYTE_ARRAY', converted_type: 'UTF8' }),
    };
    const writer = new ByteWriter();
    const definitionLevels = values.map((value) => (value === null ? 0 : 1));
    this.#uncompressedBytes += writeDataPageV2({
      writer,
      column: {
        columnName: this.#name,
        element,
        schemaPath: [{ name: 'root' }, element],
        codec: this.#codec,
        compressors: pageCompressors,
      } as never,
      encoding: 'PLAIN',
      pageData: { values, definitionLevels, repetitionLevels: [], maxDefinitionLevel: 1 },
    });
    this.#rows += values.length;
    this.#compressedBytes += writer.offset;
    this.#values = [];
    this.#units = 0;
    return Buffer.from(writer.getBytes());
  }
}

function encodeInteger(text: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(text));
  return bytes;
}

function compareIntegers(one: Buffer, other: Buffer): number {
  return Number(one.readBigInt64LE() - other.readBigInt64LE());
}
