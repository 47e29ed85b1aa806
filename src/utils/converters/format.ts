/** What the converters for each file type promise, and which one a file name asks for. */
import { basename } from 'node:path';
import { LoomError } from '../../errors.ts';
import type { FileType, Row } from '../../models.ts';
import type { PromptSource } from './prompt-source.ts';

/** File type and compression of an input, told by its name. */
export interface InputFormat {
  readonly fileType: FileType;
  readonly gzip: boolean;
}

export interface ReadOptions {
  /** JSON without one: the field `prompt`. */
  readonly promptSource?: PromptSource | undefined;
  /** Sees every byte of the file as it lies on disk, in order (to hash it). */
  readonly onBytes?: ((chunk: Buffer) => void) | undefined;
  /** How many bytes are read at a time; tests set it low to cut the file in every possible place. */
  readonly chunkBytes?: number | undefined;
}

/** The cells or fields that a merge sets in each row; null is an empty cell, or JSON null. */
export interface AddedFields {
  readonly names: readonly string[];
  /** Called some rows ahead of `valuesFor`, and awaited before that. */
  prepareRows?: ((rows: readonly Row[]) => Promise<void>) | undefined;
  /** undefined leaves the row out of the output. */
  valuesFor(row: Row): readonly (string | null)[] | undefined;
}

/** Reads and merges one file type, as streams: memory does not grow with the file. */
export interface Converter {
  /** Every row in order. Checks the file on the way: throws LoomError `input` at the first thing that is wrong. */
  readRows(path: string, gzip: boolean, options: ReadOptions): AsyncIterable<Row>;
  /** The merged file as chunks of UTF-8, everything that was in the input byte for byte as the contract has it. */
  mergeRows(path: string, gzip: boolean, options: ReadOptions, fields: AddedFields): AsyncIterable<Buffer>;
}

const extensions = ['.json', '.csv', '.json.gz', '.csv.gz'] as const;

/** The format that a file's name tells, in any letter case; LoomError `input` for any other name. */
export function detectFormat(path: string): InputFormat {
  const name = basename(path).toLowerCase();
  const extension = extensions.find((candidate) => name.endsWith(candidate));
  if (!extension) {
    throw new LoomError('input', `unsupported file type: ${basename(path)}.`, {
      hint: `Use one of: ${extensions.join(', ')}.`,
    });
  }
  return { fileType: extension.startsWith('.csv') ? 'csv' : 'json', gzip: extension.endsWith('.gz') };
}

/** The input's name without its format's extension: `data.CSV.gz` → `data`. */
export function stripExtension(name: string): string {
  return name.replace(/\.(json|csv)(\.gz)?$/i, '');
}
