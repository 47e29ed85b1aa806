/**
 * Thrift structs in the compact protocol, read and written so that nothing changes that was not meant to: fields and
 * types that this program does not know stay byte for byte. Parquet's footer is such a struct.
 */

/** A number or text as it is on the wire, a struct, or a list. A boolean field is empty: its type says what it is. */
export type ThriftValue = Buffer | ThriftStruct | ThriftList;

interface ThriftField {
  readonly id: number;
  type: number;
  value: ThriftValue;
}

const types = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  struct: 12,
};

export class ThriftList {
  readonly itemType: number;
  readonly items: ThriftValue[];

  constructor(itemType: number, items: ThriftValue[]) {
    this.itemType = itemType;
    this.items = items;
  }

  /** A list in which every item is a struct. */
  get structs(): ThriftStruct[] {
    return this.items as ThriftStruct[];
  }
}

export class ThriftStruct {
  /** In the order of their ids. */
  readonly fields: ThriftField[] = [];

  get(id: number): ThriftValue | undefined {
    return this.fields.find((field) => field.id === id)?.value;
  }

  getStruct(id: number): ThriftStruct | undefined {
    const value = this.get(id);
    return value instanceof ThriftStruct ? value : undefined;
  }

  getList(id: number): ThriftList | undefined {
    const value = this.get(id);
    return value instanceof ThriftList ? value : undefined;
  }

  getText(id: number): string | undefined {
    const value = this.get(id);
    if (!Buffer.isBuffer(value)) return undefined;
    return value.toString('utf8', readVarint(value, 0).end);
  }

  /** An i16, i32 or i64. */
  getNumber(id: number): number | undefined {
    const value = this.get(id);
    return Buffer.isBuffer(value) ? decodeNumber(value) : undefined;
  }

  setNumber(id: number, type: 'i32' | 'i64', value: number): this {
    return this.#set(id, types[type], encodeNumber(value));
  }

  setText(id: number, text: string): this {
    return this.#set(id, types.binary, encodeText(text));
  }

  setBytes(id: number, bytes: Buffer): this {
    return this.#set(id, types.binary, Buffer.concat([encodeVarint(bytes.length), bytes]));
  }

  setStruct(id: number, value: ThriftStruct): this {
    return this.#set(id, types.struct, value);
  }

  setNumbers(id: number, values: readonly number[]): this {
    return this.#set(id, types.list, new ThriftList(types.i32, values.map(encodeNumber)));
  }

  setTexts(id: number, texts: readonly string[]): this {
    return this.#set(id, types.list, new ThriftList(types.binary, texts.map(encodeText)));
  }

  remove(id: number): void {
    const at = this.fields.findIndex((field) => field.id === id);
    if (at !== -1) this.fields.splice(at, 1);
  }

  #set(id: number, type: number, value: ThriftValue): this {
    const known = this.fields.find((field) => field.id === id);
    if (known) Object.assign(known, { type, value });
    else {
      const after = this.fields.findIndex((field) => field.id > id);
      this.fields.splice(after === -1 ? this.fields.length : after, 0, { id, type, value });
    }
    return this;
  }
}

/** The struct that the bytes begin with; an Error when they are none. */
export function decodeStruct(bytes: Buffer): ThriftStruct {
  return readStruct(bytes, 0).value;
}

export function encodeStruct(struct: ThriftStruct): Buffer {
  const pieces: Buffer[] = [];
  writeStruct(pieces, struct);
  return Buffer.concat(pieces);
}

interface Read<Value> {
  readonly value: Value;
  readonly end: number;
}

function readStruct(bytes: Buffer, start: number): Read<ThriftStruct> {
  const struct = new ThriftStruct();
  let id = 0;
  let at = start;
  for (;;) {
    const head = byteAt(bytes, at);
    at += 1;
    if (head === 0) return { value: struct, end: at };
    if (head >> 4 === 0) {
      const { end } = readVarint(bytes, at);
      id = decodeNumber(bytes.subarray(at, end));
      at = end;
    } else {
      id += head >> 4;
    }
    const type = head & 15;
    const { value, end } = readValue(bytes, at, type);
    struct.fields.push({ id, type, value });
    at = end;
  }
}

function readValue(bytes: Buffer, start: number, type: number): Read<ThriftValue> {
  switch (type) {
    case types.true:
    case types.false:
      return take(bytes, start, start);
    case types.byte:
      return take(bytes, start, start + 1);
    case types.i16:
    case types.i32:
    case types.i64:
      return take(bytes, start, readVarint(bytes, start).end);
    case types.double:
      return take(bytes, start, start + 8);
    case types.binary: {
      const { value, end } = readVarint(bytes, start);
      return take(bytes, start, end + value);
    }
    case types.list:
    case types.set:
      return readList(bytes, start);
    case types.struct:
      return readStruct(bytes, start);
    default:
      throw new Error(`unknown type ${type} in the metadata`);
  }
}

function readList(bytes: Buffer, start: number): Read<ThriftList> {
  const head = byteAt(bytes, start);
  const itemType = head & 15;
  const isLong = head >> 4 === 15;
  const size = isLong ? readVarint(bytes, start + 1) : { value: head >> 4, end: start + 1 };
  // A boolean takes a byte in a list, and none as a field.
  const readAs = itemType === types.true || itemType === types.false ? types.byte : itemType;
  const items: ThriftValue[] = [];
  let at = size.end;
  for (let index = 0; index < size.value; index += 1) {
    const { value, end } = readValue(bytes, at, readAs);
    items.push(value);
    at = end;
  }
  return { value: new ThriftList(itemType, items), end: at };
}

function take(bytes: Buffer, start: number, end: number): Read<Buffer> {
  if (end > bytes.length) throw new Error('the metadata is cut short');
  return { value: bytes.subarray(start, end), end };
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Error('the metadata is cut short');
  return byte;
}

/** Not by shifts: numbers go beyond 32 bits. */
function readVarint(bytes: Buffer, start: number): Read<number> {
  let value = 0;
  for (let at = start, weight = 1; ; at += 1, weight *= 128) {
    const byte = byteAt(bytes, at);
    value += (byte & 127) * weight;
    if (byte < 128) return { value, end: at + 1 };
  }
}

function decodeNumber(bytes: Buffer): number {
  const { value } = readVarint(bytes, 0);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function encodeNumber(value: number): Buffer {
  return encodeVarint(value < 0 ? -value * 2 - 1 : value * 2);
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([encodeVarint(bytes.length), bytes]);
}

function writeStruct(pieces: Buffer[], struct: ThriftStruct): void {
  let previous = 0;
  for (const { id, type, value } of struct.fields) {
    const step = id - previous;
    if (step > 0 && step < 16) pieces.push(Buffer.from([(step << 4) | type]));
    else pieces.push(Buffer.from([type]), encodeNumber(id));
    writeValue(pieces, value);
    previous = id;
  }
  pieces.push(Buffer.from([0]));
}

function writeValue(pieces: Buffer[], value: ThriftValue): void {
  if (Buffer.isBuffer(value)) pieces.push(value);
  else if (value instanceof ThriftStruct) writeStruct(pieces, value);
  else {
    const { itemType, items } = value;
    if (items.length < 15) pieces.push(Buffer.from([(items.length << 4) | itemType]));
    else pieces.push(Buffer.from([0xf0 | itemType]), encodeVarint(items.length));
    for (const item of items) writeValue(pieces, item);
  }
}
