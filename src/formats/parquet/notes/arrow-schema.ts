/**
 * The Arrow schema that Arrow, pandas and Polars keep in a Parquet file: they read by it what Parquet has no type for,
 * and refuse a file that has columns which it has not. It is an IPC message in a FlatBuffer
 * (https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc).
 */

import { valueTypeOf } from '../writing/value-types.ts';
import type { PlacedColumn } from './pandas-schema.ts';
import { addToPandasSchema } from './pandas-schema.ts';

const continuation = 0xffffffff;
const schemaHeader = 1;

/** Slots of the tables, by the order in which Schema.fbs and Message.fbs declare them. */
const messageSlots = { version: 0, headerType: 1, header: 2, customMetadata: 4 };
const noteSlots = { key: 0, value: 1 };
const schemaSlots = { endianness: 0, fields: 1, customMetadata: 2, features: 3 };

/**
 * The schema with our columns added or replaced, in base64 as it came. Undefined when it is not understood or has
 * another number of columns than the file: it is better left out then.
 */
export function addToArrowSchema(
  base64: string,
  columns: readonly PlacedColumn[],
  columnCount: number,
): string | undefined {
  try {
    const message = Buffer.from(base64, 'base64');
    const prefix = message.readUInt32LE(0) === continuation ? 8 : 4;
    const old = message.subarray(prefix, prefix + message.readInt32LE(prefix - 4));
    const extended = extendMessage(old, columns, columnCount);
    if (!extended) return undefined;
    const head = Buffer.alloc(8);
    head.writeUInt32LE(continuation, 0);
    head.writeInt32LE(extended.length, 4);
    return Buffer.concat([head, extended]).toString('base64');
  } catch {
    return undefined;
  }
}

/** Writes a new head, whose list of fields points to the new ones and into the old message, which follows as it is. */
function extendMessage(
  old: Buffer,
  columns: readonly PlacedColumn[],
  columnCount: number,
): Buffer | undefined {
  const message = old.readUInt32LE(0);
  const headerType = slotOf(old, message, messageSlots.headerType);
  const header = slotOf(old, message, messageSlots.header);
  if (!headerType || !header || old.readUInt8(headerType) !== schemaHeader) return undefined;
  const schema = follow(old, header);
  const fieldsSlot = slotOf(old, schema, schemaSlots.fields);
  const oldFields = fieldsSlot ? listTables(old, follow(old, fieldsSlot)) : [];
  if (oldFields.length !== columnCount) return undefined;

  const head = new HeadWriter();
  const inOld = (table: number, slot: number): Target | undefined => {
    const at = slotOf(old, table, slot);
    return at ? { at: follow(old, at), isOld: true } : undefined;
  };
  const number = (table: number, slot: number) => {
    const at = slotOf(old, table, slot);
    return at ? old.readInt16LE(at) : undefined;
  };
  const root = head.reference();
  const newSchema: Target = { at: 0, isOld: false };
  const fieldList: Target = { at: 0, isOld: false };
  root.to = head.table([
    number(message, messageSlots.version),
    schemaHeader,
    newSchema,
    undefined,
    inOld(message, messageSlots.customMetadata),
  ]);
  const notesSlot = slotOf(old, schema, schemaSlots.customMetadata);
  const notes = notesSlot ? listTables(old, follow(old, notesSlot)) : undefined;
  const newNotes: Target = { at: 0, isOld: false };
  Object.assign(
    newSchema,
    head.table([
      number(schema, schemaSlots.endianness),
      fieldList,
      notes && newNotes,
      inOld(schema, schemaSlots.features),
    ]),
  );
  const fields: Target[] = oldFields.map((at) => ({ at, isOld: true }));
  const added = columns.map(({ index }): Target => {
    const field: Target = { at: 0, isOld: false };
    fields.splice(index ?? fields.length, index === undefined ? 0 : 1, field);
    return field;
  });
  Object.assign(fieldList, head.list(fields));
  columns.forEach(({ name, type: valueType }, position) => {
    const { arrow } = valueTypeOf(valueType);
    const [text, type, children]: Target[] = Array.from({ length: 3 }, () => ({ at: 0, isOld: false }));
    Object.assign(added[position] as Target, head.table([text, 1, arrow.type, type, undefined, children]));
    Object.assign(text as Target, head.text(name));
    Object.assign(type as Target, head.table(arrow.slots));
    Object.assign(children as Target, head.list([]));
  });
  if (notes) Object.assign(newNotes, addNotes(head, old, notes, columns));
  return head.join(old);
}

