/**
 * A file's text as checked UTF-8 bytes: what all parsers read. One in another encoding is decoded as it is read, in every
 * pass anew, and has a byte order mark then, which its output is to have.
 */
import { LoomError } from '../../core/errors.ts';
import type { FileType } from '../../core/models.ts';
import { validLength, wholeCharactersLength } from '../../core/utf8.ts';
import type { InputFormat, ReadOptions } from '../format.ts';
import { Decoding } from './decoding.ts';
import { byteOrderMark, encodingOf, guessWideEncoding } from './encodings.ts';
import { readFileBytes, strangeFileError } from './file-bytes.ts';
import { recognizeBytes, recognizeText, startBytes } from './file-start.ts';

const newline = 0x0a;

export { byteOrderMark };

export class TextSource {
  readonly path: string;
  readonly fileType: FileType;
  /** Known once the first chunk is out. */
  hasByteOrderMark = false;
  /** Known once the last chunk is out. */
  endsWithNewline = false;
  /** The first bytes of the text, known once the first chunk is out. */
  start: Buffer = Buffer.alloc(0);
  /** undefined: UTF-8. Known once the first chunk is out. */
  encoding: string | undefined;
  readonly #gzip: boolean;
  readonly #options: ReadOptions;

  constructor(path: string, { fileType, gzip }: InputFormat, options: ReadOptions) {
    this.path = path;
    this.fileType = fileType;
    this.#gzip = gzip;
    this.#options = options;
  }

  /**
   * The text without its byte order mark, cut between characters. Throws at the first byte that is no text, after
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
    for await (const piece of this.#readText(describePlace)) {
      const bytes = cut.length === 0 ? piece : Buffer.concat([cut, piece]);
      const length = wholeCharactersLength(bytes);
      cut = bytes.subarray(length);
      yield* this.#check(bytes.subarray(0, length), describePlace);
    }
    if (cut.length > 0) throw this.#invalidByteError(cut[0] as number, describePlace());
  }

  /** The file as UTF-8. LoomError `input` where it is of another kind than its name says, ahead of its first byte. */
  async *#readText(describePlace: () => string): AsyncGenerator<Buffer> {
    const raw = readFileBytes(this.path, this.#gzip, this.#options);
    try {
      const ahead = await takeStart(raw);
      const start = Buffer.concat(ahead);
      const strange = recognizeBytes(start);
      if (strange) throw strangeFileError(this.path, strange);
      this.encoding = encodingOf(start, this.#options.layout?.encoding);
      if (this.encoding === undefined) {
        this.#checkStart(start);
        yield* ahead;
        yield* raw;
      } else yield* this.#decode(joinPieces(ahead, raw), this.encoding, describePlace);
    } finally {
      await raw.return(undefined);
    }
  }

  async *#decode(
    raw: AsyncGenerator<Buffer>,
    encoding: string,
    describePlace: () => string,
  ): AsyncGenerator<Buffer> {
    const again = () => readFileBytes(this.path, this.#gzip, { signal: this.#options.signal });
    const decoding = new Decoding(encoding, again);
    const text = decoding.decode(raw);
    try {
      const ahead = await takeStart(text);
      this.#checkStart(Buffer.concat(ahead));
      yield* ahead;
      yield* text;
    } finally {
      await text.return(undefined);
    }
    if (decoding.badByte !== undefined) throw this.#invalidByteError(decoding.badByte, describePlace());
  }

  #checkStart(start: Buffer): void {
    this.start = start;
    const strange = recognizeText(start, this.fileType);
    if (strange) throw strangeFileError(this.path, strange);
    const proposed = this.encoding === undefined ? guessWideEncoding(start) : undefined;
    if (proposed === undefined) return;
    throw new LoomError('input', `${this.path}: this looks like UTF-16 without a byte order mark.`, {
      code: 'text_undecodable',
      facts: { path: this.path, proposed },
      hint: `Save the file as UTF-8, or say its encoding: ${proposed}.`,
    });
  }

  *#check(bytes: Buffer, describePlace: () => string): Generator<Buffer> {
    const length = validLength(bytes);
    if (length > 0) yield bytes.subarray(0, length);
    if (length < bytes.length) throw this.#invalidByteError(bytes[length] as number, describePlace());
  }

  #invalidByteError(byte: number, place: string): LoomError {
    const name = `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    const { path, encoding } = this;
    const proposed = encoding === undefined ? usualEncoding : undefined;
    return new LoomError('input', `${path}: byte ${name} ${place} is not ${encoding ?? 'UTF-8'}.`, {
      code: 'text_undecodable',
      facts: { path, proposed },
      hint:
        proposed === undefined
          ? 'Say another encoding, or save the file as UTF-8.'
          : `Save the file as UTF-8, or say its encoding, such as ${proposed}.`,
    });
  }
}

/** What Excel writes in the West where it does not write UTF-8. */
const usualEncoding = 'windows-1252';

/** The first pieces: so many that what the file is can be told, or all there are. */
async function takeStart(pieces: AsyncGenerator<Buffer>): Promise<Buffer[]> {
  const ahead: Buffer[] = [];
  for (let length = 0; length < startBytes; ) {
    const { value, done } = await pieces.next();
    if (done) return ahead;
    ahead.push(value);
    length += value.length;
  }
  return ahead;
}

async function* joinPieces(first: readonly Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield* first;
  yield* rest;
}

function emptyFileError(path: string): LoomError {
  return new LoomError('input', `${path}: the file is empty.`, { hint: 'Pass a file that holds prompts.' });
}
