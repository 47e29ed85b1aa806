/** Text in other encodings than UTF-8, by the names that the WHATWG gives them. */
import { LoomError } from '../../core/errors.ts';
import { findClosestName, quoteValue } from '../../core/words.ts';

const utf8 = 'utf-8';

/** Those that people have most often, for who proposes them. */
export const commonEncodings = [
  'windows-1252',
  'utf-16le',
  'utf-16be',
  'iso-8859-15',
  'windows-1250',
  'windows-1251',
  'macintosh',
  'shift_jis',
  'gb18030',
  'big5',
  'euc-kr',
];

/** What programs that write files call it. */
const otherNames: Readonly<Record<string, string>> = {
  ...{ ansi: 'windows-1252', western: 'windows-1252', windows: 'windows-1252', excel: 'windows-1252' },
  ...{ utf16: 'utf-16', latin9: 'iso-8859-15', cp932: 'shift_jis' },
};

/** The name of the encoding with this label; undefined for UTF-8. LoomError `usage` for a label that there is not. */
export function readEncoding(label: string): string | undefined {
  let encoding: string;
  try {
    ({ encoding } = new TextDecoder(label));
  } catch {
    const closest =
      otherNames[label.toLowerCase()] ?? findClosestName(label, ['utf-8', 'utf-16', ...commonEncodings]);
    throw new LoomError('usage', `there is no encoding ${quoteValue(label)}.`, {
      code: 'encoding_unknown',
      facts: { label },
      hint:
        closest === undefined
          ? `There are ${commonEncodings.join(', ')}, and all others of encoding.spec.whatwg.org.`
          : `Did you mean ${closest}?`,
    });
  }
  return encoding === utf8 ? undefined : encoding;
}

/** Of UTF-8. */
export const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

const marks: readonly { readonly bytes: Buffer; readonly encoding: string | undefined }[] = [
  { bytes: byteOrderMark, encoding: undefined },
  { bytes: Buffer.from([0xff, 0xfe]), encoding: 'utf-16le' },
  { bytes: Buffer.from([0xfe, 0xff]), encoding: 'utf-16be' },
];

/** The encoding of a text that begins so: that of its byte order mark, else the one that is named. undefined: UTF-8. */
export function encodingOf(start: Buffer, named: string | undefined): string | undefined {
  const mark = marks.find(({ bytes }) => start.subarray(0, bytes.length).equals(bytes));
  return mark ? mark.encoding : named && readEncoding(named);
}

/** Which UTF-16 a text without a byte order mark is in, told by the half of its bytes that is 0. */
export function guessWideEncoding(start: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const head = start.subarray(0, 1024);
  const zeros = [0, 0];
  for (const [place, byte] of head.entries()) if (byte === 0) zeros[place % 2] = (zeros[place % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (odd * 4 > head.length && even * 8 < odd) return 'utf-16le';
  return even * 4 > head.length && odd * 8 < even ? 'utf-16be' : undefined;
}

/** Makes text of bytes that come in pieces. */
export interface PieceDecoder {
  /** Throws where they are no text of the encoding. */
  decode(bytes: Buffer): string;
  /** Throws where the last character is cut off. */
  end(): string;
}

export function createDecoder(encoding: string): PieceDecoder {
  if (encoding === 'windows-1252') return { decode: decodeWestern, end: () => '' };
  const decoder = new TextDecoder(encoding, { fatal: true });
  return { decode: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
}

/** From 0x80 to 0x9f. */
const western = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Every byte is a character; some versions of Node.js take these for those of ISO 8859-1. */
function decodeWestern(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (character) => western.charAt(character.charCodeAt(0) - 0x80));
}
