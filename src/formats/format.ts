/** What the converters for each file type promise, and which one a file name asks for. */
import { basename } from 'node:path';
import { LoomError, type Told } from '../core/errors.ts';
import type { ColumnType, FileType, Row } from '../core/models.ts';

/** File type and compression of an input, told by its name. */
export interface InputFormat {
  readonly fileType: FileType;
  readonly gzip: boolean;
}

/** How the text of a file is laid out, as far as its name does not say it. What is undefined is found in the file. */
export interface TextLayout {
  /** What stands between two cells of a CSV file: one character. */
  readonly delimiter?: string | undefined;
  /** Whether the first line is no record and says the delimiter, as in `sep=;`. */
  readonly sepLine?: boolean | undefined;
  /** `none`: quotes are text, and a cell can hold neither the delimiter nor a line end. Default: as RFC 4180 has it. */
  readonly quoting?: Quoting | undefined;
  /** Whether rows may lack cells at their end, which count as empty then. Default false. */
  readonly padRows?: boolean | undefined;
  /** As the WHATWG names it. Default: UTF-8. A byte order mark of UTF-8 or UTF-16 outranks it. */
  readonly encoding?: string | undefined;
}

export type Quoting = 'none';

export interface ReadOptions {
  /** Objects without one: the field `prompt`. */
  readonly promptSource?: PromptSource | undefined;
  /** Columns or fields that name files, or templates that do. */
  readonly attach?: readonly string[] | undefined;
  /** The column or field that tells rows apart; undefined: `id`, where there is one. */
  readonly rowId?: string | undefined;
  readonly layout?: TextLayout | undefined;
  /** Columns or fields that the file must not have: ours go there. */
  readonly reserved?: readonly string[] | undefined;
  /** Sees every byte of the file as it lies on disk, in order (to hash it). */
  readonly onBytes?: ((chunk: Buffer) => void) | undefined;
  /** Told, once the file is read, of what in it could be meant in two ways. */
  readonly onRemark?: ((remark: Told) => void) | undefined;
  /** Ends a read that waits for its file; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** How many bytes are read at a time; tests set it low to cut the file in every possible place. */
  readonly chunkBytes?: number | undefined;
}

/** What a merge sets in a cell or field; null is an empty cell, or JSON null. */
export type AddedValue = string | number | WrittenValue | null;

/** A value as JSON writes it, on one line: its digits stay as they are. */
export interface WrittenValue {
  readonly json: string;
}

/** A value where there is only text: a string as it is, anything else as JSON writes it. */
export function textOf(value: AddedValue | undefined): string | null {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'number' ? String(value) : (value ?? null);
  return value.json.startsWith('"') ? (JSON.parse(value.json) as string) : value.json;
}

/** A value in JSON. */
export function jsonOf(value: AddedValue | undefined): string {
  return typeof value === 'object' && value !== null ? value.json : JSON.stringify(value ?? null);
}

/** A cell or field that a merge sets in each row; its type is for formats that have types. */
export interface AddedColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** What a merge sets in each row. */
export interface AddedFields {
  readonly columns: readonly AddedColumn[];
  /** Called some rows ahead of `valuesFor`, and awaited before that. */
  prepareRows?: ((rows: readonly Row[]) => Promise<void>) | undefined;
  /** In the order of `columns`; undefined leaves the row out of the output. */
  valuesFor(row: Row): readonly AddedValue[] | undefined;
}

/** A row with everything in it, as text. */
export interface TextRecord {
  /** Its columns or fields, in their order. */
  readonly names: readonly string[];
  /** The text of a cell, or a field's value as text; null where there is none, or nothing in it. */
  textOf(name: string): string | null;
}

/** Reads and merges one file type, as streams: memory does not grow with the file. */
export interface Converter {
  /**
   * Every row in order, as many at a time as were read: a step for each costs as much as the reading. Checks the file on
   * the way: throws LoomError `input` at the first thing that is wrong, after the rows ahead of it are out.
   */
  readRows(path: string, gzip: boolean, options: ReadOptions): AsyncIterable<readonly Row[]>;
  /** The columns of a table that can be read as text, or the fields of the first object; none of an empty file. */
  readNames(path: string, gzip: boolean, options?: Pick<ReadOptions, 'layout'>): Promise<readonly string[]>;
  /**
   * Every row with all its columns or fields, as many at a time as were read, checked for its syntax alone. Parquet reads
   * only the columns that are wanted, and leaves out those that can't be read as text.
   */
  readRecords(
    path: string,
    gzip: boolean,
    options?: Pick<ReadOptions, 'signal' | 'layout'> & { isWanted?(name: string): boolean },
  ): AsyncIterable<Iterable<TextRecord>>;
  /** The merged file as chunks of bytes, everything that was in the input byte for byte as the contract has it. */
  mergeRows(path: string, gzip: boolean, options: ReadOptions, fields: AddedFields): AsyncIterable<Buffer>;
}

