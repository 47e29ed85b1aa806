/** A file's text as checked UTF-8 bytes: what both parsers read. */
import { LoomError } from '../../core/errors.ts';
import type { FileType } from '../../core/models.ts';
import { validLength, wholeCharactersLength } from '../../core/utf8.ts';
import type { InputFormat, ReadOptions } from '../format.ts';
import { readFileBytes, strangeFileError } from './file-bytes.ts';
import { recognizeBytes, recognizeText, startBytes } from './file-start.ts';

const newline = 0x0a;

export const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

export class TextSource {
  readonly path: string;
  /** Known once the first chunk is out. */
  hasByteOrderMark = false;
  /** Known once the last chunk is out. */
  endsWithNewline = false;
  /** The first bytes, known once the first chunk is out. */
  start: Buffer = Buffer.alloc(0);
  readonly #fileType: FileType;
  readonly #gzip: boolean;
  readonly #options: ReadOptions;

  constructor(path: string, { fileType, gzip }: InputFormat, options: ReadOptions) {
    this.path = path;
    this.#fileType = fileType;
    this.#gzip = gzip;
    this.#options = options;
  }

  /**
   * The text without its byte order mark, cut between characters. Throws at the first byte that is not UTF-8, after
   * everything before it is out; `describePlace` then says where the reader stands.
   */
  async *readChunks(describePlace: () => string): AsyncGenerator<Buffer> {
    let isFirst = true;
    let isEmpty = true;
    for await (const chunk of this.#readWholeCharacters(describePlace)) {
      if (isFirst) this.hasByteOrderMark = chunk.indexOf(byteOrderMark) === 0;
      const text = isFirst && this.hasByteOrderMark ? chunk.subarray(byteOrderMark.length) : chunk;
      isFirst = false;
      if (text.length === 0) continue;
      isEmpty = false;
      this.endsWithNewline = text[text.length - 1] === newline;
      yield text;
    }
    if (isEmpty) throw emptyFileError(this.path);
  }

  async *#readWholeCharacters(describePlace: () => string): AsyncGenerator<Buffer> {
    let cut: Buffer = Buffer.alloc(0);
    for await (const piece of this.#readChecked()) {
      const bytes = cut.length === 0 ? piece : Buffer.concat([cut, piece]);
      const length = wholeCharactersLength(bytes);
      cut = bytes.subarray(length);
      yield* this.#check(bytes.subarray(0, length), describePlace);
    }
    if (cut.length > 0) throw this.#invalidByteError(cut[0] as number, describePlace());
  }

  /** LoomError `input` where the file is of another kind than its name says, ahead of its first byte. */
  async *#readChecked(): AsyncGenerator<Buffer> {
    let ahead: Buffer[] | undefined = [];
    let length = 0;
    for await (const piece of readFileBytes(this.path, this.#gzip, this.#options)) {
      if (!ahead) {
        yield piece;
        continue;
      }
      ahead.push(piece);
      length += piece.length;
      if (length < startBytes) continue;
      this.#checkStart(ahead);
      yield* ahead;
      ahead = undefined;
    }
    if (!ahead) return;
    this.#checkStart(ahead);
    yield* ahead;
  }

  #checkStart(pieces: readonly Buffer[]): void {
    this.start = Buffer.concat(pieces);
    const found = recognizeBytes(this.start) ?? recognizeText(this.start, this.#fileType);
    if (found) throw strangeFileError(this.path, found);
  }

  *#check(bytes: Buffer, describePlace: () => string): Generator<Buffer> {
    const length = validLength(bytes);
    if (length > 0) yield bytes.subarray(0, length);
    if (length < bytes.length) throw this.#invalidByteError(bytes[length] as number, describePlace());
  }

  #invalidByteError(byte: number, place: string): LoomError {
    const name = `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    return new LoomError('input', `${this.path}: byte ${name} ${place} is not UTF-8.`, {
      hint: 'Save the file as UTF-8 and run again.',
    });
  }
}

function emptyFileError(path: string): LoomError {
  return new LoomError('input', `${path}: the file is empty.`, { hint: 'Pass a file that holds prompts.' });
}
