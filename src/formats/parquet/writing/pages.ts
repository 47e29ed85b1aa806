/** Writes one of our columns of one row group as pages of a Parquet column chunk, and the metadata that describes it. */
import { gzipSync } from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { CompressionCodecs } from 'hyparquet/src/constants.js';
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import type { AddedColumn } from '../../format.ts';
import { ThriftStruct } from '../thrift/structs.ts';
import { PlainValues } from './plain-values.ts';
import { valueTypeOf } from './value-types.ts';

/** A page is full at either, whichever comes first; both are what other writers take. */
const fullPageUnits = 1024 * 1024;
const fullPageRows = 20_000;

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

/** The schema element of a nullable column. */
export function describeColumn({ name, type }: AddedColumn): ThriftStruct {
  const { physical, isText } = valueTypeOf(type);
  const element = new ThriftStruct()
    .setNumber(1, 'i32', physical)
    .setNumber(3, 'i32', optional)
    .setText(4, name);
  if (!isText) return element;
  return element.setNumber(6, 'i32', utf8).setStruct(10, new ThriftStruct().setStruct(1, new ThriftStruct()));
}

/** Longer texts are no bounds that anybody would keep in a footer. */
const longestBound = 64;
/** So many values are known again: labels and counts come again and again. */
const mostNoted = 256;

export class ValuePages {
  readonly #name: string;
  readonly #codec: CompressionCodec;
  readonly #type: ReturnType<typeof valueTypeOf>;
  /** Of the page that is being filled: 0 for a null, 1 for a value. */
  #levels: number[] = [];
  readonly #values = new PlainValues();
  #nulls = 0;
  #least: Buffer | undefined;
  #most: Buffer | undefined;
  #hasBounds: boolean;
  /** Values whose place between the bounds is known. */
  readonly #noted = new Set<string>();
  #units = 0;
  #rows = 0;
  #uncompressedBytes = 0;
  #compressedBytes = 0;

  constructor({ name, type }: AddedColumn, codec: CompressionCodec) {
    this.#name = name;
    this.#type = valueTypeOf(type);
    this.#hasBounds = this.#type.bounds !== undefined;
    this.#codec = codec;
  }

  /** Adds a row's value; gives a page when it is full. */
  add(text: string | null): Buffer | undefined {
    const isValue = text !== null && this.#type.add(this.#values, text);
    this.#levels.push(isValue ? 1 : 0);
    if (isValue) this.#noteBounds(text);
    else this.#nulls += 1;
    this.#units += text?.length ?? 0;
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
      .setNumber(1, 'i32', this.#type.physical)
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

  #noteBounds(text: string): void {
    const { bounds } = this.#type;
    if (!this.#hasBounds || !bounds || this.#noted.has(text)) return;
    if (this.#noted.size < mostNoted) this.#noted.add(text);
    const bytes = bounds.encode(text);
    this.#hasBounds = bytes.length <= longestBound;
    if (this.#least === undefined || bounds.compare(bytes, this.#least) < 0) this.#least = bytes;
    if (this.#most === undefined || bounds.compare(bytes, this.#most) > 0) this.#most = bytes;
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
