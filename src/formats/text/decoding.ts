/** The bytes of a file in another encoding, as UTF-8 with a byte order mark. */
import { byteOrderMark, createDecoder, type PieceDecoder } from './encodings.ts';

export class Decoding {
  /** The byte that ended the text, as it is no part of any; known once the last piece is out. */
  badByte: number | undefined;
  readonly #encoding: string;
  readonly #readAgain: () => AsyncIterable<Buffer>;
  #bytesDone = 0;
  #lastByte = 0;

  /** `readAgain` gives the same bytes from their start: what is wrong is looked for byte by byte. */
  constructor(encoding: string, readAgain: () => AsyncIterable<Buffer>) {
    this.#encoding = encoding;
    this.#readAgain = readAgain;
  }

  /** The text, up to the first byte that is no part of one. */
  async *decode(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const decoder = createDecoder(this.#encoding);
    yield byteOrderMark;
    for await (const piece of pieces) {
      const text = decodeOrFail(decoder, piece);
      yield Buffer.from(text ?? (await this.#decodeGoodPart()));
      if (text === undefined) return;
      this.#bytesDone += piece.length;
      this.#lastByte = piece.at(-1) ?? this.#lastByte;
    }
    const rest = decodeOrFail(decoder);
    if (rest === undefined) this.badByte = this.#lastByte;
    else if (rest !== '') yield Buffer.from(rest);
  }

  /** Of the piece that could not be decoded: the text ahead of its bad byte, which is known then. */
  async #decodeGoodPart(): Promise<string> {
    const decoder = createDecoder(this.#encoding);
    let at = 0;
    let text = '';
    for await (const piece of this.#readAgain()) {
      const known = Math.min(piece.length, Math.max(0, this.#bytesDone - at));
      decoder.decode(piece.subarray(0, known));
      at += piece.length;
      for (let place = known; place < piece.length; place += 1) {
        const character = decodeOrFail(decoder, piece.subarray(place, place + 1));
        if (character === undefined) {
          this.badByte = piece[place];
          return text;
        }
        text += character;
      }
    }
    // The file has changed meanwhile, which is found out elsewhere.
    this.badByte = this.#lastByte;
    return text;
  }
}

/** The text, or that of the end; undefined where the bytes are no text. */
function decodeOrFail(decoder: PieceDecoder, bytes?: Buffer): string | undefined {
  try {
    return bytes ? decoder.decode(bytes) : decoder.end();
  } catch {
    return undefined;
  }
}
