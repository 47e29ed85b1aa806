/** Temporary inputs for the converter tests, and both passes over them in one call. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { LoomError } from '../../src/core/errors.ts';
import type { Row } from '../../src/core/models.ts';
import { type AddedFields, detectFormat, type ReadOptions } from '../../src/formats/format.ts';
import { converterFor } from '../../src/formats/index.ts';

/** A file that is there until its test ends, packed where its extension says so. */
export function writeInput(extension: string, content: string | Buffer): string {
  return writeRawInput(extension, extension.endsWith('.gz') ? gzipSync(content) : Buffer.from(content));
}

export function writeRawInput(extension: string, content: Buffer): string {
  const path = join(createInputFolder(), `input${extension}`);
  writeFileSync(path, content);
  return path;
}

export function createInputFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'loom-converters-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Reads the prompts of a column. */
export function by(column: string, options: ReadOptions = {}): ReadOptions {
  return { ...options, promptSource: { column } };
}

export async function readAll(path: string, options: ReadOptions = {}): Promise<Row[]> {
  const { fileType, gzip } = detectFormat(path);
  const rows: Row[] = [];
  for await (const some of (await converterFor(fileType)).readRows(path, gzip, options)) rows.push(...some);
  return rows;
}

/** What is sent of each row, without its line and the id that the file gives it. */
export async function readSent(path: string, options: ReadOptions = {}): Promise<Row[]> {
  return (await readAll(path, options)).map(({ index, id, prompt }) => ({ index, id, prompt }));
}

export async function mergeAll(
  path: string,
  fields: AddedFields,
  options: ReadOptions = {},
): Promise<Buffer> {
  const { fileType, gzip } = detectFormat(path);
  const chunks: Buffer[] = [];
  for await (const chunk of (await converterFor(fileType)).mergeRows(path, gzip, options, fields))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Fields that hold these values in each row, one list per name. */
export function fieldsOf(
  values: Record<string, (row: Row) => string | null>,
  integers: readonly string[] = [],
): AddedFields {
  return {
    columns: Object.keys(values).map((name) => ({
      name,
      type: integers.includes(name) ? 'integer' : 'text',
    })),
    valuesFor: (row) => Object.values(values).map((makeValue) => makeValue(row)),
  };
}

/** The same response for every row. */
export function respond(text: string | null): AddedFields {
  return fieldsOf({ llm_response: () => text });
}

/** What `loom` prints for the error, without `Error: `, and with the path shortened to `<file>`. */
export async function failureOf(path: string, act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof LoomError) || error.kind !== 'input') throw error;
    return [error.message, error.hint].join(' ').replaceAll(path, '<file>');
  }
  throw new Error('no error was thrown');
}

/** Numbers from 0 to 1, the same for the same seed. */
export function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pickFrom<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T;
}
