/**
 * What a pack is, byte by byte: `cache/packs/answers_<time>_<random>.pack`, written once and never changed.
 *
 * ```text
 * "loom answers v1\n"
 * records    one after the other, each: u32 bytes of its body, u32 CRC-32 of all that follows here, 16 bytes of the key,
 *            u48 milliseconds since 1970, u16 number of its source; then the body, JSON: ["text", tokens in, out, "reason"]
 * prefixes   u32 for each record, ascending: the first four bytes of its key
 * rows       in the same order: the next 12 bytes of the key, u48 place of the record
 * sources    JSON: [{ provider, model, settings?, address? }, …]
 * footer     where the records end, how many there are, the length and the CRC-32 of the sources, its own CRC-32, "\nloomend"
 * ```
 *
 * Numbers are little-endian. Every record is checked by itself when it is read, so that damage costs what it has hit.
 */

import { crc32 } from 'node:zlib';
import type { Answer } from '../../core/models.ts';
import { arrayOf, object, optional, readShape, string } from '../../core/shapes/shapes.ts';

/** Whose answers are in a pack, told once for all of them. */
export interface PackedSource {
  readonly provider: string;
  readonly model: string;
  /** sha256 of the settings, in hex; absent without any. They are in the key too: this tells apart what only looks alike. */
  readonly settings?: string | undefined;
  readonly address?: string | undefined;
}

export interface PackedEntry {
  /** 16 bytes. */
  readonly key: Buffer;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Its number among the sources of the pack. */
  readonly source: number;
  /** The answer, encoded. */
  readonly body: Buffer;
}

export const packHead = Buffer.from('loom answers v1\n');
export const keyBytes = 16;
export const headerBytes = 32;
export const prefixBytes = 4;
export const rowBytes = 18;
export const footerBytes = 36;
/** No answer is longer: what a server sends beyond 64 MB is not read. A length above this is damage. */
export const longestBody = 256 * 1024 * 1024;
export const mostSources = 65_535;

const footerEnd = Buffer.from('\nloomend');

export interface PackFooter {
  readonly recordsEnd: number;
  readonly count: number;
  readonly sourcesBytes: number;
  readonly sourcesCrc: number;
}

export function encodeAnswer(answer: Answer): Buffer {
  return Buffer.from(answerText(answer));
}

/** The body of an answer, as text. */
export function answerText({ text, usage, finishReason }: Answer): string {
  if (usage === undefined && finishReason === undefined) return JSON.stringify([text]);
  const { inputTokens = null, outputTokens = null } = usage ?? {};
  return JSON.stringify([text, inputTokens, outputTokens, finishReason ?? null]);
}

/** The body was checked by its CRC: it is what `encodeAnswer` has made. */
export function decodeAnswer(body: Buffer): Answer {
  const [text, inputTokens, outputTokens, finishReason] = JSON.parse(body.toString('utf8'));
  const isCounted = typeof inputTokens === 'number' && typeof outputTokens === 'number';
  return {
    text,
    usage: isCounted ? { inputTokens, outputTokens } : undefined,
    finishReason: finishReason ?? undefined,
  };
}

export function encodeRecord({ body, ...about }: PackedEntry): Buffer {
  const record = Buffer.allocUnsafe(headerBytes + body.length);
  body.copy(record, headerBytes);
  writeHeader(record, about);
  return record;
}

/** Puts the header into a record whose body is in its place already. */
export function writeHeader(record: Buffer, { key, createdAt, source }: Omit<PackedEntry, 'body'>): void {
  record.writeUInt32LE(record.length - headerBytes, 0);
  key.copy(record, 8, 0, keyBytes);
  record.writeUIntLE(createdAt, 24, 6);
  record.writeUInt16LE(source, 30);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
}

/** How long a record is, by its header; undefined where that can't be. */
export function recordLength(header: Buffer): number | undefined {
  if (header.length < headerBytes) return undefined;
  const length = header.readUInt32LE(0);
  return length <= longestBody ? headerBytes + length : undefined;
}

/** undefined for a record that is not as it was written. */
export function decodeRecord(record: Buffer): PackedEntry | undefined {
  if (recordLength(record) !== record.length) return undefined;
  if (crc32(record.subarray(8)) !== record.readUInt32LE(4)) return undefined;
  return {
    key: record.subarray(8, 8 + keyBytes),
    createdAt: record.readUIntLE(24, 6),
    source: record.readUInt16LE(30),
    body: record.subarray(headerBytes),
  };
}

export function encodeSources(sources: readonly PackedSource[]): Buffer {
  return Buffer.from(JSON.stringify(sources));
}

export const packedSourceShape = object({
  provider: string,
  model: string,
  settings: optional(string),
  address: optional(string),
});

const sourcesShape = arrayOf(packedSourceShape);

/** undefined for what is not the sources of a pack. */
export function decodeSources(bytes: Buffer, crc: number): readonly PackedSource[] | undefined {
  if (crc32(bytes) !== crc) return undefined;
  try {
    return readShape(sourcesShape, JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}

export function encodeFooter({ recordsEnd, count, sourcesBytes, sourcesCrc }: PackFooter): Buffer {
  const footer = Buffer.alloc(footerBytes);
  footer.writeUIntLE(recordsEnd, 0, 6);
  footer.writeUInt32LE(count, 8);
  footer.writeUInt32LE(sourcesBytes, 12);
  footer.writeUInt32LE(sourcesCrc, 16);
  footer.writeUInt32LE(crc32(footer.subarray(0, 20)), 20);
  footerEnd.copy(footer, footerBytes - footerEnd.length);
  return footer;
}

/** undefined for what is not the footer of a file of this size. */
export function decodeFooter(footer: Buffer, fileBytes: number): PackFooter | undefined {
  if (footer.length !== footerBytes || !hasFooterEnd(footer)) return undefined;
  if (crc32(footer.subarray(0, 20)) !== footer.readUInt32LE(20)) return undefined;
  const [recordsEnd, count] = [footer.readUIntLE(0, 6), footer.readUInt32LE(8)];
  const [sourcesBytes, sourcesCrc] = [footer.readUInt32LE(12), footer.readUInt32LE(16)];
  const whole = recordsEnd + count * (prefixBytes + rowBytes) + sourcesBytes + footerBytes;
  return whole === fileBytes ? { recordsEnd, count, sourcesBytes, sourcesCrc } : undefined;
}

export function hasFooterEnd(bytes: Buffer): boolean {
  return bytes.subarray(-footerEnd.length).equals(footerEnd);
}
