/** Which columns of a Parquet file can be read as text, and how their values are written. */
import type { SchemaElement, SchemaTree } from 'hyparquet';

/** The text, or the bytes of what should be one. */
export type TextWriter = (value: unknown) => string | Uint8Array;

/** Undefined for a nested column, and for values such as times that could be written in many ways. */
export function textWriterFor({ element, children }: SchemaTree): TextWriter | undefined {
  if (children.length > 0 || element.repetition_type === 'REPEATED') return undefined;
  const annotation = annotationOf(element);
  switch (element.type) {
    case 'BYTE_ARRAY':
      return [undefined, 'STRING', 'UTF8', 'ENUM', 'JSON'].includes(annotation) ? keepBytes : undefined;
    case 'BOOLEAN':
    case 'DOUBLE':
      return annotation === undefined ? String : undefined;
    case 'FLOAT':
      return annotation === undefined ? (value) => writeFloat(value as number) : undefined;
    case 'INT32':
    case 'INT64':
      return annotation === undefined || /^U?INT(EGER|_\d+)$/.test(annotation) ? String : undefined;
    default:
      return undefined;
  }
}

/** What a column holds, in words. */
export function describeColumnType({ element, children }: SchemaTree): string {
  if (element.repetition_type === 'REPEATED' || annotationOf(element) === 'LIST') return 'lists';
  if (children.length > 0) return annotationOf(element) === 'MAP' ? 'maps' : 'structs';
  return `values of type ${annotationOf(element) ?? element.type}`;
}

/** What its bytes mean, where the physical type does not tell. */
function annotationOf({ logical_type, converted_type }: SchemaElement): string | undefined {
  return logical_type?.type ?? converted_type;
}

const keepBytes = (value: unknown) => value as string | Uint8Array;

/** With no more digits than tell it from its neighbours: 0.1, not 0.10000000149011612. */
function writeFloat(value: number): string {
  for (let digits = 1; digits <= 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}