/** What is known of a file type before a file of it is read. */
interface FileTypeTraits {
  /** What people call it. */
  readonly title: string;
  /** In file names, `.gz` aside; the first is that of outputs. */
  readonly extensions: readonly string[];
  /** Where such a file may be compressed: as a whole, with `.gz` at the end of its name, or only in itself. */
  readonly packing: 'whole' | 'inside';
  /** Rows are records below named columns, one of which holds the prompt; else objects with a field for it. */
  readonly isTable: boolean;
  /** Whether an output may hold some of the rows only. */
  readonly rowsCanBeLeftOut: boolean;
}

const fileTypeTraits: Readonly<Record<FileType, FileTypeTraits>> = {
  json: { title: 'JSON', extensions: ['.json'], packing: 'whole', isTable: false, rowsCanBeLeftOut: true },
  jsonl: {
    title: 'JSONL',
    extensions: ['.jsonl', '.ndjson'],
    packing: 'whole',
    isTable: false,
    rowsCanBeLeftOut: true,
  },
  csv: { title: 'CSV', extensions: ['.csv'], packing: 'whole', isTable: true, rowsCanBeLeftOut: true },
  tsv: { title: 'TSV', extensions: ['.tsv'], packing: 'whole', isTable: true, rowsCanBeLeftOut: true },
  parquet: {
    title: 'Parquet',
    extensions: ['.parquet'],
    packing: 'inside',
    isTable: true,
    rowsCanBeLeftOut: false,
  },
};

export function traitsOf(fileType: FileType): FileTypeTraits {
  return fileTypeTraits[fileType];
}

/** Every extension that a file may have, and what it says. */
const formats = new Map<string, InputFormat>();
for (const fileType of Object.keys(fileTypeTraits) as FileType[]) {
  const { extensions, packing } = fileTypeTraits[fileType];
  for (const extension of extensions) {
    formats.set(extension, { fileType, gzip: false });
    if (packing === 'whole') formats.set(`${extension}.gz`, { fileType, gzip: true });
  }
}

/** Without their dots: `csv`, `csv.gz`. */
export function inputExtensions(): string[] {
  return [...formats.keys()].map((extension) => extension.slice(1));
}

/** The format that a file's name tells, in any letter case; LoomError `input` for any other name. */
export function detectFormat(path: string): InputFormat {
  const format = formats.get(extensionOf(path).toLowerCase());
  if (format) return format;
  const wayOut = waysOut.find(({ names }) => names.test(path))?.say;
  throw new LoomError('input', `unsupported file type: ${basename(path)}.`, {
    hint: wayOut ?? `Use one of: ${[...formats.keys()].join(', ')}.`,
  });
}

/** Whether a file of this name is taken for one of another format; any name that says nothing may be given to it. */
export function namesOtherFormat(path: string, fileType: FileType): boolean {
  const format = formats.get(extensionOf(path).toLowerCase());
  return format ? format.fileType !== fileType : officeNames.test(path);
}

/** Of files that no text can be. */
const officeNames = /\.(xlsx|xlsm|xls|ods|docx?|odt|pdf)$/i;

/** What people have, and how a table comes out of it. */
const waysOut: readonly { readonly names: RegExp; readonly say: string }[] = [
  {
    names: /\.(xlsx|xlsm|xls)$/i,
    say: 'Open it in Excel, choose File > Save As > CSV UTF-8, and run that file.',
  },
  {
    names: /\.ods$/i,
    say: 'Open it in LibreOffice, choose File > Save As > Text CSV with the character set UTF-8, and run that file.',
  },
  {
    names: /\.(docx?|odt|rtf|pdf)$/i,
    say: 'Copy its texts into a table with a row for each, save that as CSV UTF-8, and run that file.',
  },
  {
    names: /\.(txt|md|text|log)$/i,
    say: 'For a prompt on each line, write "prompt" into a first line of its own, name it .tsv, and give prompt as its column.',
  },
];

/** The input's name without its format's extension: `data.CSV.gz` → `data`. */
export function stripExtension(name: string): string {
  return formats.has(extensionOf(name).toLowerCase()) ? name.slice(0, -extensionOf(name).length) : name;
}

/** `.csv`, or `.csv.gz`. */
function extensionOf(path: string): string {
  return /\.[^./\\]*(\.gz)?$/i.exec(basename(path))?.[0] ?? '';
}

/** The column (in tables) or field (in JSON) that holds the prompt, or a template that several are filled into. */
export type PromptSource =
  | {
      readonly column: string;
      /** `messages`: conversations, as JSON lists of messages. Default: texts. */
      readonly holds?: 'messages' | undefined;
    }
  | { readonly template: string };
