/** Writes a column of texts or whole numbers of one row group as pages of a Parquet column chunk, and the metadata that describes it. */
import { gzipSync } from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { CompressionCodecs } from 'hyparquet/src/constants.js';
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import type { AddedColumn } from '../format.ts';
import { PlainValues } from './plain-values.ts';
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

const pageCompressors: Partial<Record<CompressionCodec, (bytes: Uint8Array) => Uint8Array>> = {
  SNAPPY: snappyCompress,
  GZIP: (bytes) => gzipSync(bytes),
};

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
  /** Of the page that is being filled: 0 for a null, 1 for a value. */
  #levels: number[] = [];
  readonly #values = new PlainValues();
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
    this.#levels.push(value === null ? 0 : 1);
    if (value !== null && this.#isInteger) this.#values.addInteger(BigInt(value));
    else if (value !== null) this.#values.addText(value);
    this.#noteBounds(value);
    this.#units += value?.length ?? 0;
    return this.#units >= fullPageUnits || this.#levels.length >= fullPageRows
      ? this.#writePage()
      : undefined;
  }

  /** The last page; also of a column without rows, so that there is one. */
  finish(): Buffer {
    return this.#levels.length > 0 || this.#rows === 0 ? this.#writePage() : Buffer.alloc(0);
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
    const values = this.#values.take();
    const packed = pageCompressors[this.#codec]?.(values) ?? values;
    const levels = new ByteWriter();
    const levelBytes = writeRleBitPackedHybrid(levels, this.#levels, 1);
    const header = new ByteWriter();
    writePageHeader(header, {
      type: 'DATA_PAGE_V2',
      uncompressed_page_size: levelBytes + values.length,
      compressed_page_size: levelBytes + packed.length,
      data_page_header_v2: {
        num_values: this.#levels.length,
        num_nulls: this.#levels.filter((level) => level === 0).length,
        num_rows: this.#levels.length,
        encoding: 'PLAIN',
        definition_levels_byte_length: levelBytes,
        repetition_levels_byte_length: 0,
        is_compressed: true,
      },
    });
    const page = Buffer.concat([header.getBytes(), levels.getBytes(), packed]);
    this.#rows += this.#levels.length;
    this.#uncompressedBytes += header.offset + levelBytes + values.length;
    this.#compressedBytes += page.length;
    this.#levels = [];
    this.#units = 0;
    return page;
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