/** The notes that other programs keep in the schema too: those of pandas count before the file's own. */
function addNotes(
  head: HeadWriter,
  old: Buffer,
  notes: readonly number[],
  columns: readonly PlacedColumn[],
): Target {
  const changed: { note: Target; key: string; value: string }[] = [];
  const list = notes.flatMap((at): Target[] => {
    const key = readText(old, at, noteSlots.key);
    if (key !== 'pandas') return [{ at, isOld: true }];
    const value = addToPandasSchema(readText(old, at, noteSlots.value), columns);
    if (value === undefined) return [];
    const note: Target = { at: 0, isOld: false };
    changed.push({ note, key, value });
    return [note];
  });
  const start = head.list(list);
  for (const { note, key, value } of changed) {
    const [keyText, valueText]: Target[] = Array.from({ length: 2 }, () => ({ at: 0, isOld: false }));
    Object.assign(note, head.table([keyText, valueText]));
    Object.assign(keyText as Target, head.text(key));
    Object.assign(valueText as Target, head.text(value));
  }
  return start;
}

function readText(bytes: Buffer, table: number, slot: number): string {
  const at = slotOf(bytes, table, slot);
  if (at === 0) return '';
  const start = follow(bytes, at);
  return bytes.toString('utf8', start + 4, start + 4 + bytes.readUInt32LE(start));
}

/** Where the value of a table's slot is; 0 when the table leaves it out. */
function slotOf(bytes: Buffer, table: number, slot: number): number {
  const vtable = table - bytes.readInt32LE(table);
  const place = 4 + slot * 2;
  const offset = place < bytes.readUInt16LE(vtable) ? bytes.readUInt16LE(vtable + place) : 0;
  return offset === 0 ? 0 : table + offset;
}

function follow(bytes: Buffer, at: number): number {
  return at + bytes.readUInt32LE(at);
}

function listTables(bytes: Buffer, list: number): number[] {
  return Array.from({ length: bytes.readUInt32LE(list) }, (_, index) => follow(bytes, list + 4 + index * 4));
}

/** A place in the new head or in the old message. It may be named before it is known. */
interface Target {
  at: number;
  isOld: boolean;
}

/** Lays out FlatBuffer tables one after the other; references go forward only. */
class HeadWriter {
  #pieces: Buffer[] = [];
  #length = 0;
  #references: { at: number; to: Target }[] = [];

  reference(to: Target = { at: 0, isOld: false }): { at: number; to: Target } {
    const reference = { at: this.#append(Buffer.alloc(4)), to };
    this.#references.push(reference);
    return reference;
  }

  /** Each slot takes four bytes, which holds every kind that is needed here. */
  table(slots: readonly (number | Target | undefined)[]): Target {
    const vtable = Buffer.alloc(4 + slots.length * 2 + (slots.length % 2) * 2);
    const given = slots.filter((slot) => slot !== undefined);
    vtable.writeUInt16LE(4 + slots.length * 2, 0);
    vtable.writeUInt16LE(4 + given.length * 4, 2);
    let offset = 4;
    slots.forEach((slot, index) => {
      if (slot === undefined) return;
      vtable.writeUInt16LE(offset, 4 + index * 2);
      offset += 4;
    });
    this.#append(vtable);
    const distance = Buffer.alloc(4);
    distance.writeInt32LE(vtable.length);
    const at = this.#append(distance);
    for (const slot of given) {
      if (typeof slot === 'object') this.reference(slot);
      else this.#appendNumber(slot);
    }
    return { at, isOld: false };
  }

  list(items: readonly Target[]): Target {
    const at = this.#appendNumber(items.length);
    for (const item of items) this.reference(item);
    return { at, isOld: false };
  }

  text(text: string): Target {
    const bytes = Buffer.from(text);
    const at = this.#appendNumber(bytes.length);
    this.#append(Buffer.concat([bytes, Buffer.alloc(4 - (bytes.length % 4))]));
    return { at, isOld: false };
  }

  /** The head with all its references set, and the old message behind it. */
  join(old: Buffer): Buffer {
    const headLength = Math.ceil(this.#length / 8) * 8;
    const joined = Buffer.alloc(headLength + Math.ceil(old.length / 8) * 8);
    Buffer.concat(this.#pieces).copy(joined);
    old.copy(joined, headLength);
    for (const { at, to } of this.#references) {
      joined.writeUInt32LE((to.isOld ? headLength : 0) + to.at - at, at);
    }
    return joined;
  }

  #appendNumber(value: number): number {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return this.#append(bytes);
  }

  #append(bytes: Buffer): number {
    const at = this.#length;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    return at;
  }
}
