/** How the types of our columns are said in Parquet, and in the schemas that other programs keep beside its own. */
import type { ColumnType } from '../../../core/models.ts';
import type { PlainValues } from './plain-values.ts';

interface ValueType {
  /** By the number that parquet.thrift gives it. */
  readonly physical: number;
  readonly isText: boolean;
  /** Adds the value to those of a page; false for what the type does not hold: a whole number of more than 64 bits. */
  add(values: PlainValues, text: string): boolean;
  /** Absent where no bounds are kept in the file. */
  readonly bounds?: {
    encode(text: string): Buffer;
    compare(one: Buffer, other: Buffer): number;
  };
  /** The member of Arrow's union of types, and the slots of its table. */
  readonly arrow: { readonly type: number; readonly slots: readonly number[] };
  readonly pandas: { readonly pandas_type: string; readonly numpy_type: string };
  readonly spark: string;
}

const text: ValueType = {
  physical: 6,
  isText: true,
  add(values, value) {
    values.addText(value);
    return true;
  },
  // By their bytes, as Parquet sorts texts.
  bounds: { encode: (value) => Buffer.from(value), compare: Buffer.compare },
  arrow: { type: 5, slots: [] },
  pandas: { pandas_type: 'unicode', numpy_type: 'object' },
  spark: 'string',
};

// With a capital, and `boolean` in full: the types of pandas that have a place for rows without a value.
const valueTypes: Readonly<Record<ColumnType, ValueType>> = {
  text,
  json: text,
  integer: {
    physical: 2,
    isText: false,
    add(values, value) {
      const number = /^-?\d{1,15}$/.test(value) ? Number(value) : readInteger(value);
      if (number !== undefined) values.addInteger(number);
      return number !== undefined;
    },
    bounds: { encode: encodeInteger, compare: compareIntegers },
    arrow: { type: 2, slots: [64, 1] },
    pandas: { pandas_type: 'int64', numpy_type: 'Int64' },
    spark: 'long',
  },
  number: {
    physical: 5,
    isText: false,
    add(values, value) {
      values.addDouble(Number(value));
      return true;
    },
    arrow: { type: 3, slots: [2] },
    pandas: { pandas_type: 'float64', numpy_type: 'float64' },
    spark: 'double',
  },
  boolean: {
    physical: 0,
    isText: false,
    add(values, value) {
      values.addBoolean(value === 'true');
      return true;
    },
    arrow: { type: 6, slots: [] },
    pandas: { pandas_type: 'bool', numpy_type: 'boolean' },
    spark: 'boolean',
  },
};

export function valueTypeOf(type: ColumnType): ValueType {
  return valueTypes[type];
}

/** JSON has `1e3` and `1.0` for whole numbers too. */
function readInteger(value: string): bigint | undefined {
  const whole = /^-?\d+$/.test(value) ? BigInt(value) : wholeOf(Number(value));
  return whole === undefined || BigInt.asIntN(64, whole) !== whole ? undefined : whole;
}

function wholeOf(number: number): bigint | undefined {
  return Number.isInteger(number) ? BigInt(number) : undefined;
}

function encodeInteger(value: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(readInteger(value) ?? 0n);
  return bytes;
}

function compareIntegers(one: Buffer, other: Buffer): number {
  const [first, second] = [one.readBigInt64LE(), other.readBigInt64LE()];
  return first < second ? -1 : first > second ? 1 : 0;
}
